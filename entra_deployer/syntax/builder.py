"""From the parse tree of any of Elastic's grammars (8.19 to 9.5 and later) to our own tree.

The grammars differ in rules that we do not tell apart; what matters has had the same names since 8.19. A rule that is
not known here becomes an `Opaque` or an `Other` and is never guessed at.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from entra_deployer.syntax import nodes
from entra_deployer.syntax.nodes import Span

type Context = Any
"""A node of ANTLR's parse tree."""

_DISSECT = re.compile(r"%\{([^}]*)\}")
_GROK = re.compile(r"%\{[^:}]+:([^:}]+)(?::[^}]+)?\}|\(\?<([A-Za-z_][\w.]*)>")


def build_commands(tree: Context) -> tuple[nodes.Command, ...]:
    """The commands of a parsed statement, in the order of the pipe."""
    return tuple(_command(context, pipe) for context, pipe in _pipeline(tree))


def _pipeline(context: Context) -> Iterator[tuple[Context, int]]:
    """Each command's own context (FromCommandContext, ...) with the offset of the pipe before it."""
    pipe = -1
    for child in _children(context):
        name = _kind(child)
        if name in ("SourceCommand", "ProcessingCommand"):
            yield next(item for item in _children(child) if _kind(item)), pipe
        elif name == "SetCommand":
            yield child, -1
        elif not name and child.getText() == "|":
            pipe = child.symbol.start
        elif name in ("SingleStatement", "CompositeQuery", "SingleCommandQuery", "Query"):
            yield from _pipeline(child)


def _kind(context: Context) -> str:
    """The rule's name without `Context`; "" for a token."""
    name = type(context).__name__
    return name.removesuffix("Context") if name.endswith("Context") else ""


def _children(context: Context) -> list[Context]:
    return list(context.getChildren()) if hasattr(context, "getChildren") else []


def _named(context: Context, *kinds: str) -> list[Context]:
    return [child for child in _children(context) if _kind(child) in kinds]


def _span(context: Context) -> Span:
    if not _kind(context):
        return Span(context.symbol.start, context.symbol.stop + 1)
    return Span(context.start.start, context.stop.stop + 1)


def _has_token(context: Context, *words: str) -> bool:
    return any(not _kind(child) and child.getText().lower() in words for child in _children(context))


def _unquote(text: str) -> str:
    """A name without its backquotes."""
    return re.sub(r"`((?:[^`]|``)*)`", lambda found: found[1].replace("``", "`"), text)


def _name(context: Context) -> nodes.Name:
    text = context.getText()
    return nodes.Name(_span(context), _unquote(text), quoted=text.startswith(("`", '"')))


# --- commands ---------------------------------------------------------------------------------------------------


def _command(context: Context, pipe: int) -> nodes.Command:
    build = _COMMANDS.get(_kind(context), _other)
    return build(context, pipe)


def _other(context: Context, pipe: int) -> nodes.Other:
    parts = tuple(_expression(child) for child in _descend(context))
    return nodes.Other(_span(context), pipe, context.start.text.lower(), parts)


def _from(context: Context, pipe: int) -> nodes.From:
    wrapper = next(iter(_named(context, "IndexPatternAndMetadataFields")), context)
    patterns = [
        pattern
        for child in _children(wrapper)
        for pattern in ([child] if _kind(child) == "IndexPattern" else _named(child, "IndexPattern"))
    ]
    sources = tuple(
        nodes.Name(_span(item), _unstring(item.getText()), quoted='"' in item.getText()) for item in patterns
    )
    metadata = next(iter(_named(wrapper, "Metadata")), None)
    found = [token for token in _tokens(metadata) if _is_name(token)] if metadata else []
    return nodes.From(
        _span(context),
        pipe,
        sources,
        tuple(nodes.Name(_span(token), token.getText()) for token in found),
        _span(metadata) if metadata else None,
        brackets="[" in metadata.getText() if metadata else False,
        subqueries=any(_kind(item) == "Subquery" for item in _all(context)),
    )


def _is_name(token: Context) -> bool:
    return str(token.getText()).lower() not in ("metadata", ",", "[", "]")


def _tokens(context: Context) -> Iterator[Context]:
    for item in _all(context):
        if not _kind(item):
            yield item


