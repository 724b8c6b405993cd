"""Each field gets the type that it has where the rule watches, or the nearest one there is."""

import pytest

from entra_deployer.core.json import Json
from entra_deployer.stack.mapping import FAMILIES, as_shipped, field_mappings, lookup_mapping, stand_ins
from tests.reading import part

STREAM = "logs-azure.signinlogs-default"


def types(documents=(), fields=(), stream=STREAM, embedded=True):
    found = field_mappings(stream, documents, dict.fromkeys(fields, ""), {}, embedded=embedded)
    return {name: item["type"] for name, item in found.items()}


def test_known_fields_have_the_types_of_the_integration_and_of_ecs():
    names = ["azure.signinlogs.properties.status.error_code", "source.ip", "source.geo.location", "event.category"]
    assert types(fields=names) == {
        "@timestamp": "date",
        "azure.signinlogs.properties.status.error_code": "long",
        "source.ip": "ip",
        "source.geo.location": "geo_point",
        "event.category": "keyword",
    }


def test_the_embedded_server_gets_the_family_a_real_one_the_type_itself():
    assert types(fields=["process.command_line"])["process.command_line"] == "keyword"
    assert types(fields=["process.command_line"], embedded=False)["process.command_line"] == "wildcard"


@pytest.mark.parametrize("embedded", [True, False])
def test_a_constant_keyword_may_hold_several_values_in_a_test(embedded):
    assert types(fields=["event.dataset"], embedded=embedded)["event.dataset"] == "keyword"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "boolean"),
        (1, "long"),
        (1.5, "double"),
        ("x", "keyword"),
        (["x"], "keyword"),
        ([], "keyword"),
        (None, "keyword"),
    ],
)
def test_an_unknown_field_has_the_type_of_its_values(value, kind):
    assert types([{"my.field": value}])["my.field"] == kind


def test_parts_of_a_flattened_field_are_no_fields():
    name = "azure.signinlogs.properties.authentication_details"
    assert types([{f"{name}.method": "x"}, {name: [{"a": 1}]}])[name] == "flattened"
    assert f"{name}.method" not in types([{f"{name}.method": "x"}])


def test_a_field_with_parts_is_an_object_and_not_mapped_itself():
    assert "a" not in types([{"a.b": 1}], fields=["a"])


def test_no_family_is_a_type_that_needs_one_itself():
    assert not set(FAMILIES.values()) & set(FAMILIES)


def test_a_field_that_nobody_knows_has_the_type_that_the_query_demands():
    demanded = {"my.size": "long", "source.ip": "keyword"}
    found = field_mappings(STREAM, [{"my.size": "7"}], demanded, {}, embedded=True)
    assert found["my.size"] == {"type": "long"}
    assert found["source.ip"] == {"type": "ip"}, "the integration knows better"


def test_the_source_of_the_environment_knows_best():
    mapped = {"source.ip": "keyword", "my.size": "ip", "user.name": "keyword", "user.email": "dense_vector"}
    fields = dict.fromkeys([*mapped, "source.port"], "")
    found = field_mappings(STREAM, [], fields, mapped, embedded=True)
    assert found["source.ip"]["type"] == "keyword"
    assert found["my.size"] == {"type": "ip", "ignore_malformed": True}, (
        "a value that does not fit is no fault of a test"
    )
    assert found["user.email"]["type"] == "keyword", "a type that asks for more than its name is left alone"
    assert found["source.port"] == {"type": "long"}


DOCUMENTS = [{"process.name": "CMD.exe", "process.parent.name.caseless": "explorer.exe"}, {"my.name.caseless": "x"}]


def test_a_field_that_is_made_of_another_one_is_a_part_of_its_mapping():
    fields = {"process.name.caseless": "", "process.executable.text": "", "my.name.caseless": ""}
    shipped = as_shipped(STREAM, DOCUMENTS, fields)
    found = field_mappings(STREAM, shipped, fields, {}, embedded=True)
    assert part(found, "process.name", "fields", "caseless", "normalizer") == "lowercase"
    assert found["process.executable"]["fields"] == {"text": {"type": "text"}}
    assert not {"process.name.caseless", "process.executable.text"} & set(found)
    assert found["my.name.caseless"]["type"] == "keyword", "of what nobody knows it is a field like others"


def test_a_document_has_the_field_that_another_one_is_made_of():
    shipped = as_shipped(STREAM, DOCUMENTS, {"process.name.caseless": ""})
    assert shipped == [
        {"process.name": "CMD.exe", "process.parent.name": "explorer.exe"},
        {"my.name.caseless": "x"},
    ]
    both = as_shipped(STREAM, [{"process.name": "CMD.exe", "process.name.caseless": "cmd.exe"}], {})
    assert both == [{"process.name": "CMD.exe"}]


def test_lookup_rows_map_nothing_but_themselves_and_have_the_types_of_what_they_are_joined_on():
    rows: list[dict[str, Json]] = [{"address": "10.0.0.1", "message": "x", "level": 3}, {"source.ip": "10.0.0.2"}]
    keys = {"address": "ip", "message": "text", "user.name": "keyword", "odd": "unsupported"}
    mapping = lookup_mapping(STREAM, rows, keys, {"level": "double", "host.name": "keyword"}, embedded=True)
    assert {name: item["type"] for name, item in part(mapping, "properties").items()} == {
        "address": "ip",
        "level": "double",
        "message": "keyword",
        "odd": "keyword",
        "source.ip": "ip",
        "user.name": "keyword",
    }


def test_a_part_that_the_source_maps_by_itself_opens_a_flattened_field():
    found = types([{"auditd.data.syscall": "bpf"}], fields=["auditd.data.name"], stream="logs-auditd_manager.auditd-x")
    assert found == {"@timestamp": "date", "auditd.data.name": "keyword", "auditd.data.syscall": "keyword"}
    both = types([{"auditd.data": {"a": 1}}], fields=["auditd.data.syscall"], stream="logs-auditd_manager.auditd-x")
    assert both == {"@timestamp": "date", "auditd.data.syscall": "keyword"}


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("source.geo.*", (), {"source.geo.city_name": "keyword"}),
        ("source.geo.*", ("source.geo.name",), {}),
        ("cloud.account.*", ("cloud.account.id.x",), {}),
        ("*.country_name", ("client.geo",), {"destination.geo.country_name": "keyword"}),
        ("my.own.*", (), {"my.own.any": "keyword"}),
        ("source.as.n*", ("source.as.number.x",), {}),
        ("source.as.n*r", ("source.as.number.x",), {"source.as.nanyr": "keyword"}),
    ],
)
def test_a_pattern_that_no_field_matches_gets_one_that_does(pattern, names, expected):
    assert stand_ins(STREAM, [pattern], names) == expected
