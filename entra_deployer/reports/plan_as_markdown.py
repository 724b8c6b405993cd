"""A plan, or a push, as Markdown: a comment on a pull request."""

from collections.abc import Iterator

from entra_deployer.plan.plan import ChangeResult, Outcome
from entra_deployer.plan.report import Report
from entra_deployer.reports.diff import diff_lines, kept_line
from entra_deployer.reports.markdown import cell, fenced, folded, issue_item
from entra_deployer.reports.words import counted, kind_name, plan_summary

_OUTCOMES = {
    Outcome.APPLIED: "done: ",
    Outcome.FAILED: "**failed**: ",
    Outcome.SKIPPED: "not done: ",
    Outcome.PLANNED: "",
}


def plan_as_markdown(report: Report) -> str:
    """A heading with the counts, a table of the changes, and a folded diff for each that has one."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"### {report.environment}: {plan_summary(report)}"
    yield ""
    yield f"{report.stack}; {counted(report.hunts, 'hunt')} read."
    yield ""
    if report.results:
        yield "| | kind | name | space |"
        yield "|---|---|---|---|"
        for result in report.results:
            change = result.change
            cells = (
                _OUTCOMES[result.outcome] + change.action.value,
                kind_name(change.kind),
                change.name,
                change.space,
            )
            yield f"| {' | '.join(cell(text) for text in cells)} |"
        yield ""
    for result in report.results:
        yield from _details(result)
    yield from map(issue_item, report.issues)


def _details(result: ChangeResult) -> Iterator[str]:
    change = result.change
    if not (change.diffs or change.kept or result.error):
        return
    body = [line.removeprefix("  ") for diff in change.diffs for line in diff_lines(diff)]
    body += [kept_line(kept) for kept in change.kept]
    error = (result.error, "") if result.error else ()
    yield from folded(change.name, (*error, *fenced(body)))
