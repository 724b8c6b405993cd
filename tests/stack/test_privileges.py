"""The table of privileges: what a role of each version holds, and what counts as held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.stack import privileges
from entra_deployer.stack.privileges import LEDGER as INDEX
from entra_deployer.stack.privileges import Reads, read_by
from entra_deployer.verify.seeding import PREFIX

VERSIONS = st.builds(StackVersion, st.integers(8, 9), st.integers(0, 30)).filter(lambda v: v >= StackVersion(8, 12))


LOGS = Reads(("logs-*",))


def role(version, spaces=("default",), reads=LOGS, *, actions=False):
    return privileges.least_role(version, spaces, reads, actions=actions)


@pytest.mark.parametrize(
    ("version", "rules", "searches"),
    [
        ("8.12", ["feature_siem.all"], "feature_discover.all"),
        ("8.17", ["feature_siem.all"], "feature_discover.all"),
        ("8.19", ["feature_siemV2.all"], "feature_discover_v2.all"),
        ("9.0", ["feature_siemV2.all"], "feature_discover_v2.all"),
        ("9.1", ["feature_siemV3.all"], "feature_discover_v2.all"),
        ("9.2", ["feature_siemV4.all"], "feature_discover_v2.all"),
        ("9.3", ["feature_siemV5.read", "feature_securitySolutionRulesV1.all"], "feature_discover_v2.all"),
    ],
)
def test_the_role_follows_the_version(version, rules, searches):
    (kibana,) = role(StackVersion.parse(version))["applications"]
    assert kibana["application"] == "kibana-.kibana"
    assert kibana["privileges"] == [*rules, searches, "feature_savedObjectsTagging.all"]


@given(VERSIONS, st.booleans())
def test_whoever_holds_the_role_may_do_all_that_is_wanted(version, actions):
    (kibana,) = role(version, actions=actions)["applications"]
    wanted = privileges.wanted(version, actions=actions)
    assert all(set(kibana["privileges"]) & set(names) for names in wanted.values())
    assert ("connectors" in wanted) is actions


@given(VERSIONS)
def test_an_older_id_goes_on_counting_and_a_future_one_does_not(version):
    names = privileges.wanted(version, actions=False)["detection rules"]
    assert "feature_siem.all" in names
    assert ("feature_siemV2.all" in names) is (version >= StackVersion(8, 18))
    assert not any(name.endswith(".read") for name in names)


def test_each_space_has_its_own_indices_and_resource():
    found = role(StackVersion(8, 19), ("default", "soc"))
    assert found["applications"][0]["resources"] == ["space:default", "space:soc"]
    names = [name for entry in found["indices"] for name in entry["names"]]
    assert ".alerts-security.alerts-soc" in names
    assert ".preview.alerts-security.alerts-default" in names


def test_what_the_rules_read_is_read_and_nothing_more():
    (source,) = [entry for entry in role(StackVersion(8, 19))["indices"] if entry["names"] == ["logs-*"]]
    assert source["privileges"] == ["read", "view_index_metadata"]
    assert len(role(StackVersion(8, 19), reads=Reads())["indices"]) == len(role(StackVersion(8, 19))["indices"]) - 1


def test_our_own_indices_are_called_as_they_are_made():
    assert (INDEX, f"{PREFIX}-*") == (privileges.LEDGER, privileges.VERIFY)


@pytest.mark.parametrize(
    ("sources", "local", "remote"),
    [
        (["logs-*", "logs-a-*", "logs-*"], ("logs-*", "logs-a-*"), {}),
        (["logs-*", "-logs-secret-*", "far:-logs-x"], ("logs-*",), {}),
        (["<logs-{now/d}>", "<a-{now/d{yyyy.MM.dd}}-b>"], ("a-*-b", "logs-*"), {}),
        (["far:logs-*", "*:x", "far:a"], (), {"*": ("x",), "far": ("a", "logs-*")}),
        (["logs-*::data", "far:logs::failures"], ("logs-*",), {"far": ("logs",)}),
    ],
)
def test_a_role_names_what_is_read_and_nothing_else(sources, local, remote):
    reads = read_by(sources)
    assert (reads.local, reads.remote) == (local, remote)


def test_other_clusters_joined_indices_and_policies_have_their_places():
    found = role(StackVersion(8, 19), reads=read_by(["logs-*", "far:x-*"], ["threats"], enriches=True))
    assert found["indices"][0] == {"names": ["logs-*", "threats"], "privileges": ["read", "view_index_metadata"]}
    assert found["remote_indices"] == [
        {"clusters": ["far"], "names": ["x-*"], "privileges": ["read", "view_index_metadata"]}
    ]
    assert "monitor_enrich" in found["cluster"]
    plain = role(StackVersion(8, 19))
    assert "remote_indices" not in plain
    assert "monitor_enrich" not in plain["cluster"]
