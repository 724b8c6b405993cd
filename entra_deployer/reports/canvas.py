"""Drawing styled lines as text of a given width, with or without colour."""

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType


def draw(lines: Iterable[RenderableType], *, width: int, colour: bool) -> str:
    """The lines as text; with `colour`, ANSI sequences carry the styles."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(width, 20),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
        legacy_windows=False,
    )
    for line in lines:
        console.print(line)
    return "\n".join(text.rstrip() for text in out.getvalue().split("\n"))