def _all(context: Context) -> Iterator[Context]:
    yield context
    for child in _children(context):
        yield from _all(child)


def _where(context: Context, pipe: int) -> nodes.Where:
    return nodes.Where(_span(context), pipe, _expression(_children(context)[-1]))


def _names(context: Context) -> tuple[nodes.Name, ...]:
    return tuple(_name(item) for item in _all(context) if _kind(item) == "QualifiedNamePattern")


def _eval(context: Context, pipe: int) -> nodes.Eval:
    return nodes.Eval(_span(context), pipe, _assignments(next(iter(_named(context, "Fields")), None)))


def _assignments(context: Context | None) -> tuple[nodes.Assignment, ...]:
    return tuple(_assignment(field) for field in _named(context, "Field")) if context is not None else ()


def _assignment(context: Context) -> nodes.Assignment:
    value = _expression(_children(context)[-1])
    names = _named(context, "QualifiedName")
    if names and _has_token(context, "="):
        return nodes.Assignment(_span(context), _unquote(names[0].getText()), value)
    name = value.name if isinstance(value, nodes.Column) else _source_text(context)
    return nodes.Assignment(_span(context), name, value, named=False)


def _source_text(context: Context) -> str:
    """The text as written: the engine names an unnamed column by it."""
    stream = context.start.getInputStream()
    return str(stream.getText(context.start.start, context.stop.stop))


def _stats(context: Context, pipe: int) -> nodes.Stats:
    inline = _kind(context) != "StatsCommand"
    aggregates = tuple(_aggregate(field) for item in _named(context, "AggFields") for field in _named(item, "AggField"))
    groups = _assignments(next(iter(_named(context, "Fields")), None))
    return nodes.Stats(_span(context), pipe, aggregates, groups, inline=inline)


def _aggregate(context: Context) -> nodes.Assignment:
    plain = _assignment(_named(context, "Field")[0])
    if not _has_token(context, "where"):
        return plain
    where = _expression(_children(context)[-1])
    return nodes.Assignment(_span(context), plain.name, plain.value, where, named=plain.named)


def _sort(context: Context, pipe: int) -> nodes.Sort:
    orders = _named(context, "OrderExpression")
    keys = tuple(_expression(_children(order)[0]) for order in orders)
    return nodes.Sort(_span(context), pipe, keys, tuple(_has_token(order, "desc") for order in orders))


def _limit(context: Context, pipe: int) -> nodes.Limit:
    text = context.getText().lower().removeprefix("limit")
    return nodes.Limit(_span(context), pipe, int(text) if text.isdigit() else None)


def _rename(context: Context, pipe: int) -> nodes.Rename:
    old, new = [], []
    for clause in _named(context, "RenameClause"):
        first, second = (_name(item) for item in _named(clause, "QualifiedNamePattern"))
        if _has_token(clause, "="):
            first, second = second, first
        old.append(first)
        new.append(second)
    return nodes.Rename(_span(context), pipe, tuple(old), tuple(new))


def _extract(context: Context, pipe: int) -> nodes.Extract:
    word = context.start.text.lower()
    pattern = _unstring(next(item.getText() for item in _all(context) if _kind(item) == "String"))
    names = _DISSECT.findall(pattern) if word == "dissect" else ["".join(pair) for pair in _GROK.findall(pattern)]
    outputs = tuple(_dissect_name(name) for name in names if not name.startswith(("?", "*", "&")))
    source = next(child for child in _children(context) if _kind(child))
    return nodes.Extract(
        _span(context), pipe, word, _expression(source), pattern, tuple(dict.fromkeys(filter(None, outputs)))
    )


def _dissect_name(name: str) -> str:
    return name.removeprefix("+").split("/")[0].removesuffix("->")


def _mv_expand(context: Context, pipe: int) -> nodes.MvExpand:
    return nodes.MvExpand(_span(context), pipe, _name(_children(context)[-1]))


