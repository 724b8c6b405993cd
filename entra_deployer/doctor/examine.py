"""Looking an environment over before anything is pushed to it. Reads only."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import DeployError, ExitCode, Refused
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.core.time import parse_moment
from entra_deployer.doctor import findings as doctor
from entra_deployer.doctor.findings import Examination, Finding, Health
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import sources
from entra_deployer.esql.tree import Tree
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.index_mapping import watch_sources
from entra_deployer.plan.push import PushRequest, plan_rules
from entra_deployer.repository import Compilation, Repository
from entra_deployer.stack import privileges
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.stack.environment import Environment
from entra_deployer.stack.privileges import ENRICH_PRIVILEGE, Reads, read_by
from entra_deployer.stack.search import SourceField

type Clock = Callable[[], datetime]

_KIBANA, _ELASTIC = "Kibana", "Elasticsearch"
_OF_THE_HUNTS = frozenset({"kibana", "source", "data", "fields", "plan"})
"""What is looked at because of what the rules read and do."""
_ROUNDING = timedelta(seconds=0.5)
"""Kibana tells its time without the fraction."""


def examine(repository: Repository, connection: Connection, clock: Clock) -> Examination:
    """One finding about each thing that can be asked; what cannot be asked is a finding too."""
    with _Doctor(repository, connection, clock) as found:
        return Examination(connection.environment.name, tuple(found.findings()), stack=connection.environment.address)


def doctor_code(examination: Examination) -> ExitCode:
    """1 for an error; warnings are no reason not to push."""
    return ExitCode.FAILED if examination.count(Health.ERROR) else ExitCode.OK


def least_role(repository: Repository, environment: Environment, version: StackVersion) -> Mapping[str, Json]:
    """The least role for the rules of the repository in an environment of that version."""
    compilation = repository.compile(_target(environment, version))
    reads = what_rules_read(compilation.rules, version)
    return privileges.least_role(version, environment.spaces, reads, actions=_act(compilation))


def what_rules_read(rules: Sequence[CompiledRule], version: StackVersion) -> Reads:
    """What the queries of rules read, those within a FROM among them."""
    return what_queries_read((str(rule.rule.payload["query"]) for rule in rules), version)


def what_queries_read(queries: Iterable[str], version: StackVersion) -> Reads:
    """What queries read, as a role names it."""
    trees = [tree for query in queries for tree in _trees(query, version)]
    others = [(node, tree) for tree in trees for node in tree.walk() if isinstance(node, nodes.Other)]
    joins = [_JOINED.match(node.span.of(tree.text)) for node, tree in others if node.word == "lookup"]
    joined = [found[1].strip('"') for found in joins if found]
    enriches = any(node.word == "enrich" for node, _ in others)
    return read_by((name for tree in trees for name in sources(tree)), joined, enriches=enriches)


_JOINED = re.compile(r"lookup\s+join\s+(\S+)", re.IGNORECASE)
_WITHIN = re.compile(r"\(\s*(?=from\s)", re.IGNORECASE)


def _trees(text: str, version: StackVersion) -> Iterator[Tree]:
    """The tree of a query, and of each query within its FROM."""
    tree = syntax_cache().parse(text, version).tree
    if tree is None:
        return
    yield tree
    for command in tree.commands:
        if isinstance(command, nodes.From) and command.subqueries:
            source = command.span.of(tree.text)
            for found in _WITHIN.finditer(source):
                yield from _trees(_up_to_its_end(source[found.end() :]), version)


def _up_to_its_end(text: str) -> str:
    """The text up to the bracket that closes what begins before it."""
    depth = 1
    for position, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return text[:position]
    return text


def _act(compilation: Compilation) -> bool:
    """Whether any rule has actions, which name connectors."""
    return any(rule.settings.settings.actions for rule in compilation.rules)


def _target(environment: Environment, version: StackVersion) -> Target:
    space = environment.spaces[0]
    return Target(environment.name, space, version, overlay=environment.overlay, overlays=environment.overlays)


@dataclass
class _Doctor:
    """Asks both servers. Use it in a with block, which closes what it opened."""

    repository: Repository
    connection: Connection
    clock: Clock
    _answers: dict[str, StackVersion | None] = field(default_factory=dict)
    _unread: bool = False

    def __enter__(self) -> "_Doctor":
        return self

    def __exit__(self, *_: object) -> None:
        if self._as_kibana is not self.connection.elastic:
            self._as_kibana.close()

    @cached_property
    def _as_kibana(self) -> ElasticClient:
        """Elasticsearch asked as whom we are to Kibana: with that key the rules will run."""
        kibana, elastic = self.connection.environment.kibana, self.connection.environment.elasticsearch
        if kibana.credentials == elastic.credentials:
            return self.connection.elastic
        return self.connection.elastic.acting_as(kibana.credentials)

    def findings(self) -> Iterator[Finding]:
        """All findings. What only one of the servers knows is asked even where the other is away."""
        self._answers = {_KIBANA: None, _ELASTIC: None}
        yield from self._guarded("kibana", self._kibana_version)
        yield from self._guarded("elasticsearch", self._elastic_version)
        for about, servers, look in self._looks():
            if away := [server for server in servers if not self._answers[server]]:
                yield doctor.not_looked_at(about, f"{' and '.join(away)} could not be asked")
            elif self._unread and about in _OF_THE_HUNTS:
                yield doctor.not_looked_at(about, "the hunts could not be read")
            else:
                yield from self._guarded(about, look)

    def _looks(self) -> tuple[tuple[str, tuple[str, ...], Callable[[], Iterator[Finding]]], ...]:
        """What there is to look at: what it is about, which servers it needs, and how it is done."""
        either = tuple(server for server in (_KIBANA, _ELASTIC) if self._answers[server])[:1] or (_KIBANA, _ELASTIC)
        return (
            ("versions", (_KIBANA, _ELASTIC), self._versions),
            ("license", (_KIBANA,), self._license),
            ("clock", (_KIBANA,), self._kibana_clock),
            ("encryption", (_KIBANA,), self._encryption),
            ("space", (_KIBANA,), self._spaces),
            ("clock", (_ELASTIC,), self._elastic_clock),
            ("key", (_ELASTIC,), self._identity),
            ("hunts", either, self._hunts),
            ("kibana", (_ELASTIC,), self._features),
            ("source", (_ELASTIC,), self._sources),
            ("data", (_ELASTIC,), self._data),
            ("fields", (_ELASTIC,), self._fields),
            ("ledger", (_ELASTIC,), self._ledger),
            ("verify", (_ELASTIC,), self._verification),
            ("plan", (_KIBANA, _ELASTIC), self._plan),
        )

    def _guarded(self, about: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        """What was found until an answer was an error, and that error."""
        try:
            yield from look()
        except DeployError as error:
            yield _broken(about, error)

    # -- the servers ------------------------------------------------------------------------------------------------

    def _kibana_version(self) -> Iterator[Finding]:
        self._answers[_KIBANA] = self.connection.version
        yield from ()

    def _elastic_version(self) -> Iterator[Finding]:
        self._answers[_ELASTIC] = self.connection.elastic.version()
        yield from ()

    @property
    def _version(self) -> StackVersion:
        """The version that rules are compiled for."""
        found = self._answers[_KIBANA] or self._answers[_ELASTIC]
        if found is None:
            raise LookupError("nothing is looked at that needs a version where no server told one")
        return found

    def _versions(self) -> Iterator[Finding]:
        yield doctor.judge_versions(self._version, self.connection.elastic.version())

    def _license(self) -> Iterator[Finding]:
        found = self.connection.kibana.license() or self.connection.elastic.license()
        yield doctor.judge_license(found, self._version, self.clock())

    def _kibana_clock(self) -> Iterator[Finding]:
        if told := self.connection.kibana.clock():
            yield doctor.judge_clock("Kibana", (told + _ROUNDING - self.clock()).total_seconds())
        else:
            yield doctor.not_looked_at("clock", "Kibana's answers have no Date", Health.OK)

    def _encryption(self) -> Iterator[Finding]:
        has_key = self.connection.kibana.has_encryption_key()
        if has_key is None:
            yield doctor.not_looked_at("encryption", "this Kibana does not tell", Health.OK)
        else:
            yield doctor.judge_encryption(has_key=has_key)

    def _spaces(self) -> Iterator[Finding]:
        yield from doctor.judge_spaces(self.connection.environment.spaces, self.connection.kibana.spaces())

    def _elastic_clock(self) -> Iterator[Finding]:
        before = self.clock()
        try:
            told = self.connection.elastic.now()
        except Refused as error:
            if error.status != 403:
                raise
            why = "a key that may read nothing may not ask Elasticsearch for the time"
            yield doctor.not_looked_at("clock", why, Health.OK)
            return
        ours = before + (self.clock() - before) / 2
        yield doctor.judge_clock("Elasticsearch", (told - ours).total_seconds())

    def _identity(self) -> Iterator[Finding]:
        yield doctor.judge_identity(self._as_kibana.identity(), self.clock())

    # -- the rules and what they need -------------------------------------------------------------------------------

    @cached_property
    def _compilation(self) -> Compilation:
        return self.repository.compile(_target(self.connection.environment, self._version))

    @cached_property
    def _reads(self) -> Reads:
        return what_rules_read(self._compilation.rules, self._version)

    def _hunts(self) -> Iterator[Finding]:
        self._unread = True
        broken = sum(issue.level is Level.ERROR for issue in self._compilation.issues)
        self._unread = False
        yield doctor.judge_hunts(len(self._compilation.rules), broken)

    def _features(self) -> Iterator[Finding]:
        names = self.connection.environment.spaces
        wanted = privileges.wanted(self._version, actions=_act(self._compilation))
        asked = sorted({name for some in wanted.values() for name in some})
        held = self._as_kibana.granted(privileges.APPLICATION, asked, [f"space:{space}" for space in names])
        for space in names:
            yield doctor.judge_features(space, wanted, held[f"space:{space}"])

    def _sources(self) -> Iterator[Finding]:
        for pattern in (*self._reads.local, *self._reads.joined):
            lacking = self._lacking(self._as_kibana, pattern, privileges.SOURCE_PRIVILEGES)
            yield doctor.judge_source(pattern, lacking)
        for cluster, names in self._reads.remote.items():
            for name in names:
                yield doctor.judge_remote(f"{cluster}:{name}")
        if self._reads.enriches:
            yield doctor.judge_source("ENRICH policies", self._as_kibana.has_privileges(cluster=[ENRICH_PRIVILEGE]))

    def _data(self) -> Iterator[Finding]:
        for pattern in self._reads.local:
            if self._lacking(self._as_kibana, pattern, privileges.SOURCE_PRIVILEGES):
                continue
            exists = bool(self._as_kibana.find_indices(pattern))
            newest = newest_event(self._as_kibana, pattern) if exists else None
            yield doctor.judge_data(pattern, newest, self.clock(), exists=exists)

    def _fields(self) -> Iterator[Finding]:
        """One finding for each source that is there, about all fields that any rule needs of it."""
        rules = [one.rule for one in self._compilation.rules]
        then = self.connection.journal.types(self.connection.environment.spaces[0])
        by_pattern: dict[str, dict[str, SourceField]] = {}
        for watched in watch_sources(self._as_kibana, self._version, rules, then):
            if watched.caps and watched.caps.indices and watched.fields:
                by_pattern.setdefault(watched.pattern, {}).update((one.name, one) for one in watched.fields)
        for pattern, fields in sorted(by_pattern.items()):
            yield doctor.judge_fields(pattern, [fields[name] for name in sorted(fields)])

    def _ledger(self) -> Iterator[Finding]:
        lacking = self._lacking(self.connection.elastic, privileges.LEDGER, privileges.LEDGER_PRIVILEGES)
        yield doctor.judge_ledger(lacking)

    def _verification(self) -> Iterator[Finding]:
        elastic = self.connection.elastic
        lacking = [*self._lacking(elastic, privileges.VERIFY, privileges.VERIFY_PRIVILEGES)]
        for space in self.connection.environment.spaces:
            for index in privileges.preview_indices(space):
                lacking += self._lacking(elastic, index, privileges.PREVIEW_PRIVILEGES)
        yield doctor.judge_verification(self.connection.environment.name, lacking)

    def _plan(self) -> Iterator[Finding]:
        """What a push would do now, or what would block it."""
        plan = plan_rules(self.repository, self.connection, PushRequest()).plan
        if plan is not None:
            yield from doctor.judge_plan(plan.blockers, len(plan.changes))

    def _lacking(self, client: ElasticClient, index: str, wanted: Sequence[str]) -> tuple[str, ...]:
        return client.has_privileges(index=[{"names": [index], "privileges": list(wanted)}])


def newest_event(elastic: ElasticClient, pattern: str) -> datetime | None:
    """The time of the newest event of a source, None where there is none."""
    order = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]
    found = elastic.search(pattern, query={"exists": {"field": "@timestamp"}}, sort=order, size=1)
    return _time(found[0].get("@timestamp")) if found else None


def _broken(about: str, error: DeployError) -> Finding:
    place = f"{error.location}: " if error.location else ""
    return Finding(about, Health.ERROR, f"{place}{error.message}", error.hint or "")


def _time(value: Json) -> datetime | None:
    """A timestamp in a document: ISO 8601, or milliseconds since 1970."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        return parse_moment(str(value))
    except (ValueError, OverflowError, OSError):
        return None
