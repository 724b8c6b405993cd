"""One grammar: a word or an option of the same meaning, and what every command takes."""

import json
import logging
import re
import shutil
from pathlib import Path

import pytest
import typer

from entra_deployer.__main__ import run
from entra_deployer.commands.app import app

COMMANDS = typer.main.get_group(app()).commands
HUNT = Path(__file__).parents[1] / "data" / "hunts" / "sound"
ALIKE = {
    "plan staging": ["plan --on staging", "plan --on=staging"],
    "push staging --rule a": ["push --on staging --rule a", "push --rule a --on staging"],
    "list staging": ["list --on staging"],
    "list staging --rule a": ["list --rule a --on staging"],
    "promote staging production": ["promote staging --on production", "promote --on production staging"],
    "status staging": ["status --on staging"],
    "history staging sound": [
        "history --on staging sound",
        "history staging --rule sound",
        "history --rule sound --on staging",
    ],
    "remove sound staging": [
        "remove --rule sound --on staging",
        "remove --on staging sound",
        "remove staging --rule sound",
    ],
    "verify a b": ["verify --rule a --rule b", "verify a --rule b"],
    "compile a": ["compile --rule a"],
    "check a b": ["check --rule a --rule b"],
    "synth a": ["synth --rule a"],
    "replay a --from 1d": ["replay --rule a --from 1d", "replay --from 1d --rule a"],
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    shutil.copytree(HUNT, tmp_path / "rules" / "sound")
    (tmp_path / "deploy").mkdir()
    for name in ("staging", "production"):
        (tmp_path / "deploy" / f"{name}.yaml").write_text("kibana: {url: 'https://k.example'}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(line):
    """What a command is told by a line, without the options that stand for its words."""
    name, *words = line.split()
    params = COMMANDS[name].make_context(name, words).params
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in params.items()
        if not key.endswith("_option")
    }


@pytest.mark.parametrize("line", ALIKE)
def test_an_option_says_what_the_word_says(line):
    assert [said(other) for other in ALIKE[line]] == [said(line)] * len(ALIKE[line])


TWICE = {
    "push staging --on production": "the environment is named twice: 'staging' and 'production'",
    "history staging sound --rule sound": "the rule is named twice: 'sound' and 'sound'",
    "remove --rule a --rule b": "one rule at a time",
    "new x --on staging": "`deploy new` takes no environment",
    "doctor --rule sound": "`deploy doctor` takes no rule (it looks at the servers and the key",
    "status --rule sound": "`deploy status` takes no rule (it looks at all of an environment",
    "coverage --rule sound": "`deploy coverage` takes no rule (a technique is covered by all rules",
    "recover --rule sound": "`deploy recover` takes no rule (a push that was cut off",
    "rollback --rule sound": "`deploy rollback` takes no rule (a push is taken back whole",
    "promote staging production --on staging": "the environment is named twice: 'production' and 'staging'",
    "promote --on staging": "promote needs FROM and TO",
    "config show staging --on production": "the environment is named twice: 'staging' and 'production'",
}


@pytest.mark.parametrize("line", TWICE)
def test_what_is_mixed_up_explains_itself(line, project, capsys):
    assert run(line.split()) == 64
    output, errors = capsys.readouterr()
    assert output == ""
    assert TWICE[line] in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["-C", "{}", "check", "--format", "json"], ["check", "--format", "json", "-C", "{}"]]
)
def test_a_command_works_in_another_folder_and_comes_back(words, project, monkeypatch, tmp_path_factory, capsys):
    here = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(here)
    assert run([word.format(project) for word in words]) == 0
    assert json.loads(capsys.readouterr().out)["hunts"] == 1
    assert Path.cwd() == here


GROUPED = [f"{name} {inner}" for name, group in COMMANDS.items() for inner in getattr(group, "commands", {})]


@pytest.mark.parametrize("line", GROUPED)
def test_commands_of_two_words_take_what_every_command_takes(line):
    name, inner = line.split()
    group = COMMANDS[name]
    assert isinstance(group, typer.core.TyperGroup)
    for command in (group, group.commands[inner]):
        assert {"-C", "-q", "-v"} <= {option for param in command.params for option in param.opts}


@pytest.mark.parametrize("words", [["env", "list", "-C", "{}"], ["env", "-C", "{}", "list"]])
def test_a_command_of_two_words_works_in_another_folder(words, project, monkeypatch, tmp_path_factory, capsys):
    here = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(here)
    assert run([word.format(project) for word in words]) == 0
    assert {"production", "staging"} <= set(capsys.readouterr().out.split())
    assert Path.cwd() == here


def test_a_folder_that_is_not_there_is_told(project, capsys):
    assert run(["-C", "nowhere", "check"]) == 1
    assert "nowhere: there is no such folder" in capsys.readouterr().err


def test_quiet_tells_no_progress(project, capsys):
    assert run(["synth", "sound", "-q"]) in (0, 1)
    quiet = capsys.readouterr().err
    assert "making tests" not in quiet


def test_verbose_tells_each_request_until_the_command_ends(capsys):
    log = logging.getLogger("urllib3.connectionpool")
    before = log.level
    context = COMMANDS["doctor"].make_context("doctor", ["-v"])
    log.debug('%s "%s %s" %s', "https://k.example:443", "GET", "/api/status", 200)
    context.close()
    log.debug("later")
    assert capsys.readouterr().err == 'https://k.example:443 "GET /api/status" 200\n'
    assert (log.level, log.handlers) == (before, [])


COMPLETIONS = {
    "push st": {"staging"},
    "push --on pr": {"production"},
    "push --rule so": {"sound"},
    "verify so": {"sound"},
    "promote st": {"staging"},
    "explain DEP01": {f"DEP01{digit}" for digit in range(10)},
    "plan --format js": {"json"},
    "schema ru": {"rule"},
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("line", COMPLETIONS)
def test_shells_complete_names(line, shell, project, monkeypatch, capsys):
    """What the script of a shell asks, and the words of the answer."""
    words = f"deploy {line}"
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_TYPER_COMPLETE_ARGS": words}
    asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_DEPLOY_COMPLETE": f"complete_{shell}"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        run([])
    assert COMPLETIONS[line] <= set(re.findall(r"[\w-]+", capsys.readouterr().out))
