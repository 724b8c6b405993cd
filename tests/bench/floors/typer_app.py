"""The floor of `deploy --help`: an empty Typer app."""

import typer

app = typer.Typer()


@app.callback()
def main() -> None:
    """Do nothing."""


@app.command()
def nothing() -> None:
    """Do nothing."""


app()
