"""Asking the target's Elasticsearch about each query before anything is written: Kibana itself never looks at one.

Where the embedded server has no data yet, an empty index made of what is known of the source takes its place.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import Location, Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.text import one_line
from entra_deployer.data import load_knowledge
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import joins, sources
from entra_deployer.esql.conditions import COMPARISONS, strip_parentheses
from entra_deployer.esql.edits import Edit, apply_edits
from entra_deployer.esql.embedded import beyond_embedded, lacked
from entra_deployer.stack.diagnosis import elastic_reason
from entra_deployer.stack.elasticsearch import ElasticClient

REFUSED, NOT_ASKED, NO_DATA = "DEP331", "DEP332", "DEP330"

_PLACED = re.compile(r"line (\d+):(\d+): (.*?)(?=;?\s+line \d+:\d+: |$)", re.DOTALL)
_UNKNOWN_COLUMN = re.compile(r"Unknown column \[([^\]]+)\]")
_UNKNOWN_INDEX = re.compile(r"Unknown index \[([^\]]+)\]")


@dataclass(frozen=True)
class Fault:
    """What Elasticsearch has against a query: in its words, at a 1-based line and column, 0 where it tells none."""

    message: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class _Answer:
    """What the server said of a rule's query: the sources that it lacks, and what else is wrong.

    `is_unseen` where the data here does not tell whether the query is right.
    """

    rule: CompiledRule
    missing: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    is_unseen: bool = False


def check_queries(
    elastic: ElasticClient,
    rules: Sequence[CompiledRule],
    *,
    embedded: bool,
    parallel: int = 1,
    without_source: Callable[[Sequence[CompiledRule]], Sequence[Issue]] | None = None,
) -> list[Issue]:
    """A refused query is an error, a source that is not there yet a warning. The server builds each and reads nothing.

    The embedded server never sees a query that it cannot run; some would hang there for ever. `parallel` of them are
    asked at a time. `without_source` says what else there is to say of rules whose sources are not there.
    """

    def check(rule: CompiledRule) -> _Answer:
        query = query_text(rule)
        if embedded and (lacking := beyond_embedded(query, elastic.version())):
            return _Answer(rule, issues=(not_asked(rule, lacking),))
        return _read(rule, ask(elastic, query, _without_time(rule)), embedded=embedded)

    elastic.version()  # asked for here, and not by each of them
    with ThreadPoolExecutor(parallel, thread_name_prefix="preflight") as pool:
        answers = list(pool.map(check, rules))
    unseen = [answer.rule for answer in answers if answer.is_unseen]
    found = [issue for answer in answers for issue in answer.issues]
    return [*found, *(without_source(unseen) if unseen and without_source else ()), *_missing(answers)]


def ask(elastic: ElasticClient, query: str, without_time: str) -> list[Fault]:
    """What a server has against a query, as it is and without its conditions on time; [] where it takes both."""
    try:
        for text in dict.fromkeys((query, without_time)):
            elastic.check_query(text)
    except Refused as error:
        return _faults(error)
    return []


def at_any_time(tree: nodes.Tree) -> list[Edit]:
    """Edits that take a query's conditions on @timestamp: a shard whose events are all older builds no other one."""
    filters = [command for command in tree.commands if isinstance(command, nodes.Where)]
    spans = [node.span for command in filters for node in command.walk() if _is_on_time(node)]
    return [Edit(span.start, span.end, "@timestamp IS NOT NULL") for span in spans]


def _without_time(rule: CompiledRule) -> str:
    """The rule's query at any time, made of the hunt's: to read the rule's own takes some 10 ms."""
    return apply_edits(rule.query.text, [*rule.edits, *at_any_time(rule.tree)])


def _is_on_time(node: nodes.Node) -> bool:
    match node:
        case nodes.Binary(operator=operator, left=left, right=right) if operator in COMPARISONS:
            sides = (strip_parentheses(left), strip_parentheses(right))
            return any(isinstance(side, nodes.Column) and side.name == "@timestamp" for side in sides)
        case nodes.Call(name="trange"):
            return True
    return False


def _faults(error: Refused) -> list[Fault]:
    kind = str(error.attributes.get("type") or "")
    said = elastic_reason({"error": dict(error.attributes)}).removeprefix(f"{kind}: ") if kind else error.message
    if kind in ("verification_exception", "parsing_exception"):
        placed = [Fault(one_line(text), int(line), int(column)) for line, column, text in _PLACED.findall(said)]
        return placed or [Fault(said)]
    return [Fault(said)]


