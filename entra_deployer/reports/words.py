"""Counts and names in words, the same in every format."""

from entra_deployer.objects.state import Kind
from entra_deployer.plan.plan import Action, Outcome
from entra_deployer.plan.report import Report

_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}


def counted(number: int, noun: str) -> str:
    """1 hunt, 2 hunts, 3 entities."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def kind_name(kind: Kind) -> str:
    """Saved search, rule, tag."""
    return kind.value.replace("_", " ")


def plan_summary(report: Report) -> str:
    """The last line of a plan or a push."""
    plan = report.plan
    if report.summary or plan is None:
        return report.summary or "Nothing was planned."
    if plan.blockers:
        return f"Blocked by {counted(len(plan.blockers), 'error')}: nothing was written."
    if not plan.changes:
        return f"No changes: {counted(plan.unchanged, 'object')} as desired."
    if report.count(Outcome.PLANNED):
        counts = ", ".join(f"{plan.count(action)} to {action.value}" for action in Action)
        return f"Plan: {counts}, {plan.unchanged} unchanged."
    done = ", ".join(f"{_applied(report, action)} {word}" for action, word in _DONE.items())
    failed = report.count(Outcome.FAILED) + report.count(Outcome.SKIPPED)
    if failed:
        return f"Partly pushed: {done}, {failed} not done. Push again to finish."
    return f"Pushed: {done}, {plan.unchanged} unchanged."


def _applied(report: Report, action: Action) -> int:
    return sum(r.change.action is action and r.outcome is Outcome.APPLIED for r in report.results)
