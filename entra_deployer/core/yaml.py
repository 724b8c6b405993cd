"""YAML files of the user's, held against their JSON Schema, with every complaint at its line and column.

The schemas in `data/schemas/` are the one place where the keys of a file are written down: editors read them too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

type Path = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """The value of a YAML file and where each part of it stands; `value` is None where there are issues."""

    source: str
    value: Json
    marks: Mapping[Path, Location]
    issues: tuple[Issue, ...] = ()

    def at(self, *path: str | int) -> Location:
        """Where the part at `path` stands, or the nearest part around it."""
        for length in range(len(path), -1, -1):
            if found := self.marks.get(path[:length]):
                return found
        return Location(self.source, 1, 1)


def read_yaml(text: str, *, source: str, schema: str, subject: str = "") -> YamlFile:
    """Read `text` and check it against `data/schemas/<schema>.schema.json`.

    `source` is the file as the user would type it. Nothing is raised for bad content: it is in `issues`, all of it.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return YamlFile(source, None, {}, (_syntax_issue(error, source, subject),))
    marks: dict[Path, Location] = {}
    issues = list(_walk(node, (), marks, source, subject)) if node else []
    document = YamlFile(source, value if value is not None else {}, marks)
    for misfit in _schema_errors(document.value, schema):
        issues += _schema_issues(misfit, document, subject)
    return YamlFile(
        source, None if issues else document.value, marks, tuple(sorted(issues, key=lambda issue: issue.order))
    )


def _syntax_issue(error: yaml.YAMLError, source: str, subject: str) -> Issue:
    mark = getattr(error, "problem_mark", None)
    place = Location(source, mark.line + 1, mark.column + 1) if mark else Location(source, 1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return Issue(
        "DEP001", Level.ERROR, f"not valid YAML: {problem}", subject, place, "check indentation and quotes here"
    )


def _walk(node: yaml.Node, path: Path, marks: dict[Path, Location], source: str, subject: str) -> Iterable[Issue]:
    """Note where each value stands (for a mapping's entry: its key), and find keys that stand twice."""
    marks.setdefault(path, _location(node, source))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                message = f"the key {key.value!r} stands here twice"
                yield Issue("DEP001", Level.ERROR, message, subject, _location(key, source), "remove one of the two")
            seen.add(key.value)
            marks[*path, key.value] = _location(key, source)
            yield from _walk(value, (*path, key.value), marks, source, subject)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), marks, source, subject)


def _location(node: yaml.Node, source: str) -> Location:
    return Location(source, node.start_mark.line + 1, node.start_mark.column + 1)


def _schema_errors(value: Json, schema: str) -> "Iterable[ValidationError]":
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and `--help` needs none of it

    rules = json.loads(files("entra_deployer").joinpath(f"data/schemas/{schema}.schema.json").read_text("utf-8"))
    for error in Draft202012Validator(rules).iter_errors(value):
        yield from _leaves(error)


def _leaves(error: "ValidationError") -> "Iterable[ValidationError]":
    """An anyOf/oneOf complaint is only as helpful as the branch that came closest."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - see above

    if error.validator in ("anyOf", "oneOf") and error.context:
        closest = best_match([error])
        yield closest if closest is not None else error
    else:
        yield error


def _schema_issues(error: "ValidationError", document: YamlFile, subject: str) -> list[Issue]:
    path = tuple(error.absolute_path)
    rule: Json = error.schema
    if error.validator == "additionalProperties" and rule["additionalProperties"] is False:
        instance: Json = error.instance
        known = list(rule.get("properties", {}))
        return [_unknown_key(key, known, document.at(*path, key), subject) for key in instance if key not in known]
    dotted = ".".join(str(part) for part in path) or "the file"
    hint = rule.get("description") if isinstance(rule, Mapping) else None
    return [Issue("DEP002", Level.ERROR, f"{dotted}: {_say(error)}", subject, document.at(*path), hint)]


def _unknown_key(key: Json, known: list[str], place: Location, subject: str) -> Issue:
    close = get_close_matches(str(key), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
    return Issue("DEP002", Level.ERROR, f"unknown key {str(key)!r}", subject, place, hint)


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def _say(error: "ValidationError") -> str:
    """The complaint in words for people, by the keyword that failed; the validator's own text for rare ones.

    A value that the schema calls writeOnly may be a secret in the wrong place: it is not shown.
    """
    wanted: Json = error.validator_value
    instance: Json = error.instance
    secret = isinstance(error.schema, Mapping) and error.schema.get("writeOnly")
    match error.validator:
        case "type":
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            kinds = " or ".join(_TYPES.get(name, name) for name in names)
            return f"must be {kinds}" if secret else f"must be {kinds}, not {_short(instance)}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted))}, not {_short(instance)}"
        case "required":
            missing = [key for key in wanted if key not in instance]
            return f"lacks {', '.join(repr(key) for key in missing)}"
        case "pattern":
            return "not of the expected form" if secret else f"{_short(instance)} is not of the expected form"
        case _:
            return error.message.splitlines()[0][:200]


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
