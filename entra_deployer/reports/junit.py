"""A document as JUnit XML, which every CI understands: a case for each thing that was looked at."""

from itertools import groupby
from xml.etree import ElementTree as ET

from entra_deployer.core.text import visible
from entra_deployer.reports.document import Case, Document, FaultKind


def render(document: Document) -> str:
    """A suite, or one for each that the cases name. Where nothing was looked at, one case says so: none fails a CI."""
    name = " ".join(filter(None, ("deploy", document.name, document.title)))
    cases = document.cases or (Case(document.name, "all", output=document.summary),)
    if not any(case.suite for case in cases):
        return _xml(_suite(name, cases))
    root = ET.Element("testsuites", name=_clean(name))
    for suite, some in groupby(cases, key=lambda case: case.suite):
        root.append(_suite(suite, tuple(some)))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    return _xml(root)


def _suite(name: str, cases: tuple[Case, ...]) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(name))
    suite.extend(_case(case) for case in cases)
    suite.set("tests", str(len(cases)))
    for attribute, kind in (("failures", FaultKind.FAILURE), ("errors", FaultKind.ERROR)):
        suite.set(attribute, str(sum(any(fault.kind is kind for fault in case.faults) for case in cases)))
    return suite


def _case(case: Case) -> ET.Element:
    element = ET.Element("testcase", classname=_clean(case.classname), name=_clean(case.name))
    if case.output:
        ET.SubElement(element, "system-out").text = _clean(case.output)
    for fault in case.faults:
        ET.SubElement(element, fault.kind.value, message=_clean(fault.message)).text = _clean(fault.text)
    return element


def _clean(text: str) -> str:
    return visible(text, keep="\n\t")


def _xml(root: ET.Element) -> str:
    """The document, indented, one newline at its end."""
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
