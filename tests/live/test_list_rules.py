"""Which live rules a name means: its own, its rule_id, its hunt's, or its folder."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entra_deployer.compiler.identity import pinned_rule_id
from entra_deployer.core.errors import UnknownName
from entra_deployer.live.list_rules import only_named
from entra_deployer.plan.live_rule import Inventory, LiveRule
from entra_deployer.repository import Repository
from tests.reading import there

HUNT = Path(__file__).parents[1] / "data" / "hunts" / "sound"


@pytest.fixture
def repository(tmp_path):
    shutil.copytree(HUNT, tmp_path / "rules" / "sound")
    return Repository(tmp_path)


@pytest.fixture
def inventory(repository):
    """A rule of the hunt, renamed in Kibana, and one whose hunt has left the repository."""
    [source] = repository.catalog().sources
    rule_ids = {"Renamed there": pinned_rule_id(source.hunt, source.queries[0]), "Left behind": "gone"}
    rules = [LiveRule("default", key, name, True, "low", "5m") for name, key in rule_ids.items()]
    return Inventory("staging", datetime(2026, 1, 1, tzinfo=UTC), rules=tuple(rules))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["sound"], ["Renamed there"]),
        (["so*"], ["Renamed there"]),
        (["A hunt"], ["Renamed there"]),
        (["Renamed there"], ["Renamed there"]),
        (["Left *"], ["Left behind"]),
        (["gone"], ["Left behind"]),
        (["sound", "gone"], ["Renamed there", "Left behind"]),
    ],
)
def test_a_rule_is_named_as_it_stands_or_as_its_hunt(names, expected, inventory, repository):
    assert [rule.name for rule in only_named(inventory, repository, names).rules] == expected


def test_a_hunt_that_is_not_live_has_no_line(inventory, repository):
    left = Inventory("staging", inventory.at, rules=inventory.rules[1:])
    assert only_named(left, repository, ["sound"]).rules == ()


def test_a_name_that_nothing_has_is_refused_with_the_nearest(inventory, repository):
    with pytest.raises(UnknownName, match="no rule is named 'soun'") as refused:
        only_named(inventory, repository, ["sound", "soun"])
    assert "sound" in there(refused.value.hint)
