"""DEP014: an array field is asked for a single value, which is null on a document with several values."""

from collections.abc import Iterator

from entra_deployer import facts
from entra_deployer.checks.array_hints import ArrayCondition, array_hint, is_plain
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import conditions, strip_parentheses, text_comparisons

_OFTEN_ONE = ("event.category", "event.type")
"""Arrays by ECS in which most sources have one value."""


def _run(subject: Subject) -> Iterator[Finding]:
    streams = subject.streams
    arrays = {*subject.knowledge.arrays, *(name for stream in streams for name in stream.arrays)}
    if streams:
        arrays -= frozenset.intersection(*(stream.single for stream in streams))
    yield from _collected(subject)
    for command in subject.tree.commands:
        if isinstance(command, nodes.Stats) and not command.inline:
            return
        for asked in conditions(command.predicate) if isinstance(command, nodes.Where) else ():
            for node in asked.node.walk():
                one = _condition(node, subject, below_not=asked.negated)
                if one is None or one.name not in arrays:
                    continue
                told = any(one.name in stream.arrays for stream in streams)
                yield Finding(
                    f"{one.name} may hold several values, and on such a document the comparison is null: it is dropped",
                    node.span,
                    hint=array_hint(one, subject.target.version),
                    level=Level.NOTE if one.name in _OFTEN_ONE and not told else None,
                )
        arrays -= set(made_columns(command))
        arrays -= {command.column.name} if isinstance(command, nodes.MvExpand) else set()


_COLLECT = ("values", "top", "mv_append", "split")


def _collected(subject: Subject) -> Iterator[Finding]:
    """A column that collects values in STATS or EVAL, asked for a single one."""
    collected: dict[str, str] = {}
    for command in subject.tree.commands:
        for node in command.walk() if isinstance(command, nodes.Where) else ():
            way, value, texts, _ = _asked(node)
            if isinstance(value, nodes.Column) and value.name in collected and texts:
                yield Finding(
                    f"{value.name} holds all values of {collected[value.name]}: as soon as there are two the "
                    "comparison is null",
                    node.span,
                    hint=_hint_for(value.name, texts, subject.target.version) if way == "==" else _expand(value.name),
                )
        for name in made_columns(command):
            collected.pop(name, None)
        for item in _items(command):
            call = item.value
            if isinstance(call, nodes.Call) and call.name in _COLLECT and call.arguments:
                collected[item.name] = call.name.upper()
        if isinstance(command, nodes.MvExpand):
            collected.pop(command.column.name, None)


def _items(command: nodes.Command) -> tuple[nodes.Assignment, ...]:
    match command:
        case nodes.Eval(assignments=assignments):
            return assignments
        case nodes.Stats(aggregates=aggregates):
            return aggregates
    return ()


def _hint_for(name: str, texts: tuple[str, ...], version: StackVersion) -> str:
    if facts.MV_CONTAINS.holds(version):
        return f'write MV_CONTAINS({name}, "{texts[0]}")'
    return f'write MV_CONCAT({name}, ",") LIKE "*{texts[0]}*", or ask before the STATS'


def _expand(name: str) -> str:
    return f"put `| MV_EXPAND {name}` before this WHERE, or ask before the STATS"


def _condition(node: nodes.Node, subject: Subject, *, below_not: bool) -> ArrayCondition | None:
    way, value, texts, negated = _asked(node)
    if not isinstance(value, nodes.Column) or not texts:
        return None
    kind = subject.knowledge.ecs.get(value.name, "")
    return ArrayCondition(value.name, kind, way, texts, negated=negated, unwanted=negated != below_not)


def _asked(node: nodes.Node) -> tuple[str, nodes.Expression | None, tuple[str, ...], bool]:
    """The way in which this very node asks for constants, the value that it asks, the constants, and whether for not.

    The match operator `:` is left out: it holds where one of the values is it.
    """
    match node:
        case nodes.Call(name="cidr_match", arguments=(value, *blocks)):
            literals = [block for block in map(strip_parentheses, blocks) if isinstance(block, nodes.Literal)]
            return "cidr_match", strip_parentheses(value), tuple(str(literal.value) for literal in literals), False
    found = [one for one in text_comparisons(node) if one.way != ":"]
    if not found:
        return "", None, (), False
    way, texts = found[0].way, tuple(one.text for one in found)
    if way in ("!=", "in") or (way == "like" and all(map(is_plain, texts))):
        way = "=="
    return way, found[0].value, texts, found[0].negated


CHECK = Check(
    code="DEP014",
    title="a field with several values is compared with == or !=",
    level=Level.WARNING,
    explanation=(
        "Some fields of ECS are arrays, `event.category` and `event.type` among them. On a document where such a "
        "field holds two values ES|QL's ==, != and IN are null, with no more than a warning header, and the "
        "document is dropped: the rule never fires on it. So are LIKE, RLIKE, STARTS_WITH, ENDS_WITH, CONTAINS and "
        "CIDR_MATCH, with NOT or without.\n\n"
        "Ask whether one of the values is the one: with MV_CONTAINS from 9.2 on; with the match operator `:` "
        "where it is generally available (8.19, 9.1), which knows blocks of addresses too; else with MV_CONCAT and "
        "LIKE. For a pattern, put MV_EXPAND before the WHERE. Not so under NOT: behind MV_EXPAND a document stays "
        "where any one value passes; there try the pattern on all values, joined by MV_CONCAT. The compiler does not "
        "rewrite it: that would change what is counted, and the author may know that the field holds one value "
        "in this source (then silence the check with that reason).\n\n"
        "Where the integration is known to put one value there, nothing is said; of `event.category` and `event.type` "
        "of an unknown source, which hold one value more often than not, a note."
    ),
    good=Example('from logs-a-*\n| where process.args : "-enc"'),
    bad=Example('from logs-a-*\n| where process.args == "-enc"'),
    run=_run,
)
