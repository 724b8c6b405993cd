"""A plain FROM is read as the parser reads it; any other is left to the parser."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import parse
from entra_deployer.esql.plain_sources import plain_sources

VERSION = StackVersion(8, 19, 21)
WORDS = st.sampled_from(
    ["logs-*", "a", "b.c", "metadata", ".ds-x", "_all", "from", "where", "*:logs-*", "-a", '"q"', "É", "a*", "9x", "a_"]
)
SPACES = st.sampled_from([" ", "\n", "\t ", "  "])
ENDS = st.sampled_from(
    [
        "",
        " ",
        "\n| LIMIT 1",
        "| WHERE a == 1",
        " metadata _id\n| LIMIT 1",
        " METADATA _id, _index",
        " // a\n| LIMIT 1",
        " x",
    ]
)


@settings(max_examples=300)
@given(st.sampled_from(["FROM", "from", " From", "ROW", "TS"]), SPACES, st.lists(WORDS, min_size=1, max_size=3), ENDS)
def test_it_says_what_the_parser_says(command, space, names, end):
    text = f"{command}{space}{f'{space},{space}'.join(names)}{end}"
    found, tree = plain_sources(text), parse(text, VERSION).tree
    assert found is None or tree is None or found == sources(tree)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM logs-azure.signinlogs-*\n| WHERE a == 1", ("logs-azure.signinlogs-*",)),
        ("from a, b-* metadata _id, _version, _index | LIMIT 1", ("a", "b-*")),
        ('FROM "a", b', None),
        ("FROM remote:a", None),
        ("FROM a // b\n| LIMIT 1", None),
        ("ROW a = 1", None),
    ],
)
def test_which_are_plain(text, names):
    assert plain_sources(text) == names
