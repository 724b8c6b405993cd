"""`deploy report` as a user runs it, and the page that `--serve` gives to whom."""

import json
import os
import shutil
from pathlib import Path

import pytest

from entra_deployer.__main__ import run
from entra_deployer.commands.serve import ServedPage, version_of
from entra_deployer.core.errors import InputError

HUNTS = Path(__file__).parents[1] / "data" / "hunts"


@pytest.fixture
def deploy(tmp_path, monkeypatch, capsys):
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)

    def call(line: str, *hunts: str):
        for name in hunts:
            shutil.copytree(HUNTS / name, tmp_path / "rules" / name)
        code = run(line.split())
        return code, *capsys.readouterr()

    return call


def test_the_page_is_written_where_it_is_asked_for(deploy, tmp_path):
    assert deploy("report --out out/page.html", "sound") == (0, "out/page.html: 1 rule of 1 hunt: 1 unproved.\n", "")
    assert "<!DOCTYPE html>" in (tmp_path / "out" / "page.html").read_text("utf-8")


def test_a_hunt_that_cannot_be_read_is_told_and_the_others_are_on_the_page(deploy, tmp_path):
    code, output, _ = deploy("report --format json", "sound", "bad_uuid")
    found = json.loads(output)
    assert (code, found["path"], found["hunts"]) == (0, "report.html", 1)
    assert [issue["code"] for issue in found["issues"]] == ["DEP001"]
    assert "is not a UUID" in (tmp_path / "report.html").read_text("utf-8")


def test_a_file_that_cannot_be_written_is_told_in_a_line(deploy):
    code, output, errors = deploy("report --out rules", "sound")
    assert (code, output) == (1, "")
    assert "rules: cannot be written" in errors


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000"])
def test_who_asks_by_this_machines_name_gets_the_page(host):
    page = ServedPage(lambda: "the page", lambda: "v1")
    assert page.answer(host, 8000, "/") == (200, "text/html", "the page")
    assert page.answer(host, 8000, "/version") == (200, "text/plain", "v1")
    assert page.answer(host, 8000, "/etc/passwd")[0] == 404


@pytest.mark.parametrize("host", ["", "evil.example:8000", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8000"])
@pytest.mark.parametrize("path", ["/", "/version"])
def test_who_asks_by_another_name_gets_nothing(host, path):
    page = ServedPage(lambda: "the page", lambda: "v1")
    status, _, text = page.answer(host, 8000, path)
    assert status == 421
    assert "page" not in text


def test_the_page_is_drawn_again_where_something_changed_and_only_then():
    versions, drawn = ["1", "1", "2"], []

    def draw():
        drawn.append(1)
        return f"page {len(drawn)}"

    page = ServedPage(draw, lambda: versions.pop(0))
    texts = [page.answer("localhost:1", 1, "/")[2] for _ in range(3)]
    assert texts == ["page 1", "page 1", "page 2"]


def test_what_keeps_it_from_being_drawn_is_told_and_tried_again():
    outcomes = [InputError("no such file"), "the page"]

    def draw():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    page = ServedPage(draw, lambda: "v1")
    assert page.answer("localhost:1", 1, "/") == (500, "text/plain", "error: no such file\n")
    assert page.answer("localhost:1", 1, "/") == (200, "text/html", "the page")


def test_a_version_changes_with_any_file(tmp_path):
    (tmp_path / "rules" / "a").mkdir(parents=True)
    hunt = tmp_path / "rules" / "a" / "hunt.md"
    hunt.write_text("one")
    os.utime(hunt, ns=(1, 1))
    before = version_of([tmp_path / "rules", tmp_path / "none"])
    assert version_of([tmp_path / "rules", tmp_path / "none"]) == before
    hunt.write_text("two")
    os.utime(hunt, ns=(2, 2))
    after = version_of([tmp_path / "rules"])
    (tmp_path / "rules" / "a" / "rule.yaml").write_text("")
    assert len({before, after, version_of([tmp_path / "rules"])}) == 3
