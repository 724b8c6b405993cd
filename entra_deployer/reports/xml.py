"""What every XML report needs."""

import re
from xml.etree import ElementTree as ET

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """The text without what XML cannot hold."""
    return _UNPRINTABLE.sub("�", text)


def document(root: ET.Element) -> str:
    """The document, indented, one newline at its end."""
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def count_cases(suite: ET.Element) -> None:
    """Write on a JUnit suite how many of its cases there are, failed, and have no outcome."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
