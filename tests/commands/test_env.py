"""`deploy env list` and `deploy config show` on the command line."""

import json

import pytest

from entra_deployer.__main__ import run


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STAGING_API_KEY", raising=False)
    assert run(["init", "staging"]) == 0
    return tmp_path


def test_the_list_names_each_and_what_is_not_set(project, capsys):
    capsys.readouterr()
    assert run(["env", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["staging", "https://kibana.staging.example.com", "default", "STAGING_API_KEY"] in rows
    (project / "deploy" / "broken.yaml").write_text("a: 1\n")
    assert run(["env", "list", "--format", "json"]) == 1
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)["environments"]}
    assert "unknown key 'a'" in told["broken"]["problem"]


def test_the_settings_have_a_source_each(project, capsys):
    capsys.readouterr()
    assert run(["config", "show", "staging", "--format", "json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["timeout"] == {"value": 60, "from": "default", "problem": None}
    assert settings["auth.api_key"]["problem"] == "the variable STAGING_API_KEY is not set"
    assert run(["config", "show", "stagin"]) == 64
    assert "did you mean 'staging'?" in capsys.readouterr().err
