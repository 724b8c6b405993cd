"""A hunt becomes rules and saved searches that an analyst can work with."""

import json
import re

import pytest

from entra_deployer.compiler.compiled import desired_state
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.issue import Level
from entra_deployer.core.json import as_mapping, as_mappings, as_texts
from entra_deployer.data import load_knowledge
from entra_deployer.hunts.folder import QuerySettings, RuleSettings, RuleSource
from entra_deployer.objects.rule_fields import RULE_FIELDS
from entra_deployer.objects.state import RULE, SAVED_SEARCH, TAG
from entra_deployer.objects.tag import OWNER_TAG
from tests.compiler.build import compiled, hunt, rule, source, target
from tests.reading import part, there

COUNTING = "from logs-azure.signinlogs-* | where @timestamp > now() - 7d | stats c = count(*) by user.name"
ROWS = 'from logs-okta* | where event.action == "x"'


def test_one_rule_one_search_and_the_tag_for_each_query():
    result = compiled(COUNTING, ROWS)
    state = desired_state(result.rules, "default")
    assert [one.kind for one in state.objects] == [TAG] + [SAVED_SEARCH] * 2 + [RULE] * 2
    assert len({one.key for one in state.objects}) == 5
    assert [rule.rule.name for rule in result.rules] == ["A hunt (logs-azure-signinlogs)", "A hunt (logs-okta)"]


def test_ids_survive_a_reordering_and_an_edit_and_hold_nothing_that_kibana_would_misread():
    before = {rule.rule.name: (rule.rule.key, rule.search.key) for rule in compiled(COUNTING, ROWS).rules}
    after = {rule.rule.name: (rule.rule.key, rule.search.key) for rule in compiled(ROWS + " | keep y", COUNTING).rules}
    assert before == after
    for keys in before.values():
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", key) for key in keys)


def test_a_saved_search_has_another_id_in_each_space_and_the_rule_has_not():
    one = source(COUNTING)
    ids = []
    for space in ("default", "other"):
        [made] = (
            compile_source(one, target(), load_knowledge()).rules
            if space == "default"
            else (
                compile_source(one, type(target())("test", space, target().version, "platinum"), load_knowledge()).rules
            )
        )
        ids.append((made.rule.key, made.search.key, made.tags[0].key))
    assert ids[0][0] == ids[1][0]
    assert not set(ids[0][1:]) & set(ids[1][1:])


def test_threat_holds_parents_and_every_tactic():
    threat = rule(COUNTING, mitre=("T1078.004", "T1110.003")).rule.payload["threat"]
    by_tactic = {as_mapping(one["tactic"])["name"]: as_mappings(one["technique"]) for one in as_mappings(threat)}
    assert list(by_tactic) == [
        "Initial Access",
        "Persistence",
        "Privilege Escalation",
        "Defense Evasion",
        "Credential Access",
    ]
    [technique] = by_tactic["Initial Access"]
    assert (technique["id"], technique["name"]) == ("T1078", "Valid Accounts")
    assert technique["subtechnique"] == [
        {"id": "T1078.004", "name": "Cloud Accounts", "reference": "https://attack.mitre.org/techniques/T1078/004/"}
    ]


def test_rule_yaml_keeps_tactics_by_name_id_or_slug():
    for word in ("Initial Access", "TA0001", "initial-access"):
        payload = rule(COUNTING, settings=RuleSettings(tactics=(word,))).rule.payload
        assert [part(entry, "tactic", "id") for entry in as_mappings(payload["threat"])] == ["TA0001"]
        assert [tag for tag in as_texts(payload["tags"]) if tag.startswith("Tactic:")] == ["Tactic: Initial Access"]


def test_a_technique_without_parts_has_no_empty_list_of_them():
    [entry] = as_mappings(rule(COUNTING, mitre=("T1528",)).rule.payload["threat"])
    assert entry["technique"] == [
        {
            "id": "T1528",
            "name": "Steal Application Access Token",
            "reference": "https://attack.mitre.org/techniques/T1528/",
        }
    ]


