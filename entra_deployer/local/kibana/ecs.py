"""The fields of the Elastic Common Schema, as alerts and rules ask for them."""

from functools import cache

from entra_deployer.data import load_ecs


@cache
def types() -> dict[str, str]:
    """The type of every field of the schema."""
    return {name: field.type for name, field in load_ecs().items()}


@cache
def objects() -> frozenset[str]:
    """The names of the objects that hold the fields."""
    parts = [name.split(".") for name in types()]
    return frozenset(".".join(names[:end]) for names in parts for end in range(1, len(names))) - types().keys()
