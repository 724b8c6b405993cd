"""The page of `deploy report` in a browser: it opens from disk, filters, obeys the keyboard, and axe-core likes it."""

from threading import Thread

import pytest

from entra_deployer.commands.serve import PageServer, ServedPage
from entra_deployer.reports.page import draw_page
from tests.browser.conftest import violations
from tests.reading import there
from tests.reports.overviews import live, own

SCHEMES = ["light", "dark"]


@pytest.fixture
def opened(page, tmp_path):
    """Opens the page of an overview as a file."""

    def open_(overview):
        file = tmp_path / "report.html"
        file.write_text(draw_page(overview), "utf-8")
        page.goto(file.as_uri())
        return page

    return open_


def shown(page) -> list[str]:
    # Not `inner_text`: a rule that was just shown has none before the next frame (`content-visibility: auto`).
    return list(page.locator(".rule:visible > summary h3").all_text_contents())


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("overview", [own, live])
def test_axe_finds_nothing_serious_with_all_rules_open(opened, overview, scheme):
    page = opened(overview())
    page.emulate_media(color_scheme=scheme)
    assert violations(page) == []
    page.click("#open")
    assert page.locator(".rule[open]").count() == len(overview().rules)
    assert violations(page) == []


def test_the_scheme_is_the_systems_until_somebody_changes_it(opened):
    page = opened(own())
    colour = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.click("#theme")
    assert light != dark == page.evaluate(colour)


def test_a_search_finds_words_of_the_query_and_escape_clears_it(opened):
    page = opened(own())
    every = shown(page)
    page.keyboard.press("/")
    page.keyboard.type("original_request_id countries")
    page.locator("#shown").filter(has_text="1 of").wait_for()
    assert shown(page) == ["Entra Refresh Token Replayed From Another Country"]
    page.keyboard.press("Escape")
    assert shown(page) == every
    assert page.locator("#shown").inner_text() == f"{len(every)} of {len(every)} rules"


def test_each_filter_leaves_what_fits(opened):
    page = opened(live())
    rules = live().rules
    for name, value, wanted in (
        ("proof", "failed", [rules[1].name]),
        ("live", "differs", [rules[2].name]),
        ("severity", "high", [one.name for one in rules if there(one.compiled).rule.payload["severity"] == "high"]),
    ):
        page.select_option(f"#{name}", value)
        assert shown(page) == wanted
        page.click("#clear")
    page.select_option("#proof", "failed")
    page.select_option("#live", "missing")
    assert shown(page) == []


def test_a_technique_shows_its_rules_and_gives_the_focus_back(opened):
    page = opened(own())
    button = page.locator(".technique[data-technique='T1539']").first
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert shown(page) == ["Entra Refresh Token Replayed From Another Country"]
    assert page.evaluate("document.activeElement.id") == "rules"
    page.keyboard.press("Escape")
    assert len(shown(page)) == len(own().rules)


def test_a_rule_opens_by_keyboard_and_shows_its_survivor_at_its_line(opened):
    page = opened(own())
    rule = own().rules[0]
    page.locator(".rule > summary").first.focus()
    page.keyboard.press("Enter")
    note = page.locator(".rule").first.locator(f"li[value='{rule.query.line + 2}'] .note.mutant")
    assert "a number is one more" in note.inner_text()


def test_a_link_to_a_rule_opens_it_even_where_a_filter_hides_it(opened):
    page = opened(own())
    anchor = page.locator(".rule").nth(2).get_attribute("id")
    page.fill("#q", "qqqqq")
    page.locator("#shown").filter(has_text="0 of").wait_for()
    page.evaluate(f"location.hash = '#{anchor}'")
    page.wait_for_selector(f"#{anchor}[open]")
    assert len(shown(page)) == len(own().rules)


def test_on_a_narrow_screen_nothing_but_the_matrix_scrolls_sideways(opened):
    page = opened(live())
    page.set_viewport_size({"width": 360, "height": 800})
    page.click("#open")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_paper_gets_the_open_rules_and_no_controls(opened):
    page = opened(own())
    page.locator(".rule > summary").first.click()
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#filters").is_visible()
    assert page.locator(".rule .query").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_served_page_comes_anew_when_files_change_and_keeps_what_was_open(page):
    versions = ["1"]
    served = ServedPage(
        lambda: draw_page(own(), watched=True).replace("<h1>", f"<h1>{versions[0]} "), lambda: versions[0]
    )
    with PageServer(served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            page.goto(server.url)
            page.locator(".rule > summary").first.click()
            page.wait_for_timeout(300)
            versions[0] = "2"
            page.locator("h1").filter(has_text="2 ").wait_for()
            assert page.locator(".rule[open]").count() == 1
        finally:
            server.shutdown()
