"""A replay: for a person at a terminal, and as JSON."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entra_deployer.core.issue import Issue
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.json_document import json_document
from entra_deployer.reports.words import counted
from entra_deployer.verify.replayed import Replay, Tick

_MOST_SHOWN = 40


def replay_as_text(replay: Replay, *, width: int = 100, colour: bool = False) -> str:
    """The ticks that found something new, each with what it was, and how often the rule would have fired."""
    return draw(_lines(replay), width=width, colour=colour)


def _lines(replay: Replay) -> Iterator[RenderableType]:
    head = Text(replay.name, "bold")
    head.append(f"  on {replay.environment}", "dim")
    yield head
    ticks = counted(len(replay.ticks), "tick")
    yield Text(f"{replay.start} to {replay.end}, every {replay.every:g} s: {ticks}", "dim")
    yield Text()
    news = [tick for tick in replay.fired if tick.new]
    if news:
        yield Padding(_table(news[:_MOST_SHOWN]), (0, 0, 0, 2))
    if len(news) > _MOST_SHOWN:
        yield Text(f"  and {len(news) - _MOST_SHOWN} later ones: --format json has them all", "dim")
    if news:
        yield Text()
    entities = counted(sum(len(tick.new) for tick in replay.ticks), "entity")
    yield Text(f"Would have fired at {len(replay.fired)} of {ticks}, for {entities}.", "bold")


def _table(ticks: list[Tick]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for tick in ticks:
        table.add_row(Text(tick.at, "cyan"), Text("\n".join(tick.new)))
    return table


def replay_as_json(replay: Replay) -> str:
    """All of it; the ticks that found nothing are left out, `ticks` counts them."""
    content = {
        "environment": replay.environment,
        "rule_id": replay.rule_id,
        "name": replay.name,
        "from": replay.start,
        "to": replay.end,
        "every_seconds": replay.every,
        "key_columns": list(replay.key_columns),
        "ticks": len(replay.ticks),
        "fired": [
            {"at": tick.at, "rows": tick.rows, "entities": list(tick.entities), "new": list(tick.new)}
            for tick in replay.fired
        ],
    }
    return json_document(content, ())


def no_replay_as_json(environment: str, issues: tuple[Issue, ...]) -> str:
    """The document where there is no replay."""
    return json_document({"environment": environment, "ticks": 0, "fired": []}, issues)
