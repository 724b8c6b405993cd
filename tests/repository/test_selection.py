"""Which hunts a command is about: by name, by tag, and by what has changed in git."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.errors import UsageError
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.hunts.selection import Selection
from entra_deployer.repository import OFFLINE, Repository
from tests.repository.test_isolation import toml

TAGS = {"alpha": ["Entra", "VIP"], "beta": ["Endpoint"], "gamma": []}
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")


def write(root, tags=None):
    for name, own in (tags or TAGS).items():
        folder = root / "rules" / name
        folder.mkdir(parents=True)
        (folder / "hunt.toml").write_text(toml(name, "FROM logs-a-* | LIMIT 5"), "utf-8")
        if own:
            (folder / "rule.yaml").write_text(f"tags: [{', '.join(own)}]\n", "utf-8")


def git(root, *arguments):
    subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True)


def folders(root, **said):
    return [source.folder for source in Repository(root).catalog(Selection(**said)).sources]


@pytest.fixture(scope="module")
def hunts(tmp_path_factory):
    root = tmp_path_factory.mktemp("hunts")
    write(root)
    return root


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ["alpha", "beta", "gamma"]),
        ({"tags": ("VIP",)}, ["alpha"]),
        ({"tags": ("E*",)}, ["alpha", "beta"]),
        ({"tags": ("VIP", "Endpoint")}, ["alpha", "beta"]),
        ({"tags": ("E*",), "names": ("b*", "gamma")}, ["beta"]),
        ({"tags": ("Endpoint",), "names": ("alpha",)}, []),
    ],
)
def test_all_that_is_said_has_to_hold(hunts, said, expected):
    assert folders(hunts, **said) == expected


def test_a_tag_that_no_rule_has_is_wrong_usage_and_told_with_the_nearest(hunts):
    with pytest.raises(UsageError, match="'Endpiont'") as told:
        folders(hunts, tags=("Endpiont",))
    assert told.value.hint == "did you mean 'Endpoint'?"


def test_what_has_changed_on_this_branch_counts_committed_or_not_and_what_others_did_does_not(tmp_path):
    root = tmp_path / "below" / "project"  # the project need not be the top of the repository
    write(root, {**TAGS, "delta": [], "epsilon": []})
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "hunts")
    assert folders(root, changed_since="main") == []
    git(tmp_path, "checkout", "-qb", "topic")
    (root / "rules" / "alpha" / "rule.yaml").write_text("severity: high\n", "utf-8")
    git(tmp_path, "commit", "-qam", "alpha")
    (root / "rules" / "beta" / "tests").mkdir()
    (root / "rules" / "beta" / "tests" / "new.yaml").write_text("name: not yet known to git\n", "utf-8")
    (root / "rules" / "gamma" / "hunt.toml").write_text(toml("gamma", "FROM logs-b-* | LIMIT 5"), "utf-8")
    git(tmp_path, "stash", "-qu")
    git(tmp_path, "checkout", "-q", "main")
    (root / "rules" / "delta" / "rule.yaml").write_text("severity: low\n", "utf-8")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "delta")
    git(tmp_path, "checkout", "-q", "topic")
    git(tmp_path, "stash", "pop", "-q")
    git(tmp_path, "rm", "-qr", str(root / "rules" / "epsilon"))
    assert folders(root, changed_since="main") == ["alpha", "beta", "gamma"]
    assert folders(root, changed_since="HEAD") == ["beta", "gamma"]
    assert Repository(root).changed_folders("HEAD") == {"beta", "gamma", "epsilon"}


@pytest.mark.parametrize("reference", ["no-such-branch", "--help", ""])
def test_a_commit_that_git_does_not_know_is_wrong_usage(tmp_path, reference):
    write(tmp_path)
    git(tmp_path, "init", "-q")
    if reference:
        with pytest.raises(UsageError, match="git knows no commit"):
            folders(tmp_path, changed_since=reference)
    else:
        assert folders(tmp_path, changed_since=reference) == list(TAGS)


def test_a_folder_without_git_is_told(tmp_path):
    write(tmp_path)
    with pytest.raises(UsageError, match="git does not know this folder"):
        folders(tmp_path, changed_since="main")


class Counting:
    """The parser, and how often each query was given to it."""

    def __init__(self):
        self.asked = []

    def parse(self, text, version):
        self.asked.append((text, version))
        return syntax_cache().parse(text, version)

    def type_problems(self, tree, version, fields):
        return ()


@given(st.lists(st.sampled_from([(), ("alpha",), ("b*",), ("gamma", "alpha")]), min_size=1, max_size=6))
def test_a_hunt_is_compiled_once_for_a_target_however_it_is_asked_for(hunts, asked):
    syntax = Counting()
    repository = Repository(hunts, syntax=syntax)
    for names in asked:
        expected = set(folders(hunts, names=names))
        assert {rule.folder for rule in repository.compile(OFFLINE, Selection(names)).rules} == expected
    whole = Repository(hunts).compile(OFFLINE)
    assert repository.compile(OFFLINE).rules == whole.rules
    assert repository.compile(OFFLINE).issues == whole.issues
    once = len(syntax.asked)
    repository.compile(OFFLINE)
    assert len(syntax.asked) == once
