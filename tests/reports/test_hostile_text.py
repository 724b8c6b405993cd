"""Text from outside is text in every form: no control reaches the terminal, no markup, no command is made of it."""

import json
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from entra_deployer.core.text import visible
from entra_deployer.reports import FORMS, render
from entra_deployer.reports.markdown import cell, fenced, inline, literal
from tests.reports.every import EVERY, documents

FRAGMENTS = [
    *("\x1b[31m", "\x1b]0;title\x07", "\r", "\n", "\t", "\x00", "\x7f", "\x9b2J", "\x85", "\u2028", "\ud800"),
    *("\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "é", "日本", "👩\u200d🚒"),
    *("<script>alert(1)</script>", "<!--", "-->", "</details>", "<b>", "&lt;", "&#60;", "&copy;", "]]>", "</failure>"),
    *("![i](http://e.example/i.png)", "[click](http://e.example)", "[a [b] c](d)", "[x]: http://e.example", "[x][x]"),
    *("<http://e.example>", "http://e.example", "www.e.example", "a@e.example", "@team", "#12", ":smile:", "[ ] task"),
    *("```", "~~~", "`", "``", "*b*", "_i_", "__b__", "~~s~~", "# h", "- x", "1. x", "> q", "---", "===", "    code"),
    *("|", "a|b", "\\", "\\|", "$x$", "##", "::error file=x::pwn", "##[error]pwn", "%0A", "%25", "::", ":", ","),
    *("{{ x }}", "{0}", "%s", "'", '"', "snake_case", "a*b", "5 > 3", " "),
]
HOSTILE = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), min_size=1, max_size=5).map("".join)
SGR = re.compile(r"\x1b\[[0-9;]*m")
EVENT = re.compile(r"^::(error|warning|notice) ([^\n]*?)::(.*)$")


def is_hidden(letter):
    return unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and letter not in "\n\u200c\u200d"


def hidden(text):
    return [letter for letter in text if is_hidden(letter)]


def alike(text):
    """Text of the same length and lines that means nothing anywhere."""
    return re.sub(r"[^\n]", "x", text)


def hostile_and_alike(text):
    """Each document with a text in every field, beside it with a harmless one in its place."""
    text += "z"
    for (name, bad), (_, good) in zip(documents(lambda _: text), documents(lambda _: alike(text)), strict=True):
        yield name, bad, good


@settings(max_examples=12, deadline=None)
@given(HOSTILE)
def test_the_terminal_gets_letters_lines_and_our_own_colours(text):
    for name, bad, _ in hostile_and_alike(text):
        plain, coloured = (render(bad, "text", width=60, colour=colour) for colour in (False, True))
        assert hidden(plain) == [], name
        assert hidden(SGR.sub("", coloured)) == [], name
        assert [line.rstrip() for line in SGR.sub("", coloured).splitlines()] == plain.splitlines(), name


@settings(max_examples=8, deadline=None)
@given(HOSTILE)
@pytest.mark.parametrize("form", [form for form in FORMS if form != "text"])
def test_no_form_holds_a_control(form, text):
    for name, bad, _ in hostile_and_alike(text):
        assert hidden(render(bad, form).replace("\t", "")) == [], name


@settings(max_examples=12, deadline=None)
@given(HOSTILE)
def test_json_gives_every_text_back(text):
    for name, bad, _ in hostile_and_alike(text):
        found = json.loads(render(bad, "json"))
        assert {key: found[key] for key in bad.content} == json.loads(json.dumps(bad.content)), name
        assert len(found["issues"]) == len(bad.issues)


class Tags(HTMLParser):
    """Which tags a page has, and what its body says."""

    def __init__(self):
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.body = ""

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_data(self, data):
        self.body += data if self.tags["pre"] else ""


@settings(max_examples=8, deadline=None)
@given(HOSTILE)
def test_a_page_holds_the_text_and_no_tag_of_it(text):
    for name, bad, _ in hostile_and_alike(text):
        page = Tags()
        page.feed(render(bad, "html"))
        assert set(page.tags) <= {"html", "head", "meta", "title", "style", "body", "pre", "span"}, name
        said = [line.rstrip() for line in page.body.strip("\n").splitlines()]
        assert said == render(bad, "text", width=120).strip("\n").splitlines(), name


@settings(max_examples=12, deadline=None)
@given(HOSTILE)
def test_junit_has_the_same_cases_whatever_they_are_called(text):
    for name, bad, good in hostile_and_alike(text):
        found, expected = (ET.fromstring(render(one, "junit")) for one in (bad, good))
        assert [one.tag for one in found.iter()] == [one.tag for one in expected.iter()], name
        names = [element.get("name") for element in found.iter("testcase")]
        assert names == [visible(case.name, keep="\n\t") for case in bad.cases] or [*names[1:], *bad.cases] == [], name


