"""The floor of `deploy --help`: an empty Typer app."""

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Do nothing."""


@app.command()
def nothing() -> None:
    """Do nothing."""


app()
