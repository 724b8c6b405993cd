"""Issues as workflow commands of GitHub Actions, which show them beside the line."""

from entra_deployer.checks.report import CheckReport
from entra_deployer.core.issue import Issue
from entra_deployer.reports.github import annotation


def issues_as_github(report: CheckReport) -> str:
    """A line for each issue."""
    return "".join(f"{_command(issue)}\n" for issue in report.issues)


def _command(issue: Issue) -> str:
    text = f"{issue.message} ({issue.hint})" if issue.hint else issue.message
    return annotation(issue.level, text, title=issue.code, place=issue.location)
