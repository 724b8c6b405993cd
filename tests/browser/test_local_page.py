"""The page of `deploy local open` in a browser: the alert that verify raised, a query, and the way in."""

import pytest

from entra_deployer.local.invitation import invitation
from tests.browser.conftest import violations
from tests.browser.stack import proved_stack

RULE = "Entra Refresh Token Replayed From Another Country"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with proved_stack(tmp_path_factory.mktemp("project")) as (_, found):
        yield found


@pytest.fixture
def opened(page, stack):
    page.goto(invitation(stack))
    page.locator("#content").wait_for()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.locator("#alerts summary").first.click()
    assert violations(opened) == []


def test_a_newcomer_sees_the_rule_the_alert_and_its_fields(opened):
    assert RULE in opened.locator("#rules tbody tr").first.inner_text()
    alert = opened.locator("#alerts details").first
    assert RULE in alert.inner_text()
    alert.locator("summary").focus()
    opened.keyboard.press("Enter")
    assert "azure.signinlogs.properties.user_principal_name" in alert.inner_text()


def test_a_saved_search_goes_into_the_query_box_and_a_query_runs_by_keyboard(opened):
    opened.locator("#searches button").first.click()
    assert opened.input_value("#query").startswith("FROM logs-azure.signinlogs-*")
    opened.fill("#query", 'ROW a = "<img src=x onerror=alert(1)>"')
    opened.keyboard.press("Control+Enter")
    opened.locator("#told").filter(has_text="1 rows").wait_for()
    assert opened.locator("#result td").inner_text() == "<img src=x onerror=alert(1)>"
    assert opened.locator("#result img").count() == 0


def test_a_refused_query_is_told_with_its_reason(opened):
    opened.fill("#query", "FROM there_is_none")
    opened.click("#run")
    opened.locator("#wrong").filter(has_text="Unknown index").wait_for()


def test_a_rule_runs_and_says_how_it_went(opened):
    opened.locator("#rules button").first.click()
    opened.locator("#said").filter(has_text="new alerts").wait_for()
    assert RULE in opened.locator("#said").inner_text()


def test_a_reload_needs_no_new_link_and_leaves_no_token_in_the_address(opened, stack):
    assert opened.url == f"{stack.kibana_url}/local/page"
    opened.reload()
    opened.locator("#content").wait_for()


def test_a_link_is_good_once(browser, page, stack):
    address = invitation(stack)
    page.goto(address)
    page.locator("#content").wait_for()
    other = browser.new_page()
    other.goto(address)
    other.locator("#wrong").filter(has_text="needs a new link").wait_for()
    assert not other.is_visible("#content")
    other.close()
