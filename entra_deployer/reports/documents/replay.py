"""A replay: the ticks at which a rule would have found something new."""

from collections.abc import Iterator

from entra_deployer.core.issue import Issue
from entra_deployer.reports.document import (
    Block,
    Case,
    Cell,
    Document,
    Gap,
    Issues,
    Line,
    Table,
    Tone,
    issue_faults,
    words,
)
from entra_deployer.reports.words import counted
from entra_deployer.verify.replay import Replay, Tick

_MOST_SHOWN = 40
_INDENT = 2


def replay_document(replay: Replay) -> Document:
    """The ticks that found something new, each with what it was, and how often the rule would have fired.

    The JSON document leaves out the ticks that found nothing; its `ticks` counts them.
    """
    ticks = counted(len(replay.ticks), "tick")
    entities = counted(sum(len(tick.new) for tick in replay.ticks), "entity")
    return Document(
        name="replay",
        title=replay.name,
        stack=f"on {replay.environment}",
        about=f"{replay.start} to {replay.end}, every {replay.every:g} s: {ticks}",
        blocks=(Gap(), *_blocks([tick for tick in replay.fired if tick.new])),
        summary=f"Would have fired at {len(replay.fired)} of {ticks}, for {entities}.",
        summary_tone=Tone.STRONG,
        content={
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
        },
        cases=(Case(replay.rule_id, replay.name, output=f"{len(replay.fired)} of {ticks}, {entities}"),),
    )


def no_replay_document(environment: str, issues: tuple[Issue, ...]) -> Document:
    """Why there is no replay."""
    return Document(
        name="replay",
        title=environment,
        blocks=(Issues(issues),),
        summary="Nothing was replayed.",
        is_good=False,
        content={"environment": environment, "ticks": 0, "fired": []},
        issues=issues,
        cases=(Case(environment, "replay", issue_faults(issues)),),
    )


def _blocks(news: list[Tick]) -> Iterator[Block]:
    if not news:
        return
    rows = [
        (Cell(words((tick.at if number == 0 else "", Tone.NEWS))), Cell(words(entity)))
        for tick in news[:_MOST_SHOWN]
        for number, entity in enumerate(tick.new)
    ]
    yield Table(tuple(rows), indent=_INDENT)
    if len(news) > _MOST_SHOWN:
        rest = f"and {len(news) - _MOST_SHOWN} later ones: --format json has them all"
        yield Line(words((rest, Tone.DIM)), _INDENT)
    yield Gap()