def _read(rule: CompiledRule, faults: Sequence[Fault], *, embedded: bool) -> _Answer:
    """A source that is not there yet is no fault of the query; an index that it joins has to be there.

    On the embedded server the rows that the hunt's tests hold are enough, and what it lacks is no fault either. Its
    data is a sample: a documented field that no event has there is one all the same.
    """
    joined = {join.target.name for join in joins(rule.tree) if join.target}
    held = {name for test in rule.source.tests for name in test.lookups} if embedded and joined else set()
    missing: list[str] = []
    issues: list[Issue] = []
    absent: list[Issue] = []
    for fault in faults:
        found = _UNKNOWN_INDEX.search(fault.message)
        column = _UNKNOWN_COLUMN.match(fault.message) if embedded else None
        documented = column and load_knowledge().type_of(column[1], sources(rule.tree))
        if found and (found[1] not in joined or found[1] in held):
            missing.append(found[1])
        elif embedded and (lacking := lacked(fault.message)):
            issues.append(not_asked(rule, lacking))
        elif column and documented:
            absent.append(_not_seen(rule, fault, column[1]))
        else:
            issues.append(refused(rule, fault))
    return _Answer(rule, tuple(missing), (*issues, *absent), is_unseen=bool(missing or absent) and not issues)


def _not_seen(rule: CompiledRule, fault: Fault, column: str) -> Issue:
    message = f"{rule.rule.name}: no event here has the field {column}, so that the rule fails in each run here"
    return Issue(NO_DATA, Level.WARNING, message, rule.folder, _place(rule, fault))


def _missing(answers: Iterable[_Answer]) -> list[Issue]:
    """One warning for each index that is not there, however many rules read it."""
    readers: dict[str, list[CompiledRule]] = {}
    for answer in answers:
        for index in answer.missing:
            readers.setdefault(index, []).append(answer.rule)
    return [
        Issue(NO_DATA, Level.WARNING, f"no data yet: {_who(rules)} nothing until there is an index {index}")
        for index, rules in sorted(readers.items())
    ]


def _who(rules: Sequence[CompiledRule]) -> str:
    return f"{rules[0].folder} finds" if len(rules) == 1 else f"{len(rules)} rules find"


def refused(rule: CompiledRule, fault: Fault) -> Issue:
    """A fault of a rule's query as an issue, at its place in the hunt's file."""
    message = f"{rule.rule.name}: Elasticsearch refuses the query: {fault.message}"
    hint = "correct the query, or the mapping of what it reads"
    if _UNKNOWN_INDEX.search(fault.message):
        hint = "make that index there, with index.mode lookup; locally the rows in a test's `lookup` are enough"
    return Issue(REFUSED, Level.ERROR, message, rule.folder, _place(rule, fault), hint)


def not_asked(rule: CompiledRule, lacking: str) -> Issue:
    """That the embedded Elasticsearch was not asked about a rule, since it lacks something."""
    message = f"{rule.rule.name}: not checked here: the embedded Elasticsearch cannot run {lacking}"
    return Issue(NOT_ASKED, Level.WARNING, message, rule.folder, hint="plan for an environment that can")


def query_text(rule: CompiledRule) -> str:
    """The rule's query as Kibana gets it."""
    return str(rule.rule.payload["query"])


def _place(rule: CompiledRule, fault: Fault) -> Location:
    """Where the fault stands; by what the server quotes of the query where it tells no place."""
    query = rule.query
    if fault.line:
        lines = query_text(rule).split("\n")
        return rule.place(sum(len(line) + 1 for line in lines[: fault.line - 1]) + fault.column - 1)
    quoted = [span for span, text in _parts(rule.tree) if f"[{text}" in fault.message]
    start = max(quoted, key=lambda span: span.end - span.start, default=nodes.Span(0, 0)).start
    return query.place(rule.source.hunt.source, *rule.tree.position(start))


def _parts(tree: nodes.Tree) -> Iterator[tuple[nodes.Span, str]]:
    """What a server may quote: calls as they are written, texts by their value."""
    for node in tree.walk():
        if isinstance(node, nodes.Call):
            yield node.span, node.span.of(tree.text)
        elif isinstance(node, nodes.Literal) and node.value:
            yield node.span, str(node.value)
