"""From the parse tree of any of Elastic's grammars (8.19 to 9.5 and later) to our own tree.

The grammars differ in rules that we do not tell apart; what matters has had the same names since 8.19. A rule that is
not known here becomes an `Opaque` or an `Other` and is never guessed at.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expression_builder import (
    Context,
    build_expression,
    children,
    has_token,
    kind_of,
    named,
    outermost,
    source_text,
    span_of,
    unquote,
    unstring,
)

_DISSECT = re.compile(r"%\{([^}]*)\}")
_GROK = re.compile(r"%\{[^:}]+:([^:}]+)(?::[^}]+)?\}|\(\?<([A-Za-z_][\w.]*)>")


def build_commands(tree: Context) -> tuple[nodes.Command, ...]:
    """The commands of a parsed statement, in the order of the pipe."""
    return tuple(_command(context, pipe) for context, pipe in _pipeline(tree))


def _pipeline(context: Context) -> Iterator[tuple[Context, int]]:
    """Each command's own context (FromCommandContext, ...) with the offset of the pipe before it."""
    pipe = -1
    for child in children(context):
        name = kind_of(child)
        if name in ("SourceCommand", "ProcessingCommand"):
            yield next(item for item in children(child) if kind_of(item)), pipe
        elif name == "SetCommand":
            yield child, -1
        elif not name and child.getText() == "|":
            pipe = child.symbol.start
        elif name in ("SingleStatement", "CompositeQuery", "SingleCommandQuery", "Query"):
            yield from _pipeline(child)


def _name(context: Context) -> nodes.Name:
    text = context.getText()
    return nodes.Name(span_of(context), unquote(text), quoted=text.startswith(("`", '"')))


# --- commands ---------------------------------------------------------------------------------------------------


def _command(context: Context, pipe: int) -> nodes.Command:
    build = _COMMANDS.get(kind_of(context), _other)
    return build(context, pipe)


def _other(context: Context, pipe: int) -> nodes.Other:
    targets = list(_targets(context))
    parts = tuple(build_expression(child) for child in outermost(context) if child not in targets)
    more = kind_of(context) not in _NOTHING_MORE
    return nodes.Other(span_of(context), pipe, _word(context), parts, tuple(_name(item) for item in targets), more)


def _word(context: Context) -> str:
    return str(context.start.text.lower())


def _targets(context: Context) -> Iterator[Context]:
    """The names that stand before a `=`: what is made, not what is read."""
    for item in _all(context):
        for name, after in pairwise(children(item)):
            if kind_of(name) == "QualifiedName" and after.getText() == "=":
                yield name


def _enrich(context: Context, pipe: int) -> nodes.Other:
    on = tuple(nodes.Column(span_of(item), _name(item).name) for item in named(context, "QualifiedNamePattern"))
    made = tuple(_names(clause)[0] for clause in named(context, "EnrichWithClause"))
    target = next((_name(item) for item in _all(context) if kind_of(item) == "EnrichPolicyName"), None)
    return nodes.Other(span_of(context), pipe, _word(context), on, made, more=not made, target=target)


def _join(context: Context, pipe: int) -> nodes.Other:
    pattern = next(item for item in _all(context) if kind_of(item) == "IndexPattern")
    text = pattern.getText()
    return replace(_other(context, pipe), target=nodes.Name(span_of(pattern), unstring(text), quoted='"' in text))


def _change_point(context: Context, pipe: int) -> nodes.Other:
    columns = named(context, "QualifiedName")
    made = columns[-2:] if has_token(context, "as") else []
    reads = tuple(build_expression(item) for item in columns if item not in made)
    names = [_name(item) for item in made] or [nodes.Name(span_of(context), name) for name in ("type", "pvalue")]
    return nodes.Other(span_of(context), pipe, _word(context), reads, tuple(names))


def _fork(context: Context, pipe: int) -> nodes.Other:
    steps = [item for item in _all(context) if kind_of(item) == "ProcessingCommand"]
    branches = tuple(_command(children(step)[0], -1) for step in steps)
    return nodes.Other(span_of(context), pipe, _word(context), branches, (nodes.Name(span_of(context), "_fork"),))


def _from(context: Context, pipe: int) -> nodes.From:
    wrapper = next(iter(named(context, "IndexPatternAndMetadataFields")), context)
    patterns = [
        pattern
        for child in children(wrapper)
        for pattern in ([child] if kind_of(child) == "IndexPattern" else named(child, "IndexPattern"))
    ]
    sources = tuple(
        nodes.Name(span_of(item), unstring(item.getText()), quoted='"' in item.getText()) for item in patterns
    )
    metadata = next(iter(named(wrapper, "Metadata")), None)
    found = [token for token in _tokens(metadata) if _is_name(token)] if metadata else []
    return nodes.From(
        span_of(context),
        pipe,
        sources,
        tuple(nodes.Name(span_of(token), token.getText()) for token in found),
        span_of(metadata) if metadata else None,
        brackets="[" in metadata.getText() if metadata else False,
        subqueries=any(kind_of(item) == "Subquery" for item in _all(context)),
    )


