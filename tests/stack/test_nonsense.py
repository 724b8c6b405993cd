"""Each endpoint of both servers answers with each kind of nonsense: one line with the URL, never another exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.errors import AnswerLost, DeployError, Unreachable
from entra_deployer.core.target import StackVersion
from entra_deployer.objects import KINDS
from entra_deployer.objects.kind import Mark
from entra_deployer.objects.state import RULE as RULES
from entra_deployer.objects.state import SAVED_SEARCH, LiveObject, StateObject
from tests.stack.nonsense import NONSENSE
from tests.stack.script import ALWAYS, elastic, kibana
from tests.stack.test_elasticsearch import CALLS

VERSION = StackVersion(8, 19)
RULE = StateObject(RULES, "r1", "R", {"rule_id": "r1", "name": "R", "enabled": True})
SEARCH = StateObject(SAVED_SEARCH, "s1", "S", {"attributes": {"title": "S"}, "references": []})
LIVE_RULE = LiveObject(RULE, "6b9c0e2a-0000-4000-8000-000000000001", "", "", "")
LIVE_SEARCH = LiveObject(SEARCH, "s1", "", "", "")
MARK = Mark("tag", "id")


def rules(client):
    return KINDS[RULES].handler(client, "default", VERSION)


def searches(client):
    return KINDS[SAVED_SEARCH].handler(client, "default", VERSION)


KIBANA_CALLS = {
    "version": lambda client: client.version(),
    "license": lambda client: client.license(),
    "has_encryption_key": lambda client: client.has_encryption_key(),
    "spaces": lambda client: client.spaces(),
    "connectors": lambda client: client.connectors("default"),
    "exception_list": lambda client: client.exception_list("default", "x"),
    "rules.marked": lambda client: rules(client).marked(MARK),
    "rules.by_key": lambda client: rules(client).by_key(["r1"]),
    "rules.create": lambda client: rules(client).create([RULE]),
    "rules.read": lambda client: rules(client).read("x"),
    "rules.update": lambda client: rules(client).update(LIVE_RULE, RULE, ["name"]),
    "rules.delete": lambda client: rules(client).delete([LIVE_RULE]),
    "rules.set_enabled": lambda client: rules(client).set_enabled(["x"], enabled=False),
    "rules.preview": lambda client: rules(client).preview(RULE.payload, timeframe_end="2026-11-25T00:00:00Z"),
    "searches.marked": lambda client: searches(client).marked(MARK),
    "searches.by_key": lambda client: searches(client).by_key(["s1"]),
    "searches.create": lambda client: searches(client).create([SEARCH]),
    "searches.read": lambda client: searches(client).read("x"),
    "searches.update": lambda client: searches(client).update(LIVE_SEARCH, SEARCH, ["title"]),
    "searches.delete": lambda client: searches(client).delete([LIVE_SEARCH]),
}
BOTH = [(kibana, name, call) for name, call in KIBANA_CALLS.items()]
BOTH += [(elastic, name, call) for name, call in CALLS.items()]
UNREAD = {"index_exists"}
"""What reads no body can only see the status."""


def told(server, call, answer):
    """What is said of an answer, and by which exception."""
    client, script = server(answer, ALWAYS)
    with pytest.raises(DeployError) as caught:
        call(client)
    return caught.value, script


@pytest.mark.parametrize("kind", NONSENSE)
@pytest.mark.parametrize(("server", "name", "call"), BOTH, ids=lambda value: value if isinstance(value, str) else "")
def test_nonsense_is_one_line_with_the_url(server, name, call, kind):
    answer = NONSENSE[kind]
    if name in UNREAD and answer[0] == 200:
        return
    error, script = told(server, call, answer)
    text = str(error)
    assert script.seen[0].url.split("/")[2] in text
    assert "\n" not in text
    assert error.hint
    if answer[0] == 200:
        assert isinstance(error, Unreachable), "it is no plain no of the right server"
        method, where = script.seen[-1].method, script.seen[-1].path_url.partition("?")[0]
        assert f"{method} {where}" in text
        assert isinstance(error, AnswerLost) is ("may have happened" in text)


@pytest.mark.parametrize(("server", "name", "call"), BOTH, ids=lambda value: value if isinstance(value, str) else "")
def test_a_redirect_is_never_followed(server, name, call):
    error, script = told(server, call, NONSENSE["a redirect to another host"])
    assert {request.url.split("/")[2] for request in script.seen} <= {"kibana.example:5601", "elastic.example:9200"}
    assert "elsewhere.example" in str(error)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["data", "total", "license", "version", "status", "hits", "items", "columns", "values", "saved_objects"]


@settings(max_examples=150, deadline=None)
@given(
    value=JSON_VALUES | st.dictionaries(st.sampled_from(KEYS), JSON_VALUES, max_size=4),
    which=st.sampled_from(BOTH),
    status=st.sampled_from([200, 200, 200, 400, 404, 409]),
)
def test_any_json_is_an_answer_or_an_error_of_ours(value, which, status):
    server, _, call = which
    client, _ = server((status, value), ALWAYS)
    try:
        call(client)
    except DeployError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
