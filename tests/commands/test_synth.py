"""`deploy synth` as a user runs it: nothing was made, and that is what it says."""

import shutil
from pathlib import Path

import pytest

from entra_deployer.__main__ import run

HUNT = Path(__file__).parents[1] / "data" / "hunts" / "sound"


@pytest.mark.parametrize(("options", "output"), [((), ""), (("--write",), "Nothing was written.\n")])
def test_a_rule_that_cannot_be_solved_exits_1_with_nothing_to_verify(tmp_path, monkeypatch, capsys, options, output):
    shutil.copytree(HUNT, tmp_path / "rules" / "odd")
    hunt = tmp_path / "rules" / "odd" / "hunt.md"
    hunt.write_text(hunt.read_text("utf-8").replace("| stats", "| enrich policy\n| stats"), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["synth", "odd", *options]) == 1
    told = capsys.readouterr()
    assert told.out == output
    why = "ENRICH with the policy policy: its data is the cluster's own, and no test holds it"
    assert told.err.splitlines() == [
        f"not solved: A hunt: all of it: rules/odd/hunt.md:19:3: {why}",
        "nothing was made of A hunt",
    ]
    assert not (hunt.parent / "tests").exists()


def test_a_file_that_is_there_is_told_and_stays_and_nothing_is_started(tmp_path, monkeypatch, capsys):
    shutil.copytree(HUNT, tmp_path / "rules" / "sound")
    file = tmp_path / "rules" / "sound" / "tests" / "synth.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("# mine\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["synth", "sound", "--write"]) == 1
    told = capsys.readouterr()
    assert told.out == "Nothing was written.\n"
    assert "not written: A hunt: rules/sound/tests/synth.yaml is there already (--force overwrites it)" in told.err
    assert file.read_text("utf-8") == "# mine\n"
    assert not (tmp_path / ".deploy").exists()
