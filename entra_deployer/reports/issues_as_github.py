"""Issues as workflow commands of GitHub Actions, which show them beside the line."""

from entra_deployer.model.check_report import CheckReport
from entra_deployer.model.issue import Issue, Level

_WORDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def issues_as_github(report: CheckReport) -> str:
    """A line for each issue."""
    return "".join(f"{_command(issue)}\n" for issue in report.issues)


def _command(issue: Issue) -> str:
    text = f"{issue.message} ({issue.hint})" if issue.hint else issue.message
    fields = {"title": issue.code}
    if issue.location:
        fields["file"] = issue.location.path
        if issue.location.line:
            fields |= {"line": str(issue.location.line), "col": str(issue.location.column or 1)}
    listed = ",".join(f"{name}={_value(value)}" for name, value in sorted(fields.items()))
    return f"::{_WORDS[issue.level]} {listed}::{_text(text)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
