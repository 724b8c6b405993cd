"""Looking again and again: what is told, and what ends it."""

from datetime import UTC, datetime

import pytest
import typer

from entra_deployer.commands.drift import Watched, keep_looking
from entra_deployer.core.errors import ExitCode, Refused, Unreachable

NOW = datetime(2026, 11, 26, 4, 5, 6, tzinfo=UTC)


def watch(*looks):
    """Look until the script is over, which is as good as Ctrl-C; gives the exit code and what the looks were told."""
    script, starts = list(looks), []

    def look(*, start):
        starts.append(start)
        found = script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def wait():
        if not script:
            raise KeyboardInterrupt

    watched = Watched(look, str, lambda found: ExitCode.DIFFERENT if found == "drift" else ExitCode.OK)
    with pytest.raises(typer.Exit) as left:
        keep_looking(watched, wait, lambda: NOW)
    return left.value.exit_code, starts


def test_only_what_is_new_is_told_and_when(capsys):
    code, _ = watch("clean", "clean", "drift", "clean")
    told = capsys.readouterr()
    assert told.out.split() == ["clean", "drift", "clean"]
    assert told.err == "2026-11-26 04:05:06 UTC:\n" * 3
    assert code == 0


@pytest.mark.parametrize(
    ("looks", "code"), [(["clean", "drift"], 2), (["drift", "clean"], 0), (["drift", Unreachable("x")], 2)]
)
def test_it_leaves_with_the_code_of_the_last_look(looks, code):
    assert watch(*looks)[0] == code


def test_without_any_look_it_was_interrupted():
    assert watch(Unreachable("no answer"))[0] == 130


def test_only_the_first_look_starts_a_stack():
    assert watch("clean", "clean", Unreachable("stopped"), "clean")[1] == [True, False, False, False]


def test_a_server_that_is_away_for_a_while_is_told_and_no_end(capsys):
    watch("clean", Unreachable("no answer"), "clean")
    told = capsys.readouterr()
    assert told.out.split() == ["clean"]
    assert "04:05:06 UTC: error: no answer" in told.err


def test_a_refusal_ends_the_watch():
    script = [Refused("no", status=401)]

    def look(*, start):
        raise script.pop()

    with pytest.raises(Refused):
        keep_looking(Watched(look, str, lambda _: ExitCode.OK), lambda: None, lambda: NOW)
