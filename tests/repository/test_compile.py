"""The project's own rules compile to what the golden files say, and any hunt compiles or is told its place."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.errors import UsageError
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.repository import OFFLINE, compile_rules
from tests.compiler.golden import GOLDEN, ROOT, renderings

SHARED = ROOT.parent / "shared" / "data" / "hunts"
REFUSED = {
    "servicequotas_discovery_multi_region_get_service_quota_calls": (25, 62),
    "aks_kubelet_proxy_command_execution_from_external_source": (38, 27),
    "entra_authentication_attempts_behind_rare_user_agents": (66, 5),
    "credential_access_rapid_reset_password_requests_for_different_users": (30, 20),
}


def test_the_projects_own_rules_compile_to_the_golden_files():
    made = dict(renderings())
    assert sorted(made) == sorted(path.name for path in GOLDEN.iterdir())
    for name, text in made.items():
        assert text == (GOLDEN / name).read_text("utf-8"), name


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared hunts are not here")
@pytest.mark.parametrize("kind", ["queries/*.toml", "docs/*.md"])
def test_every_shared_hunt_compiles_or_is_told_its_place(kind):
    files = sorted(str(path) for path in SHARED.glob(f"*/{kind}"))
    compilation = compile_rules(ROOT, OFFLINE, files)
    assert len(compilation.sources) == 49
    assert len(compilation.rules) == 45
    errors = {issue.subject: issue for issue in compilation.issues if issue.level.value == "error"}
    assert set(errors) == set(REFUSED)
    for folder, issue in errors.items():
        assert issue.code == "DEP010"
        line, column = REFUSED[folder]
        assert Path(issue.location.path).stem == folder
        if kind.endswith("toml"):
            assert (issue.location.line, issue.location.column) == (line, column)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared hunts are not here")
def test_the_same_hunt_in_both_forms_is_the_same_rule():
    for toml in sorted(SHARED.glob("*/queries/*.toml"))[:12]:
        markdown = toml.parents[1] / "docs" / f"{toml.stem}.md"
        one, other = (compile_rules(ROOT, OFFLINE, [str(path)]).rules for path in (toml, markdown))
        assert [rule.rule for rule in one] == [rule.rule for rule in other]
        assert [rule.search for rule in one] == [rule.search for rule in other]


def test_a_name_that_does_not_exist_is_wrong_usage():
    with pytest.raises(UsageError):
        compile_rules(ROOT, OFFLINE, ["no_such_hunt"])


def test_errors_of_checks_keep_a_rule_from_being_deployed():
    old = replace(OFFLINE, version=StackVersion(8, 12))
    compilation = compile_rules(ROOT, old, ["entra_refresh_token_replay_across_countries"])
    assert "DEP012" in {issue.code for issue in compilation.issues if issue.level is Level.ERROR}


def test_a_plan_is_told_what_the_targets_licence_costs():
    basic = replace(OFFLINE, licence="basic")
    compilation = compile_rules(ROOT, basic, ["entra_unusual_client_app_auth_request_on_behalf_of_user"])
    [issue] = compilation.issues
    assert (issue.code, issue.level) == ("DEP024", Level.WARNING)
    assert "14 days late" in issue.message
    assert "`duplicates: none`" in issue.hint


def test_the_same_input_gives_the_same_bytes():
    assert list(renderings()) == list(renderings())
