"""Issues as JUnit XML: a test case for each issue, failed where it is an error."""

from xml.sax.saxutils import escape, quoteattr

from entra_deployer.checks.report import CheckReport
from entra_deployer.core.issue import Issue, Level


def issues_as_junit(report: CheckReport) -> str:
    """One suite. A warning or a note passes and says what it is in the case's output."""
    failures = report.count(Level.ERROR)
    head = f'<testsuite name="deploy check" tests="{len(report.issues)}" failures="{failures}" errors="0" skipped="0">'
    cases = [line for issue in report.issues for line in _case(issue)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>", ""])


def _case(issue: Issue) -> list[str]:
    place = str(issue.location or issue.subject)
    text = _clean(f"{issue.message} ({issue.hint})" if issue.hint else issue.message)
    opening = f"  <testcase classname={quoteattr(_clean(place))} name={quoteattr(f'{issue.code} {issue.level.value}')}>"
    if issue.level is Level.ERROR:
        inner = f"    <failure message={quoteattr(_clean(issue.message))}>{escape(text)}</failure>"
    else:
        inner = f"    <system-out>{escape(text)}</system-out>"
    return [opening, inner, "  </testcase>"]


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n")
