"""From the expressions of a parse tree to our own, and the small questions that both builders ask of it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.tree import Span

type Context = Any
"""A node of ANTLR's parse tree."""


def kind_of(context: Context) -> str:
    """The rule's name without `Context`; "" for a token."""
    name = type(context).__name__
    return name.removesuffix("Context") if name.endswith("Context") else ""


def children(context: Context) -> list[Context]:
    """The nodes and tokens directly below; [] for a token."""
    return list(context.getChildren()) if hasattr(context, "getChildren") else []


def named(context: Context, *kinds: str) -> list[Context]:
    """The children that are of these rules."""
    return [child for child in children(context) if kind_of(child) in kinds]


def span_of(context: Context) -> Span:
    """Where a node or a token stands."""
    if not kind_of(context):
        return Span(context.symbol.start, context.symbol.stop + 1)
    return Span(context.start.start, context.stop.stop + 1)


def source_text(context: Context) -> str:
    """The text as written: the engine names an unnamed column by it."""
    stream = context.start.getInputStream()
    return str(stream.getText(context.start.start, context.stop.stop))


def has_token(context: Context, *words: str) -> bool:
    """Whether one of the words stands directly below, as a token."""
    return any(not kind_of(child) and child.getText().lower() in words for child in children(context))


def unquote(text: str) -> str:
    """A name without its backquotes."""
    return re.sub(r"`((?:[^`]|``)*)`", lambda found: found[1].replace("``", "`"), text)


_TRANSPARENT = {
    "BooleanDefault",
    "ValueExpressionDefault",
    "OperatorExpressionDefault",
    "MatchExpression",
    "RegexExpression",
    "ConstantDefault",
    "Dereference",
    "Function",
    "StringOrParameter",
    "FunctionExpression",
}


def outermost(context: Context) -> Iterator[Context]:
    """The outermost expressions inside a command that is not told apart."""
    for child in children(context):
        if kind_of(child) in _EXPRESSIONS or kind_of(child) in _TRANSPARENT:
            yield child
        elif kind_of(child):
            yield from outermost(child)


def build_expression(context: Context) -> nodes.Expression:
    """The expression of a node; an `Opaque` where its rule is not known here."""
    kind = kind_of(context)
    inner = [child for child in children(context) if kind_of(child)]
    if kind == "FunctionExpression":
        return _call(context)
    if kind in _TRANSPARENT and len(inner) == 1:
        return build_expression(inner[0])
    build = _EXPRESSIONS.get(kind)
    if build is None:
        return nodes.Opaque(span_of(context), tuple(build_expression(child) for child in outermost(context)))
    return build(context)


def _operands(context: Context) -> list[nodes.Expression]:
    return [build_expression(child) for child in children(context) if kind_of(child)]


def _call(context: Context) -> nodes.Call:
    name, *arguments = [child for child in children(context) if kind_of(child)]
    return nodes.Call(span_of(context), name.getText().lower(), tuple(build_expression(item) for item in arguments))


def _binary(context: Context) -> nodes.Binary:
    left, operator, right = children(context)
    return nodes.Binary(span_of(context), operator.getText().lower(), build_expression(left), build_expression(right))


def _unary(context: Context) -> nodes.Unary:
    operator, operand = children(context)
    return nodes.Unary(span_of(context), operator.getText().lower(), build_expression(operand))


def _in(context: Context) -> nodes.In:
    value, *items = _operands(context)
    return nodes.In(span_of(context), value, tuple(items), negated=has_token(context, "not"))


def _is_null(context: Context) -> nodes.IsNull:
    return nodes.IsNull(span_of(context), _operands(context)[0], negated=has_token(context, "not"))


def _like(context: Context) -> nodes.Like:
    value, *patterns = _operands(context)
    operator = "rlike" if has_token(context, "rlike") else "like"
    return nodes.Like(span_of(context), operator, value, tuple(patterns), negated=has_token(context, "not"))


def _match(context: Context) -> nodes.Expression:
    operands = _operands(context)
    if len(operands) < 2:
        return operands[0]
    return nodes.Match(span_of(context), operands[0], operands[-1])


def _cast(context: Context) -> nodes.Cast:
    value, kind = [child for child in children(context) if kind_of(child)]
    return nodes.Cast(span_of(context), build_expression(value), kind.getText().lower())


def _group(context: Context) -> nodes.Group:
    return nodes.Group(span_of(context), _operands(context)[0])


def _duration(context: Context) -> nodes.Duration:
    amount, unit = children(context)
    return nodes.Duration(span_of(context), int(amount.getText()), unit.getText().lower())


def _literal(kind: str) -> Callable[[Context], nodes.Literal]:
    def build(context: Context) -> nodes.Literal:
        text = context.getText()
        value: str | int | float | bool | None = None
        match kind:
            case "string":
                value = unstring(text)
            case "integer":
                value = int(text)
            case "decimal":
                value = float(text)
            case "boolean":
                value = text.lower() == "true"
            case "parameter":
                value = text
        return nodes.Literal(span_of(context), kind, value)

    return build


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def unstring(text: str) -> str:
    """The value of a string literal; a text without quotes is itself."""
    if text.startswith('"""') and text.endswith('"""') and len(text) >= 6:
        return text[3:-3]
    if text.startswith('"') and text.endswith('"') and len(text) >= 2:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1])
    return text


def _column(context: Context) -> nodes.Column:
    return nodes.Column(span_of(context), unquote(context.getText()))


_EXPRESSIONS: dict[str, Callable[[Context], nodes.Expression]] = {
    "LogicalBinary": _binary,
    "LogicalNot": _unary,
    "LogicalIn": _in,
    "IsNull": _is_null,
    "Comparison": _binary,
    "ArithmeticBinary": _binary,
    "ArithmeticUnary": _unary,
    "LikeExpression": _like,
    "RlikeExpression": _like,
    "LikeListExpression": _like,
    "RlikeListExpression": _like,
    "MatchBooleanExpression": _match,
    "InlineCast": _cast,
    "ParenthesizedExpression": _group,
    "QualifiedName": _column,
    "QualifiedIntegerLiteral": _duration,
    "StringLiteral": _literal("string"),
    "String": _literal("string"),
    "IntegerLiteral": _literal("integer"),
    "DecimalLiteral": _literal("decimal"),
    "BooleanLiteral": _literal("boolean"),
    "NullLiteral": _literal("null"),
    "InputParameter": _literal("parameter"),
    "InputParam": _literal("parameter"),
    "InputNamedOrPositionalParam": _literal("parameter"),
    "NumericArrayLiteral": _literal("list"),
    "BooleanArrayLiteral": _literal("list"),
    "StringArrayLiteral": _literal("list"),
}
