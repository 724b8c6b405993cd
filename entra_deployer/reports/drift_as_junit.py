"""Drift as JUnit XML, which every CI understands: a suite an environment, a case a difference."""

from xml.etree import ElementTree as ET

from entra_deployer.core.issue import Level
from entra_deployer.plan.difference import Difference, DriftReport
from entra_deployer.reports.drift_words import drift_summary, field_lines, thing, who_and_when
from entra_deployer.reports.xml import count_cases, document, printable


def drift_as_junit(report: DriftReport) -> str:
    """One case for each difference, failed where it counts, and one for the whole: an error where it is not known."""
    suite = ET.Element("testsuite", name=printable(f"deploy drift {report.environment}"))
    whole = _case(suite, report.environment, "compared")
    ET.SubElement(whole, "system-out").text = printable(drift_summary(report))
    for issue in report.issues:
        if issue.level is Level.ERROR:
            ET.SubElement(whole, "error", message=printable(issue.message)).text = printable(issue.hint or "")
    for difference in report.differences:
        _difference(suite, difference)
    count_cases(suite)
    return document(suite)


def _difference(suite: ET.Element, difference: Difference) -> None:
    case = _case(suite, difference.key, f"{thing(difference)}: {difference.kind.words}")
    body = (who_and_when(difference), difference.message, *field_lines(difference))
    text = printable("\n".join(line for line in body if line))
    if difference.counts:
        ET.SubElement(case, "failure", message=difference.kind.words).text = text
    else:
        ET.SubElement(case, "system-out").text = text


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=printable(classname), name=printable(name))