def test_revoked_and_unknown_techniques():
    [threat] = as_mappings(rule(COUNTING, mitre=("T1086", "T9999", "AML.T0034")).rule.payload["threat"])
    assert [technique["id"] for technique in as_mappings(threat["technique"])] == ["T1059"]


def test_tags_are_in_elastics_convention_with_ours_last():
    tags = rule(COUNTING, settings=RuleSettings(tags=("Team: Blue",))).rule.payload["tags"]
    assert tags == [
        "Domain: Cloud",
        "Domain: Identity",
        "Data Source: Azure",
        "Data Source: Microsoft Entra ID Sign-in Logs",
        "Use Case: Threat Detection",
        "Use Case: Identity and Access Audit",
        "Tactic: Initial Access",
        "Tactic: Persistence",
        "Tactic: Privilege Escalation",
        "Tactic: Defense Evasion",
        "Team: Blue",
        OWNER_TAG,
    ]


def test_the_guide_holds_the_notes_the_query_the_pivots_and_the_fields():
    [first, _] = compiled(COUNTING, ROWS, notes=("Look at `source.ip`.\nTwice.", "Then at `user.name`.")).rules
    note = str(first.rule.payload["note"])
    assert "- Look at `source.ip`.\n  Twice.\n- Then at `user.name`." in note
    assert f"```sql\n{COUNTING}\n```" in note
    assert f"### Pivots\n\nThe hunt's other queries.\n\n```sql\n{ROWS}\n```" in note
    assert note.endswith("- `source.ip`\n- `user.name`\n")


def test_a_query_with_a_fence_in_it_does_not_end_the_guides():
    query = 'from a | where m == "```" | stats c = count(*) by x'
    assert f"````sql\n{query}\n````" in str(rule(query).rule.payload["note"])


def test_required_fields_have_the_types_that_are_known():
    query = (
        "from logs-azure.signinlogs* | where azure.signinlogs.properties.status.error_code == 0 and mine == 1 "
        "| stats c = count(*) by source.ip"
    )
    assert rule(query).rule.payload["required_fields"] == [
        {"name": "azure.signinlogs.properties.status.error_code", "type": "long"},
        {"name": "mine", "type": "unknown"},
        {"name": "source.ip", "type": "ip"},
    ]


AWS = [("aws", "s3"), ("aws", "waf"), ("aws", "route53")]


@pytest.mark.parametrize(
    ("integrations", "query", "expected"),
    [
        (("azure",), COUNTING, [("azure", "adlogs")]),
        (("azure",), "from logs-azure.signinlogs-*, logs-azure.auditlogs-* | keep x", [("azure", "adlogs")]),
        (("azure.graphactivitylogs",), COUNTING, [("azure", "graphactivitylogs")]),
        (("azure",), "from logs-azure.*, logs-o365.audit-* | keep x", [("azure", None), ("o365", None)]),
        (("aws.cloudtrail",), ROWS, [("aws", "cloudtrail")]),
        (("okta", "my_own"), ROWS, [("okta", None)]),
        (("aws",), "from logs-aws.s3access-*, logs-aws.waf-*, logs-aws.route53_public_logs-* | keep x", AWS),
        (("aws",), "from logs-aws.something_new-* | keep x", [("aws", None)]),
        (("aws.something_new",), ROWS, [("aws", "something_new")]),
        (("endpoint",), "from logs-endpoint.events.process-* | keep x", [("endpoint", None)]),
        (("windows",), "from logs-windows.sysmon_operational-*, logs-windows.forwarded* | keep x", [("windows", None)]),
        (("system",), "from logs-system.security-* | keep x", [("system", None)]),
        (("aws_bedrock.invocation",), ROWS, [("aws_bedrock", None)]),
    ],
)
def test_integrations_are_the_hunts_packages_and_the_policy_templates_of_the_streams_that_it_reads(
    integrations, query, expected
):
    related = as_mappings(rule(query, integrations=integrations).rule.payload["related_integrations"])
    assert [(one["package"], one.get("integration")) for one in related] == expected
    assert all(str(one["version"]).startswith(">=") for one in related)


