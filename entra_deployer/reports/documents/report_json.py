"""The JSON document that plans, pushes and verifications share (docs/reference.md tells its shape)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entra_deployer.core.json import Json
from entra_deployer.plan.plan import ChangeResult
from entra_deployer.plan.report import Report
from entra_deployer.plan.serial import diff_to_json
from entra_deployer.reports.documents.live_rules import live_rule_to_json

if TYPE_CHECKING:
    from entra_deployer.verify.verdict import EntityOutcome, MutationResult, Verdict, VerifyReport


def report_to_json(report: Report) -> dict[str, Json]:
    """All of it but the issues."""
    content = _shared(report.environment, [change_to_json(result) for result in report.results], [])
    if report.runs is not None:
        content["runs"] = [{**live_rule_to_json(run.rule), "first_run": run.state.value} for run in report.runs]
    return content


def verification_to_json(report: "VerifyReport") -> dict[str, Json]:
    """The same of a verification."""
    return _shared(report.environment, [], [_verdict(verdict) for verdict in report.verdicts])


def _shared(environment: str, changes: Sequence[Json], verdicts: Sequence[Json]) -> dict[str, Json]:
    return {"environment": environment, "plan": {"changes": changes}, "verdicts": verdicts}


def change_to_json(result: ChangeResult) -> Json:
    """A change and what became of it."""
    change = result.change
    return {
        "action": change.action.value,
        "kind": str(change.kind),
        "space": change.space,
        "key": change.key,
        "name": change.name,
        "result": result.outcome.value,
        "error": result.error or None,
        "diffs": [diff_to_json(diff) for diff in change.diffs],
        "kept": [{"path": k.path, "existing": k.existing, "reason": k.reason} for k in change.kept],
    }


def _verdict(verdict: "Verdict") -> Json:
    return {
        "rule_id": verdict.rule_id,
        "name": verdict.name,
        "status": verdict.status.value,
        "missed": list(verdict.missed),
        "false_alarms": list(verdict.false_alarms),
        "error": verdict.error or None,
        "events": verdict.events,
        "alerts": verdict.alerts,
        "entities": [_entity(outcome) for outcome in verdict.outcomes],
        "mutation": _mutation(verdict.mutation) if verdict.mutation else None,
    }


def _mutation(result: "MutationResult") -> Json:
    return {
        "score": round(result.score, 4),
        "killed": result.killed,
        "invalid": result.invalid,
        "survivors": [
            {
                "what": mutant.what,
                "before": mutant.before,
                "after": mutant.after,
                "path": mutant.location.path if mutant.location else "",
                "line": mutant.location.line if mutant.location else 0,
                "column": mutant.location.column if mutant.location else 0,
                "killer": mutant.killer,
                "possibly_equivalent": mutant.same,
            }
            for mutant in result.survivors
        ],
    }


def _entity(outcome: "EntityOutcome") -> Json:
    return {
        "name": outcome.name,
        "entity": outcome.entity,
        "expected": "caught" if outcome.expected else "ignored",
        "caught": outcome.caught,
        "reason": outcome.reason,
        "events": list(outcome.events),
    }
