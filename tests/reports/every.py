"""One document of each noun, made of what the golden tests tell, with any text put into every field."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path

from msgspec import Struct, structs

from entra_deployer.checked import Explanation
from entra_deployer.compiler.compiled import CompileReport
from entra_deployer.core.issue import Issue
from entra_deployer.project.new_project import NewFile, NewProject
from entra_deployer.reports.document import Document
from entra_deployer.reports.documents.checks import check_document, explanation_document, explanations_document
from entra_deployer.reports.documents.compilation import compilation_document
from entra_deployer.reports.documents.drift import drift_document
from entra_deployer.reports.documents.examination import examination_document
from entra_deployer.reports.documents.forecast import forecast_document
from entra_deployer.reports.documents.history import history_document
from entra_deployer.reports.documents.live_rules import live_rules_document
from entra_deployer.reports.documents.plan import plan_document
from entra_deployer.reports.documents.project import project_document
from entra_deployer.reports.documents.promotion import promotion_document
from entra_deployer.reports.documents.pull import pull_document
from entra_deployer.reports.documents.replay import no_replay_document, replay_document
from entra_deployer.reports.documents.verdicts import live_document, verdicts_document
from entra_deployer.verify.verdict import VerifyReport
from tests.compiler.build import rule
from tests.reports import (
    test_drift_reports,
    test_examination,
    test_forecast,
    test_history_reports,
    test_issues,
    test_live_rules,
    test_plan,
    test_promotion_reports,
    test_pull_reports,
    test_replay,
    test_verdicts,
)

COMPILED = CompileReport("8.19", (rule("from a\n| where @timestamp > now() - 7d\n| keep user.name"),))
EXPLANATION = Explanation("DEP014", "a title", "a text\nof two lines", "warning", "good", "bad", silenceable=True)
PROJECT = NewProject(Path(), is_new=True, files=(NewFile("a", created=True), NewFile("b", created=False, note="c")))
EVERY: Mapping[str, tuple[Callable[..., Document], object]] = {
    "check": (check_document, test_issues.REPORT),
    "explain": (explanation_document, EXPLANATION),
    "codes": (lambda one: explanations_document([one, one]), EXPLANATION),
    "compile": (compilation_document, COMPILED),
    "compile --explain": (lambda report: compilation_document(report, explain=True), COMPILED),
    "plan": (plan_document("plan"), test_plan.PLANNED),
    "push": (plan_document("push"), test_plan.report(test_plan.PLAN, test_plan.PARTLY)),
    "push --wait": (plan_document("push"), test_live_rules.PUSHED),
    "verify": (verdicts_document, test_verdicts.REPORT),
    "verify --live": (live_document, VerifyReport("staging", hunts=2, issues=test_plan.PLANNED.issues)),
    "list": (live_rules_document, test_live_rules.INVENTORY),
    "drift": (drift_document, test_drift_reports.UNTOLD),
    "history": (history_document, test_history_reports.HISTORY),
    "history RULE": (history_document, replace(test_history_reports.HISTORY, rule="Rare")),
    "doctor": (examination_document, replace(test_examination.EXAMINATION, issues=test_examination.UNABLE.issues)),
    "pull": (pull_document, test_pull_reports.REPORT),
    "promote": (promotion_document, test_promotion_reports.PROMOTED),
    "replay": (replay_document, test_replay.REPLAY),
    "forecast": (forecast_document, test_forecast.FORECAST),
    "forecast of many": (forecast_document, replace(test_forecast.FORECAST, rules=test_forecast.RULES * 2)),
    "no replay": (lambda issue: no_replay_document(issue.subject, (issue,)), test_plan.WARNING),
    "init": (project_document, PROJECT),
}
"""By a name: how the document is made, and of what."""


def documents(change: Callable[[str], str] = str) -> Iterator[tuple[str, Document]]:
    """Each document, with every text in it changed."""
    for name, (make, report) in EVERY.items():
        yield name, make(_changed(report, change))


def _changed(value, change):
    match value:
        case Issue():
            return replace(_fields_changed(value, change), code=value.code)
        case str() if not isinstance(value, Enum):
            return change(value)
        case tuple() | list():
            return type(value)(_changed(one, change) for one in value)
        case Mapping():
            return {key: _changed(one, change) for key, one in value.items()}
        case _ if is_dataclass(value) or isinstance(value, Struct):
            return _fields_changed(value, change)
        case _:
            return value


def _fields_changed(value, change):
    if isinstance(value, Struct):
        names = [one.name for one in structs.fields(type(value))]
        return structs.replace(value, **{name: _changed(getattr(value, name), change) for name in names})
    return replace(value, **{one.name: _changed(getattr(value, one.name), change) for one in fields(value) if one.init})
