"""Compiled rules in the forms of other tools."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, as_texts
from entra_deployer.exchange.detection_rules import write_detection_rule
from entra_deployer.exchange.foreign import Loss
from entra_deployer.exchange.ndjson import write_export
from entra_deployer.exchange.terraform import write_resource
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects.rule_fields import KEPT_ALWAYS
from entra_deployer.objects.tag import OWNER_TAG
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.survey import Resolver
from entra_deployer.repository import Compilation, Repository

NOT_CARRIED = "DEP374"


class ExportForm(StrEnum):
    """The tools that rules are written for."""

    DETECTION_RULES = "detection-rules"
    NDJSON = "ndjson"
    TERRAFORM = "terraform"


@dataclass(frozen=True)
class Exported:
    """The files of an export, by name, and what they do not say of which rule."""

    form: str
    rules: int
    files: Mapping[str, str]
    issues: tuple[Issue, ...] = ()


def compile_for_space(repository: Repository, connection: Connection, selection: Selection = ALL) -> Compilation:
    """The rules as they are for an environment's first space, with its overlays, connectors and exception lists."""
    space = connection.environment.spaces[0]
    compilation = repository.compile(connection.target(space), selection)
    resolver = Resolver(connection.kibana, space, connection.environment.connectors)
    rules = tuple(resolver.resolve(rule) for rule in compilation.rules)
    return replace(compilation, rules=rules, issues=(*compilation.issues, *resolver.issues))


def export_rules(rules: Sequence[CompiledRule], form: ExportForm, today: date) -> Exported:
    """The rules in a tool's form: a file for each, or one for all where that tool has it so."""
    files: dict[str, str] = {}
    issues: list[Issue] = []
    payloads = []
    for rule in rules:
        payload = _payload(rule)
        name = f"{rule.folder}_{rule.own_key}" if rule.own_key else rule.folder
        lost: tuple[Loss, ...] = ()
        if form is ExportForm.DETECTION_RULES:
            files[f"{name}.toml"], lost = write_detection_rule(payload, rule.settings.settings.stack, today)
        elif form is ExportForm.TERRAFORM:
            files[f"{name}.tf"], lost = write_resource(name, payload)
        else:
            payloads.append(payload)
        issues += (_issue(rule, loss) for loss in (*_by_name(rule, form), *lost))
    if form is ExportForm.NDJSON:
        files["rules.ndjson"] = write_export(payloads)
    return Exported(form, len(rules), files, tuple(sorted(issues, key=lambda issue: issue.order)))


def _payload(rule: CompiledRule) -> dict[str, Json]:
    """The rule without our mark: where it goes, no push of ours is to take it for its own."""
    payload = {name: value for name, value in rule.rule.payload.items() if name not in KEPT_ALWAYS}
    return payload | {"tags": [tag for tag in as_texts(payload["tags"]) if tag != OWNER_TAG]}


def _by_name(rule: CompiledRule, form: ExportForm) -> Iterator[Loss]:
    """What rule.yaml says by a name that only a space turns into an id, and what only this tool reads."""
    settings = rule.settings.settings
    if settings.actions and "actions" not in rule.rule.payload:
        yield Loss("actions", "their connectors have ids in a space alone: --on ENV looks them up")
    if settings.exceptions and "exceptions_list" not in rule.rule.payload:
        yield Loss("exceptions", "exception lists have ids in a space alone: --on ENV looks them up")
    if settings.stack and form is not ExportForm.DETECTION_RULES:
        yield Loss("stack", f"the rule is for {settings.stack}, and nothing there says so")


def _issue(rule: CompiledRule, loss: Loss) -> Issue:
    return Issue(NOT_CARRIED, Level.WARNING, f"{loss.field}: {loss.why}", rule.rule.name)
