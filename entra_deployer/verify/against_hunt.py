"""The hunt against the rule: over the same events, at the same moment, the hunt's own query finds the same entities."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.compiler.compiled import Rewrite
from entra_deployer.core.errors import Location, Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.esql.rule_query import RuleQuery, Unreadable
from entra_deployer.stack.search import QueryResult
from entra_deployer.verify.judge import record_name

DIFFERS = "DEP812"

_SHOWN = 3
_METADATA = ("_id", "_index", "_version", "_score", "_source")


@dataclass(frozen=True)
class OwnQuery:
    """What a rule is held to: the hunt's query as its author wrote it, in the hunt's file `source`.

    `rewrites` are what the compiler changed on the way to the rule. `other_range` says in words why the rule looks at
    another time than the hunt, where rule.yaml or the compiler says so; "" where neither does. `stands` is False where
    the rule in Kibana has another query or time range than the one that the repository compiles to: it is tried so
    only where that was asked for.
    """

    query: RuleQuery
    source: str
    rewrites: tuple[Rewrite, ...] = ()
    other_range: str = ""
    stands: bool = True


@dataclass(frozen=True)
class Runs:
    """Runs queries over the events of one test at the moment of the verification.

    `hunt` runs the hunt's own query over all events, `hunt_in_range` over those in the rule's time range, and `rule`
    a text in the place of the rule's query.
    """

    hunt: Callable[[], QueryResult]
    hunt_in_range: Callable[[], QueryResult]
    rule: Callable[[str], QueryResult]


def compare(own: OwnQuery, text: str, found: QueryResult, runs: Runs, columns: Sequence[str]) -> Iterator[Issue]:
    """One issue where the rule's query `text` found other entities (`found`) than the hunt's own.

    It is a note where rule.yaml or the compiler says that the two differ, else an error that names the rewrite.
    `columns` tell entities apart.
    """
    try:
        asked = runs.hunt()
        if _entities(asked, found, columns) == _entities(found, asked, columns):
            return
        level, cause, line = _cause(own, text, found, runs, columns)
    except Refused as error:
        yield Issue(DIFFERS, Level.NOTE, f"the hunt's own query could not be run beside the rule: {error}", own.source)
        return
    place = Location(own.source, line, 1) if line else None
    hint = "deploy compile --explain shows each rewrite" if level is Level.ERROR else None
    yield Issue(DIFFERS, level, f"{_difference(asked, found, columns)}: {cause}", "", place, hint)


def _cause(own: OwnQuery, text: str, found: QueryResult, runs: Runs, columns: Sequence[str]) -> tuple[Level, str, int]:
    """What parts the two, with its level and its line in the hunt's file, 0 for none."""

    def alike(one: QueryResult, other: QueryResult) -> bool:
        return _entities(one, other, columns) == _entities(other, one, columns)

    if not own.stands:
        return Level.NOTE, "the rule in Kibana is another one than the repository makes of the hunt", 0
    limited = runs.hunt_in_range()
    if alike(limited, found):
        if own.other_range:
            return Level.NOTE, own.other_range, 0
        window = next((one for one in own.rewrites if one.code == "window"), None)
        reason = f"the rewrite `window`: {window.reason}" if window else "the time range of the rule"
        return Level.ERROR, reason, window.line if window else 0
    for rewrite in own.rewrites:
        undone = text.replace(rewrite.after, rewrite.before, 1) if rewrite.after.strip() else text
        if undone != text and (again := _run(runs, undone)) and alike(limited, again):
            return Level.ERROR, f"the rewrite `{rewrite.code}`: {rewrite.reason}", rewrite.line
    changed = ", ".join(f"`{one.code}`" for one in own.rewrites if one.before != one.after)
    return Level.ERROR, f"what did it is one of the rewrites {changed}" if changed else "its query is another one", 0


def _run(runs: Runs, text: str) -> QueryResult | None:
    """The result of a text that one rewrite was taken out of; None where it is no query any more."""
    try:
        return runs.rule(text)
    except (Refused, Unreadable):
        return None


def _entities(result: QueryResult, other: QueryResult, columns: Iterable[str]) -> set[str]:
    """The entities of a result, by the columns that the other one has too."""
    common = {column.name for column in other.columns} & {column.name for column in result.columns}
    names = [column for column in columns if column in common] or sorted(common.difference(_METADATA))
    return {record_name(_only(record, names), names) for record in result.records()}


def _only[V](record: Mapping[str, V], names: Sequence[str]) -> dict[str, V]:
    return {name: record[name] for name in names}


def _difference(hunt: QueryResult, rule: QueryResult, columns: Sequence[str]) -> str:
    of_hunt, of_rule = _entities(hunt, rule, columns), _entities(rule, hunt, columns)
    parts = []
    if lost := sorted(of_hunt - of_rule):
        parts.append(f"the hunt's own query finds {_some(lost)} and the rule does not")
    if more := sorted(of_rule - of_hunt):
        parts.append(f"the rule finds {_some(more)} and the hunt's own query does not")
    return "; ".join(parts)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
