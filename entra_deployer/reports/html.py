"""A document as a page for a browser that needs nothing else: what a terminal shows, in its colours."""

from io import StringIO

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from entra_deployer.reports.document import Document
from entra_deployer.reports.layout import draw

_WIDTH = 120
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


def render(document: Document) -> str:
    """The page."""
    console = Console(file=StringIO(), record=True, width=_WIDTH, force_terminal=True, highlight=False, emoji=False)
    for line in draw(document, _WIDTH):
        console.print(line)
    return console.export_html(theme=DEFAULT_TERMINAL_THEME, code_format=_PAGE)
