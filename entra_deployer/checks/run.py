"""Runs the checks on a rule and turns what they find into issues at their places in the hunt's file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from entra_deployer.checks import CHECKS
from entra_deployer.checks.check import Check, Finding, Subject
from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level, failure

SILENCE = "DEP026"


def run_checks(subject: Subject, checks: Mapping[str, Check] = CHECKS) -> tuple[Issue, ...]:
    """The issues of one rule, sorted by place.

    What `silence` in rule.yaml names is left out; a silence that silences nothing is an issue itself, as is one of a
    code that cannot be silenced.
    """
    found = {code: _findings(check, subject) for code, check in checks.items()}
    silenced = subject.settings.settings.silence
    issues = [
        _issue(checks[code], finding, subject)
        for code, findings in found.items()
        if not (code in silenced and checks[code].silenceable)
        for finding in findings
        if isinstance(finding, Finding)
    ]
    issues += [finding for findings in found.values() for finding in findings if isinstance(finding, Issue)]
    issues += _silences(subject, {code for code, findings in found.items() if findings})
    return tuple(sorted(issues, key=lambda issue: issue.order))


def _findings(check: Check, subject: Subject) -> list[Finding | Issue]:
    """What a check finds; that it could not be made is an issue as grave as what it might have found."""
    try:
        return list(check.run(subject))
    except Exception as error:
        place = subject.hunt.at(subject.query.line, subject.query.column)
        failed = failure(error, subject.rule.folder, place, check.level)
        return [replace(failed, message=f"{failed.message}; {check.code} ({check.title}) was not checked")]


def _issue(check: Check, finding: Finding, subject: Subject) -> Issue:
    level = finding.level or check.level
    return Issue(check.code, level, finding.message, subject.rule.folder, _place(finding, subject), finding.hint)


def _place(finding: Finding, subject: Subject) -> Location:
    if finding.setting and (place := subject.settings.place(*finding.setting)):
        return place
    if finding.field:
        return subject.hunt.at_field(finding.field)
    if finding.span is None:
        return subject.hunt.at(subject.query.line, subject.query.column)
    line, column = subject.tree.position(finding.span.start)
    return subject.query.place(subject.hunt.source, line, column)


def _silences(subject: Subject, found: Iterable[str]) -> Iterator[Issue]:
    for code in sorted(subject.settings.settings.silence):
        check = CHECKS.get(code)
        if check is None:
            message, hint = f"rule.yaml silences {code}, which is no check", "`deploy explain` lists them"
        elif not check.silenceable:
            message, hint = f"rule.yaml silences {code}, which says that the rule cannot run", "mend the rule"
        elif code not in found:
            message, hint = f"rule.yaml silences {code}, which has nothing to say of this rule", "take it out"
        else:
            continue
        place = subject.settings.place("silence", code)
        yield Issue(SILENCE, Level.WARNING, message, subject.rule.folder, place, hint)
