"""Wrong usage is one line on stderr with the next step, and exit code 64; a bug says that it is one."""

import shutil
from pathlib import Path

import pytest

from entra_deployer.__main__ import run
from entra_deployer.commands.app import app
from tests.reading import there

HUNT = Path(__file__).parents[1] / "data" / "hunts" / "sound"
LINES = [
    "push --adopt=yes",
    "push --wait-lock soon",
    "push -x",
    "local upp",
    "remove",
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
    "report --forecast",
    "verify --watch --live",
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


@pytest.mark.parametrize("line", LINES)
def test_no_library_speaks(line, capsys):
    run(line.split())
    told = capsys.readouterr().err
    for words in ("Value error", "Invalid value", "Input should", "No such", "requires an argument", "x>=", "Missing "):
        assert words not in told


MISPLACED = {
    "push sound": "deploy push --rule sound",
    "plan rules/sound/": "deploy plan --rule sound",
    "push staging sound": "deploy push staging --rule sound",
    "pull sound": "deploy pull --rule sound",
    "drift sound": "deploy drift --rule sound",
    "promote sound staging": "deploy promote --rule sound",
    "history sound": "deploy history local sound",
    "list sound": "deploy list --rule sound",
    "doctor sound": "deploy doctor` takes no rule",
    "recover sound": "deploy recover` takes no rule",
    "rollback sound": "deploy rollback` takes no rule",
    "verify --on sound": "deploy verify sound",
    "verify staging": "deploy verify --on staging",
    "replay staging --from 1d": "deploy replay --on staging",
    "compile staging": "deploy compile --on staging",
    "check staging": "deploy check` takes no environment",
    "synth staging": "deploy synth` takes no environment",
    "remove staging": "deploy remove RULE staging",
    "push --rule staging": "deploy push staging",
}


@pytest.mark.parametrize("line", MISPLACED)
def test_a_name_in_the_wrong_place_is_told_its_place(line, tmp_path, capsys):
    shutil.copytree(HUNT, tmp_path / "rules" / "sound")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "staging.yaml").write_text("kibana: {url: 'https://k.example'}\n", "utf-8")
    assert run(line.split()) == 64
    output, errors = capsys.readouterr()
    assert output == ""
    assert MISPLACED[line] in errors
    assert errors.count("\n") == 1


TYPOS = {
    "psh": "did you mean push?",
    "push --adpot": "did you mean --adopt?",
    "plan --format jsn": "did you mean json? one of text, json",
    "push stagin": "did you mean 'staging'?",
    "synth soun": "did you mean 'sound'?",
    "compile soun": "did you mean 'sound'?",
    "explain DEP0014": "did you mean 'DEP014'?",
    "local dwn": "did you mean down?",
    "ci init gitlub": "one of github, gitlab, azure",
    "ci init github --stage stagin": "did you mean 'staging'?",
    "check --license platinm": "did you mean platinum?",
}


@pytest.mark.parametrize("line", TYPOS)
def test_a_typo_is_told_the_nearest_name(line, tmp_path, monkeypatch, capsys):
    shutil.copytree(HUNT, tmp_path / "rules" / "sound")
    (tmp_path / "deploy").mkdir()
    servers = "kibana: {url: 'https://k.example'}\nelasticsearch: {url: 'https://k.example'}\n"
    auth = "auth: {api_key: {variable: STAGING_KEY}}\n"
    (tmp_path / "deploy" / "staging.yaml").write_text(servers + auth, "utf-8")
    monkeypatch.setenv("STAGING_KEY", "id:key")
    assert run(line.split()) == 64
    assert TYPOS[line] in capsys.readouterr().err


def test_what_was_typed_is_shown_without_its_controls(capsys):
    assert run(["push", "a\x1b[2J\nerror: b\u202e"]) == 64
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "\x1b" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize("line", ["", "local", "ci"])
def test_a_command_without_its_words_shows_its_help(line, capsys):
    assert run(line.split()) == 64
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("Usage:")


@pytest.mark.parametrize("command", [one.name or there(one.callback).__name__ for one in app().registered_commands])
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
