"""What the parser said, as JSON: an answer for a text that did not change need not be asked for again."""

from dataclasses import fields
from typing import Any

from entra_deployer.core.json import Untyped as Json
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.parse import Parsed, Problem

_KIND = "_"


def parsed_to_json(parsed: Parsed) -> Json:
    """A JSON value that `parsed_from_json` reads back as an equal `Parsed`."""
    return {"tree": _encode(parsed.tree), "problems": problems_to_json(parsed.problems)}


def parsed_from_json(value: Json) -> Parsed:
    """The inverse. KeyError, TypeError or AttributeError for what `parsed_to_json` never wrote."""
    return Parsed(_decode(value["tree"]), problems_from_json(value["problems"]))


def problems_to_json(problems: tuple[Problem, ...]) -> Json:
    """Problems as lists."""
    return [[one.kind, one.message, one.line, one.column] for one in problems]


def problems_from_json(value: Json) -> tuple[Problem, ...]:
    """The inverse."""
    return tuple(Problem(*one) for one in value)


def _encode(value: Any) -> Json:  # noqa: ANN401 - any field of any node
    if isinstance(value, nodes.Span):
        return {_KIND: "Span", "at": [value.start, value.end]}
    if isinstance(value, nodes.Node | nodes.Tree):
        kept = {item.name: _encode(getattr(value, item.name)) for item in fields(value)}
        return {_KIND: type(value).__name__, **kept}
    return [_encode(one) for one in value] if isinstance(value, tuple) else value


def _decode(value: Json) -> Any:  # noqa: ANN401 - any field of any node
    if isinstance(value, list):
        return tuple(_decode(one) for one in value)
    if not isinstance(value, dict):
        return value
    if value[_KIND] == "Span":
        return nodes.Span(*value["at"])
    kind = getattr(nodes, value[_KIND])
    return kind(**{name: _decode(one) for name, one in value.items() if name != _KIND})
