"""`deploy cache`: what is kept so that it need not be worked out again."""

import typer

from entra_deployer.commands.terminal import say
from entra_deployer.commands.usage import Command, Group, closing

cache_app = typer.Typer(
    cls=Group,
    help="Say where read queries and check results are kept.\n\nThey are kept by content, and never needed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@cache_app.callback()
def _group() -> None:
    """Keep `clear` a word of its own."""


@cache_app.command(cls=Command, epilog=closing("deploy cache clear", 0))
def clear() -> None:
    """Remove all that is kept: how hunts, tests and queries are read, what rules they become, what `check` said.

    The next command works it out again. The embedded stack's files are not touched.
    """
    from entra_deployer.core.cache import KINDS, user_cache

    for kind in KINDS:
        kept = user_cache(kind)
        say(f"{kept.folder}: {kept.clear()} removed")
