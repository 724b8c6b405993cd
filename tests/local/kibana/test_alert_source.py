"""The part of an alert that comes from the row and its document."""

import pytest

from entra_deployer.core.json import Json
from entra_deployer.local.kibana import alert_source


@pytest.mark.parametrize(
    ("source", "path", "value"),
    [
        ({"a.b": 1}, "a.b", 1),
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a": 1}, "a.b", None),
        ({}, "", None),
    ],
)
def test_a_field_is_found_wherever_its_dots_became_objects(source, path, value):
    assert alert_source.lookup(source, path) == value


def test_a_row_gets_what_it_lacks_from_its_document():
    fields: dict[str, list[Json]] = {
        "user.name": ["alice"],
        "user.id": ["u1"],
        "user.id.text": ["u1"],
        "tags": ["a", "b"],
        "geo.location": [{"type": "Point", "coordinates": [5.0, 52.0]}],
    }
    merged = alert_source.with_missing({"user.name": "ALICE"}, fields)
    assert merged == {"user.name": "ALICE", "user": {"id": "u1"}, "tags": ["a", "b"]}


def test_a_column_is_not_turned_into_an_object():
    assert alert_source.with_missing({"user": 3}, {"user.name": ["alice"]}) == {"user": 3}


@pytest.mark.parametrize(
    ("name", "value", "stays"),
    [
        ("user", 3, False),
        ("user.name", "alice", True),
        ("source.ip", "203.0.113.1", True),
        ("source.ip", "nowhere", False),
        ("source.port", "abc", False),
        ("source.port", "443", True),
        ("event.ingested", "yesterday", False),
        ("event.ingested", "2026-01-01T00:00:00Z", True),
        ("signal", 1, False),
        ("kibana.alert.severity", "x", False),
        ("my count", 1, True),
        ("count(*)", 1, True),
    ],
)
def test_what_the_mapping_cannot_take_is_dropped(name, value, stays):
    assert alert_source.without_misfits({name: value}) == ({name: value} if stays else {})


def test_of_a_list_only_what_fits_stays():
    assert alert_source.without_misfits({"source.ip": ["203.0.113.1", "x"]}) == {"source.ip": ["203.0.113.1"]}
    assert alert_source.without_misfits({"source": {"ip": "x", "port": 1}}) == {"source": {"port": 1}}


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, 0), (2.5, 2.5), ([1.0, 2.5], [1, 2.5]), ("1.0", "1.0"), (True, True)]
)
def test_numbers_are_written_as_javascript_would(value, written):
    found = alert_source.json_number(value)
    assert found == written
    assert type(found) is type(written)
