"""`deploy check`, `deploy compile` and `deploy explain` as a user runs them, without any server."""

import json
import shutil
from pathlib import Path

import pytest

from entra_deployer.__main__ import run

HUNTS = Path(__file__).parents[1] / "data" / "hunts"


@pytest.fixture
def deploy(tmp_path, monkeypatch, capsys):
    """Runs the command in a project with the hunts that are named; gives the exit code, stdout and stderr."""
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)

    def call(line: str, *hunts: str):
        for name in hunts:
            shutil.copytree(HUNTS / name, tmp_path / "rules" / name)
        code = run(line.split())
        return code, *capsys.readouterr()

    return call


def test_a_sound_hunt_is_checked(deploy):
    code, output, errors = deploy("check", "sound")
    assert (code, errors) == (0, "")
    assert output.endswith("0 errors, 0 warnings, 1 note (--notes shows these).\n")


def test_a_file_that_cannot_be_read_exits_1_and_is_told_as_the_user_types_it(deploy):
    code, output, _ = deploy("check", "sound", "bad_uuid", "settings_unknown_key")
    assert code == 1
    assert "rules/bad_uuid/hunt.md:10:1: '0b8f1a62' is not a UUID" in output
    assert "rules/settings_unknown_key/rule.yaml:2:1: unknown key 'intervall'" in output


def test_a_failed_check_exits_2(deploy, tmp_path):
    deploy("check", "sound")
    (tmp_path / "rules" / "sound" / "rule.yaml").write_text("max_signals: 5000\n", "utf-8")
    code, output, _ = deploy("check")
    assert code == 2
    assert "error DEP023 rules/sound/rule.yaml:1:1: max_signals is 5000" in output


def test_versions_are_compared_in_a_table(deploy):
    code, output, _ = deploy("check --stack 8.15,8.19,9.4", "sound")
    assert code == 0
    assert [line.split() for line in output.splitlines()[:2]] == [
        ["hunt", "8.15", "8.19", "9.4"],
        ["sound", "yes", "yes", "yes"],
    ]


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "markdown", "github"])
def test_each_form_names_the_same_codes(deploy, form):
    code, output, errors = deploy(f"check --format {form}", "sound", "no_uuid")
    assert (code, errors) == (1, "")
    assert "DEP001" in output
    assert "DEP016" in output


def test_the_document_is_there_where_the_work_could_not_be_done(deploy):
    deploy("check", "sound")
    for line in ("check no_such --format json", "compile no_such --format json", "check --license x --format json"):
        code, output, errors = deploy(line)
        assert code == 64
        assert [issue["code"] for issue in json.loads(output)["issues"]] == ["DEP000"]
        assert errors.startswith("error: ")


def test_compile_shows_the_query_and_explain_the_reasons(deploy):
    code, output, _ = deploy("compile", "sound")
    assert code == 0
    assert "    from logs-a-*\n    | stats c = count(*) by user.name\n" in output
    assert "every 1h from now-7d to now" in output
    code, output, _ = deploy("compile --explain")
    assert code == 0
    assert "- | where @timestamp > now() - 7 days" in output


def test_compile_says_of_rules_that_the_stack_cannot_run_that_they_are_no_use(deploy, tmp_path):
    deploy("compile", "sound")
    hunt = tmp_path / "rules" / "sound" / "hunt.md"
    hunt.write_text(hunt.read_text("utf-8").replace("count(*)", 'values(host.name), d = top(host.name, 1, "asc")'))
    code, output, _ = deploy("compile --stack 8.12 --license basic")
    assert code == 1
    assert output.count("error DEP012") == 2
    assert output.endswith(
        "Compiled 1 rule for 8.12.0, basic; 2 errors keep the rules of 1 hunt from being deployed.\n"
    )


def test_compile_gives_the_payloads(deploy):
    _, output, _ = deploy("compile sound --format json --stack 8.12 --license basic", "sound")
    document = json.loads(output)
    assert document["target"] == "8.12.0, basic"
    [rule] = document["rules"]
    assert rule["rule"]["interval"] == "7d"
    assert "alert_suppression" not in rule["rule"]
    _, output, _ = deploy("compile --format ndjson")
    assert [json.loads(line)["type"] for line in output.splitlines()] == ["tag", "search", "esql"]


def test_compile_of_a_broken_hunt_shows_the_others_and_exits_1(deploy):
    code, output, errors = deploy("compile --format ndjson", "sound", "no_query")
    assert code == 1
    assert len(output.splitlines()) == 3
    assert errors.startswith("error: rules/no_query/hunt.md:14:1: the hunt has no query")


def test_a_hunt_file_can_be_named_by_its_path(deploy):
    code, output, _ = deploy(f"compile {HUNTS / 'sound_toml' / 'hunt.toml'}")
    assert code == 0
    assert "Compiled 1 rule for 8.19.21, platinum." in output


@pytest.mark.parametrize(
    "line", ["compile --stack 8.15,9.0", "check --stack 8.11", "check --license free", "explain DEP99"]
)
def test_what_does_not_exist_is_wrong_usage(deploy, line):
    code, output, errors = deploy(line, "sound")
    assert (code, output) == (64, "")
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


def test_explain_tells_a_code_or_all(deploy):
    code, output, _ = deploy("explain dep014")
    assert code == 0
    assert output.startswith("DEP014: ")
    assert 'process.args == "-enc"' in output
    code, output, _ = deploy("explain")
    assert code == 0
    assert "DEP014  a field with several values is compared with == or !=\n" in output