@settings(max_examples=12, deadline=None)
@given(HOSTILE)
def test_sarif_has_each_issue(text):
    for name, bad, _ in hostile_and_alike(text):
        results = json.loads(render(bad, "sarif"))["runs"][0]["results"]
        assert len(results) == len(bad.findings) + len(bad.issues), name
        assert not any(re.search(r"(?<!\\)\[[^\]]*\]\(", one["message"]["text"]) for one in results), name


@settings(max_examples=12, deadline=None)
@given(HOSTILE)
def test_github_is_given_exactly_our_commands(text):
    for name, bad, _ in hostile_and_alike(text):
        *commands, log = render(bad, "github").removesuffix("\n").split("\n")
        told = (*bad.findings, *bad.issues)
        assert len(commands) == len(told), name
        assert not log.lstrip().startswith("::"), name
        assert "##[" not in log, name
        for line, issue in zip(commands, told, strict=True):
            found = EVENT.match(line)
            assert found, name
            properties = [pair.partition("=")[0] for pair in found[2].split(",")]
            assert set(properties) <= {"title", "file", "line", "col"}, name
            assert len(properties) == len(set(properties)), name
            said = f"{issue.message} ({issue.hint})" if issue.hint else issue.message
            assert unescaped(found[3]) == visible(said, keep="\n"), name


def unescaped(text):
    """As the runner of GitHub Actions has it."""
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(r"<!-- -->|<br>|</?details>|</?summary>|<details><summary>.*</summary>", re.DOTALL)


def structure(text):
    """What Markdown makes of a document, but for the letters: blocks, and what is in them."""
    for token in PARSER.parse(text):
        if token.type == "html_block":
            yield re.sub(r"(?<=<summary>).*(?=</summary>)", "", token.content, flags=re.DOTALL)
        else:
            yield token.type
        for child in token.children or ():
            if child.type == "html_inline" and child.content == "<!-- -->":
                continue
            if child.type not in ("text", "text_special"):
                yield f"  {child.type} {child.content if child.type == 'html_inline' else ''}"


@settings(max_examples=25, deadline=None)
@given(HOSTILE)
def test_markdown_has_the_same_structure_whatever_the_text_says(text):
    for name, bad, good in hostile_and_alike(text):
        assert list(structure(render(bad, "markdown"))) == list(structure(render(good, "markdown"))), name


def rendered(text):
    """The letters that a reader sees of one line of Markdown."""
    children = [child for token in PARSER.parse(text) for child in token.children or ()]
    assert {child.type for child in children} <= {"text", "text_special", "html_inline", "code_inline"}
    assert {child.content for child in children if child.type == "html_inline"} <= {"<!-- -->"}
    return "".join(child.content for child in children if child.type != "html_inline")


def flat(text):
    return visible(text.replace("\n", " ").replace("\t", " "))


@settings(max_examples=250, deadline=None)
@given(HOSTILE)
def test_a_line_of_markdown_shows_its_text(text):
    assert rendered(f"a {inline(text)} z").split() == f"a {flat(text)} z".split()


@settings(max_examples=250, deadline=None)
@given(HOSTILE)
def test_code_within_a_line_shows_its_text(text):
    assert rendered(f"a {literal(text)} z").split() == f"a {flat(text)} z".split()


@settings(max_examples=250, deadline=None)
@given(HOSTILE)
def test_a_cell_of_a_table_shows_its_text(text):
    found = PARSER.parse(f"| a | b |\n|---|---|\n| {cell(text)}z | {literal(text + 'z').replace('|', chr(92) + '|')} |")
    cells = [token for token in found if token.type == "inline"]
    assert [one.content for one in cells[:2]] == ["a", "b"]
    assert len(cells) == 4
    for one in cells[2:]:
        said = "".join(child.content for child in one.children or () if child.type != "html_inline")
        assert said.split() == f"{flat(text)}z".split()


@settings(max_examples=150, deadline=None)
@given(st.lists(HOSTILE, max_size=4))
def test_a_fence_holds_all_its_lines(lines):
    lines = [line.replace("\n", "") for line in lines]
    [token] = PARSER.parse("\n".join(fenced(lines, "diff")))
    assert (token.type, token.info) == ("fence", "diff")
    assert token.content.splitlines() == [visible(line.expandtabs(4)) for line in lines]


@pytest.mark.parametrize("name", EVERY)
def test_every_document_has_every_form(name):
    document = dict(documents())[name]
    assert all(render(document, form).endswith("\n") for form in FORMS)