def test_the_saved_search_holds_the_hunts_own_query_with_columns_and_time_range():
    query = "from logs-a-* | where @timestamp > now() - 14 day | keep @timestamp, user.name"
    search = rule(query).search
    attributes = part(search.payload, "attributes")
    source_json = json.loads(part(attributes, "kibanaSavedObjectMeta", "searchSourceJSON"))
    assert source_json["query"] == {"esql": query}
    assert source_json["index"]["title"] == "logs-a-*"
    assert attributes["columns"] == ["@timestamp", "user.name"]
    assert attributes["sort"] == [["@timestamp", "desc"]]
    assert attributes["timeRange"] == {"from": "now-14d", "to": "now"}
    assert attributes["isTextBasedQuery"] is True
    [reference] = as_mappings(search.payload["references"])
    assert reference["name"] == f"tag-ref-{reference['id']}"


@pytest.mark.parametrize(
    ("settings", "environment", "expected"),
    [(None, True, True), (None, False, False), (False, True, False), (True, False, True)],
)
def test_enabled_is_always_sent(settings, environment, expected):
    one = source(COUNTING, settings=RuleSettings(enabled=settings))
    [made] = compile_source(one, target(enabled=environment), load_knowledge()).rules
    assert made.rule.payload["enabled"] is expected


def test_overlays_change_the_payload_last_and_never_the_id():
    one = source(COUNTING, settings=RuleSettings(severity="low", fields={"building_block_type": "default"}))
    aim = target(
        overlay={"severity": "high", "max_signals": 5, "rule_id": "x"}, overlays={"a_hunt": {"max_signals": 7}}
    )
    [made] = compile_source(one, aim, load_knowledge()).rules
    payload = made.rule.payload
    assert (payload["severity"], payload["max_signals"], payload["building_block_type"]) == ("high", 7, "default")
    assert payload["rule_id"] == made.rule.key != "x"


@pytest.mark.parametrize("name", ["interval", "from", "to", "max_signals", "tags", "threat"])
def test_of_what_kibana_fills_in_a_null_leaves_what_it_fills_in(name):
    one = source(COUNTING, settings=RuleSettings(fields={name: None}))
    [made] = compile_source(one, target(), load_knowledge()).rules
    assert made.rule.payload[name] == RULE_FIELDS[name].default


@pytest.mark.parametrize("name", ["name", "description", "query", "severity", "risk_score", "type"])
def test_what_no_rule_is_without_stays_whatever_is_patched_away(name):
    [plain] = compile_source(source(COUNTING), target(), load_knowledge()).rules
    [made] = compile_source(source(COUNTING), target(overlay={name: None}), load_knowledge()).rules
    assert made.rule.payload == plain.rule.payload


def test_what_a_rule_may_lack_is_taken_away_by_a_null():
    one = source(COUNTING, settings=RuleSettings(fields={"investigation_fields": None}))
    [made] = compile_source(one, target(), load_knowledge()).rules
    assert "investigation_fields" not in made.rule.payload


def test_a_hunt_without_esql_is_told_at_its_language():
    [issue] = compiled("process where true", languages=("EQL",), places={"language": 11}).issues
    assert (issue.code, issue.level, str(issue.location)) == ("DEP004", Level.WARNING, "rules/a_hunt/hunt.md:11:1")


def test_a_hunt_that_names_esql_and_holds_none_is_told_too():
    found = compiled("SELECT * FROM processes", languages=("OSQuery", "ES|QL"), places={"language": 11})
    assert found.rules == ()
    assert [(issue.code, issue.level) for issue in found.issues] == [
        ("DEP005", Level.NOTE),
        ("DEP004", Level.WARNING),
    ]


def test_a_query_behind_the_word_of_a_code_fence_is_told():
    found = compiled(f"sql\n{COUNTING}", COUNTING, languages=("OSQuery", "ES|QL"))
    assert len(found.rules) == 1
    [issue] = found.issues
    assert (issue.code, issue.level, issue.hint) == ("DEP005", Level.WARNING, "take its first line out")


