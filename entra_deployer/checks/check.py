"""What a check is, what it looks at, what it says, and how it is explained."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from entra_deployer import facts
from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json, Misfit
from entra_deployer.core.target import Target
from entra_deployer.data.attack import Attack
from entra_deployer.data.integrations import Stream
from entra_deployer.data.knowledge import Knowledge
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import Problem
from entra_deployer.esql.tree import Span, Tree
from entra_deployer.hunts.folder import QuerySettings
from entra_deployer.hunts.hunt import Hunt, Query
from entra_deployer.objects.rule_payload import RulePayload, read_payload


@dataclass(frozen=True)
class Subject:
    """A compiled rule with all that is known of it and of its target.

    `problems` are what Elastic's type checker says of the query where the fields of its sources are known.
    """

    rule: CompiledRule
    target: Target
    knowledge: Knowledge
    problems: tuple[Problem, ...] = ()

    @property
    def hunt(self) -> Hunt:
        """The hunt that the rule was made from."""
        return self.rule.source.hunt

    @property
    def query(self) -> Query:
        """The hunt's own query."""
        return self.rule.query

    @property
    def settings(self) -> QuerySettings:
        """What rule.yaml says of the rule."""
        return self.rule.settings

    @property
    def tree(self) -> Tree:
        """The syntax of the hunt's own query: its places are those of the hunt's file."""
        return self.rule.tree

    @property
    def payload(self) -> Mapping[str, Json]:
        """The rule as it would be sent to Kibana."""
        return self.rule.rule.payload

    @cached_property
    def _read(self) -> tuple[RulePayload, Sequence[Misfit]]:
        return read_payload(self.payload)

    @property
    def said(self) -> RulePayload:
        """The payload as a type, without what is not of it."""
        return self._read[0]

    @property
    def misfits(self) -> Sequence[Misfit]:
        """What of the payload is not of the type that its field has."""
        return self._read[1]

    @property
    def attack(self) -> Attack:
        """The version of ATT&CK that rules of the target carry."""
        return self.knowledge.attack_for(nineteen=facts.ATTACK_19.holds(self.target.version))

    @property
    def sources(self) -> tuple[str, ...]:
        """The index patterns that the query reads from."""
        return sources(self.tree)

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """The data streams of integrations that the query reads from; () where any source is another."""
        return self.knowledge.streams_of(self.sources) or ()

    @cached_property
    def field_types(self) -> Mapping[str, str] | None:
        """The fields of the sources with their types; None where the sources are not known."""
        return self.knowledge.field_types(self.sources)


@dataclass(frozen=True)
class Finding:
    """What a check says: of a part of the query (`span`), of a field of the hunt (`field`), or of the rule as a whole.

    `setting` is the path in rule.yaml that it is about. `level` is given where it is another than the check's own.
    """

    message: str
    span: Span | None = None
    field: str = ""
    hint: str | None = None
    level: Level | None = None
    setting: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Example:
    """A query, what `rule.yaml` says of it and what it is compiled for, for which a check speaks or keeps silent."""

    query: str
    rule_yaml: str = ""
    mitre: tuple[str, ...] = ("T1078.004",)
    version: str = f"{facts.OFFLINE.major}.{facts.OFFLINE.minor}"
    license: str = "platinum"


@dataclass(frozen=True)
class Check:
    """A check: its stable code, what it is about in a line, why that matters and what to do (`explanation`).

    `run` gives its findings. For `bad` there is at least one, for `good` there is none: `deploy explain` shows both, a
    test proves them. `silenceable` is False where a rule with the fault could not run at all.
    """

    code: str
    title: str
    level: Level
    explanation: str
    good: Example
    bad: Example
    run: Callable[[Subject], Iterable[Finding]]
    silenceable: bool = True
