"""`deploy new` and `deploy schema` on the command line."""

import json
import subprocess
import sys

import pytest

from entra_deployer.__main__ import run


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_tells_its_files_and_the_next_steps(project, capsys):
    assert run(["new", "Guessing of passwords"]) == 0
    out = capsys.readouterr().out
    assert "created  rules/guessing_of_passwords/hunt.md" in out
    assert "deploy verify guessing_of_passwords" in out
    assert run(["check"]) == 0


def test_new_reads_a_query_from_stdin_and_tells_programs(project):
    command = [sys.executable, "-m", "entra_deployer", "new", "x", "--from-query", "-", "--format", "json"]
    query = "FROM logs-a.b-*\n| STATS n = COUNT(*) BY user.name\n"
    done = subprocess.run(command, cwd=project, input=query, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout)
    assert told["hunt"] == "x"
    assert [(project / name).is_file() for name in told["files"]] == [True, True, True]


def test_new_without_a_file_of_a_query_makes_nothing(project, capsys):
    assert run(["new", "x", "--from-query", "no.esql"]) == 1
    assert "no.esql: cannot be read" in capsys.readouterr().err
    assert list((project / "rules").iterdir()) == []


def test_schema_prints_one_or_writes_all(project, capsys):
    assert run(["schema", "rule"]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:entra-deployer:schema:rule"
    assert run(["schema", "--write"]) == 0
    assert "created  deploy/schemas/rule.schema.json" in capsys.readouterr().out
    (project / ".taplo.toml").write_text("")
    assert run(["schema", "--write"]) == 0
    assert "kept     .taplo.toml  is there already: it names no schema" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["schema"], ["schema", "rule", "--write"], ["schema", "ruel"]])
def test_schema_without_a_kind_or_with_a_wrong_one_is_wrong_usage(project, capsys, words):
    assert run(words) == 64
    assert "rule" in capsys.readouterr().err
