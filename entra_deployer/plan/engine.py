"""What the embedded Elasticsearch says of queries whose sources it does not have: empty indices take their place.

An index has the fields that the queries read, of the types that the integrations and ECS give them, else of those that
the queries demand. So what is refused is the query's own fault, on any environment of that version.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from entra_deployer.checked import CheckReport
from entra_deployer.checks.codes import title
from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import as_mapping
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import joined_on, joins, possible_fields, read_fields, sources
from entra_deployer.esql.embedded import beyond_embedded, lacked
from entra_deployer.esql.rule_query import RuleQuery, Unreadable, lookup_index, read_query
from entra_deployer.esql.types import types_alike
from entra_deployer.plan.preflight import Fault, ask, at_any_time, not_asked, query_text, refused
from entra_deployer.repository import CANNOT_RUN
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.stack.mapping import (
    LOOKUP_SETTINGS,
    SETTINGS,
    FieldMapping,
    field_mappings,
    known_types,
    lookup_mapping,
    stand_ins,
)

PREFIX = "entra-deployer-engine"
_PARALLEL = 4


@dataclass(frozen=True)
class Verdict:
    """What the embedded Elasticsearch has against a query; `guessed` are the fields of a type that nobody knows."""

    faults: tuple[Fault, ...] = ()
    guessed: frozenset[str] = frozenset()

    def is_sure(self, fault: Fault) -> bool:
        """Whether a fault is one whatever the type of the guessed fields is."""
        return not any(re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", fault.message) for name in self.guessed)


def ask_engine(elastic: ElasticClient, texts: Sequence[str], version: StackVersion) -> list[Verdict | None]:
    """What the embedded Elasticsearch says of each query; None for one that reads no index of its own."""
    found: list[Verdict | None] = [None] * len(texts)
    queries = {number: query for number, text in enumerate(texts) if (query := _read(text, version))}
    with _stand_ins(elastic, list(queries.values())) as indices, ThreadPoolExecutor(_PARALLEL) as pool:
        asked = pool.map(lambda query, index: _ask(elastic, query, index), queries.values(), indices)
        for number, verdict in zip(queries, asked, strict=True):
            found[number] = verdict
    return found


def _read(text: str, version: StackVersion) -> RuleQuery | None:
    try:
        return read_query(text, version)
    except Unreadable:
        return None


def _ask(elastic: ElasticClient, query: RuleQuery, index: str) -> Verdict:
    faults = ask(elastic, query.at(index), query.at(index, *at_any_time(query.tree)))
    guessed = query.fields.keys() - known_types(_sources(query)).keys() if faults else ()
    return Verdict(tuple(_placed(fault, query, index) for fault in faults), frozenset(guessed))


def _placed(fault: Fault, query: RuleQuery, index: str) -> Fault:
    """The fault at its place in the query as it was before it was pointed at `index`."""
    if not fault.line:
        return fault
    return Fault(fault.message, *query.tree.position(query.offset(fault.line, fault.column, index)))


def _sources(query: RuleQuery) -> str:
    return ",".join(sources(query.tree))


# --- what is told -----------------------------------------------------------------------------------------------


def judge(
    elastic: ElasticClient, rules: Sequence[CompiledRule], version: StackVersion
) -> tuple[list[Issue], list[CompiledRule]]:
    """What the embedded Elasticsearch has against the rules' queries, and the rules whose query it takes."""
    issues: list[Issue] = []
    asked: list[CompiledRule] = []
    for rule in rules:
        if lacking := beyond_embedded(query_text(rule), version):
            issues.append(not_asked(rule, lacking))
        else:
            asked.append(rule)
    taken: list[CompiledRule] = []
    for rule, verdict in zip(asked, ask_engine(elastic, [query_text(rule) for rule in asked], version), strict=True):
        if verdict is not None:
            issues += (_issue(rule, verdict, fault) for fault in verdict.faults)
            taken += () if verdict.faults else (rule,)
    return issues, taken


def _issue(rule: CompiledRule, verdict: Verdict, fault: Fault) -> Issue:
    if lacking := lacked(fault.message):
        return not_asked(rule, lacking)
    issue = refused(rule, fault)
    if verdict.is_sure(fault):
        return issue
    hint = "the type of a field that it names was guessed: `deploy plan ENV` asks the environment"
    return replace(issue, level=Level.WARNING, hint=hint)


def judge_unseen(elastic: ElasticClient, version: StackVersion, rules: Sequence[CompiledRule]) -> list[Issue]:
    """What the embedded Elasticsearch has against rules whose sources it does not have."""
    return judge(elastic, rules, version)[0]


