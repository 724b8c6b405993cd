"""Drawing styled lines as text of a given width, with or without colour."""

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, RenderableType
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>deploy</title>
<style>
:root {{ color-scheme: light; }}
body {{ margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: {foreground}; background: {background}; }}
pre {{ font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; }}
{stylesheet}
</style>
</head>
<body>
<pre>{code}</pre>
</body>
</html>
"""


def draw_page(lines: Iterable[RenderableType], *, width: int = 120) -> str:
    """The same lines as an HTML page that needs nothing else."""
    console = Console(file=StringIO(), record=True, width=width, force_terminal=True, highlight=False, emoji=False)
    for line in lines:
        console.print(line)
    return console.export_html(theme=DEFAULT_TERMINAL_THEME, code_format=_PAGE)


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
