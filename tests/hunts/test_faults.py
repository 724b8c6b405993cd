"""Broken hunts, each in a folder that is named after its fault: the place, what is wrong, and what to do."""

import re
import shutil
from pathlib import Path

import pytest

from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.core.issue import Level
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.catalog import read_hunt_file, read_rules
from entra_deployer.hunts.fields import FaultyHunt
from tests.reading import there

HUNTS = Path(__file__).parents[1] / "data" / "hunts"

FAULTS = {
    "bad_uuid": ("hunt.md:10:1", "'0b8f1a62' is not a UUID", "python3 -m uuid"),
    "empty_query": ("hunt.md:16:1", "the query is empty", "fenced block"),
    "no_description": ("hunt.md:1:1", "the hunt has no description", "**Description:**"),
    "no_hunt": ("no_hunt", "no hunt here", "hunt.md"),
    "no_language": ("hunt.md:1:1", "the hunt has no language", "**Language:**"),
    "no_query": ("hunt.md:14:1", "the hunt has no query", "fenced block"),
    "no_title": ("hunt.md:1:1", "the hunt has no name", "# Name of the hunt"),
    "no_uuid": ("hunt.md:1:1", "the hunt has no uuid", "**UUID:**"),
    "not_utf8": ("hunt.md:7:19", "the file is not UTF-8", "save it as UTF-8"),
    "second_title": ("hunt.md:34:1", "a second title", "one hunt"),
    "settings_bad_duration": ("rule.yaml:2:1", 'lookback: "2 weeks" is not of the expected form', "s, m, h or d"),
    "settings_bad_yaml": ("rule.yaml:2:1", "not valid YAML", "indentation"),
    "settings_no_such_query": (
        "rule.yaml:3:5",
        "'no such text' stands in 0 of the hunt's ES|QL queries",
        "only this one",
    ),
    "settings_too_many_queries": ("rule.yaml:1:1", "2 queries are named and the hunt has 1", "or none"),
    "settings_twice": ("rule.yaml:2:1", "the key 'severity' stands here twice", "remove one"),
    "settings_unknown_key": ("rule.yaml:2:1", "unknown key 'intervall'", "did you mean 'interval'?"),
    "settings_wrong_type": ("rule.yaml:1:1", 'risk_score: must be a whole number, not "high"', "from 0 to 100"),
    "toml_empty_query": ("hunt.toml:13:1", "the query is empty", "between the quotes"),
    "toml_no_table": ("hunt.toml:1:1", "there is no table [hunt]", "[hunt]"),
    "toml_syntax": ("hunt.toml:5:1", "not valid TOML: Unclosed array", "brackets"),
    "toml_text_wanted": ("hunt.toml:2:1", "author must be text, not 5", "quotes"),
    "toml_unknown_key": ("hunt.toml:8:1", "unknown key 'licence'", "did you mean 'license'?"),
    "toml_wrong_type": ("hunt.toml:10:1", "mitre must be a list of texts", 'mitre = ["..."]'),
    "two_hunts": ("two_hunts", "two hunts in one folder", "keep one of"),
    "unknown_key": ("hunt.md:7:3", "unknown key 'Auhtor'", "did you mean 'Author'?"),
    "unknown_section": ("hunt.md:22:1", "unknown section 'Remarks'", "known: "),
}


@pytest.fixture(scope="module")
def catalog():
    return read_rules(HUNTS)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_is_told_with_its_place_and_the_next_step(catalog, fault):
    place, message, hint = FAULTS[fault]
    [issue] = [issue for issue in catalog.issues if issue.subject == fault]
    assert issue.level is Level.ERROR
    assert str(issue.location).endswith(place)
    assert message in issue.message
    assert hint in (issue.hint or "")
    assert "\n" not in issue.message


