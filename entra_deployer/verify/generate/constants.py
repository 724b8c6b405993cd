"""Constants in a query: values, and moments as ages."""

from entra_deployer.core.json import Untyped as Json
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expressions import bare
from entra_deployer.verify.generate.constraints import Kind, Want

TIMESTAMP = "@timestamp"
CASELESS = ".caseless"
"""The last part of a field that holds another one in lower case, as Elastic's own endpoint maps it."""

_SHORT = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}


class Unsolved(Exception):
    """A part of a query that is not known how to satisfy; its text says which."""


class TooMany(Unsolved):
    """There are too many combinations to look at all of them."""


def is_constant(node: nodes.Expression) -> bool:
    """Is it a literal, or the negative of one."""
    node = bare(node)
    return isinstance(node, nodes.Literal) or (isinstance(node, nodes.Unary) and is_constant(node.operand))


def literal(node: nodes.Expression) -> Json:
    """The value of a constant. Raises Unsolved for anything else."""
    node = bare(node)
    match node:
        case nodes.Literal(value=value):
            return value
        case nodes.Unary(operator="-", operand=nodes.Literal(value=int() | float() as value)):
            return -value
        case _:
            raise Unsolved("a comparison with something that is no constant")


def literal_or_none(node: nodes.Expression) -> Json:
    """The value of a constant; None for null and for anything else."""
    return literal(node) if is_constant(node) else None


def age(node: nodes.Expression) -> float | None:
    """The seconds before now of `NOW() - 7 days`; None for anything else."""
    match bare(node):
        case nodes.Call(name="now"):
            return 0.0
        case nodes.Binary(operator="-", left=nodes.Call(name="now"), right=nodes.Duration() as duration):
            return float(seconds(duration))
        case _:
            return None


def seconds(duration: nodes.Duration) -> int:
    """The seconds of a time span. Raises Unsolved for a unit that is not known."""
    return duration.amount * unit_seconds(duration.unit)


def unit_seconds(unit: str) -> int:
    """The seconds of `minutes` or `m`. Raises Unsolved for a unit that is not known."""
    name = _SHORT.get(unit, unit.removesuffix("s"))
    if name not in _SECONDS:
        raise Unsolved(f"the time unit {unit}")
    return _SECONDS[name]


def moment(kind: Kind, seconds_ago: float) -> Want:
    """A comparison with a moment as one of ages: later is younger."""
    return Want(Kind.YOUNGER if kind in (Kind.MORE, Kind.AT_LEAST) else Kind.OLDER, seconds_ago)
