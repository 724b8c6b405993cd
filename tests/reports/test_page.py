"""The page of `deploy report`: what stands at which line, and that nothing from outside becomes markup or script."""

import base64
import hashlib
import itertools
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.text import visible
from entra_deployer.overview import Proof
from entra_deployer.reports import FORMS, render
from entra_deployer.reports.documents.page import no_page, page_document
from entra_deployer.reports.page import draw_page
from entra_deployer.reports.page.charts import WIDTH, Share, columns_of, parts_of
from entra_deployer.reports.page.highlight import highlighted
from entra_deployer.reports.page.views import rule_views, trend_views
from entra_deployer.verify.verdict import Status
from tests.reading import there
from tests.reports.every import _changed
from tests.reports.overviews import live, own, with_verdict
from tests.reports.test_hostile_text import HOSTILE, hidden

VOID = {"meta", "input", "br"}
PER_LINE = {"li", "code", "span"}
"""Elements whose number depends on the lines and the words of a text."""


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and texts by the element around them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def inside(self, tag):
        return "".join(text for name, text in self.texts if name == tag)


def markup(page: Page) -> Counter:
    """The elements with the names of their attributes, without what depends on the lines and words of a text."""
    return Counter((tag, *sorted(attributes)) for tag, attributes in page.elements if tag not in PER_LINE)


def digest_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("overview", [own, live])
def test_the_same_overview_gives_the_same_page(overview):
    assert draw_page(overview()) == draw_page(overview())


