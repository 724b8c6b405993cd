"""The forms of issues for programs, by name. Each holds the same set of issues."""

from collections.abc import Callable

from entra_deployer.checks.report import CheckReport
from entra_deployer.reports.issues_as_github import issues_as_github
from entra_deployer.reports.issues_as_json import issues_as_json
from entra_deployer.reports.issues_as_junit import issues_as_junit
from entra_deployer.reports.issues_as_markdown import issues_as_markdown
from entra_deployer.reports.issues_as_sarif import issues_as_sarif

ISSUE_RENDERERS: dict[str, Callable[[CheckReport], str]] = {
    "json": issues_as_json,
    "sarif": issues_as_sarif,
    "junit": issues_as_junit,
    "markdown": issues_as_markdown,
    "github": issues_as_github,
}
