"""An environment with its servers at the other end of the line, and what is written down of the pushes to it."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from threading import BoundedSemaphore
from types import TracebackType
from typing import Self

from entra_deployer import facts
from entra_deployer.core.ahead import ahead
from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.objects import KINDS
from entra_deployer.objects.kind import Handler
from entra_deployer.objects.rule import RuleHandler
from entra_deployer.plan.journal import Journal, Lock, Locks, Patience
from entra_deployer.stack.diagnosis import key_problem
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.stack.environment import Environment, Scheme
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.search import PreviewResult


@dataclass(frozen=True)
class Connection:
    """Both servers of an environment. Use it in a with block, which closes the connections.

    `journal` is what is written down of earlier pushes, `locks` part two pushes; `ledger.open_connection` makes both.
    """

    environment: Environment
    kibana: KibanaClient
    elastic: ElasticClient
    journal: Journal
    locks: Locks

    def __enter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.kibana.__exit__(kind, error, trace)
        self.elastic.close()

    def ahead[T](self, work: Callable[[], T]) -> Callable[[], T]:
        """Begin something that asks the servers, where they may be asked several things at a time."""
        return ahead(work, aside=self.environment.limits.parallel > 1)

    @cached_property
    def version(self) -> StackVersion:
        """Kibana's version: the one that rules are compiled for."""
        try:
            return self.kibana.version()
        except Refused as refusal:
            raise self._explained(refusal) from None

    def _explained(self, refusal: Refused) -> Refused:
        """A 401 of Kibana to an API key: what is wrong with the key only Elasticsearch tells."""
        credentials = self.environment.kibana.credentials
        if refusal.status != 401 or credentials.scheme is not Scheme.API_KEY or key_problem(credentials.secret):
            return refusal
        hint = refusal.hint
        asking = self.elastic.acting_as(credentials)
        try:
            asking.identity()
            hint = f"{self.elastic.address} takes this key: Kibana belongs to another cluster, or has lost it"
        except Refused as told:
            if told.status == 401:
                hint = told.hint
        except Unreachable:
            pass  # then Kibana's own words are all that there is
        finally:
            asking.close()
        return Refused(refusal.message, status=refusal.status, hint=hint)

    @cached_property
    def license(self) -> str:
        """The license that Kibana works under; Elasticsearch's where Kibana does not tell."""
        return (self.kibana.license() or self.elastic.license()).type

    @property
    def stack(self) -> str:
        """What answers and where, for the head of a report: "Kibana 8.19.21, platinum, kibana.example, space soc"."""
        return f"Kibana {self.version}, {self.license}, {self.environment.address}"

    def target(self, space: str) -> Target:
        """One space, as the compiler needs to know it."""
        environment = self.environment
        return Target(
            environment=environment.name,
            space=space,
            version=self.version,
            license=self.license,
            enabled=environment.enabled,
            overlay=environment.overlay,
            overlays=environment.overlays,
        )

    def rules(self, space: str) -> RuleHandler:
        """The detection rules of a space."""
        return RuleHandler(self.kibana, space, self.version)

    def handler(self, space: str, kind: str) -> Handler:
        """The objects of one kind in a space."""
        return KINDS[kind].handler(self.kibana, space, self.version)

    def handlers(self) -> dict[tuple[str, str], Handler]:
        """The handlers of every kind in every space of the environment."""
        return {(space, kind): self.handler(space, kind) for space in self.environment.spaces for kind in KINDS}

    def lock(self, patience: Patience = lambda _: False, *, wanted: bool = True) -> AbstractContextManager[Lock]:
        """Hold the environment's lock, unless the user or the environment's file does without."""
        return self.locks.held(patience, wanted=wanted and self.environment.lock)

    def previewer(self, space: str) -> "RulePreviewer":
        """Kibana's rule preview in a space."""
        return RulePreviewer(self.rules(space), self.elastic, space)


@dataclass(frozen=True)
class RulePreviewer:
    """Runs a rule through Kibana's preview and reads the alerts that it wrote from Elasticsearch.

    However many threads ask, it has no more previews on their way than Kibana takes.
    """

    rules: RuleHandler
    elastic: ElasticClient
    space: str
    pause: Callable[[float], None] = time.sleep
    gate: AbstractContextManager[object] = field(default_factory=lambda: BoundedSemaphore(facts.PREVIEWS_AT_ONCE))

    def preview(self, rule: Mapping[str, Json], *, timeframe_end: str, invocations: int = 1) -> PreviewResult:
        """Run `rule` for `invocations` consecutive schedules that end at `timeframe_end` (ISO 8601)."""
        found = self._once(rule, timeframe_end, invocations)
        for number in range(1, _TRIES):
            if not any(_PASSING in error for error in found.errors):
                break
            self.pause(_PAUSE * number)
            found = self._once(rule, timeframe_end, invocations)
        return found

    def _once(self, rule: Mapping[str, Json], timeframe_end: str, invocations: int) -> PreviewResult:
        with self.gate:
            answer = self.rules.preview(rule, timeframe_end=timeframe_end, invocations=invocations)
        errors = [text for log in answer.logs for text in log.errors]
        warnings = [text for log in answer.logs for text in log.warnings]
        if answer.is_aborted:
            errors.append("Kibana gave the preview up after its 60 seconds")
        alerts: list[Mapping[str, Json]] = []
        if answer.preview_id:
            index = f".preview.alerts-security.alerts-{self.space}"
            query = {"term": {"kibana.alert.rule.uuid": answer.preview_id}}
            alerts = self.elastic.search(index, query=query, size=10_000)
        return PreviewResult(tuple(alerts), tuple(errors), tuple(warnings))


_PASSING = "no_shard_available_action_exception"
"""What a preview says while Kibana makes the space's preview index: a moment later it works (facts, November 2026)."""
_TRIES = 5
_PAUSE = 0.5
"""Seconds."""
