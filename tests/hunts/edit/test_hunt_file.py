"""A new hunt's file is read back as the same hunt."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.hunts.hunt import Hunt, Query
from entra_deployer.hunts.toml import read_toml, write_toml

HUNT = Hunt(
    name="Rare",
    author="Somebody",
    description="What it finds.\nAnd why.",
    uuid="5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f",
    integrations=("azure",),
    languages=("ES|QL",),
    queries=(Query("FROM a\n| LIMIT 1", 1), Query("FROM b // it's '''", 1)),
    notes=("Look at `user.name`",),
    mitre=("T1078.004",),
    references=("https://example.com",),
    license="Apache-2.0",
    source="hunt.toml",
)


def read_back(hunt):
    read = read_toml(write_toml(hunt), hunt.source)
    lines = zip(read.queries, hunt.queries, strict=True)
    return replace(read, queries=tuple(replace(query, line=old.line, column=old.column) for query, old in lines))


def test_it_is_read_as_an_equal_hunt():
    assert read_back(HUNT) == HUNT


def test_a_query_stands_on_lines_of_its_own():
    assert "    '''\nFROM a\n| LIMIT 1\n''',\n" in write_toml(HUNT)


texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]) | st.sampled_from("\n'\"\\"), min_size=1)
texts = texts.map(str.strip).filter(bool)


@given(texts, texts, texts)
def test_so_is_any_other(name, description, query):
    text = query.strip("\n")
    hunt = replace(HUNT, name=name, description=description, queries=(Query(text, 1),))
    read = read_back(hunt)
    assert (read.name, read.description, read.queries[0].text) == (name, description, text)
