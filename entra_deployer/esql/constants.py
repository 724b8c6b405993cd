"""Constants in a query: values, and moments as ages."""

from entra_deployer.core.time import esql_seconds
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.functions import Unknown, Value

TIMESTAMP = "@timestamp"
CASELESS = ".caseless"
"""The last part of a field that holds another one in lower case, as Elastic's own endpoint maps it."""


def is_constant(node: nodes.Expression) -> bool:
    """Is it a literal, or the negative of one."""
    node = strip_parentheses(node)
    match node:
        case nodes.Unary(operator="-", operand=operand):
            return is_constant(operand)
        case nodes.Cast(value=value):
            return is_constant(value)
    return isinstance(node, nodes.Literal)


def literal(node: nodes.Expression) -> Value:
    """The value of a constant. Raises Unknown for anything else."""
    node = strip_parentheses(node)
    match node:
        case nodes.Literal(value=value):
            return value
        case nodes.Cast(value=value) if is_constant(value):
            return literal(value)
        case nodes.Unary(operator="-", operand=operand) if isinstance(value := literal(operand), int | float):
            return -value
        case _:
            raise Unknown("a comparison with something that is no constant")


def literal_or_none(node: nodes.Expression) -> Value:
    """The value of a constant; None for null and for anything else."""
    return literal(node) if is_constant(node) else None


def seconds(duration: nodes.Duration) -> float:
    """The seconds of a time span, of a calendar unit the most. Raises Unknown for a unit that is not known."""
    return unit_seconds(duration.unit) * duration.amount


def unit_seconds(unit: str) -> float:
    """The seconds of `minutes` or `m`. Raises Unknown for a unit that is not known."""
    found = esql_seconds(1, unit)
    if found is None:
        raise Unknown(f"the time unit {unit}")
    return found


def age(node: nodes.Expression) -> float | None:
    """The seconds before now of `NOW() - 7 days + 1 hour`; None for what is not about now."""
    node = strip_parentheses(node)
    match node:
        case nodes.Call(name="now"):
            return 0.0
        case nodes.Binary(operator="-" | "+" as operator, left=left, right=right):
            base, span = age(left), strip_parentheses(right)
            if base is None or not isinstance(span, nodes.Duration):
                return None
            return base + seconds(span) * (1 if operator == "-" else -1)
    return None