def _is_name(token: Context) -> bool:
    return str(token.getText()).lower() not in ("metadata", ",", "[", "]")


def _tokens(context: Context) -> Iterator[Context]:
    for item in _all(context):
        if not kind_of(item):
            yield item


def _all(context: Context) -> Iterator[Context]:
    yield context
    for child in children(context):
        yield from _all(child)


def _where(context: Context, pipe: int) -> nodes.Where:
    return nodes.Where(span_of(context), pipe, build_expression(children(context)[-1]))


def _names(context: Context) -> tuple[nodes.Name, ...]:
    return tuple(_name(item) for item in _all(context) if kind_of(item) == "QualifiedNamePattern")


def _eval(context: Context, pipe: int) -> nodes.Eval:
    return nodes.Eval(span_of(context), pipe, _assignments(next(iter(named(context, "Fields")), None)))


def _assignments(context: Context | None) -> tuple[nodes.Assignment, ...]:
    return tuple(_assignment(field) for field in named(context, "Field")) if context is not None else ()


def _assignment(context: Context) -> nodes.Assignment:
    value = build_expression(children(context)[-1])
    names = named(context, "QualifiedName")
    if names and has_token(context, "="):
        return nodes.Assignment(span_of(context), unquote(names[0].getText()), value)
    name = value.name if isinstance(value, nodes.Column) else source_text(context)
    return nodes.Assignment(span_of(context), name, value, named=False)


def _stats(context: Context, pipe: int) -> nodes.Stats:
    inline = kind_of(context) != "StatsCommand"
    aggregates = tuple(_aggregate(field) for item in named(context, "AggFields") for field in named(item, "AggField"))
    groups = _assignments(next(iter(named(context, "Fields")), None))
    return nodes.Stats(span_of(context), pipe, aggregates, groups, inline=inline)


def _aggregate(context: Context) -> nodes.Assignment:
    plain = _assignment(named(context, "Field")[0])
    if not has_token(context, "where"):
        return plain
    where = build_expression(children(context)[-1])
    return nodes.Assignment(span_of(context), plain.name, plain.value, where, named=plain.named)


def _sort(context: Context, pipe: int) -> nodes.Sort:
    orders = named(context, "OrderExpression")
    keys = tuple(build_expression(children(order)[0]) for order in orders)
    return nodes.Sort(span_of(context), pipe, keys, tuple(has_token(order, "desc") for order in orders))


def _limit(context: Context, pipe: int) -> nodes.Limit:
    text = context.getText().lower().removeprefix("limit")
    return nodes.Limit(span_of(context), pipe, int(text) if text.isdigit() else None)


def _rename(context: Context, pipe: int) -> nodes.Rename:
    old, new = [], []
    for clause in named(context, "RenameClause"):
        first, second = (_name(item) for item in named(clause, "QualifiedNamePattern"))
        if has_token(clause, "="):
            first, second = second, first
        old.append(first)
        new.append(second)
    return nodes.Rename(span_of(context), pipe, tuple(old), tuple(new))


def _extract(context: Context, pipe: int) -> nodes.Extract:
    word = context.start.text.lower()
    pattern = unstring(next(item.getText() for item in _all(context) if kind_of(item) == "String"))
    names = _DISSECT.findall(pattern) if word == "dissect" else ["".join(pair) for pair in _GROK.findall(pattern)]
    outputs = tuple(_dissect_name(name) for name in names if not name.startswith(("?", "*", "&")))
    source = next(child for child in children(context) if kind_of(child))
    return nodes.Extract(
        span_of(context), pipe, word, build_expression(source), pattern, tuple(dict.fromkeys(filter(None, outputs)))
    )


def _dissect_name(name: str) -> str:
    return name.removeprefix("+").split("/")[0].removesuffix("->")


def _mv_expand(context: Context, pipe: int) -> nodes.MvExpand:
    return nodes.MvExpand(span_of(context), pipe, _name(children(context)[-1]))


_COMMANDS: dict[str, Callable[[Context, int], nodes.Command]] = {
    "FromCommand": _from,
    "TimeSeriesCommand": _from,
    "WhereCommand": _where,
    "KeepCommand": lambda context, pipe: nodes.Keep(span_of(context), pipe, _names(context)),
    "DropCommand": lambda context, pipe: nodes.Drop(span_of(context), pipe, _names(context)),
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
    "EnrichCommand": _enrich,
    "JoinCommand": _join,
    "ChangePointCommand": _change_point,
    "ForkCommand": _fork,
}
_NOTHING_MORE = {
    f"{name}Command" for name in ("Row", "Sample", "Set", "Completion", "Rerank", "Fuse", "Dedup", "Mmr", "Explain")
}
"""The commands that bring no column but those that they name."""
