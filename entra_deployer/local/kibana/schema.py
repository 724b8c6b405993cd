"""What a JSON body must look like, and the words in which Kibana's detection engine says what is wrong with it.

A kind of value is a function that takes a value and its path, notes what is wrong with it, and returns it without what
it does not know: unknown keys are dropped without a word, also nested ones, as the real one does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, override

from entra_deployer.core.json import Json

MISSING: Final = object()
SHOWN: Final = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `fatal`: the type is wrong, and a union's other members were tried as well."""

    path: str
    message: str
    fatal: bool = True

    @override
    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


type Kind = Callable[[object, str, list[Problem]], Json]


def checked(kind: Kind, value: object) -> tuple[Json, list[Problem]]:
    """The value as the kind knows it, and what is wrong with it."""
    problems: list[Problem] = []
    return kind(value, "", problems), problems


def told(problems: list[Problem]) -> str:
    """The problems in one line; the sixth and later ones are only counted."""
    more = f", and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return ", ".join(map(str, problems[:SHOWN])) + more


def text(least: int = 0, test: Callable[[str], object] | None = None, complaint: str = "Invalid") -> Kind:
    """A string of at least `least` characters, which `test` accepts, or else `complaint`."""

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if not isinstance(value, str):
            return _wrong_type("string", value, path, problems)
        if len(value) < least:
            problems.append(Problem(path, f"String must contain at least {least} character(s)", fatal=False))
        if test and not test(value):
            problems.append(Problem(path, complaint, fatal=False))
        return value

    return check


def number(*, integer: bool = True, least: int | None = None, most: int | None = None, coerce: bool = False) -> Kind:
    """A number, or an integer, within bounds; `coerce` takes the text of a query string."""

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if coerce and isinstance(value, str):
            if not re.fullmatch(r"\s*-?\d+\s*", value):
                problems.append(Problem(path, "Expected number, received nan"))
                return None
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong_type("number", value, path, problems)
        if integer and value != int(value):
            problems.append(Problem(path, "Expected integer, received float"))
        if least is not None and value < least:
            problems.append(Problem(path, f"Number must be greater than or equal to {least}", fatal=False))
        if most is not None and value > most:
            problems.append(Problem(path, f"Number must be less than or equal to {most}", fatal=False))
        return int(value) if value == int(value) else value

    return check


def a(name: str) -> Kind:
    """A boolean, or an object of any content."""
    wanted = bool if name == "boolean" else dict
    return lambda value, path, problems: (
        value if isinstance(value, wanted) else _wrong_type(name, value, path, problems)
    )


def one_of(*values: str) -> Kind:
    """One of some strings."""
    expected = " | ".join(f"'{one}'" for one in values)

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if not isinstance(value, str):
            return _wrong_type(expected, value, path, problems)
        if value not in values:
            problems.append(Problem(path, f"Invalid enum value. Expected {expected}, received '{value}'"))
        return value

    return check


def exactly(only: str | bool) -> Kind:  # noqa: FBT001 -- the value itself
    """One value and no other."""
    expected = f'"{only}"' if isinstance(only, str) else str(only).lower()

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if value != only or type(value) is not type(only):
            problems.append(Problem(path, f"Invalid literal value, expected {expected}"))
        return only

    return check


def many(of: Kind, least: int = 0, most: int | None = None) -> Kind:
    """An array of at least `least` and at most `most` items of one kind."""

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if not isinstance(value, list):
            return _wrong_type("array", value, path, problems)
        if len(value) < least:
            problems.append(Problem(path, f"Array must contain at least {least} element(s)", fatal=False))
        if most is not None and len(value) > most:
            problems.append(Problem(path, f"Array must contain at most {most} element(s)", fatal=False))
        return [of(item, _joined(path, str(place)), problems) for place, item in enumerate(value)]

    return check


def fields(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """An object: what it must have, what it may have; everything else is dropped."""

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if not isinstance(value, dict):
            return _wrong_type("object", value, path, problems)
        there = {name: kind for name, kind in (optional or {}).items() if name in value}
        return {
            name: kind(value.get(name, MISSING), _joined(path, name), problems)
            for name, kind in {**required, **there}.items()
        }

    return check


def nullable(of: Kind) -> Kind:
    """A value of a kind, or null."""
    return lambda value, path, problems: None if value is None else of(value, path, problems)


def type_name(value: object) -> str:
    """The name that the complaints give to a value's type."""
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _wrong_type(expected: str, value: object, path: str, problems: list[Problem]) -> Json:
    message = "Required" if value is MISSING else f"Expected {expected}, received {type_name(value)}"
    problems.append(Problem(path, message))
    return None


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
