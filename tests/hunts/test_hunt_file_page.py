"""The page "The hunt file" is true: its examples read, as one hunt, and it names every section and key."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.errors import InputError
from entra_deployer.hunts import FORMATS, markdown, toml
from entra_deployer.hunts.fields import REQUIRED
from entra_deployer.hunts.hunt import Query
from tests.reading import there

PAGE = (Path(__file__).parents[2] / "docs" / "hunt-file.md").read_text("utf-8")
MARKDOWN = there(re.search(r"^````markdown\n(.*?)^````$", PAGE, re.MULTILINE | re.DOTALL))[1]
TOML = there(re.search(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))[1]


def bare(hunt):
    """A hunt without its places."""
    return replace(hunt, queries=tuple(Query(query.text, 1) for query in hunt.queries), source="", places={})


def test_both_examples_are_one_hunt_with_every_field():
    first, second = (bare(FORMATS[suffix].read(text, "f")) for suffix, text in ((".md", MARKDOWN), (".toml", TOML)))
    assert first == second
    names = [name for name in first.__dataclass_fields__ if name not in ("source", "places")]
    assert all(getattr(first, name) for name in names)


def test_it_names_every_section_and_key():
    for word in (*markdown._SECTIONS, *markdown._KEYS, *toml._KNOWN):
        assert re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", PAGE), word


@pytest.mark.parametrize("name", REQUIRED)
def test_what_must_be_there_is_missed(name):
    text = re.sub(rf"^{name} = (?:\[\n.*?^\]|[^\n]*)\n", "", TOML, flags=re.MULTILINE | re.DOTALL)
    assert text != TOML
    with pytest.raises(InputError, match=f"the hunt has no {name}"):
        FORMATS[".toml"].read(text, "f")
    assert re.search(
        rf"^\| {'UUID' if name == 'uuid' else name} \|[^|]*(?:\\\||[^|])*\|[^|]*\| yes \|", PAGE, re.MULTILINE
    )


def test_a_list_of_one_may_be_the_text_alone():
    alone = TOML.replace('mitre = ["T1110.003"]', 'mitre = "T1110.003"').replace('["ES|QL"]', '"ES|QL"')
    assert bare(FORMATS[".toml"].read(alone, "f")) == bare(FORMATS[".toml"].read(TOML, "f"))


@pytest.mark.parametrize("description", ["", "## Notes\n\n- This hunt looks for it.\n"])
def test_a_description_may_stand_elsewhere(description):
    text = re.sub(r"^- \*\*Description.*\n", "", MARKDOWN, flags=re.MULTILINE)
    if description:
        text = text.replace("## Notes\n", description)
    else:
        text = text.replace("\n## Metadata", "\nUnder the title.\n\n## Metadata", 1)
    hunt = FORMATS[".md"].read(text, "f")
    assert hunt.description == ("This hunt looks for it." if description else "Under the title.")
