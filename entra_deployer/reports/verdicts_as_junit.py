"""Verdicts as JUnit XML, which every CI understands: a suite a rule, a case an entity."""

from xml.etree import ElementTree as ET

from entra_deployer.plan.report import Report
from entra_deployer.reports.xml import count_cases, document, printable
from entra_deployer.verify.verdict import EntityOutcome, Status, Verdict


def verdicts_as_junit(report: Report) -> str:
    """The document, indented, one newline at its end. A rule without a verdict is a case with an error."""
    root = ET.Element("testsuites", name=printable(f"deploy verify {report.environment}"))
    for verdict in report.verdicts:
        root.append(_suite(verdict))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    return document(root)


def _suite(verdict: Verdict) -> ET.Element:
    suite = ET.Element("testsuite", name=printable(verdict.name))
    if verdict.status is Status.ERROR:
        case = _case(suite, verdict, "verdict")
        ET.SubElement(case, "error", message=printable(verdict.error))
    for outcome in verdict.outcomes:
        case = _case(suite, verdict, _title(outcome))
        if outcome.caught != outcome.expected:
            failure = ET.SubElement(case, "failure", message="missed" if outcome.expected else "false alarm")
            failure.text = printable("\n".join((outcome.entity, outcome.reason, *outcome.events)))
    for problem in verdict.problems:
        case = _case(suite, verdict, problem.code)
        ET.SubElement(case, "failure", message=printable(problem.message)).text = printable(problem.hint or "")
    count_cases(suite)
    return suite


def _case(suite: ET.Element, verdict: Verdict, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=printable(verdict.rule_id), name=printable(name))


def _title(outcome: EntityOutcome) -> str:
    return f"{'catches' if outcome.expected else 'ignores'} {outcome.name}"
