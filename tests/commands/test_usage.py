"""Wrong usage is one line on stderr with the next step, and exit code 64; a bug says that it is one."""

import pytest

from entra_deployer.__main__ import run
from entra_deployer.commands.app import app

LINES = [
    "push --bogus",
    "push one two",
    "frobnicate",
    "plan --format xml",
    "verify --on",
    "push --rule a --prune",
    "push --plan p.json --adopt",
    "check --stack eight",
    "local up --profile",
    "drift --watch soon",
    "drift --watch 1m --once",
    "drift --format xml",
    "rollback --to -1",
    "history --last 0",
    "promote staging",
    "promote here here",
    "ci init jenkins",
    "ci init gitlab --action o/r@v1",
]


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", LINES)
def test_wrong_usage_is_one_line_and_64(line, capsys):
    assert run(line.split()) == 64
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("line", ["", "local", "ci"])
def test_a_command_without_its_words_shows_its_help(line, capsys):
    assert run(line.split()) == 64
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("Usage:")


@pytest.mark.parametrize("command", [one.name or one.callback.__name__ for one in app.registered_commands])
def test_every_command_has_help_with_its_exit_codes(command, capsys):
    assert run([command.rstrip("_"), "--help"]) == 0
    output, _ = capsys.readouterr()
    assert "Exit codes: 0" in output


def test_outside_a_project_it_says_where_to_go(tmp_path, monkeypatch, capsys):
    (tmp_path / "rules").rmdir()
    monkeypatch.chdir(tmp_path)
    assert run(["plan"]) == 64
    assert "deploy init" in capsys.readouterr().err


def test_the_version_is_told(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("deploy 0.")