TOML = """\
[hunt]
name = 1
licence = "MIT"
integration = ["endpoint", 2]
uuid = "p9a9d6m6-6789"
descripton = "What it looks for."
language = []
query = ["", "FROM logs-a"]
"""
MARKDOWN = """\
# A hunt

## Metadata

- **Auhtor:** Somebody
- **Descripton:** What it looks for.
- **Language:** `[]`

## Querys

# Another

## Remarks
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "hunt.toml",
            TOML,
            [
                (2, "name must be text, not 1"),
                (3, "unknown key 'licence'"),
                (4, "integration must be a list of texts"),
                (5, "'p9a9d6m6-6789' is not a UUID"),
                (6, "unknown key 'descripton'"),
                (7, "the hunt has no language"),
                (8, "the query is empty"),
            ],
        ),
        (
            "hunt.md",
            MARKDOWN,
            [
                (1, "the hunt has no uuid"),
                (5, "unknown key 'Auhtor'"),
                (6, "unknown key 'Descripton'"),
                (7, "the hunt has no language"),
                (9, "unknown section 'Querys'"),
                (11, "a second title"),
                (13, "unknown section 'Remarks'"),
            ],
        ),
        ("hunt.md", "# A hunt\n\n## Metdata\n", [(1, "the hunt has no query"), (3, "unknown section 'Metdata'")]),
    ],
)
def test_one_run_tells_all_faults_of_a_hunt(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text, "utf-8")
    issues = read_hunt_file(tmp_path / name).issues
    assert [(there(issue.location).line, issue.message) for issue in issues] == expected
    assert all(issue.hint for issue in issues)


def test_one_run_names_every_broken_hunt_and_reads_the_sound_ones(catalog):
    told = {issue.subject for issue in catalog.issues}
    read = {source.folder for source in catalog.sources}
    folders = {path.name for path in HUNTS.iterdir() if path.is_dir()}
    assert told | read == folders
    assert told & read == {"sound_toml"}


def test_hunts_with_one_identity_are_told_once(catalog):
    [issue] = [issue for issue in catalog.issues if issue.code == "DEP003"]
    assert issue.subject == "sound_toml"
    assert issue.message.endswith("sound/hunt.md")
    assert catalog.clashing == {"sound": issue.message, "sound_toml": issue.message}


def test_a_copied_folder_is_told_the_uuid_to_write(tmp_path):
    for name in ("a", "a_copy"):
        shutil.copytree(HUNTS / "sound", tmp_path / name)
    [issue] = read_rules(tmp_path).issues
    assert (issue.subject, there(issue.location).line) == ("a_copy", 10)
    found = there(re.fullmatch(r"give it its own uuid: (\S+), and a name of its own", there(issue.hint)))
    text = (tmp_path / "a_copy" / "hunt.md").read_text("utf-8")
    old = there(re.search(r"UUID:\*\* `(\S+)`", text))[1]
    (tmp_path / "a_copy" / "hunt.md").write_text(text.replace(old, found[1]).replace("# A hunt", "# Another"), "utf-8")
    assert read_rules(tmp_path).issues == ()
    assert read_rules(tmp_path).clashing == {}


def pinning(folder, name, uuid, key, *, pinned=True):
    """A folder with a hunt of its own name and UUID, whose rule.yaml pins a rule_id."""
    shutil.copytree(HUNTS / "sound", folder)
    file = folder / "hunt.md"
    text = re.sub(r"(UUID:\*\* `)[^`]+`", rf"\g<1>{uuid}`", file.read_text("utf-8"))
    file.write_text(re.sub(r"^# .*", f"# {name}", text), "utf-8")
    if pinned:
        (folder / "rule.yaml").write_text(f"severity: low\nrule_id: {key}\n", "utf-8")


def test_a_rule_id_that_two_files_pin_is_told_once_at_its_line(tmp_path):
    for number, name in enumerate("abc"):
        uuid = f"0f6b6f1f-2d5f-4a0e-9c1e-52a15d0b7a5{number}"
        pinning(tmp_path / name, f"Hunt {name}", uuid, "of-two", pinned=name != "a")
    for _ in range(2):  # as they are read, and as they are kept
        catalog = read_rules(tmp_path)
        [issue] = catalog.issues
        assert (issue.code, issue.subject, there(issue.location).line) == ("DEP003", "c", 2)
        assert there(issue.location).path == str(tmp_path / "c" / "rule.yaml")
        assert issue.message == f"the rule_id 'of-two' is also that of {tmp_path / 'b' / 'rule.yaml'}"
        assert there(issue.hint).startswith("take rule_id out of its rule.yaml")
        assert catalog.clashing.keys() == {"b", "c"}


def test_a_copied_folder_with_a_pinned_rule_id_is_told_both_at_once(tmp_path):
    uuid = "0f6b6f1f-2d5f-4a0e-9c1e-52a15d0b7a55"
    for name in ("a", "a_copy"):
        pinning(tmp_path / name, "A hunt", uuid, "of-two")
    [issue] = read_rules(tmp_path).issues
    assert re.fullmatch(
        r"give it its own uuid: \S+, and a name of its own; take rule_id out of its rule.yaml",
        there(issue.hint),
    )


def test_whoever_names_one_of_two_alike_hunts_is_told_too(tmp_path):
    for name in ("a", "a_copy"):
        shutil.copytree(HUNTS / "sound", tmp_path / name)
    assert [issue.subject for issue in read_rules(tmp_path, names=["a"]).issues] == ["a_copy"]


def test_issues_are_sorted_by_place(catalog):
    assert list(catalog.issues) == sorted(catalog.issues, key=lambda issue: issue.order)


@pytest.fixture
def rules(tmp_path):
    for name in ("sound", "no_uuid"):
        shutil.copytree(HUNTS / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["sound", "A hunt"])
def test_names_choose_by_folder_or_by_name(rules, name):
    catalog = read_rules(rules, names=[name])
    assert [source.folder for source in catalog.sources] == ["sound"]
    assert not catalog.issues


def test_a_broken_hunt_can_be_chosen_by_its_folder(rules):
    catalog = read_rules(rules, names=["no_uuid"])
    assert not catalog.sources
    assert [issue.subject for issue in catalog.issues] == ["no_uuid"]


def test_a_name_that_does_not_exist_is_wrong_usage(rules):
    with pytest.raises(UsageError, match=r"no rule is named 'suond'.*did you mean 'sound'"):
        read_rules(rules, names=["suond"])


def test_no_folder_of_rules_is_told(tmp_path):
    with pytest.raises(InputError, match="there are no rules here"):
        read_rules(tmp_path / "rules")


def test_hidden_folders_are_no_rules(rules):
    (rules / ".git").mkdir()
    assert {source.folder for source in read_rules(rules).sources} == {"sound"}


def test_a_hunt_file_can_be_read_by_itself():
    catalog = read_hunt_file(HUNTS / "sound" / "hunt.md")
    assert [source.folder for source in catalog.sources] == ["sound"]


def test_a_missing_file_is_told(tmp_path):
    [issue] = read_hunt_file(tmp_path / "gone.md").issues
    assert "cannot be read: No such file or directory" in issue.message


def test_several_queries_without_names_are_told(rules):
    hunt = (rules / "sound" / "hunt.md").read_text("utf-8")
    more = hunt.replace("## Notes", "```sql\nfrom logs-b-*\n| keep x\n```\n\n## Notes")
    (rules / "sound" / "hunt.md").write_text(more, "utf-8")
    [issue] = read_rules(rules, names=["sound"]).issues
    assert (issue.code, issue.level, there(issue.location).line) == ("DEP006", Level.WARNING, 14)
    (rules / "sound" / "rule.yaml").write_text("queries:\n  a: {}\n  b: {}\n", "utf-8")
    assert not read_rules(rules, names=["sound"]).issues


def told(rules, name="sound"):
    catalog = read_rules(rules, names=[name])
    issues = [*catalog.issues, *(issue for source in catalog.sources for issue in source.test_issues)]
    return [(there(issue.location).path.rpartition("/")[2], issue.message, issue.hint) for issue in issues]


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"])
@pytest.mark.parametrize("name", ["hunt.md", "hunt.toml"])
def test_an_empty_hunt_is_told_and_the_others_are_read(rules, name, text):
    (rules / "empty").mkdir()
    (rules / "empty" / name).write_text(text, "utf-8")
    assert told(rules, "empty") == [(name, "the file is empty", "write the hunt into it")]
    assert [source.folder for source in read_rules(rules).sources] == ["sound"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("rule.yml", "rule.yaml"),
        ("rules.yaml", "rule.yaml"),
        ("Rule.yaml", "rule.yaml"),
        ("ruel.yaml", "rule.yaml"),
        ("rule.yaml.txt", "rule.yaml"),
        ("Hunt.toml", "hunt.toml"),
        ("HUNT.MD", "hunt.md"),
        ("test/a.yaml", "tests/"),
        ("Tests/a.yml", "tests/"),
        ("tests/a.YAML", "tests/a.yaml"),
        ("tests/a.yaml.txt", "tests/a.yaml"),
    ],
)
def test_a_name_that_is_nearly_one_of_a_hunt_s_is_an_error(rules, name, meant):
    file = rules / "sound" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("severity: critical\n")
    [(_, message, hint)] = told(rules)
    assert (message, hint) == ("is not read under this name", f"did you mean {meant}?")


@pytest.mark.parametrize(
    "name", ["README.md", "notes.yaml", "module.yaml", "hunt.md.bak", "rule.md", "test.py", "hunt-old.md", "test/x.py"]
)
def test_other_files_beside_a_hunt_are_nobodys_business(rules, name):
    file = rules / "sound" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("x\n")
    assert told(rules) == []


@pytest.mark.parametrize(
    ("name", "meant"), [("Hunt.md", "hunt.md"), ("hunt.markdown", "hunt.md"), ("hunt.tml", "hunt.toml")]
)
def test_a_hunt_under_a_near_name_is_told_once(rules, name, meant):
    (rules / "sound" / "hunt.md").rename(rules / "sound" / name)
    assert told(rules) == [(name, "is not read under this name", f"did you mean {meant}?")]


def test_a_test_that_leads_out_of_the_repository_is_not_read(tmp_path):
    rules = tmp_path / "project" / "rules"
    shutil.copytree(HUNTS / "sound", rules / "sound")
    (tmp_path / "secret").write_text("password: hunter2")
    (rules / "sound" / "tests").mkdir()
    (rules / "sound" / "tests" / "a.yaml").symlink_to(tmp_path / "secret")
    [(name, message, _)] = told(rules)
    assert (name, message) == ("a.yaml", "is a link that leads out of the repository")


def test_rules_without_a_hunt_are_a_wrong_checkout(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(InputError, match=r"there are no hunts here \(make a folder"):
        read_rules(tmp_path)
    with pytest.raises(InputError, match="there are no rules here"):
        read_rules(tmp_path / "README.md")


HEAD = 'name = "A"\ndescription = "B"\nuuid = "0b8f1a62-5d5c-4b0e-8f5e-3a1d2c4b5e6f"\nlanguage = ["ES|QL"]\n'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[hunt]\n" + HEAD + "\"query\" = [\"FROM a\", '''\nFROM b''']\n", [6, 7]),
        ("[hunt]\n" + HEAD + "'query' = [\n# \"FROM c\"\n  '''FROM a''',]\n", [8]),
        ("hunt = {" + ", ".join(HEAD.splitlines()) + ', query = ["FROM a", "FROM b"]}', [1, 1]),
        ("hunt.query = [\n'FROM a'\n]\n" + "".join(f"hunt.{line}\n" for line in HEAD.splitlines()), [2]),
        ('["hunt"] # "x"\n' + HEAD + 'notes = ["a = [", "\\"]"]\nquery = "FROM a"\n', [7]),
        ("[other]\nquery = ['x']\nat = 1979-05-27 07:32:00\n[hunt]\n" + HEAD + "query = ['FROM a']\n[end]\n", [9]),
    ],
)
def test_each_form_of_a_key_in_toml_is_read_with_its_place(text, lines):
    hunt = FORMATS[".toml"].read(text, "f")
    assert [query.line for query in hunt.queries] == lines
    for query in hunt.queries:
        assert text.split("\n")[query.line - 1][query.column - 1 :].startswith(query.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hunt = " + "[" * 200 + "]" * 200, "nested more than 64 levels deep"),
        ("hunt = " + "[" * 5000, "nested more than 64 levels deep"),
        ("hunt = 1" + "0" * 5000, "a number has too many digits"),
        ("[hunt]\n" + HEAD + 'query = ["FROM a\\u0000"]', "query: the character U+0000 is not text"),
        ("[hunt]\nname = 2020-01-01", "name must be text, not 2020-01-01"),
        ("[hunt]\nquery = {a = 1}", "query must be a list of texts"),
        ("[hunt.query]\na = 1", "query must be a list of texts"),
        ("[[hunt]]\na = 1", "there is no table [hunt]"),
    ],
)
def test_what_is_no_hunt_in_toml_is_told(text, said):
    with pytest.raises(InputError) as caught:
        FORMATS[".toml"].read(text, "f")
    assert any(said in one.message for one in getattr(caught.value, "faults", [caught.value]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A\n\n## Metadata\n\nno list\n", [(1, "the hunt has no uuid"), (1, "the hunt has no description")]),
        ("# A\n\n## Metadata\n\n- **UUID:** `a`\n- **UUID:** `b`\n", [(6, "the key 'UUID' stands here twice")]),
        ("# A\r\r## Metadata\r\r- **Auhtor:** x\r", [(5, "unknown key 'Auhtor'")]),
        ("text alone", [(1, "the hunt has no name")]),
    ],
)
def test_what_is_no_hunt_in_markdown_is_told(text, said):
    with pytest.raises(FaultyHunt) as caught:
        FORMATS[".md"].read(text, "f")
    faults = [(there(fault.location).line, fault.message) for fault in caught.value.faults]
    assert set(said) - set(faults) == set()


def test_tests_are_read_when_somebody_asks_for_them(rules):
    (rules / "sound" / "tests").mkdir()
    (rules / "sound" / "tests" / "a.yaml").write_text("name: 1")
    [source] = read_rules(rules, names=["sound"]).sources
    (rules / "sound" / "tests" / "a.yaml").write_text("nome: 1")
    assert "unknown key 'nome'" in {issue.message for issue in source.test_issues}
    assert source.tests == ()