_COMMANDS: dict[str, Callable[[Context, int], nodes.Command]] = {
    "FromCommand": _from,
    "TimeSeriesCommand": _from,
    "WhereCommand": _where,
    "KeepCommand": lambda context, pipe: nodes.Keep(_span(context), pipe, _names(context)),
    "DropCommand": lambda context, pipe: nodes.Drop(_span(context), pipe, _names(context)),
    "EvalCommand": _eval,
    "StatsCommand": _stats,
    "InlinestatsCommand": _stats,
    "InlineStatsCommand": _stats,
    "SortCommand": _sort,
    "LimitCommand": _limit,
    "RenameCommand": _rename,
    "DissectCommand": _extract,
    "GrokCommand": _extract,
    "MvExpandCommand": _mv_expand,
}


# --- expressions ------------------------------------------------------------------------------------------------

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


def _descend(context: Context) -> Iterator[Context]:
    """The outermost expressions inside a command that is not told apart."""
    for child in _children(context):
        if _kind(child) in _EXPRESSIONS or _kind(child) in _TRANSPARENT:
            yield child
        elif _kind(child):
            yield from _descend(child)


def _expression(context: Context) -> nodes.Expression:
    kind = _kind(context)
    inner = [child for child in _children(context) if _kind(child)]
    if kind == "FunctionExpression":
        return _call(context)
    if kind in _TRANSPARENT and len(inner) == 1:
        return _expression(inner[0])
    build = _EXPRESSIONS.get(kind)
    if build is None:
        return nodes.Opaque(_span(context), tuple(_expression(child) for child in _descend(context)))
    return build(context)


def _operands(context: Context) -> list[nodes.Expression]:
    return [_expression(child) for child in _children(context) if _kind(child)]


def _call(context: Context) -> nodes.Call:
    name, *arguments = [child for child in _children(context) if _kind(child)]
    return nodes.Call(_span(context), name.getText().lower(), tuple(_expression(item) for item in arguments))


def _binary(context: Context) -> nodes.Binary:
    left, operator, right = _children(context)
    return nodes.Binary(_span(context), operator.getText().lower(), _expression(left), _expression(right))


def _unary(context: Context) -> nodes.Unary:
    operator, operand = _children(context)
    return nodes.Unary(_span(context), operator.getText().lower(), _expression(operand))


def _in(context: Context) -> nodes.In:
    value, *items = _operands(context)
    return nodes.In(_span(context), value, tuple(items), negated=_has_token(context, "not"))


def _is_null(context: Context) -> nodes.IsNull:
    return nodes.IsNull(_span(context), _operands(context)[0], negated=_has_token(context, "not"))


def _like(context: Context) -> nodes.Like:
    value, *patterns = _operands(context)
    operator = "rlike" if _has_token(context, "rlike") else "like"
    return nodes.Like(_span(context), operator, value, tuple(patterns), negated=_has_token(context, "not"))


def _match(context: Context) -> nodes.Expression:
    operands = _operands(context)
    if len(operands) < 2:
        return operands[0]
    return nodes.Match(_span(context), operands[0], operands[-1])


def _cast(context: Context) -> nodes.Cast:
    value, kind = [child for child in _children(context) if _kind(child)]
    return nodes.Cast(_span(context), _expression(value), kind.getText().lower())


def _group(context: Context) -> nodes.Group:
    return nodes.Group(_span(context), _operands(context)[0])


def _duration(context: Context) -> nodes.Duration:
    amount, unit = _children(context)
    return nodes.Duration(_span(context), int(amount.getText()), unit.getText().lower())


def _literal(kind: str) -> Callable[[Context], nodes.Literal]:
    def build(context: Context) -> nodes.Literal:
        text = context.getText()
        value: str | int | float | bool | None = None
        match kind:
            case "string":
                value = _unstring(text)
            case "integer":
                value = int(text)
            case "decimal":
                value = float(text)
            case "boolean":
                value = text.lower() == "true"
        return nodes.Literal(_span(context), kind, value)

    return build


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def _unstring(text: str) -> str:
    """The value of a string literal; a text without quotes is itself."""
    if text.startswith('"""') and text.endswith('"""') and len(text) >= 6:
        return text[3:-3]
    if text.startswith('"') and text.endswith('"') and len(text) >= 2:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1])
    return text


def _column(context: Context) -> nodes.Column:
    return nodes.Column(_span(context), _unquote(context.getText()))


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