def check_on_engine(
    elastic: ElasticClient, rules: Sequence[CompiledRule], version: StackVersion, report: CheckReport
) -> CheckReport:
    """What `check` found offline, set right: the server knows what it takes, and refuses what nobody foresaw."""
    found, taken = judge(elastic, rules, version)
    known = {(issue.subject, issue.code) for issue in report.issues}
    new = [one for one in found if not any((one.subject, code) in known for code in CANNOT_RUN)]
    old = [_disproved(one) if any(_is_of(rule, one) for rule in taken) else one for one in report.issues]
    issues = tuple(sorted({*old, *new}, key=lambda issue: issue.order))
    titles = {**report.titles, **{issue.code: title(issue.code) for issue in new}}
    return replace(report, target=f"{report.target}, asked of Elasticsearch {version}", issues=issues, titles=titles)


def _disproved(issue: Issue) -> Issue:
    if issue.code != "DEP011" or issue.level is not Level.ERROR:
        return issue
    return replace(issue, level=Level.WARNING, hint="the embedded Elasticsearch takes the query as it is")


def _is_of(rule: CompiledRule, issue: Issue) -> bool:
    place, first = issue.location, rule.query.line
    if place is None or place.path != rule.source.hunt.source:
        return False
    return first <= place.line <= first + rule.query.text.count("\n")


# --- the indices ------------------------------------------------------------------------------------------------


@dataclass
class Index:
    """An index in the making: its fields with their mappings, and the numbers of the queries that read it."""

    properties: dict[str, FieldMapping] = field(default_factory=dict)
    readers: list[int] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    alone: bool = False

    def takes(self, properties: Mapping[str, FieldMapping]) -> bool:
        """Whether further fields fit: none of another type, none that is a group of others' fields."""
        return not self.alone and all(
            (name not in self.properties or _kind(self.properties[name]) == _kind(mapping))
            and name not in self.groups
            and not _groups(name) & self.properties.keys()
            for name, mapping in properties.items()
        )

    def add(self, number: int, properties: Mapping[str, FieldMapping]) -> None:
        """Take further fields in."""
        self.readers.append(number)
        for name, mapping in properties.items():
            known = self.properties.get(name, {})
            parts = {**as_mapping(known.get("fields")), **as_mapping(mapping.get("fields"))}
            self.properties[name] = {**mapping, "fields": parts} if parts else mapping
            self.groups |= _groups(name)


def _kind(mapping: FieldMapping) -> FieldMapping:
    return {key: value for key, value in mapping.items() if key != "fields"}


def _groups(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def pack(wanted: Sequence[tuple[Mapping[str, FieldMapping], bool]]) -> list[Index]:
    """As few indices as come easily for the fields of queries: they share one unless they want a field in two types.

    True beside the fields is for a query that needs one for itself.
    """
    found: list[Index] = []
    for number, (properties, alone) in enumerate(wanted):
        index = next((one for one in found if not alone and one.takes(properties)), None)
        if index is None:
            index = Index()
            found.append(index)
        index.alone = alone
        index.add(number, properties)
    return found


def _properties(query: RuleQuery) -> dict[str, FieldMapping]:
    fields = query.fields
    alike = types_alike(query.tree, known_types(_sources(query)))
    fields |= {name: kind for name, kind in alike.items() if name in fields}
    fields |= stand_ins(_sources(query), query.patterns, fields)
    return field_mappings(_sources(query), (), fields, {}, embedded=True)


@contextmanager
def _stand_ins(elastic: ElasticClient, queries: Sequence[RuleQuery]) -> Iterator[list[str]]:
    """The index that each of the queries is to read; they go when the block ends."""
    names = [""] * len(queries)
    with ExitStack() as cleanup:
        for index in pack([(_properties(query), bool(query.lookups)) for query in queries]):
            name = f"{PREFIX}-{uuid.uuid4().hex}"
            cleanup.callback(elastic.delete_index, name)
            elastic.create_index(name, mappings={"properties": index.properties}, settings=SETTINGS)
            for number in index.readers:
                names[number] = name
                _make_lookups(elastic, queries[number], name, cleanup)
        yield names


def _make_lookups(elastic: ElasticClient, query: RuleQuery, index: str, cleanup: ExitStack) -> None:
    """An empty index for each that is joined: its keys, and the columns that the query may have from it alone."""
    brought = set(possible_fields(query.tree)) - set(read_fields(query.tree))
    for target in query.lookups:
        keys: dict[str, str] = {}
        for join in joins(query.tree):
            if join.target and join.target.name == target:
                keys |= _key_types(elastic, query, join, index)
        mappings = lookup_mapping("", [dict.fromkeys(brought - keys.keys())], keys, query.fields, embedded=True)
        name = lookup_index(index, target)
        cleanup.callback(elastic.delete_index, name)
        elastic.create_index(name, mappings=mappings, settings=LOOKUP_SETTINGS)


def _key_types(elastic: ElasticClient, query: RuleQuery, join: nodes.Other, index: str) -> dict[str, str]:
    """The types that the query's own side of a join has; {} where the server does not tell."""
    text = query.before(join, index)
    try:
        columns = elastic.query(f"{text}\n| LIMIT 0").columns if text else ()
    except Refused:
        return {}
    return {column.name: column.type for column in columns if column.name in joined_on(join)}
