"""Verdicts as JUnit XML, which every CI understands: a suite a rule, a case an entity."""

import re
from xml.etree import ElementTree as ET

from entra_deployer.model.report import Report
from entra_deployer.model.verdict import EntityOutcome, Status, Verdict

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def verdicts_as_junit(report: Report) -> str:
    """The document, indented, one newline at its end. A rule without a verdict is a case with an error."""
    root = ET.Element("testsuites", name=_clean(f"deploy verify {report.environment}"))
    for verdict in report.verdicts:
        root.append(_suite(verdict))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(verdict: Verdict) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(verdict.name))
    if verdict.status is Status.ERROR:
        case = _case(suite, verdict, "verdict")
        ET.SubElement(case, "error", message=_clean(verdict.error))
    for outcome in verdict.outcomes:
        case = _case(suite, verdict, _title(outcome))
        if outcome.caught != outcome.expected:
            failure = ET.SubElement(case, "failure", message="missed" if outcome.expected else "false alarm")
            failure.text = _clean("\n".join((outcome.entity, outcome.reason, *outcome.events)))
    for problem in verdict.problems:
        case = _case(suite, verdict, problem.code)
        ET.SubElement(case, "failure", message=_clean(problem.message)).text = _clean(problem.hint or "")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    return suite


def _case(suite: ET.Element, verdict: Verdict, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_clean(verdict.rule_id), name=_clean(name))


def _title(outcome: EntityOutcome) -> str:
    return f"{'catches' if outcome.expected else 'ignores'} {outcome.name}"


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return _UNPRINTABLE.sub("�", text)
