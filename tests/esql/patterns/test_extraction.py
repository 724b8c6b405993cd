"""Several patterns on one text, and the forms of values."""

import re

import pytest

from entra_deployer.esql.patterns import grok
from entra_deployer.esql.patterns.extraction import Form, compose, read_dissect


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (read_dissect("%{}subnet=%{subnet},"), read_dissect("%{}count=%{count},")),
        (grok.read("subnet=%{WORD:subnet}"), grok.read("count=%{INT:count}")),
        (read_dissect("%{}subnet=%{subnet},"), grok.read("count=%{INT:count}")),
    ],
)
def test_several_patterns_on_one_text_are_put_in_a_row(one, two):
    texts = compose([(one, {"subnet": "s1"}), (two, {"count": "3"})], [",minCount"])
    fitting = [
        text
        for text in texts
        if one.take(text) == {"subnet": "s1"} and two.take(text) == {"count": "3"} and "minCount" in text
    ]
    assert fitting


@pytest.mark.parametrize("token", ["{mark}", "{word}", "{number}", "{number:3}", "{number:12}", "{number:x}"])
def test_an_example_is_made_the_cases_own(token):
    form = Form(".*", (f"<{token}>",))
    assert form.texts("1-0") != form.texts("2-0")
    assert re.fullmatch(r"<[\w-]+>", form.texts("1-0")[0])
