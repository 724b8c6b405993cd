"""The project's own rules compile to what the golden files say, and any hunt compiles or is told its place."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.errors import UsageError
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.hunts.selection import Selection
from entra_deployer.repository import OFFLINE, Repository
from tests.compiler.golden import GOLDEN, ROOT, renderings
from tests.reading import there
from tests.shapes import MARKDOWN, REFUSED, TOML, TOO_NEW


def test_the_projects_own_rules_compile_to_the_golden_files():
    made = dict(renderings())
    assert sorted(made) == sorted(path.name for path in GOLDEN.iterdir())
    for name, text in made.items():
        assert text == (GOLDEN / name).read_text("utf-8"), name


@pytest.mark.parametrize("files", [TOML, MARKDOWN], ids=["toml", "markdown"])
def test_every_hunt_compiles_or_is_told_its_place(files):
    compilation = Repository(ROOT).compile(OFFLINE, Selection(tuple([str(path) for path in files])))
    assert len(compilation.sources) == len(TOML)
    assert len(compilation.rules) == len(TOML) - len(REFUSED)
    errors = {issue.subject: issue for issue in compilation.issues if issue.level is Level.ERROR}
    assert {folder: issue.code for folder, issue in errors.items()} == {
        **dict.fromkeys(REFUSED, "DEP010"),
        **dict.fromkeys(TOO_NEW, "DEP012"),
    }
    for folder, place in REFUSED.items():
        location = errors[folder].location
        assert Path(there(location).path).stem == folder
        if files is TOML:
            assert (there(location).line, there(location).column) == place


@pytest.mark.parametrize("toml", TOML, ids=lambda path: path.stem)
def test_the_same_hunt_in_both_forms_is_the_same_rule(toml):
    one, other = (
        Repository(ROOT).compile(OFFLINE, Selection((str(path),))).rules for path in (toml, toml.with_suffix(".md"))
    )
    assert [rule.rule for rule in one] == [rule.rule for rule in other]
    assert [rule.search for rule in one] == [rule.search for rule in other]


def test_a_name_that_does_not_exist_is_wrong_usage():
    with pytest.raises(UsageError):
        Repository(ROOT).compile(OFFLINE, Selection(("no_such_hunt",)))


def test_errors_of_checks_keep_a_rule_from_being_deployed():
    old = replace(OFFLINE, version=StackVersion(8, 12))
    compilation = Repository(ROOT).compile(old, Selection(("entra_refresh_token_replay_across_countries",)))
    assert "DEP012" in {issue.code for issue in compilation.issues if issue.level is Level.ERROR}


def test_a_plan_is_told_what_the_targets_licence_costs():
    basic = replace(OFFLINE, license="basic")
    compilation = Repository(ROOT).compile(
        basic, Selection(("entra_unusual_client_app_auth_request_on_behalf_of_user",))
    )
    border, late = sorted(compilation.issues, key=lambda issue: issue.code, reverse=True)
    assert [(one.code, one.level) for one in (late, border)] == [("DEP024", Level.WARNING), ("DEP037", Level.WARNING)]
    assert "14 days late" in late.message
    assert "border of two runs" in border.message
    assert "`duplicates: none`" in there(late.hint)


def test_the_same_input_gives_the_same_bytes():
    assert list(renderings()) == list(renderings())
