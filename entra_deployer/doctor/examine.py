"""Looking an environment over before anything is pushed to it. Reads only."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import DeployError, ExitCode, Refused
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.doctor import findings as doctor
from entra_deployer.doctor.examination import Examination, Finding, Health
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import parse
from entra_deployer.ledger.reader import Past
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.source_fields import watch_sources
from entra_deployer.repository import Compilation, compile_rules
from entra_deployer.stack import privileges
from entra_deployer.stack.elasticsearch import ElasticClient, connect
from entra_deployer.stack.environment import Environment
from entra_deployer.stack.source_fields import SourceField

type Clock = Callable[[], datetime]

_ROUNDING = timedelta(seconds=0.5)
"""Kibana tells its time without the fraction."""


def examine(root: Path, connection: Connection, clock: Clock) -> Examination:
    """One finding about each thing that can be asked; what cannot be asked is a finding too."""
    with _Doctor(root, connection, clock) as found:
        return Examination(connection.environment.name, tuple(found.findings()))


def doctor_code(examination: Examination) -> ExitCode:
    """1 for an error; warnings are no reason not to push."""
    return ExitCode.FAILED if examination.count(Health.ERROR) else ExitCode.OK


def least_role(root: Path, environment: Environment, version: StackVersion) -> Mapping[str, Json]:
    """The least role for the rules of the repository in an environment of that version."""
    compilation = compile_rules(root, _target(environment, version))
    rules = compilation.rules
    return privileges.least_role(version, environment.spaces, patterns(rules, version), actions=_act(compilation))


def patterns(rules: Sequence[CompiledRule], version: StackVersion) -> tuple[str, ...]:
    """The index patterns that rules read, sorted, each once."""
    trees = (parse(rule.rule.payload["query"], version).tree for rule in rules)
    return tuple(sorted({pattern for tree in trees if tree for pattern in sources(tree)}))


def _act(compilation: Compilation) -> bool:
    """Whether any rule has actions, which name connectors."""
    return any(query.settings.actions for source in compilation.sources for query in source.queries)


def _target(environment: Environment, version: StackVersion, licence: str = "basic") -> Target:
    space = environment.spaces[0]
    return Target(environment.name, space, version, licence, overlay=environment.overlay, overlays=environment.overlays)


@dataclass
class _Doctor:
    """Asks both servers. Use it in a with block, which closes what it opened."""

    root: Path
    connection: Connection
    clock: Clock

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
        return connect(replace(elastic, credentials=kibana.credentials))

    def findings(self) -> Iterator[Finding]:
        """All findings. What only one of the servers knows is asked even where the other is away."""
        kibana: StackVersion | None = None
        elastic: StackVersion | None = None
        try:
            kibana = self.connection.version
        except DeployError as error:
            yield _broken("kibana", error)
        try:
            elastic = self.connection.elastic.version()
        except DeployError as error:
            yield _broken("elasticsearch", error)
        if kibana and elastic:
            yield doctor.judge_versions(kibana, elastic)
        if kibana:
            yield from self._guarded("kibana", lambda: self._of_kibana(kibana))
        version = kibana or elastic
        if elastic and version:
            yield from self._of_elastic(version)

    def _guarded(self, about: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
        """What was found until an answer was an error, and that error."""
        try:
            yield from look()
        except DeployError as error:
            yield _broken(about, error)

    def _of_kibana(self, version: StackVersion) -> Iterator[Finding]:
        client = self.connection.kibana
        license_ = client.license() or self.connection.elastic.license()
        yield doctor.judge_licence(license_, version, self.clock())
        if told := client.clock():
            yield doctor.judge_clock("Kibana", (told + _ROUNDING - self.clock()).total_seconds())
        if (has_key := client.has_encryption_key()) is not None:
            yield doctor.judge_encryption(has_key=has_key)
        yield from doctor.judge_spaces(self.connection.environment.spaces, client.spaces())

    def _of_elastic(self, version: StackVersion) -> Iterator[Finding]:
        compilation = compile_rules(self.root, _target(self.connection.environment, version))
        read = patterns(compilation.rules, version)
        looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
            ("clock", self._elastic_clock),
            ("key", self._identity),
            ("hunts", lambda: _hunts(compilation)),
            ("kibana", lambda: self._features(version, compilation)),
            ("source", lambda: self._sources(read)),
            ("data", lambda: self._data(read)),
            ("fields", lambda: self._fields(version, compilation)),
            ("ledger", self._ledger),
            ("verify", self._verification),
        )
        for about, look in looks:
            yield from self._guarded(about, look)

    def _elastic_clock(self) -> Iterator[Finding]:
        before = self.clock()
        try:
            told = self.connection.elastic.now()
        except Refused:
            return  # a key that may read nothing at all may not ask for the time either: that is told of the sources
        ours = before + (self.clock() - before) / 2
        yield doctor.judge_clock("Elasticsearch", (told - ours).total_seconds())

    def _identity(self) -> Iterator[Finding]:
        yield doctor.judge_identity(self._as_kibana.identity(), self.clock())

    def _features(self, version: StackVersion, compilation: Compilation) -> Iterator[Finding]:
        names = self.connection.environment.spaces
        wanted = privileges.wanted(version, actions=_act(compilation))
        asked = sorted({name for some in wanted.values() for name in some})
        held = self._as_kibana.granted(privileges.APPLICATION, asked, [f"space:{space}" for space in names])
        for space in names:
            yield doctor.judge_features(space, wanted, held[f"space:{space}"])

    def _sources(self, read: Sequence[str]) -> Iterator[Finding]:
        for pattern in read:
            if ":" in pattern:
                yield doctor.judge_remote(pattern)
            else:
                yield doctor.judge_source(
                    pattern, self._lacking(self._as_kibana, pattern, privileges.SOURCE_PRIVILEGES)
                )

    def _data(self, read: Sequence[str]) -> Iterator[Finding]:
        for pattern in read:
            if ":" in pattern or self._lacking(self._as_kibana, pattern, privileges.SOURCE_PRIVILEGES):
                continue
            exists = bool(self._as_kibana.find_indices(pattern))
            newest = self._newest(pattern) if exists else None
            yield doctor.judge_data(pattern, newest, self.clock(), exists=exists)

    def _newest(self, pattern: str) -> datetime | None:
        order = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]
        found = self._as_kibana.search(pattern, query={"exists": {"field": "@timestamp"}}, sort=order, size=1)
        return _time(found[0].get("@timestamp")) if found else None

    def _fields(self, version: StackVersion, compilation: Compilation) -> Iterator[Finding]:
        """One finding for each source that is there, about all fields that any rule needs of it."""
        rules = [one.rule for one in compilation.rules]
        then = Past(self.root, self.connection).types(self.connection.environment.spaces[0])
        by_pattern: dict[str, dict[str, SourceField]] = {}
        for watched in watch_sources(self._as_kibana, version, rules, then):
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

    def _lacking(self, client: ElasticClient, index: str, wanted: Sequence[str]) -> tuple[str, ...]:
        return client.has_privileges(index=[{"names": [index], "privileges": list(wanted)}])


def _hunts(compilation: Compilation) -> Iterator[Finding]:
    broken = sum(issue.level is Level.ERROR for issue in compilation.issues)
    yield doctor.judge_hunts(len(compilation.rules), broken)


def _broken(about: str, error: DeployError) -> Finding:
    place = f"{error.location}: " if error.location else ""
    return Finding(about, Health.ERROR, f"{place}{error.message}", error.hint or "")


def _time(value: Json) -> datetime | None:
    """A timestamp in a document: ISO 8601, or milliseconds since 1970."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
