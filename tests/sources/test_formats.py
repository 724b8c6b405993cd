"""Both hunt formats give the same hunt."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.sources import READERS
from entra_deployer.sources.markdown import read_markdown
from entra_deployer.sources.toml import read_toml

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hunts"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared hunts are not here")
def test_every_shared_hunt_reads_the_same_from_both_formats():
    files = sorted(SHARED.glob("*/queries/*.toml"))
    assert len(files) == 49
    for file in files:
        other = file.parents[1] / "docs" / f"{file.stem}.md"
        toml, markdown = read_toml(file.read_text("utf-8"), "h"), read_markdown(other.read_text("utf-8"), "h")
        assert [query.text for query in toml.queries] == [query.text for query in markdown.queries]
        assert replace(toml, queries=()) == replace(markdown, queries=())
        for path, hunt in ((file, toml), (other, markdown)):
            lines = path.read_text("utf-8").split("\n")
            for query in hunt.queries:
                first = query.text.split("\n")[0]
                assert lines[query.line - 1][query.column - 1 :].startswith(first), path


def test_a_reader_for_each_suffix():
    assert set(READERS) == {".md", ".toml"}
