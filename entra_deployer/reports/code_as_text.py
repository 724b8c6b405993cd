"""A code and what it means, for a person."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from entra_deployer.checks.check import Explanation
from entra_deployer.reports.canvas import draw


def code_as_text(one: Explanation, *, width: int, colour: bool) -> str:
    """Title, reason, and the two examples."""
    return draw(_lines(one), width=width, colour=colour)


def codes_as_text(all_of_them: Sequence[Explanation]) -> str:
    """A line for each code."""
    return "".join(f"{one.code}  {one.title}\n" for one in all_of_them)


def _lines(one: Explanation) -> Iterator[RenderableType]:
    yield Text(f"{one.code}: {one.title}", "bold")
    if one.level:
        silence = "rule.yaml can silence it with a reason" if one.silenceable else "cannot be silenced"
        yield Text(f"{one.level}; {silence}", "dim")
    yield Text()
    yield Text(one.text)
    for word, example, style in (("It speaks of", one.bad, "red"), ("It is silent on", one.good, "green")):
        if example:
            yield Text()
            yield Text(f"{word}:")
            yield Padding(Text(example, style), (0, 0, 0, 4))
