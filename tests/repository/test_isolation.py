"""Whatever one hunt provokes is told of that hunt alone: the others are what they are without it."""

from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entra_deployer.checks import CHECKS
from entra_deployer.checks.check import Subject
from entra_deployer.checks.run import run_checks
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion, VersionRange
from entra_deployer.data import load_knowledge
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.repository import OFFLINE, Compilation, Repository, rule_queries

GOOD = ("one", "two")
BROKEN = {
    "empty": ("hunt.md", b""),
    "not_text": ("hunt.md", b"\xff\xfe\x00"),
    "no_metadata": ("hunt.md", b"# A hunt\n\nNo more than a title.\n"),
    "stray_bracket": ("hunt.toml", b"FROM logs-a-* | WHERE ] == 1"),
    "many_ors": ("hunt.toml", b"FROM logs-a-* | WHERE " + b" OR ".join(b"u == %d" % n for n in range(600))),
    "deep": ("hunt.toml", b"FROM logs-a-* | WHERE " + b"(" * 400 + b"u" + b")" * 400),
    "unfinished": ("hunt.toml", b"FROM logs-a-* | WHERE"),
    "no_such_function": ("hunt.toml", b"FROM logs-a-* | EVAL x = NO_SUCH(u)"),
    "bad_settings": ("rule.yaml", b"severity: terrible\n"),
    "bad_range": ("rule.yaml", b"stack: newest\n"),
}
"""For each broken hunt a file and what stands in it; of a hunt.toml the query alone."""


def toml(name: str, query: str) -> str:
    uuid = f"{crc32(name.encode()):08x}-5aac-5a15-8c9d-7e99a1f5ebd1"
    return (
        f'[hunt]\nauthor = "a"\nname = "The hunt {name}"\nuuid = "{uuid}"\ndescription = "d"\n'
        f'integration = []\nlanguage = ["ES|QL"]\nlicense = "Apache-2.0"\nmitre = ["T1078.004"]\nnotes = []\n'
        f"references = []\nquery = ['''\n{query}\n''']\n"
    )


def write_good(root: Path, names=GOOD) -> None:
    for name in names:
        folder = root / "rules" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hunt.toml").write_text(toml(name, "FROM logs-a-* | STATS COUNT(*) BY user.name"), "utf-8")


def write_broken(root: Path, name: str) -> None:
    folder = root / "rules" / name
    folder.mkdir(parents=True)
    file, content = BROKEN[name]
    if file == "hunt.toml":
        (folder / file).write_text(toml(name, content.decode()), "utf-8")
        return
    (folder / file).write_bytes(content)
    if file == "rule.yaml":
        (folder / "hunt.toml").write_text(toml(name, "FROM logs-a-* | STATS COUNT(*) BY user.name"), "utf-8")


def of_the_good(compilation: Compilation):
    """All that is said of the good hunts."""
    return (
        [rule for rule in compilation.rules if rule.folder in GOOD],
        [issue for issue in (*compilation.issues, *compilation.findings) if issue.subject in GOOD],
        {rule.rule.key for rule in compilation.deployable},
    )


