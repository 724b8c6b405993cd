"""What facts about an environment mean: one judgement at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion
from entra_deployer.doctor import findings as doctor
from entra_deployer.doctor.findings import Health
from entra_deployer.stack.search import Identity, License, SourceField

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
V8_12, V8_19, V9 = StackVersion(8, 12, 2), StackVersion(8, 19, 21), StackVersion(9, 2)


@pytest.mark.parametrize(
    ("kibana", "elastic", "health", "hint"),
    [
        (V8_19, V8_19, Health.OK, ""),
        (StackVersion(8, 19, 1), V8_19, Health.OK, ""),
        (V8_12, V8_19, Health.WARNING, "compiled for 8.12.2"),
        (V9, V8_19, Health.WARNING, "update Elasticsearch first"),
        (StackVersion(10, 0), StackVersion(10, 0), Health.WARNING, "update this tool"),
    ],
)
def test_versions(kibana, elastic, health, hint):
    found = doctor.judge_versions(kibana, elastic)
    assert found.health is health
    assert hint in found.hint
    assert str(kibana) in found.message


@pytest.mark.parametrize(
    ("license_", "version", "health", "said"),
    [
        (License("platinum"), V8_19, Health.OK, "platinum"),
        (License("basic"), V8_19, Health.OK, "no alert suppression"),
        (License("platinum"), V8_12, Health.OK, "no alert suppression"),
        (License("trial", expires=NOW + timedelta(days=29)), V8_19, Health.WARNING, "29 days"),
        (License("platinum", expires=NOW + timedelta(days=31)), V8_19, Health.OK, "platinum"),
        (License("trial", active=False), V8_19, Health.ERROR, "expired"),
    ],
)
def test_licenses(license_, version, health, said):
    found = doctor.judge_license(license_, version, NOW)
    assert found.health is health
    assert said in found.message


@pytest.mark.parametrize(
    ("seconds", "health", "said"),
    [
        (0.4, Health.OK, "agrees"),
        (-9.9, Health.OK, "agrees"),
        (10, Health.WARNING, "10 seconds ahead of"),
        (-60, Health.WARNING, "1 minute behind"),
        (120, Health.ERROR, "2 minutes ahead of"),
        (-301, Health.ERROR, "5 minutes behind"),
        (-86400, Health.ERROR, "1 day behind"),
    ],
)
def test_clocks(seconds, health, said):
    found = doctor.judge_clock("Kibana", seconds)
    assert found.health is health
    assert said in found.message


@pytest.mark.parametrize(
    ("who", "health", "said"),
    [
        (Identity("ute", ("superuser",)), Health.OK, "user ute (superuser)"),
        (Identity("ci", key_id="k1", key_name="deploy"), Health.OK, "deploy of ci, it does not expire"),
        (Identity("ci", key_id="k1", expires=NOW + timedelta(days=30)), Health.OK, "k1 of ci, valid until 2026-03-31"),
        (Identity("ci", key_id="k1", expires=NOW + timedelta(days=29, hours=9)), Health.WARNING, "in 29 days"),
        (Identity("ci", key_id="k1", expires=NOW + timedelta(minutes=5)), Health.WARNING, "in 5 minutes"),
    ],
)
def test_keys(who, health, said):
    found = doctor.judge_identity(who, NOW)
    assert found.health is health
    assert said in found.message
    assert bool(found.hint) is (health is not Health.OK)


def test_each_space_is_told():
    found = doctor.judge_spaces(["default", "soc"], ["default", "other"])
    assert [(one.health, one.message.split(",")[0]) for one in found] == [
        (Health.OK, "default is there"),
        (Health.ERROR, "there is no space soc"),
    ]


WANTED = {"detection rules": ("new.all", "old.all"), "tags": ("tags.all",)}


@pytest.mark.parametrize("held", [{"new.all", "tags.all"}, {"old.all", "tags.all"}])
def test_one_privilege_of_several_is_enough(held):
    assert doctor.judge_features("soc", WANTED, frozenset(held)).health is Health.OK


def test_what_a_key_lacks_is_named_with_its_newest_privilege():
    found = doctor.judge_features("soc", WANTED, frozenset())
    assert found.health is Health.ERROR
    assert found.message == "lacks in the space soc: detection rules (new.all), tags (tags.all)"
    assert "--role" in found.hint


@pytest.mark.parametrize(
    ("newest", "exists", "health", "said"),
    [
        (NOW - timedelta(minutes=3), True, Health.OK, "3 minutes old"),
        (NOW - timedelta(days=3, hours=5), True, Health.WARNING, "3 days old"),
        (None, True, Health.WARNING, "no events"),
        (None, False, Health.WARNING, "no index logs-*"),
        (NOW + timedelta(hours=1), True, Health.OK, "0 seconds old"),
    ],
)
def test_data(newest, exists, health, said):
    found = doctor.judge_data("logs-*", newest, NOW, exists=exists)
    assert found.health is health
    assert said in found.message


def test_what_is_lacking_is_told_by_how_much_it_matters():
    lacking = ("read on x",)
    assert doctor.judge_source("x", lacking).health is Health.ERROR
    assert doctor.judge_ledger(lacking).health is Health.WARNING
    assert doctor.judge_verification("staging", lacking).health is Health.WARNING
    assert all("read on x" in one.message for one in (doctor.judge_source("x", lacking), doctor.judge_ledger(lacking)))
    assert doctor.judge_remote("eu:logs-*").health is Health.WARNING


@pytest.mark.parametrize(("has_key", "health"), [(True, Health.OK), (False, Health.ERROR)])
def test_a_kibana_without_an_encryption_key_makes_no_rules(has_key, health):
    assert doctor.judge_encryption(has_key=has_key).health is health


def test_hunts_that_do_not_compile_hide_what_they_need():
    assert doctor.judge_hunts(1, 0).message == "1 rule to run here"
    assert doctor.judge_hunts(3, 2).health is Health.WARNING


@pytest.mark.parametrize(
    ("more", "health", "said"),
    [
        ((), Health.OK, "logs-a*: 1 of 1 fields as the rules need them"),
        (
            (SourceField("b", "ip", "ip", ("logs-a2",), 2),),
            Health.WARNING,
            "; partly mapped: b (not in 1 of 2 indices)",
        ),
        (
            (SourceField("b", "ip", "keyword"),),
            Health.WARNING,
            "1 of 2 fields as the rules need them; of another type: b",
        ),
        ((SourceField("b", "ip", "keyword"),), Health.WARNING, "b (keyword, not ip)"),
        ((SourceField("b", "", "ip, keyword"),), Health.ERROR, "b (ip, keyword)"),
        ((SourceField("b", "ip", ""), SourceField("c", "", "")), Health.ERROR, "; absent: b, c"),
    ],
)
def test_fields(more, health, said):
    found = doctor.judge_fields("logs-a*", [SourceField("a", "keyword", "keyword"), *more])
    assert found.health is health
    assert said in found.message
    assert bool(found.hint) is (health is not Health.OK)


@pytest.mark.parametrize(
    ("blockers", "changes", "health", "said"),
    [
        ((), 0, Health.OK, "nothing to push"),
        ((), 1, Health.OK, "a push would change 1 object"),
        ((), 3, Health.OK, "a push would change 3 objects"),
        ((Issue("DEP320", Level.ERROR, "no such connector", hint="name it"),), 3, Health.ERROR, "is blocked: no such"),
    ],
)
def test_what_a_push_would_do(blockers, changes, health, said):
    (found,) = doctor.judge_plan(blockers, changes)
    assert found.health is health
    assert said in found.message
    assert bool(found.hint) is bool(blockers)
