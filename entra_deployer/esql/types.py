"""Types: the families that ES|QL treats alike, and what a query itself demands of the fields that it reads."""

from collections.abc import Iterator, Mapping

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import ARITHMETIC, COMPARISONS, strip_parentheses
from entra_deployer.esql.functions import FUNCTIONS, SAME

FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("keyword", "text", "constant_keyword", "wildcard", "match_only_text", "semantic_text"), "string"),
    **dict.fromkeys(("long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float"), "number"),
    **dict.fromkeys(("scaled_float", "number", "int", "counter_long", "counter_double", "counter_integer"), "number"),
    **dict.fromkeys(("date", "date_nanos", "datetime"), "date"),
    **dict.fromkeys(("ip", "version", "boolean", "null"), ""),
    **dict.fromkeys(("date_period", "time_duration"), "span"),
    **dict.fromkeys(("geo_point", "geo_shape", "cartesian_point", "cartesian_shape", "point", "shape"), "other"),
    "string": "string",
    "bool": "boolean",
}


"""The family of each type that ES|QL reads, by its names; "" for a type that is one of its own."""


def family(type_name: str) -> str | None:
    """The family of an Elasticsearch type; None for one that ES|QL does not read, or that is not known."""
    found = FAMILIES.get(type_name)
    return type_name if found == "" else found


_LITERALS = {"integer": "long", "decimal": "double", "boolean": "boolean", "string": "keyword"}
"""The type of a field that is compared with a literal of this kind."""


def is_number(kind: str) -> bool:
    """Is it a type of numbers."""
    return family(kind) == "number"


def literal_family(kind: str) -> str | None:
    """The family of a literal of this kind; None for null, lists and parameters."""
    return family(_LITERALS.get(kind, ""))


def inferred_types(tree: nodes.Tree) -> dict[str, str]:
    """By column, the Elasticsearch type that the query's first telling use of it demands."""
    found: dict[str, str] = {}
    for node in tree.walk():
        for name, kind in _demands(node):
            found.setdefault(name, kind)
        for condition in _conditions(node):
            found |= {name: "boolean" for name in _column(condition) if name not in found}
    for command in reversed(tree.commands):
        for made in command.children():
            if isinstance(made, nodes.Assignment) and made.name in found:
                for name in _column(_handed_on(made.value)):
                    found.setdefault(name, found[made.name])
    return found


_ALIKE = frozenset({"coalesce", "greatest", "least"})
"""Functions whose arguments are all of one type."""


def types_alike(tree: nodes.Tree, known: Mapping[str, str]) -> dict[str, str]:
    """The types of columns that the query compares or mixes with others whose types are `known`."""
    found: dict[str, str] = {}
    for node in tree.walk():
        names = [name for part in _mixed(node) for name in _column(part)]
        kind = next((known[name] for name in names if name in known), None)
        found |= {name: kind for name in names if kind and name not in known}
    return found


def _mixed(node: nodes.Node) -> tuple[nodes.Expression, ...]:
    match node:
        case nodes.Call(name=name, arguments=arguments) if name in _ALIKE:
            return arguments
        case nodes.Binary(operator=operator, left=left, right=right) if operator in COMPARISONS:
            return left, right
        case nodes.In(value=value, items=items):
            return value, *items
    return ()


def _handed_on(node: nodes.Expression) -> nodes.Expression:
    """What has the type of an expression: the argument of MAX and its like, else the expression itself."""
    node = strip_parentheses(node)
    if (
        isinstance(node, nodes.Call)
        and node.arguments
        and node.name in FUNCTIONS
        and FUNCTIONS[node.name].gives == SAME
    ):
        return node.arguments[0]
    return node


def _demands(node: nodes.Node) -> Iterator[tuple[str, str]]:
    match node:
        case nodes.Binary(operator=operator, left=left, right=right) if operator in COMPARISONS:
            yield from _compared(left, right)
            yield from _compared(right, left)
        case nodes.Binary(operator=operator, left=left, right=right) if operator in ARITHMETIC:
            yield from ((name, "long") for side in (left, right) if _is_plain(right) for name in _column(side))
        case nodes.In(value=value, items=items):
            yield from _compared(value, items[0])
        case nodes.Like(value=value):
            yield from ((name, "keyword") for name in _column(value))
        case nodes.Call(name=name, arguments=arguments) if arguments:
            yield from _arguments(name, arguments)


def _conditions(node: nodes.Node) -> tuple[nodes.Expression, ...]:
    """What stands where a node takes true or false."""
    match node:
        case nodes.Where(predicate=predicate):
            return (predicate,)
        case nodes.Unary(operator="not", operand=operand):
            return (operand,)
        case nodes.Binary(operator="and" | "or", left=left, right=right):
            return left, right
        case nodes.Assignment(where=where) if where:
            return (where,)
        case nodes.Call(name="case", arguments=arguments):
            return arguments[: len(arguments) // 2 * 2 : 2]
    return ()


def _compared(side: nodes.Expression, other: nodes.Expression) -> Iterator[tuple[str, str]]:
    other = strip_parentheses(other)
    if isinstance(other, nodes.Literal) and other.kind in _LITERALS:
        yield from ((name, _LITERALS[other.kind]) for name in _column(side))
    elif any(isinstance(part, nodes.Call) and part.name == "now" for part in other.walk()):
        yield from ((name, "date") for name in _column(side))


def _arguments(name: str, arguments: tuple[nodes.Expression, ...]) -> Iterator[tuple[str, str]]:
    if name == "coalesce" and isinstance(last := strip_parentheses(arguments[-1]), nodes.Literal):
        yield from ((column, _LITERALS[last.kind]) for column in _column(arguments[0]) if last.kind in _LITERALS)
    for position, argument in enumerate(arguments if name in FUNCTIONS else ()):
        if kind := FUNCTIONS[name].demands(position):
            yield from ((column, kind) for column in _column(argument))


def _is_plain(node: nodes.Expression) -> bool:
    """Not a time span, with which moments are moved."""
    return not isinstance(strip_parentheses(node), nodes.Duration)


def _column(node: nodes.Expression) -> Iterator[str]:
    node = strip_parentheses(node)
    if isinstance(node, nodes.Column):
        yield node.name
