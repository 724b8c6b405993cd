"""Reading what a test looks at: where it is not there the test fails."""

from typing import Any

from entra_deployer.core.json import Json


def there[T](value: T | None) -> T:
    """A value that has to be there."""
    assert value is not None
    return value


def part(value: Json, *path: str | int) -> Any:
    """What stands at a path of a JSON value."""
    found: Any = value
    for key in path:
        found = found[key]
    return found
