"""A further hunt: its files fit together, and what cannot be one makes nothing."""

import json
import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.catalog import read_rules
from entra_deployer.project.new_hunt import _hunt_text, _names, new_hunt
from entra_deployer.project.schemas import SCHEMAS, install_schemas
from entra_deployer.repository import OFFLINE, Repository

ID = UUID("11111111-2222-4333-8444-555555555555")
QUERY = """

FROM logs-okta.system-*
| WHERE @timestamp > NOW() - 1 hour AND event.action == "user.session.start"
| STATS n = COUNT(*) BY user.name
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "rules").mkdir()
    return tmp_path


def test_a_hunt_of_a_query_compiles_and_has_a_test_of_both_sides(root):
    made = new_hunt(root, "Okta sessions: many of one user", ID, QUERY, source="q.esql")
    assert made.folder == "okta_sessions_many_of_one_user"
    assert made.files == tuple(f"rules/{made.folder}/{name}" for name in ("hunt.md", "rule.yaml", "tests/synth.yaml"))
    compilation = Repository(root).compile(OFFLINE)
    assert [issue for issue in compilation.issues if issue.level != "note"] == []
    (source,) = compilation.sources
    assert source.hunt.name == "Okta sessions: many of one user"
    assert source.hunt.uuid == str(ID)
    assert source.hunt.integrations == ("okta",)
    assert source.hunt.queries[0].text == QUERY.strip("\n")
    (test,) = source.tests
    assert test.catches
    assert test.ignores


def test_the_template_is_clean_and_tested(root):
    made = new_hunt(root, "my_first-hunt", ID)
    assert (made.folder, made.name) == ("my_first_hunt", "My first hunt")
    compilation = Repository(root).compile(OFFLINE)
    assert [issue for issue in (*compilation.issues, *compilation.findings) if issue.level != "note"] == []
    (source,) = compilation.sources
    assert source.tests
    assert made.unsolved == ()


def test_the_files_name_their_schemas_where_the_project_has_them(root):
    bare = new_hunt(root, "one", ID)
    install_schemas(root)
    named = new_hunt(root, "two", UUID(int=7))
    for hunt, lines in ((bare, 0), (named, 1)):
        for path in hunt.files[1:]:
            found = re.findall(r"^# yaml-language-server: \$schema=(\S+)", (root / path).read_text(), re.MULTILINE)
            assert len(found) == lines
            assert all(((root / path).parent / schema).is_file() for schema in found)


def test_what_is_no_query_makes_nothing_and_is_told_with_its_place(root):
    with pytest.raises(InputError, match=r"q\.esql:3:3: .*WHRE"):
        new_hunt(root, "a", ID, "\nFROM b\n| WHRE x\n", source="q.esql")
    with pytest.raises(InputError, match="the query is empty"):
        new_hunt(root, "a", ID, " \n", source="q.esql")
    assert list((root / "rules").iterdir()) == []


@pytest.mark.parametrize("name", ["", "  ", "../up", "a`b", "a\x1bb", "# x", "***", "日", "a<b>", "x" * 200])
def test_what_cannot_be_a_name_makes_nothing(root, name):
    with pytest.raises(UsageError, match="cannot be the name"):
        new_hunt(root, name, ID)
    assert list((root / "rules").iterdir()) == []


def test_a_folder_that_is_there_stays(root):
    new_hunt(root, "one", ID)
    before = (root / "rules" / "one" / "hunt.md").read_bytes()
    with pytest.raises(InputError, match="is there already"):
        new_hunt(root, "One", UUID(int=1), QUERY)
    assert (root / "rules" / "one" / "hunt.md").read_bytes() == before


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 .,:()&'/+_-]{0,60}", fullmatch=True), st.sampled_from(["", "`" * 3, "`" * 5])
)
def test_the_hunt_reads_back_as_what_was_said(name, fence):
    title, folder = _names(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_]*", folder)
    query = f'FROM logs-x.y-*\n\n| WHERE a == """{fence}\n{fence}"""'
    hunt = FORMATS[".md"].read(_hunt_text(title, ID, query), "hunt.md")
    assert (hunt.name, hunt.uuid, hunt.queries[0].text) == (title, str(ID), query)


def test_hunts_in_toml_fit_their_schema(root):
    schema = Draft202012Validator(json.loads(SCHEMAS["hunt"].text("hunt")))
    made = new_hunt(root, "one", ID, QUERY)
    (source,) = read_rules(root / "rules", names=[made.folder]).sources
    whole = {
        "hunt": {
            "name": source.hunt.name,
            "uuid": source.hunt.uuid,
            "language": "ES|QL",
            "query": [source.hunt.queries[0].text],
        }
    }
    assert schema.is_valid(whole)
    assert not schema.is_valid({"hunt": {**whole["hunt"], "nmae": "x"}})
    assert not schema.is_valid({"hunt": {**whole["hunt"], "query": []}})
