"""Detections as code on Elastic: hunts become proven Kibana detection rules."""


def __getattr__(name: str) -> str:
    """`__version__`, read when it is asked for: looking it up costs a third of what `--help` takes."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version("entra-deployer")