def test_the_only_esql_query_of_a_mixed_hunt_is_called_as_the_hunt_and_keeps_its_id():
    languages = ("OSQuery", "ES|QL")
    first = compiled("SELECT 1", COUNTING, languages=languages).rules[0]
    again = compiled("SELECT 1", "SELECT 2", ROWS, languages=languages).rules[0]
    alone = rule(COUNTING)
    assert first.rule.key == again.rule.key == alone.rule.key
    assert first.rule.name == alone.rule.name


def test_the_esql_queries_of_a_mixed_hunt_compile():
    result = compiled("SELECT * FROM processes", COUNTING, "process where true", languages=("OSQuery", "ES|QL", "EQL"))
    assert [rule.query.text for rule in result.rules] == [COUNTING]
    assert [(issue.code, issue.level, there(issue.location).line) for issue in result.issues] == [
        ("DEP005", Level.NOTE, 10),
        ("DEP005", Level.NOTE, 210),
    ]


def test_a_broken_query_does_not_keep_the_others():
    result = compiled("from a\n| where", COUNTING)
    assert len(result.rules) == 1
    [issue] = result.issues
    assert (issue.code, str(issue.location)) == ("DEP010", "rules/a_hunt/hunt.md:11:8")


def test_nothing_of_the_input_is_written_on():
    one = source(COUNTING, settings=RuleSettings(fields={"meta": {"a": 1}}, actions=({"connector": "mail"},)))
    before = repr(one)
    first = compile_source(one, target(), load_knowledge())
    assert repr(one) == before
    assert compile_source(one, target(), load_knowledge()) == first


def test_connectors_and_lists_are_named_for_the_environment_to_find():
    settings = RuleSettings(actions=({"connector": "mail"},), exceptions=("known-good",))
    payload = rule(COUNTING, settings=settings).rule.payload
    assert payload["actions"] == [{"connector": "mail"}]
    assert payload["exceptions_list"] == [{"list_id": "known-good"}]


def test_each_query_has_the_settings_of_its_own_key():
    one = hunt(COUNTING, ROWS)
    settings = (QuerySettings("a", RuleSettings(name="First")), QuerySettings("b", RuleSettings(severity="high")))
    result = compile_source(RuleSource("a_hunt", one, settings), target(), load_knowledge())
    assert [rule.rule.name for rule in result.rules] == ["First", "A hunt (b)"]
    assert [rule.rule.payload["severity"] for rule in result.rules] == ["medium", "high"]


def test_the_integrations_that_from_names_are_related():
    payload = rule(
        "from logs-okta.system-*, logs-endpoint.events.process-* | keep user.name", integrations=()
    ).rule.payload
    assert [item["package"] for item in as_mappings(payload["related_integrations"])] == ["okta", "endpoint"]
    assert {"Data Source: Okta", "Data Source: Elastic Defend", "Domain: Endpoint"} <= set(as_texts(payload["tags"]))


def test_the_analyst_sees_who_and_where_first():
    counted = (
        "from a | stats n = count(*), v = values(host.name) by b = bucket(@timestamp, 1 hour), source.ip, user.name"
    )
    assert rule(counted).rule.payload["investigation_fields"] == {"field_names": ["source.ip", "user.name", "n", "v"]}
    kept = 'from a | where process.name == "x" and host.name == "y" and user.name == "z" and @timestamp > now() - 1 day'
    fields = part(rule(kept).rule.payload, "investigation_fields", "field_names")
    assert fields == ["user.name", "host.name", "process.name"]


def test_repeats_are_folded_by_what_tells_entities_apart_and_never_by_time():
    by = "event.action, process.name, b = date_trunc(1 hour, @timestamp), host.name, user.name, source.ip"
    folded = rule(f"from a | stats n = count(*) by {by}").rule.payload
    assert part(folded, "alert_suppression", "group_by") == ["host.name", "user.name", "source.ip"]
