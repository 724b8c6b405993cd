"""`deploy coverage --against` as a user runs it: what a branch gains and loses."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from entra_deployer.__main__ import run

SOUND = Path(__file__).parents[1] / "data" / "hunts" / "sound"
HUNT = Path(__file__).parents[2] / "rules" / "entra_refresh_token_replay_across_countries"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in git: one commit without a hunt, tagged `empty`, and one with a hunt."""

    def git(*words):
        person = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *person, *words], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    git("tag", "empty")
    shutil.copytree(HUNT, tmp_path / "rules" / HUNT.name)
    shutil.copytree(SOUND, tmp_path / "rules" / SOUND.name)
    git("add", "-A")
    git("commit", "-q", "-m", "a hunt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changes(capsys, *words):
    assert run(["coverage", *words, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return found["against"], {one["id"]: (one["before"], one["after"]) for one in found["changes"]}


def test_what_is_new_against_a_tag_is_gained(project, capsys):
    against, found = changes(capsys, "--against", "empty")
    assert against == "empty"
    tested = dict.fromkeys(("T1528", "T1539", "T1550.001"), (None, "tested"))
    assert found == {**tested, "T1078.004": (None, "compiled")}


def test_what_a_working_tree_took_away_is_lost(project, capsys):
    shutil.rmtree(project / "rules" / HUNT.name / "tests")
    assert set(changes(capsys, "--against", "HEAD")[1].values()) == {("tested", "compiled")}
    shutil.rmtree(project / "rules" / HUNT.name)
    assert set(changes(capsys, "--against", "HEAD")[1].values()) == {("tested", None)}


def test_nothing_differs_from_what_it_is(project, capsys):
    assert changes(capsys, "--against", "HEAD") == ("HEAD", {})
    assert changes(capsys) == (None, {})


@pytest.mark.parametrize("words", ["nowhere", "--output=x", "local"])
def test_what_is_no_commit_and_no_second_environment_is_wrong_usage(project, capsys, words):
    assert run(["coverage", f"--against={words}"]) == 64
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
