"""A rule as another tool has it."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.json import DoesNotFit, Json, decode
from entra_deployer.objects.rule_fields import KEPT_ALWAYS, RULE_FIELDS, SERVER_SET

type Body = Mapping[str, Json]

ESQL = "esql"


@dataclass(frozen=True)
class Loss:
    """A field of a rule that the other side has no place for, or another meaning, and why."""

    field: str
    why: str


@dataclass(frozen=True)
class ForeignRule:
    """A rule in Kibana's field names. `source` is where it stands, for messages.

    `settings` are keys of rule.yaml that Kibana has no field for, `techniques` those of ATT&CK where its `threat` does
    not say them, `losses` what of the original was left out. `scheduled` says that it has a schedule of its own, be it
    Kibana's default; else the compiler makes one.
    """

    source: str
    payload: Body
    settings: Mapping[str, Json]
    losses: tuple[Loss, ...] = ()
    techniques: tuple[str, ...] = ()
    scheduled: bool = True

    @property
    def name(self) -> str:
        """The rule's name."""
        return str(self.payload["name"])


class _Technique(msgspec.Struct):
    id: str
    name: str = ""
    reference: str = ""
    subtechnique: list[dict[str, Json]] = []


class _Tactic(msgspec.Struct):
    name: str
    id: str = ""
    reference: str = ""


class _Threat(msgspec.Struct):
    tactic: _Tactic
    framework: str = "MITRE ATT&CK"
    technique: list[_Technique] = []


class _ExceptionList(msgspec.Struct):
    list_id: str


class _Integration(msgspec.Struct):
    package: str
    integration: str | None = None


class _Rule(msgspec.Struct, rename={"from_": "from"}):
    """What the fields have to be that are looked into; the others are taken as they are."""

    name: str
    type: str
    query: str = ""
    rule_id: str = ""
    description: str = ""
    severity: str = "medium"
    risk_score: float = 47
    interval: str = "5m"
    from_: str = "now-6m"
    to: str = "now"
    author: list[str] = []
    tags: list[str] = []
    references: list[str] = []
    false_positives: list[str] = []
    note: str = ""
    setup: str = ""
    license: str = ""
    max_signals: int = 100
    threat: list[_Threat] = []
    related_integrations: list[_Integration] = []
    exceptions_list: list[_ExceptionList] = []
    actions: list[dict[str, Json]] = []
    alert_suppression: dict[str, Json] | None = None


def foreign_rule(
    body: Body, source: str, settings: Mapping[str, Json] | None = None, losses: tuple[Loss, ...] = ()
) -> ForeignRule:
    """A rule from a body in Kibana's names. Raises InputError for one that is none."""
    try:
        rule = decode({name: value for name, value in body.items() if value is not None}, _Rule)
    except DoesNotFit as error:
        raise InputError(f"is no rule: {error.message}", location=Location(source), hint=error.hint) from error
    if not rule.name.strip():
        raise InputError("is no rule: it has no name", location=Location(source))
    known = {name: value for name, value in body.items() if name in RULE_FIELDS and value is not None}
    own = dict(settings or {})
    if rule.exceptions_list:
        own["exceptions"] = [one.list_id for one in rule.exceptions_list]
    lost = [*losses, *_lost(body, rule)]
    return ForeignRule(source, known, own, tuple(lost))


def _lost(body: Body, rule: _Rule) -> list[Loss]:
    """What of a body this tool has no place for."""
    silent = RULE_FIELDS.keys() | SERVER_SET | KEPT_ALWAYS
    lost = [Loss(name, "this tool does not know the field") for name in sorted(body.keys() - silent)]
    if rule.actions:
        lost.append(Loss("actions", "they name connectors by id: name them under `actions:` in rule.yaml"))
    if body.get("response_actions"):
        lost.append(Loss("response_actions", "they stay with the live stack: set them in Kibana"))
    return lost
