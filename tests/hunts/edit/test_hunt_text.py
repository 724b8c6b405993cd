"""Another query in a hunt's file: it is read back, and nothing else changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.hunts import FORMATS

MARKDOWN = """\
# Rare

---

## Metadata

- **Description:** What it finds.
- **UUID:** `5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f`
- **Language:** `[ES|QL]`

## Query

```sql
FROM logs-a
| LIMIT 1
```

1. the second, in a list:

   ```sql
   FROM logs-b

   | LIMIT 2
   ```
"""
TOML = """\
[hunt]
name = "Rare"   # the title
description = "What it finds."
uuid = "5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f"
language = ["ES|QL"]
query = [
'''
FROM logs-a
| LIMIT 1
''', # the first
"FROM logs-b | LIMIT 2",
\"\"\"FROM logs-c
| WHERE a == "\\\\d"\"\"\",
]
"""
FILES = {".md": MARKDOWN, ".toml": TOML}
PLACES = [
    (suffix, index) for suffix, text in FILES.items() for index in range(len(FORMATS[suffix].read(text, "f").queries))
]


def replaced(suffix, index, new):
    hunt = FORMATS[suffix].read(FILES[suffix], "f")
    return FORMATS[suffix].replace(FILES[suffix], hunt.queries[index], index, new)


@pytest.mark.parametrize(("suffix", "index"), PLACES)
@pytest.mark.parametrize("new", ["FROM x", 'FROM x\n\n| WHERE a == "\\\\d" // it\'s\n| LIMIT 3', "FROM x // '''"])
def test_the_new_query_is_read_back_and_the_others_stay(suffix, index, new):
    before = FORMATS[suffix].read(FILES[suffix], "f")
    after = FORMATS[suffix].read(replaced(suffix, index, new), "f")
    expected = [query.text for query in before.queries]
    expected[index] = new
    assert [query.text for query in after.queries] == expected


@pytest.mark.parametrize(("suffix", "index"), PLACES)
def test_only_the_query_changes(suffix, index):
    text = FILES[suffix]
    old = FORMATS[suffix].read(text, "f").queries[index].text
    if "\n" not in old:
        assert replaced(suffix, index, "FROM zzz") == text.replace(old, "FROM zzz")
    one_line = old.split("\n", 1)[0]
    assert replaced(suffix, index, old.replace(one_line, "FROM zzz", 1)) == text.replace(one_line, "FROM zzz", 1)


def test_a_query_that_stands_elsewhere_is_refused():
    query = FORMATS[".md"].read(MARKDOWN, "f").queries[0]
    with pytest.raises(ValueError, match="does not stand"):
        FORMATS[".md"].replace("# another file\n" * 30, query, 0, "FROM x")


def test_a_query_alone_in_a_toml_file_stays_alone():
    text = TOML.partition("query = [")[0] + "query = '''\nFROM logs-a\n| LIMIT 1\n'''  # the only one\n"
    [query] = FORMATS[".toml"].read(text, "f").queries
    assert FORMATS[".toml"].replace(text, query, 0, "FROM zzz\n| LIMIT 1") == text.replace("logs-a", "zzz")


@given(st.text(st.sampled_from("ab|'\"\\ \n`"), min_size=1))
def test_no_query_breaks_a_toml_file(text):
    new = f"FROM {text.strip()}".strip("\n")
    after = FORMATS[".toml"].read(replaced(".toml", 0, new), "f")
    assert after.queries[0].text.rstrip() == new.rstrip()
    assert after.queries[1].text == "FROM logs-b | LIMIT 2"
