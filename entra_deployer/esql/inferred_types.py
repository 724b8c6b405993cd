"""The types that a query itself demands of the fields that it reads: what it compares them with tells."""

from collections.abc import Iterator

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expressions import bare

_LITERALS = {"integer": "long", "decimal": "double", "boolean": "boolean", "string": "keyword"}
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">=", "=~"}
_ARITHMETIC = {"+", "-", "*", "/", "%"}
_NUMERIC = {"sum", "avg", "median", "percentile", "round", "abs", "std_dev"}
_DATES = {"date_trunc": 1, "date_format": 1, "date_extract": 1, "bucket": 0}
_TEXTS = {"to_lower", "to_upper", "starts_with", "ends_with", "substring", "length", "split", "replace", "trim"}


def demanded_types(tree: nodes.Tree) -> dict[str, str]:
    """By column, the Elasticsearch type that the query's first telling use of it demands."""
    found: dict[str, str] = {}
    for node in tree.walk():
        for name, kind in _demands(node):
            found.setdefault(name, kind)
    return found


def _demands(node: nodes.Node) -> Iterator[tuple[str, str]]:
    match node:
        case nodes.Binary(operator=operator, left=left, right=right) if operator in _COMPARISONS:
            yield from _compared(left, right)
            yield from _compared(right, left)
        case nodes.Binary(operator=operator, left=left, right=right) if operator in _ARITHMETIC:
            yield from ((name, "long") for side in (left, right) if _is_plain(right) for name in _column(side))
        case nodes.In(value=value, items=items):
            yield from _compared(value, items[0])
        case nodes.Like(value=value):
            yield from ((name, "keyword") for name in _column(value))
        case nodes.Call(name=name, arguments=arguments) if arguments:
            yield from _argument(name, arguments)


def _compared(side: nodes.Expression, other: nodes.Expression) -> Iterator[tuple[str, str]]:
    other = bare(other)
    if isinstance(other, nodes.Literal) and other.kind in _LITERALS:
        yield from ((name, _LITERALS[other.kind]) for name in _column(side))
    elif any(isinstance(part, nodes.Call) and part.name == "now" for part in other.walk()):
        yield from ((name, "date") for name in _column(side))


def _argument(name: str, arguments: tuple[nodes.Expression, ...]) -> Iterator[tuple[str, str]]:
    kind, position = "", 0
    if name == "cidr_match":
        kind = "ip"
    elif name in _NUMERIC:
        kind = "long"
    elif name in _TEXTS:
        kind = "keyword"
    elif name in _DATES and len(arguments) > _DATES[name]:
        kind, position = "date", _DATES[name]
    elif name == "coalesce" and isinstance(last := bare(arguments[-1]), nodes.Literal):
        kind = _LITERALS.get(last.kind, "")
    if kind:
        yield from ((column, kind) for column in _column(arguments[position]))


def _is_plain(node: nodes.Expression) -> bool:
    """Not a time span, with which moments are moved."""
    return not isinstance(bare(node), nodes.Duration)


def _column(node: nodes.Expression) -> Iterator[str]:
    node = bare(node)
    if isinstance(node, nodes.Column):
        yield node.name
