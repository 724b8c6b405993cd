"""An environment with its servers at the other end of the line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Self

from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.ledger.index_store import Ledger
from entra_deployer.objects.rule import RuleHandler
from entra_deployer.objects.saved_object import SavedObjectHandler
from entra_deployer.objects.state import Kind
from entra_deployer.stack.diagnosis import key_problem
from entra_deployer.stack.elasticsearch import ElasticClient, connect
from entra_deployer.stack.environment import Environment, Scheme
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.search import PreviewResult
from entra_deployer.stack.server import Patience


@dataclass(frozen=True)
class Connection:
    """Both servers of an environment. Use it in a with block, which closes the connections."""

    environment: Environment
    kibana: KibanaClient
    elastic: ElasticClient

    def __enter__(self) -> Self:
        """Nothing is sent yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.kibana.__exit__(kind, error, trace)
        self.elastic.close()

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
    def licence(self) -> str:
        """The licence that Kibana works under; Elasticsearch's where Kibana does not tell."""
        return (self.kibana.license() or self.elastic.license()).type

    @property
    def stack(self) -> str:
        """What answers and where, for the head of a report: "Kibana 8.19.21, platinum, kibana.example, space soc"."""
        return f"Kibana {self.version}, {self.licence}, {self.environment.address}"

    def target(self, space: str) -> Target:
        """One space, as the compiler needs to know it."""
        environment = self.environment
        return Target(
            environment=environment.name,
            space=space,
            version=self.version,
            licence=self.licence,
            enabled=environment.enabled,
            overlay=environment.overlay,
            overlays=environment.overlays,
        )

    def rules(self, space: str) -> RuleHandler:
        """The detection rules of a space."""
        return RuleHandler(self.kibana, space, self.version)

    def saved_objects(self, space: str, kind: Kind) -> SavedObjectHandler:
        """The saved searches, or the tags, of a space."""
        return SavedObjectHandler(self.kibana, space, kind)

    def handlers(self) -> dict[tuple[str, Kind], RuleHandler | SavedObjectHandler]:
        """The handlers of every space of the environment."""
        found: dict[tuple[str, Kind], RuleHandler | SavedObjectHandler] = {}
        for space in self.environment.spaces:
            found[space, Kind.RULE] = self.rules(space)
            found[space, Kind.SAVED_SEARCH] = self.saved_objects(space, Kind.SAVED_SEARCH)
            found[space, Kind.TAG] = self.saved_objects(space, Kind.TAG)
        return found

    def ledger(self) -> Ledger:
        """The environment's ledger."""
        return Ledger(self.elastic, self.environment.name)

    def previewer(self, space: str) -> "RulePreviewer":
        """Kibana's rule preview in a space."""
        return RulePreviewer(self.rules(space), self.elastic, space)


def open_connection(environment: Environment, warn: Callable[[str], None] = lambda _: None) -> Connection:
    """Clients for both servers of an environment; `warn` is told of what everybody should know, and of each wait."""
    both = (environment.kibana, environment.elasticsearch)
    if any(not endpoint.verify and endpoint.url.startswith("https") for endpoint in both):
        warn(f"the certificates of {environment.name} are not checked (verify: false)")
    for host in sorted({endpoint.host for endpoint in both if endpoint.is_readable_on_the_way}):
        warn(f"the credentials of {environment.name} go to {host} over plain http: whoever is on the way reads them")
    patience = Patience(tell=warn)
    return Connection(
        environment,
        KibanaClient(environment.kibana, patience=patience),
        connect(environment.elasticsearch, patience=patience),
    )


@dataclass(frozen=True)
class RulePreviewer:
    """Runs a rule through Kibana's preview and reads the alerts that it wrote from Elasticsearch."""

    rules: RuleHandler
    elastic: ElasticClient
    space: str

    def preview(self, rule: Mapping[str, Json], *, timeframe_end: str, invocations: int = 1) -> PreviewResult:
        """Run `rule` for `invocations` consecutive schedules that end at `timeframe_end` (ISO 8601)."""
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
