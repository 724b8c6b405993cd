"""DEP028: a date pattern that means something else than it seems to."""

import re
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes

_MINUTES_AS_MONTH = re.compile(r"[yY]{2,4}[-/.]?mm|mm[-/.]?[dD]{2}")
_FUNCTIONS = ("date_format", "date_parse")


def _run(subject: Subject) -> Iterator[Finding]:
    for node in subject.tree.walk():
        if isinstance(node, nodes.Call) and node.name in _FUNCTIONS and node.arguments:
            pattern = node.arguments[0]
            if isinstance(pattern, nodes.Literal) and isinstance(pattern.value, str):
                yield from _faults(pattern, pattern.value)


def _faults(pattern: nodes.Literal, text: str) -> Iterator[Finding]:
    said = []
    if _MINUTES_AS_MONTH.search(text):
        said.append("`mm` is the minute, `MM` the month")
    if "YYYY" in text:
        said.append("`YYYY` is the year of the week, `yyyy` the year")
    if "DD" in text:
        said.append("`DD` is the day of the year, `dd` that of the month")
    if said:
        meant = text.replace("YYYY", "yyyy").replace("DD", "dd")
        meant = _MINUTES_AS_MONTH.sub(lambda found: found[0].replace("mm", "MM"), meant)
        yield Finding(f'"{text}": {"; ".join(said)}', pattern.span, hint=f'write "{meant}"')


CHECK = Check(
    code="DEP028",
    title="a date pattern that means something else",
    level=Level.WARNING,
    explanation=(
        "DATE_FORMAT and DATE_PARSE take Java's patterns, in which case counts: `mm` is the minute and `MM` the "
        "month, `YYYY` the year that a week belongs to, `DD` the day of the year. A query that groups by such a "
        "date makes a group for each minute of the hour instead of each day."
    ),
    good=Example(
        'from logs-a-*\n| eval day = date_format("yyyy-MM-dd", @timestamp)\n| stats c = count(*) by user.name, day'
    ),
    bad=Example(
        'from logs-a-*\n| eval day = date_format("YYYY-mm-dd", @timestamp)\n| stats c = count(*) by user.name, day'
    ),
    run=_run,
)