@pytest.mark.parametrize("overview", [own, live])
@pytest.mark.parametrize("watched", [False, True])
def test_nothing_runs_but_the_script_that_the_policy_names(overview, watched):
    page = Page(draw_page(overview(), watched=watched))
    assert page.open == []
    policy = page.all("meta")[1]["content"]
    assert page.all("meta")[1]["http-equiv"] == "Content-Security-Policy"
    assert f"script-src {digest_of(page.inside('script'))}" in policy
    assert f"style-src {digest_of(page.inside('style'))}" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ("connect-src 'self'" in policy) is watched
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not [
        name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert not [one for one in page.elements if one[0] in ("iframe", "object", "embed", "link", "base", "img")]


def test_ids_are_there_once_and_every_inner_link_finds_one():
    page = Page(draw_page(live()))
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    inner = [one["href"][1:] for one in page.all("a") if one["href"].startswith("#")]
    assert inner
    assert set(inner) <= set(ids)
    named = [value for _, one in page.elements for key, value in one.items() if key in ("aria-labelledby", "for")]
    assert named
    assert set(named) <= set(ids)


@settings(max_examples=15, deadline=None)
@given(HOSTILE)
def test_text_from_outside_is_text(text):
    """Whatever stands in a hunt, a rule or an answer, the page has the same elements as with harmless words."""
    pages = []
    for word in (text + "z", "x"):
        overview = replace(live(), rules=live().rules[:2])
        changed = replace(overview, rules=_changed(overview.rules, lambda _, word=word: word))
        issues = (Issue("DEP001", Level.ERROR, word, word, None, word),)
        pages.append(draw_page(replace(changed, issues=issues, commit=word)))
    hostile, harmless = map(Page, pages)
    assert markup(hostile) == markup(harmless)
    assert hostile.inside("script") == harmless.inside("script")
    assert hidden(pages[0].replace("\t", "")) == []


@pytest.mark.parametrize(
    "reference", ["javascript:alert(1)", "data:text/html,<script>", "https://a b", " http://x", "//x"]
)
def test_only_an_address_of_the_web_becomes_a_link(reference):
    rule = own().rules[0]
    hunt = replace(rule.source.hunt, references=(reference,))
    overview = replace(own(), rules=(replace(rule, source=replace(rule.source, hunt=hunt)),))
    page = Page(draw_page(overview))
    assert [one["href"] for one in page.all("a") if not one["href"].startswith("#")] == []


def test_rewrites_and_surviving_mutants_stand_at_their_lines():
    views = rule_views(own())
    proved = views[0]
    by_line = {line.number: [note.kind for note in line.notes] for line in proved.lines}
    assert "mutant" in by_line[proved.rule.query.line + 2]
    rewrites = {one.line for one in there(proved.rule.compiled).rewrites}
    assert rewrites
    assert rewrites <= {number for number, kinds in by_line.items() if "rewrite" in kinds}
    page = Page(draw_page(own()))
    assert str(proved.rule.query.line) in [one.get("value") for one in page.all("li")]


def test_an_issue_stands_at_its_line_or_above_the_query():
    rule = own().rules[0]
    hunt = rule.source.hunt
    there = Issue("DEP014", Level.WARNING, "there", rule.source.folder, hunt.at(rule.query.line + 1, 3))
    elsewhere = Issue("DEP017", Level.WARNING, "elsewhere", rule.source.folder, hunt.at(1, 1))
    (view,) = rule_views(replace(own(), rules=(replace(rule, issues=(there, elsewhere)),)))
    assert [note.text for note in view.lines[1].notes if note.kind == "warning"] == ["there"]
    assert [note.text for note in view.notes] == [f"{hunt.source}:1:1: elsewhere"]


def test_a_verdict_on_what_the_hunt_was_before_counts_no_more():
    rule = own().rules[2]
    assert with_verdict(rule, Status.PASSED).proof is Proof.PASSED
    outdated = with_verdict(rule, Status.PASSED, is_current=False)
    assert (outdated.proof, outdated.verdict, outdated.score) == (Proof.OUTDATED, None, None)
    (view,) = rule_views(replace(own(), rules=(outdated,)))
    assert view.verdict == ()
    assert not [note for line in view.lines for note in line.notes if note.kind == "mutant"]


def test_what_an_environment_says_is_told_of_each_rule():
    assert [view.live for view in rule_views(live())] == ["on", "failing", "differs", "missing", "missing", "missing"]
    page = draw_page(live())
    assert "no such index [logs-x]" in page
    assert "changed in Kibana" in page


def test_an_issue_without_a_place_says_what_it_is_about():
    issue = Issue("DEP320", Level.WARNING, "nobody knows", "the staging cluster")
    assert "the staging cluster: nobody knows" in draw_page(replace(own(), issues=(issue,)))


def test_a_forecast_is_drawn_as_now_and_then_on_one_scale():
    trends = trend_views(there(there(live().live).forecast))
    assert trends
    assert max(box.width for one in trends for box in one.boxes) == WIDTH
    page = draw_page(live())
    assert all(one.words in page for one in trends)


@settings(deadline=None)
@given(st.one_of(HOSTILE, st.text(st.sampled_from('FROM a.b|where "x"`/*/\n?=1.5e (")'), max_size=60)))
def test_highlighting_changes_no_letter_and_no_line(query):
    query = query.replace("\r\n", "\n")
    lines = highlighted(query)
    text = [unescape(re.sub(r"</?span[^>]*>", "", line)) for line in lines]
    assert text == visible(query, keep="\n\t").split("\n")
    assert [line.count("<span") for line in lines] == [line.count("</span>") for line in lines]


def test_commands_words_functions_and_texts_are_told_apart():
    (line,) = highlighted('FROM logs-* | WHERE user.name == "where" AND COUNT(limit) > 3 // LIMIT')
    marked = re.findall(r'<span class="(\w+)">([^<]*)</span>', line)
    assert [one for one in marked if one[0] != "o"] == [
        ("k", "FROM"),
        ("k", "WHERE"),
        ("s", '"where"'),
        ("ow", "AND"),
        ("nf", "COUNT"),
        ("m", "3"),
        ("c", "// LIMIT"),
    ]


@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_the_parts_of_a_bar_fill_it_side_by_side(counts):
    boxes = parts_of([Share(str(number), count, "x") for number, count in enumerate(counts)])
    assert len(boxes) == sum(map(bool, counts))
    assert sum(box.width for box in boxes) == pytest.approx(WIDTH if any(counts) else 0, abs=0.1)
    assert all(one.x + one.width == pytest.approx(two.x, abs=0.1) for one, two in itertools.pairwise(boxes))


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40))
def test_the_higher_the_value_the_higher_the_column(values):
    boxes = columns_of([(str(value), value) for value in values], "x")
    assert all(box.x + box.width <= WIDTH for box in boxes)
    order = sorted(range(len(values)), key=values.__getitem__)
    assert [boxes[at].height for at in order] == sorted(box.height for box in boxes)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_says_where_the_page_is(form):
    for overview in (own(), live()):
        assert "out/report.html" in render(page_document(overview, "out/report.html"), form) or form in (
            "sarif",
            "junit",
        )
    assert render(no_page("staging", (Issue("DEP000", Level.ERROR, "away"),)), form)
