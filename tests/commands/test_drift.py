"""Looking again and again: what is told, and what ends it."""

import pytest

from entra_deployer.commands.drift import keep_looking
from entra_deployer.core.errors import Refused, Unreachable


class Over(Exception):
    """The test's own end of a watch."""


def watch(*looks):
    script = list(looks)

    def look():
        found = script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def wait():
        if not script:
            raise Over

    keep_looking(look, str, wait)


def test_only_what_is_new_is_told(capsys):
    with pytest.raises(Over):
        watch("clean", "clean", "drift", "clean")
    assert capsys.readouterr().out.split() == ["clean", "drift", "clean"]


def test_a_server_that_is_away_for_a_while_is_told_and_no_end(capsys):
    with pytest.raises(Over):
        watch("clean", Unreachable("no answer"), "clean")
    told = capsys.readouterr()
    assert told.out.split() == ["clean"]
    assert "no answer" in told.err


def test_a_refusal_ends_the_watch():
    with pytest.raises(Refused):
        watch(Refused("no", status=401))