@given(broken=st.sets(st.sampled_from(sorted(BROKEN))))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_broken_hunts_change_nothing_about_the_others(broken, tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    write_good(root)
    alone = Repository(root).compile(OFFLINE)
    assert len(alone.rules) == len(GOOD)
    for name in sorted(broken):
        write_broken(root, name)
    together = Repository(root).compile(OFFLINE)
    assert of_the_good(together) == of_the_good(alone)
    errors = {issue.subject for issue in together.issues if issue.level is Level.ERROR}
    assert errors == broken
    assert all(issue.location for issue in together.issues if issue.level is Level.ERROR)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_stands_of_a_broken_hunt_is_withheld_by_its_keys_or_by_its_folder(name, tmp_path):
    write_good(tmp_path)
    write_broken(tmp_path, name)
    compilation = Repository(tmp_path).compile(OFFLINE)
    read = [source for source in compilation.sources if source.folder == name]
    assert compilation.unread == (() if read else (name,))
    assert len(compilation.withheld) == 2 * sum(len(rule_queries(source)) for source in read)


class Fragile:
    """A parser with a fault of its own."""

    def __init__(self, word: str) -> None:
        self._word = word

    def parse(self, text, version):
        if self._word in text:
            raise RecursionError("a fault of the parser's")
        return syntax_cache().parse(text, version)

    def type_problems(self, tree, version, fields):
        raise KeyError("a fault of the type checker's")


def test_a_fault_of_the_parser_is_an_issue_of_the_hunt_that_met_it(tmp_path):
    write_good(tmp_path)
    folder = tmp_path / "rules" / "fragile"
    folder.mkdir()
    (folder / "hunt.toml").write_text(toml("fragile", "FROM logs-b-* | LIMIT 5"), "utf-8")
    compilation = Repository(tmp_path, syntax=Fragile("logs-b")).compile(OFFLINE)
    assert [rule.folder for rule in compilation.rules] == list(GOOD)
    [issue] = [issue for issue in compilation.issues if issue.level is Level.ERROR]
    assert (issue.code, issue.subject) == ("DEP009", "fragile")
    assert issue.message.startswith("could not be analysed: RecursionError")
    assert "a fault of the parser's" not in issue.message
    assert issue.location
    assert issue.location.path.endswith("fragile/hunt.toml")


def test_a_check_that_cannot_be_made_is_an_issue_as_grave_as_the_check_and_the_others_are_made(tmp_path):
    write_good(tmp_path)
    [rule, _] = Repository(tmp_path).compile(OFFLINE).rules
    subject = Subject(rule, OFFLINE, load_knowledge())

    def fails(_subject):
        raise AttributeError("no such thing")

    broken = {**CHECKS, "DEP012": replace(CHECKS["DEP012"], run=fails)}
    usual = run_checks(subject)
    [failed] = set(run_checks(subject, broken)) - set(usual)
    assert (failed.code, failed.level) == ("DEP009", CHECKS["DEP012"].level)
    assert "DEP012" in failed.message
    assert set(usual) <= set(run_checks(subject, broken))


def settings_of(root: Path, name: str, text: str) -> None:
    (root / "rules" / name / "rule.yaml").write_text(text, "utf-8")


def test_a_hunt_that_the_target_cannot_run_by_its_authors_word_blocks_nothing(tmp_path):
    write_good(tmp_path)
    query = "FROM logs-a-* | INLINE STATS n = COUNT(*) BY user.name | WHERE n > 5"
    (tmp_path / "rules" / "two" / "hunt.toml").write_text(toml("two", query), "utf-8")
    before = Repository(tmp_path).compile(OFFLINE)
    assert {issue.subject for issue in before.issues if issue.level is Level.ERROR} == {"two"}
    settings_of(tmp_path, "two", 'stack: ">=9.2"\n')
    compilation = Repository(tmp_path).compile(OFFLINE)
    assert [rule.folder for rule in compilation.rules] == ["one"]
    [issue] = [issue for issue in compilation.issues if issue.subject == "two"]
    assert (issue.code, issue.level) == ("DEP007", Level.NOTE)
    assert ">=9.2" in issue.message
    assert set(compilation.withheld.values()) == {issue.message}
    newer = Repository(tmp_path).compile(replace(OFFLINE, version=StackVersion(9, 2)))
    assert len(newer.rules) == 2
    assert not newer.withheld
    assert set(compilation.withheld) == {
        key for rule in newer.rules if rule.folder == "two" for key in (rule.rule.key, rule.search.key)
    }


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=9.2", ["9.2", "9.2.1", "10.0"], ["9.1.9", "8.19"]),
        (">=8.14,<9", ["8.14", "8.19.21"], ["8.13.9", "9.0", "9.4"]),
        ("<=8.19", ["8.19.21", "8.12"], ["9.0"]),
        (">8.19", ["9.0"], ["8.19.21"]),
        ("8.19", ["8.19", "8.19.4"], ["8.18", "9"]),
        (" >= 8.12.2 , < 8.19.21 ", ["8.12.2", "8.19.20"], ["8.12.1", "8.19.21"]),
    ],
)
def test_a_range_counts_the_numbers_that_it_names(text, inside, outside):
    found = VersionRange.parse(text)
    versions = [StackVersion.parse(one if "." in one else f"{one}.0") for one in (*inside, *outside)]
    assert [found.allows(version) for version in versions] == [True] * len(inside) + [False] * len(outside)


@pytest.mark.parametrize("text", ["", "newest", ">=", "=>9", "9.x", ">=9 <10", ">=9,", "9.1.2.3"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match="no range"):
        VersionRange.parse(text)
