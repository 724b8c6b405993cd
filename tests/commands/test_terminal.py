"""What is told while something goes on."""

import re

import pytest
import typer
from typer.core import TyperGroup

from entra_deployer.commands.app import app
from entra_deployer.commands.local import StepLines
from entra_deployer.commands.terminal import working


def test_a_log_is_told_now_and_then_how_far_it_is(capsys):
    times = iter([0.0, 1.0, 6.0, 8.0, 12.5, 13.0])
    with working("verifying on stag\x1bing", lambda: next(times)) as step:
        for done in range(1, 6):
            step(done, 5)
    assert capsys.readouterr().err.splitlines() == [
        "verifying on stag\\x1bing: 2 of 5, 6 s",
        "verifying on stag\\x1bing: 4 of 5, 12 s",
        "verifying on stag\\x1bing: 5 of 5, 13 s",
    ]


def test_what_is_done_at_once_is_not_told(capsys):
    times = iter([0.0, 0.5, 1.0])
    with working("verifying", lambda: next(times)) as step:
        step(1, 2)
        step(2, 2)
    assert capsys.readouterr().err == ""


def test_steps_in_a_log_come_with_their_times(capsys):
    times = iter([0.0, 1.0, 6.5, 9.0, 9.0, 9.2, 9.2, 12.0])
    lines = StepLines(lambda: next(times))
    lines("fetching", 0, 110_000_000)
    lines("fetching", 10_000_000, 110_000_000)
    lines("fetching", 60_000_000, 110_000_000)
    lines("building")
    lines("starting")
    lines.end()
    assert capsys.readouterr().err.splitlines() == [
        "fetching",
        "fetching: 60 of 110 MB, 6 s",
        "fetching: done in 9 s",
        "building",
        "starting",
        "starting: done in 3 s",
    ]


def whole() -> TyperGroup:
    command = typer.main.get_command(app())
    assert isinstance(command, TyperGroup)
    return command


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_help_fits_the_terminal_and_cuts_nothing(columns, capsys):
    command = whole()
    command.context_settings = {**command.context_settings, "terminal_width": columns - 2}
    for words in ([], *([name] for name in command.commands), ["local", "up"], ["local", "open"]):
        command.main([*words, "--help"], prog_name="deploy", standalone_mode=False)
        told = capsys.readouterr().out
        assert max(map(len, told.splitlines())) <= columns, words
        assert not re.search(r"\w\.\.\.$", told, re.MULTILINE), words


def test_each_summary_is_a_line_of_80_columns():
    names = whole().commands
    width = 80 - 2 - len("  ") - max(map(len, names)) - len("  ")
    assert [name for name, one in names.items() if len(one.get_short_help_str(1000)) > width] == []
