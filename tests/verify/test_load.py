"""Real events from a file: each where it belongs, once, and at the time that was asked for."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.core.errors import InputError, Refused
from entra_deployer.verify.load import LoadRequest, load_events

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SIGN_IN = {
    "@timestamp": "2026-11-20T10:00:00Z",
    "data_stream": {"dataset": "azure.signinlogs"},
    "source.ip": "10.0.0.1",
}


class Store:
    """Keeps what is written by index and id; refuses what a test says."""

    def __init__(self, refused=""):
        self.indices, self.mappings, self.refused = {}, {}, refused

    def now(self):
        return NOW

    def index_exists(self, name):
        return name in self.indices

    def create_index(self, name, *, mappings=None, settings=None):
        self.indices[name], self.mappings[name] = {}, dict(mappings["properties"])

    def add_fields(self, index, properties):
        self.mappings[index] |= properties

    def put_documents(self, index, documents, *, at_once):
        for key, document in documents.items():
            if self.refused and self.refused in json.dumps(document):
                raise Refused(f"did not take {key} of {index}: no such value", status=400)
            self.indices[index][key] = document


@pytest.fixture
def load(tmp_path):
    def work(*lines, store=None, **request):
        path = tmp_path / "events.ndjson"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
        store = store or Store()
        return load_events(LoadRequest(path, **request), store), store

    return work


@pytest.mark.parametrize(
    ("lines", "index"),
    [
        ([SIGN_IN], "logs-azure.signinlogs-default"),
        ([{**SIGN_IN, "data_stream": {"type": "metrics", "dataset": "a", "namespace": "b"}}], "metrics-a-b"),
        ([{"@timestamp": 1_795_000_000_000, "event": {"dataset": "okta.system"}}], "logs-okta.system-default"),
        (
            [{"_index": ".ds-logs-a-default-2026.11.01-000002", "_source": {"@timestamp": NOW.isoformat()}}],
            "logs-a-default",
        ),
        ([{"create": {"_index": "winlogbeat-8"}}, {"@timestamp": NOW.isoformat()}], "winlogbeat-8"),
    ],
)
def test_an_event_goes_where_it_or_its_fields_say(load, lines, index):
    found, store = load(*lines)
    assert [(one.index, one.events) for one in found] == [(index, 1)]
    assert len(store.indices[index]) == 1


def test_one_index_takes_all_where_it_is_said(load):
    found, _ = load(SIGN_IN, {"@timestamp": NOW.isoformat()}, index="logs-x-default")
    assert [(one.index, one.events, one.first, one.last) for one in found] == [
        ("logs-x-default", 2, datetime(2026, 11, 20, 10, tzinfo=UTC), NOW)
    ]


def test_fields_have_the_types_of_the_integration_also_in_an_index_that_is_there(load):
    _, store = load(SIGN_IN)
    load({**SIGN_IN, "destination.ip": "10.0.0.2", "my.own": 5}, store=store)
    kinds = {name: one["type"] for name, one in store.mappings["logs-azure.signinlogs-default"].items()}
    assert {name: kinds[name] for name in ("@timestamp", "source.ip", "destination.ip", "my.own")} == {
        "@timestamp": "date",
        "source.ip": "ip",
        "destination.ip": "ip",
        "my.own": "long",
    }


def test_the_same_file_adds_nothing_and_equal_lines_are_events_of_their_own(load):
    _, store = load(SIGN_IN, SIGN_IN)
    load(SIGN_IN, SIGN_IN, store=store, moment="last")
    assert len(store.indices["logs-azure.signinlogs-default"]) == 2


@pytest.mark.parametrize(("moment", "hours"), [("last", 0), ("2026-11-20T12:00Z", -2)])
def test_all_times_move_together_and_nothing_else_does(load, moment, hours):
    earlier = {**SIGN_IN, "@timestamp": "2026-11-20T09:00:00Z", "event": {"created": "2026-11-20T09:00:05Z"}}
    found, store = load(SIGN_IN, {**earlier, "message": "2026-11-20T09:00:00Z"}, moment=moment)
    newest = NOW + timedelta(hours=hours)
    assert (found[0].first, found[0].last) == (newest - timedelta(hours=1), newest)
    moved = min(store.indices["logs-azure.signinlogs-default"].values(), key=lambda one: one["@timestamp"])
    assert datetime.fromisoformat(moved["@timestamp"]) == newest - timedelta(hours=1)
    assert datetime.fromisoformat(moved["event.created"]) == newest - timedelta(minutes=59, seconds=55)
    assert moved["message"] == "2026-11-20T09:00:00Z"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([SIGN_IN, "{"], "events.ndjson:2:1: is not valid JSON"),
        ([SIGN_IN, "", "[1]"], "events.ndjson:3:1: is no document"),
        (
            ["[", " {}", "]"],
            "it ends too early (one document a line: jq -c '.[]' makes it so of a list)",
        ),
        (["{", ' "a": 1', "}"], "(one document a line: jq -c . makes it so)"),
        ([{"took": 1, "hits": {"total": 1, "hits": [SIGN_IN]}}], "events.ndjson:1:1: is the whole answer to a search"),
        ([{"a": 1}], "has no time in @timestamp"),
        ([{"@timestamp": "yesterday"}], "has no time in @timestamp"),
        ([{"@timestamp": NOW.isoformat()}], "does not say which index it is of"),
        ([{**SIGN_IN, "data_stream.dataset": "A B"}], "is no name of an index"),
        ([], "holds no event"),
    ],
)
def test_a_line_that_is_no_event_is_told_with_its_place_and_nothing_is_written(load, lines, said):
    store = Store()
    with pytest.raises(InputError) as raised:
        load(*lines, store=store)
    assert said in str(raised.value)
    assert store.indices == {}


def test_an_event_that_the_server_does_not_take_is_told_with_its_line(load):
    with pytest.raises(InputError, match=r"events.ndjson:2:1: did not take"):
        load(SIGN_IN, {**SIGN_IN, "user.name": "eve"}, store=Store(refused="eve"))


def test_no_time_to_move_to_is_told(load):
    with pytest.raises(InputError, match="'soon' is no time"):
        load(SIGN_IN, moment="soon")


def test_fields_that_do_not_fit_an_index_are_a_fault_of_the_file(load):
    class Full(Store):
        def add_fields(self, index, properties):
            raise Refused("can't merge a non object mapping [source] with an object mapping", status=400)

    _, store = load(SIGN_IN, store=Full())
    with pytest.raises(InputError, match=r"events.ndjson: its fields do not fit the index logs-azure\.s"):
        load({**SIGN_IN, "source": "here"}, store=store)


def test_a_file_may_be_packed_and_begin_with_a_mark(tmp_path):
    lines = "\ufeff" + "\n".join(json.dumps({**SIGN_IN, "event.id": number}) for number in range(3))
    for name, content in (("plain", lines.encode()), ("packed", gzip.compress(lines.encode()))):
        (tmp_path / name).write_bytes(content)
        [found] = load_events(LoadRequest(tmp_path / name), Store())
        assert found.events == 3


@pytest.mark.parametrize("cut", [12, -9, -3])
def test_a_packed_file_that_is_cut_off_is_told(tmp_path, cut):
    lines = "\n".join(json.dumps({**SIGN_IN, "event.id": number}) for number in range(3))
    path = tmp_path / "packed.gz"
    path.write_bytes(gzip.compress(lines.encode())[:cut])
    store = Store()
    with pytest.raises(InputError, match=r"packed\.gz:\d+:1: is cut off, or no longer what gzip packed"):
        load_events(LoadRequest(path), store)
    assert store.indices == {}


def test_what_only_begins_as_packed_is_told(tmp_path):
    path = tmp_path / "packed.gz"
    path.write_bytes(b"\x1f\x8b and no more of it")
    with pytest.raises(InputError, match=r"packed\.gz.*: is cut off, or no longer what gzip packed"):
        load_events(LoadRequest(path), Store())
