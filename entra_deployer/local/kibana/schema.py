"""What a JSON body must look like, and the words in which Kibana's detection engine says what is wrong with it.

Unknown keys are dropped without a word, also nested ones: that is what the real one does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, override

from entra_deployer.model.values import Json

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


class Kind(Protocol):
    """A kind of value: checks one and returns it without what it does not know."""

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """Append to `problems` what is wrong with the value at `path`."""
        ...


def checked(kind: Kind, value: Json) -> tuple[Json, list[Problem]]:
    """The value as the kind knows it, and what is wrong with it."""
    problems: list[Problem] = []
    return kind.check(value, "", problems), problems


def told(problems: list[Problem]) -> str:
    """The problems in one line; the sixth and later ones are only counted."""
    more = f", and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return ", ".join(map(str, problems[:SHOWN])) + more


@dataclass(frozen=True)
class Text:
    """A string of at least `least` characters, which `test` accepts, or else `complaint`."""

    least: int = 0
    test: Callable[[str], object] | None = None
    complaint: str = "Invalid"

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        if not isinstance(value, str):
            return _wrong_type("string", value, path, problems)
        if len(value) < self.least:
            problems.append(Problem(path, f"String must contain at least {self.least} character(s)", fatal=False))
        if self.test and not self.test(value):
            problems.append(Problem(path, self.complaint, fatal=False))
        return value


@dataclass(frozen=True)
class Number:
    """A number, or an integer, within bounds; `coerce` takes the text of a query string."""

    integer: bool = True
    least: int | None = None
    most: int | None = None
    coerce: bool = False

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        if self.coerce and isinstance(value, str):
            if not re.fullmatch(r"\s*-?\d+\s*", value):
                problems.append(Problem(path, "Expected number, received nan"))
                return value
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong_type("number", value, path, problems)
        if self.integer and value != int(value):
            problems.append(Problem(path, "Expected integer, received float"))
        if self.least is not None and value < self.least:
            problems.append(Problem(path, f"Number must be greater than or equal to {self.least}", fatal=False))
        if self.most is not None and value > self.most:
            problems.append(Problem(path, f"Number must be less than or equal to {self.most}", fatal=False))
        return int(value) if value == int(value) else value


@dataclass(frozen=True)
class Flag:
    """A boolean."""

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        return value if isinstance(value, bool) else _wrong_type("boolean", value, path, problems)


@dataclass(frozen=True)
class OneOf:
    """One of some strings."""

    values: tuple[str, ...]

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        expected = " | ".join(f"'{one}'" for one in self.values)
        if not isinstance(value, str):
            return _wrong_type(expected, value, path, problems)
        if value not in self.values:
            problems.append(Problem(path, f"Invalid enum value. Expected {expected}, received '{value}'"))
        return value


@dataclass(frozen=True)
class Exactly:
    """One value and no other."""

    value: Json

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        if value != self.value or isinstance(value, bool) != isinstance(self.value, bool):
            expected = {True: "true", False: "false"}.get(self.value) or f'"{self.value}"'
            problems.append(Problem(path, f"Invalid literal value, expected {expected}"))
        return value


@dataclass(frozen=True)
class Many:
    """An array of at least `least` and at most `most` items of one kind."""

    of: Kind
    least: int = 0
    most: int | None = None

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        if not isinstance(value, list):
            return _wrong_type("array", value, path, problems)
        if len(value) < self.least:
            problems.append(Problem(path, f"Array must contain at least {self.least} element(s)", fatal=False))
        if self.most is not None and len(value) > self.most:
            problems.append(Problem(path, f"Array must contain at most {self.most} element(s)", fatal=False))
        return [self.of.check(item, _joined(path, str(number)), problems) for number, item in enumerate(value)]


@dataclass(frozen=True)
class Fields:
    """An object: what it must have, what it may have; everything else is dropped."""

    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        if not isinstance(value, dict):
            return _wrong_type("object", value, path, problems)
        known = {
            name: kind.check(value.get(name, MISSING), _joined(path, name), problems)
            for name, kind in self.required.items()
        }
        more = {
            name: kind.check(value[name], _joined(path, name), problems)
            for name, kind in self.optional.items()
            if name in value
        }
        return known | more


@dataclass(frozen=True)
class AnyObject:
    """An object of any content."""

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        return value if isinstance(value, dict) else _wrong_type("object", value, path, problems)


@dataclass(frozen=True)
class Nullable:
    """A value of a kind, or null."""

    of: Kind

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        return None if value is None else self.of.check(value, path, problems)


def type_name(value: Json) -> str:
    """The name that the complaints give to a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _wrong_type(expected: str, value: Json, path: str, problems: list[Problem]) -> Json:
    message = "Required" if value is MISSING else f"Expected {expected}, received {type_name(value)}"
    problems.append(Problem(path, message))
    return value


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
