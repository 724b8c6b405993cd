"""What makes a rule fail although it caught the right entities: silent nulls, cut-off results, lost columns. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.stack.search import PreviewResult, QueryResult
from entra_deployer.verify.judge import is_alerts_own
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.verdict import MutationResult

NULL = "DEP801"
PARTIAL = "DEP802"
NEAR_LIMIT = "DEP803"
PREVIEW = "DEP804"
LOST_COLUMN = "DEP805"
LOW_SCORE = "DEP809"
OTHER_RULE = "DEP813"

_SHOWN_FIELDS = 5

DEFAULT_LIMIT = 1000
"""The rows that Elasticsearch returns at most where a query has no LIMIT."""

NEAR = 0.8
"""From this share of a limit on, the next busy day will cut the result off."""

_EVALUATION = re.compile(r"^Line (\d+):(\d+): evaluation of \[(.*)\] failed, treating result as null", re.DOTALL)
_CAUSE = re.compile(r"^Line (\d+):(\d+): (?:[\w.$]+(?:Exception|Error): )?(.*)", re.DOTALL)
_MULTI_VALUE = "single-value function encountered multi-value"
_NULL_HINT = "such events are dropped without a word; compare with MV_EXPAND, MV_CONTAINS or `:`"


@dataclass(frozen=True)
class About:
    """The rule that problems are about."""

    subject: str
    query: RuleQuery
    max_signals: int
    origin: Origin | None = None


def of_result(result: QueryResult, about: About, index: str) -> Iterator[Issue]:
    """The problems of a query's result, `index` being what its FROM named."""
    yield from _nulls(result.warnings, about, index)
    if result.is_partial:
        hint = "some shards failed: look into the server's log"
        yield Issue(PARTIAL, Level.ERROR, "Elasticsearch gave a part of the result only", about.subject, hint=hint)
    limit = min(about.max_signals, DEFAULT_LIMIT)
    if len(result.rows) > limit * NEAR:
        message = f"{len(result.rows)} rows are over {NEAR:.0%} of the {limit} that become alerts"
        hint = "aggregate, narrow the query, or raise max_signals (1000 at most)"
        yield Issue(NEAR_LIMIT, Level.ERROR, message, about.subject, hint=hint)


def _nulls(warnings: Sequence[str], about: About, index: str) -> Iterator[Issue]:
    """One issue for each expression that became null, at its place in the hunt, or else in the rule's own query."""
    causes = {(found[1], found[2]): found[3] for text in warnings if (found := _cause(text))}
    for text in warnings:
        if found := _EVALUATION.match(text):
            cause = causes.get((found[1], found[2]), "")
            several = _MULTI_VALUE in cause
            message = (
                f"`{found[3]}` became null for some events: {'the field has several values' if several else cause}"
            )
            offset = about.query.offset(int(found[1]), int(found[2]), index)
            place = about.origin.place(about.query.tree.text, offset) if about.origin else None
            if place is None:
                line, column = about.query.tree.position(offset)
                message += f" (line {line}:{column} of the rule's query)"
            yield Issue(NULL, Level.ERROR, message, about.subject, place, _NULL_HINT if several else None)


def _cause(text: str) -> re.Match[str] | None:
    return None if _EVALUATION.match(text) else _CAUSE.match(text)


def of_preview(preview: PreviewResult, *, subject: str) -> Iterator[Issue]:
    """What Kibana warned of while it ran the rule."""
    for text in dict.fromkeys(preview.warnings):
        yield Issue(PREVIEW, Level.ERROR, f"Kibana warns: {text}", subject)


def lost_columns(
    rows: Iterable[Mapping[str, Json]], alerts: Sequence[Mapping[str, Json]], *, subject: str
) -> Iterator[Issue]:
    """Columns with a value in some row that no alert has: Kibana drops what collides with a field of ECS."""
    if not alerts:
        return
    filled = {column for row in rows for column, value in row.items() if value is not None}
    kept = {column for alert in alerts for column in alert}
    for column in sorted(filled - kept - {"_id", "_index", "_version"}):
        if is_alerts_own(column) or any(name.startswith(f"{column}.") for name in kept):
            continue
        hint = "its name or type collides with a field of ECS: rename it, or give it the type of ECS"
        yield Issue(LOST_COLUMN, Level.ERROR, f"the alerts lack the column {column}", subject, hint=hint)


def other_rule(fields: Sequence[str], *, subject: str) -> Issue:
    """That the rule in Kibana is not what the repository says, in these fields."""
    more = f" and {len(fields) - _SHOWN_FIELDS} more" if fields[_SHOWN_FIELDS:] else ""
    message = f"not the repository's rule: in Kibana it has another {', '.join(fields[:_SHOWN_FIELDS])}{more}"
    hint = "`deploy push` or `deploy pull` makes them one; `--as-deployed` tries it as it stands"
    return Issue(OTHER_RULE, Level.ERROR, message, subject, hint=hint)


def of_score(result: MutationResult, minimum: float | None, *, subject: str) -> Iterator[Issue]:
    """A mutation score below what the rule's author demands."""
    if minimum is not None and result.score < minimum:
        message = f"the mutation score of its tests is {result.score:.0%}, below the {minimum:.0%} of rule.yaml"
        yield Issue(LOW_SCORE, Level.ERROR, message, subject, hint="add a near miss for each survivor")
