"""`deploy check` and `deploy explain`: what is wrong with rules, offline, and what a code means."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.show import show
from entra_deployer.commands.target import LicenseOption, NamesArgument, StackOption, stack_versions, target_for

if TYPE_CHECKING:
    from entra_deployer.checks.report import CheckReport
    from entra_deployer.core.issue import Issue
    from entra_deployer.core.target import StackVersion


class IssueFormat(StrEnum):
    """The forms of issues."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    GITHUB = "github"


def check(
    hunt: NamesArgument = None,
    stack: StackOption = None,
    licence: LicenseOption = "platinum",
    notes: Annotated[bool, typer.Option("--notes", help="Show the notes too, not their number alone.")] = False,
    form: Annotated[IssueFormat, typer.Option("--format", help="The form of the result on stdout.")] = IssueFormat.TEXT,
) -> None:
    """Check rules without any server, for each version that an environment states.

    With several versions, `--stack 8.15,8.19,9.4`, a table shows which can run what.
    """
    from entra_deployer.api.check import check_code, check_rules
    from entra_deployer.checks.report import CheckReport
    from entra_deployer.stack.environments import stated_versions

    def work() -> CheckReport:
        top = project.root()
        asked = stack_versions(stack)
        versions: list[StackVersion | None] = [*(asked or stated_versions(top))] or [None]
        targets = [target_for(version, licence) for version in versions]
        return check_rules(top, hunt or (), targets, asked if len(asked) > 1 else ())

    def render(report: CheckReport) -> str:
        return _render(report, form, notes=notes)

    def unable(issues: "tuple[Issue, ...]") -> str:
        return render(CheckReport(stack or "", 0, 0, issues))

    show(work, check_code, render, None if form is IssueFormat.TEXT else unable)


def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A code such as DEP014; all where none is named.")
    ] = None,
) -> None:
    """Say what a code of an issue means, why it matters, and what to do."""
    from entra_deployer.api.explain import find_explanation, list_explanations
    from entra_deployer.reports.code_as_text import code_as_text, codes_as_text

    if code is None:
        terminal.say(codes_as_text(list_explanations()))
    else:
        terminal.say(code_as_text(find_explanation(code), width=terminal.width(), colour=terminal.coloured()))


def _render(report: "CheckReport", form: IssueFormat, *, notes: bool) -> str:
    from entra_deployer.reports.issues import ISSUE_RENDERERS
    from entra_deployer.reports.issues_as_text import issues_as_text

    if form is IssueFormat.TEXT:
        return issues_as_text(report, width=terminal.width(), colour=terminal.coloured(), notes=notes)
    return ISSUE_RENDERERS[form.value](report)
