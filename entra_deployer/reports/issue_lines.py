"""An issue in a report for people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.padding import Padding
from rich.text import Text

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level

_LEVELS = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "dim"}


@dataclass(frozen=True)
class FoldedIssue:
    """Issues of one file that say the same: the first of them, all next steps, and where the others are."""

    issue: Issue
    hints: tuple[str, ...]
    others: tuple[Location, ...] = ()


def fold_issues(issues: Iterable[Issue]) -> tuple[FoldedIssue, ...]:
    """Issues that say the same of one file as one, at the place of the first. Nothing is lost.

    Several next steps for one place (each version of the stack may have its own) are put together first; what is folded
    has the same ones.
    """
    at_one_place: defaultdict[Issue, dict[str, None]] = defaultdict(dict)
    for issue in issues:
        at_one_place[_without_hint(issue, issue.location)] |= {issue.hint: None} if issue.hint else {}
    alike: defaultdict[tuple[Issue, tuple[str, ...]], list[Issue]] = defaultdict(list)
    for issue, hints in at_one_place.items():
        place = issue.location and Location(issue.location.path)
        alike[_without_hint(issue, place), tuple(hints)].append(issue)
    return tuple(
        FoldedIssue(first, hints, tuple(other.location for other in others if other.location))
        for (_, hints), (first, *others) in alike.items()
    )


def _without_hint(issue: Issue, place: Location | None) -> Issue:
    return Issue(issue.code, issue.level, issue.message, issue.subject, place)


def issue_lines(issue: Issue) -> Iterator[Text | Padding]:
    """Level, code, place and message on the first line; the next step below it."""
    return folded_lines(FoldedIssue(issue, (issue.hint,) if issue.hint else ()))


def folded_lines(folded: FoldedIssue) -> Iterator[Text | Padding]:
    """As `issue_lines`, with the lines and columns of the others."""
    issue = folded.issue
    line = Text()
    line.append(f"{issue.level.value} ", _LEVELS[issue.level])
    line.append(f"{issue.code} ", "dim")
    line.append(f"{issue.location}: " if issue.location else f"{issue.subject}: " if issue.subject else "")
    line.append(issue.message)
    yield line
    if folded.others:
        places = ", ".join(f"{place.line}:{place.column or 1}" for place in folded.others)
        yield _below(f"the same at {places}")
    for hint in folded.hints:
        yield _below(hint)


def _below(text: str) -> Padding:
    return Padding(Text(text, "dim"), (0, 0, 0, 6))
