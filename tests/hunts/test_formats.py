"""Both hunt formats give the same hunt."""

from dataclasses import replace

import pytest

from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.markdown import read_markdown
from entra_deployer.hunts.toml import read_toml
from tests.shapes import TOML


@pytest.mark.parametrize("file", TOML, ids=lambda file: file.stem)
def test_a_hunt_reads_the_same_from_both_formats(file):
    other = file.with_suffix(".md")
    toml, markdown = read_toml(file.read_text("utf-8"), "h"), read_markdown(other.read_text("utf-8"), "h")
    assert [query.text for query in toml.queries] == [query.text for query in markdown.queries]
    assert replace(toml, queries=()) == replace(markdown, queries=())
    for path, hunt in ((file, toml), (other, markdown)):
        lines = path.read_text("utf-8").split("\n")
        assert hunt.queries
        for query in hunt.queries:
            first = query.text.split("\n")[0]
            assert lines[query.line - 1][query.column - 1 :].startswith(first), path


def test_a_reader_for_each_suffix():
    assert set(FORMATS) == {".md", ".toml"}


OLD = """\
[hunt]
name = "Rare"
uuid = "5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f"
integration = "endpoint, windows"
language = "ES|QL"
mitre = "T1021"
notes = ["This hunt looks for what is rare.", "Look at the host."]

query = '''

FROM logs-a
'''
"""


def test_a_text_alone_is_a_list_of_one_in_toml():
    hunt = read_toml(OLD, "h")
    assert (hunt.integrations, hunt.languages, hunt.mitre) == (("endpoint", "windows"), ("ES|QL",), ("T1021",))
    assert [(query.text, query.line, query.column) for query in hunt.queries] == [("FROM logs-a", 11, 1)]


def test_a_first_note_on_the_hunt_describes_it():
    hunt = read_toml(OLD, "h")
    assert (hunt.description, hunt.at_field("description").line) == ("This hunt looks for what is rare.", 7)
    assert hunt.notes[0] == hunt.description
    described = read_toml(OLD + 'description = "Another."\n', "h")
    assert described.description == "Another."


MARKDOWN = """\
# Rare

---

What is rare,
and why.

And more.

## Metadata

- **UUID:** `5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f`
- **Language:** `ES|QL`

## Query

```sql
FROM logs-a
```
"""


def test_the_first_paragraph_under_the_title_describes_a_hunt_in_markdown():
    hunt = read_markdown(MARKDOWN, "h")
    assert (hunt.description, hunt.at_field("description").line) == ("What is rare,\nand why.", 5)
    described = MARKDOWN.replace("- **UUID", "- **Description:** Another.\n- **UUID")
    assert read_markdown(described, "h").description == "Another."
