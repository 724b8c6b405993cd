"""The page of `deploy local open`: a token is good once and for a minute, a key reads and runs rules, no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.local.kibana import page
from entra_deployer.local.kibana.errors import Fault
from entra_deployer.local.kibana.routes import ROUTES
from entra_deployer.local.kibana.sessions import QUERY, RUN, Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def refused(status, work):
    with pytest.raises(Fault) as raised:
        work()
    assert raised.value.status == status


def test_a_token_is_good_once(clock):
    sessions = Sessions(clock)
    token = sessions.invite("Basic x")
    key = sessions.redeem(token)
    assert sessions.acting_for(f"Local {key}", "GET", "/api/status") == "Basic x"
    refused(401, lambda: sessions.redeem(token))


def test_a_token_is_good_for_a_minute_and_a_key_for_a_day(clock):
    sessions = Sessions(clock)
    early, late = sessions.invite("Basic x"), sessions.invite("Basic x")
    clock.now = 59
    key = sessions.redeem(early)
    clock.now = 60
    refused(401, lambda: sessions.redeem(late))
    clock.now = 59 + 86_399
    assert sessions.acting_for(f"Local {key}", "GET", "/") == "Basic x"
    clock.now = 59 + 86_400
    refused(401, lambda: sessions.acting_for(f"Local {key}", "GET", "/"))


@given(st.text())
def test_nothing_else_is_a_token_or_a_key(text):
    sessions = Sessions(Clock())
    token = sessions.invite("Basic x")
    refused(401, lambda: sessions.redeem(text))
    refused(401, lambda: sessions.acting_for(f"Local {text}", "GET", "/"))
    refused(401, lambda: sessions.acting_for(f"Local {token}", "GET", "/"))


@pytest.mark.parametrize("authorization", [None, "", "Basic x", "ApiKey y", "local z", "Bearer Local z"])
def test_who_comes_without_a_key_is_who_he_says(authorization):
    assert Sessions().acting_for(authorization, "DELETE", "/api/x") == authorization


def test_a_key_changes_nothing_but_that_a_rule_runs(clock):
    sessions = Sessions(clock)
    key = sessions.redeem(sessions.invite("Basic x"))
    for route in ROUTES:
        if route.method == "GET" or (route.method, route.path) in (("POST", QUERY), ("POST", RUN)):
            assert sessions.acting_for(f"Local {key}", route.method, route.path) == "Basic x"
        else:
            refused(403, lambda route=route: sessions.acting_for(f"Local {key}", route.method, route.path))


def test_no_more_sessions_are_kept_than_anybody_needs(clock):
    sessions = Sessions(clock)
    for _ in range(1001):
        token = sessions.invite("Basic x")
    assert sessions.redeem(token)


def served(path):
    answer = page.file(path)
    assert answer
    return answer


@pytest.mark.parametrize("path", ["/local/page", "/local/page.css", "/local/page.js"])
def test_a_file_of_the_page_comes_with_a_policy(path):
    answer = served(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert isinstance(answer.body, str)


@pytest.mark.parametrize("path", ["/local/page/", "/local/page.py", "/local/page/../page.js", "/local", "/"])
def test_nothing_else_is_a_file_of_the_page(path):
    assert page.file(path) is None


def test_the_page_makes_no_markup_of_what_it_is_given():
    script = served("/local/page.js").body
    assert not [
        word for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(") if word in script
    ]
