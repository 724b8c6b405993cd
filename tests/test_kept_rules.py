"""What became of a hunt is kept while nothing of it changes, and is then what compiling it anew would give."""

import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

from entra_deployer.compiler.compiled import CompiledRule, Made
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.cache import user_cache
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.hunts.selection import Selection
from entra_deployer.kept_rules import MANY, make_rules
from entra_deployer.objects.rule_fields import is_witnessed, rule_digest
from entra_deployer.objects.saved_search import content_digest
from entra_deployer.repository import Repository
from tests.bench.projects import add_hunt

HUNTS = Path(__file__).parent / "data" / "hunts"
OURS = Path(__file__).parents[1] / "rules"
TARGET = Target("test", "default", StackVersion(8, 19, 21), license="platinum")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path):
    shutil.copytree(OURS, tmp_path / "project" / "rules")
    return tmp_path / "project"


def compiled(root, target=TARGET, names=()):
    return Repository(root).compile(target, Selection(tuple(names)))


def test_it_is_what_compiling_anew_gives(root):
    first, again = compiled(root), compiled(root)
    assert again == first
    assert [rule.tree for rule in again.rules] == [rule.tree for rule in first.rules]
    assert [source.tests for source in again.sources] == [source.tests for source in first.sources]
    assert all(source.read_again for source in again.sources)
    assert all(rule.digest == rule_digest(rule.rule.payload) for rule in again.rules)
    assert all(rule.search_digest == content_digest(rule.search) for rule in again.rules)


@pytest.mark.parametrize("name", ["actions", "exceptions_list", "enabled", "tags"])
def test_what_a_space_adds_to_a_rule_is_not_in_its_digest(name):
    assert not is_witnessed(name)


def test_every_field_of_a_rule_is_kept_or_told_by_its_hunt():
    of_the_hunt = {"source", "query", "settings", "read_tree"}
    assert {one.name for one in fields(CompiledRule)} == of_the_hunt | {one.name for one in fields(Made)}


CHANGES = {
    "the hunt": ("hunt.md", lambda text: text.replace("## Notes\n\n", "## Notes\n\n- One more.\n")),
    "the query": ("hunt.md", lambda text: text.replace("2 hours", "3 hours")),
    "rule.yaml": ("rule.yaml", lambda text: text.replace("risk_score: 73", "risk_score: 74")),
    "no rule.yaml": ("rule.yaml", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_is_made_anew_and_the_others_are_not(root, name):
    before = compiled(root)
    file, change = CHANGES[name]
    path = root / "rules" / "entra_device_code_sign_in_from_unmanaged_device" / file
    path.write_text(change(path.read_text("utf-8")), "utf-8") if change else path.unlink()
    after = compiled(root)
    changed = {one.folder for one, other in zip(after.rules, before.rules, strict=True) if one != other}
    assert changed == {path.parent.name}
    shutil.rmtree(root.parent / "cache")
    assert compiled(root) == after


@pytest.mark.parametrize(
    "other",
    [
        replace(TARGET, version=StackVersion(8, 12, 2)),
        replace(TARGET, license="basic"),
        replace(TARGET, overlay={"severity": "low"}),
        replace(TARGET, space="soc"),
    ],
)
def test_another_target_gets_its_own(root, other):
    ours, theirs = compiled(root), compiled(root, other)
    assert theirs.rules != ours.rules
    assert compiled(root) == ours
    shutil.rmtree(root.parent / "cache")
    assert compiled(root, other) == theirs


def test_what_is_kept_serves_every_space_of_its_kind_as_the_compiler_makes_it(root):
    compiled(root)
    (bundle,) = user_cache("rules").folder.glob("??/*")
    before = bundle.read_bytes()
    elsewhere = replace(TARGET, environment="production", space="soc")
    found = compiled(root, elsewhere)
    assert bundle.read_bytes() == before
    wholes = [source.read_again() if source.read_again else source for source in found.sources]
    made = [rule for whole in wholes for rule in compile_source(whole, elsewhere, load_knowledge()).rules]
    for field in fields(Made):
        assert [getattr(rule, field.name) for rule in found.rules] == [getattr(rule, field.name) for rule in made]


def test_a_part_of_the_hunts_leaves_what_is_kept_of_the_others(root):
    compiled(root)
    (root / "rules" / "entra_rare_scripting_user_agent" / "rule.yaml").unlink()
    compiled(root, names=("entra_rare_scripting_user_agent",))
    (bundle,) = user_cache("rules").folder.glob("??/*")
    assert compiled(root).rules
    assert bundle.stat().st_size > 10_000


@pytest.mark.parametrize("nonsense", [b"", b"\x00", b"\x81\xa1a\xc4\x01\x00", b"{}"])
def test_what_somebody_else_wrote_there_is_made_anew(root, nonsense):
    first = compiled(root)
    for kind in ("hunts", "rules"):
        for path in user_cache(kind).folder.glob("??/*"):
            path.write_bytes(nonsense)
    assert compiled(root) == first


def test_many_new_hunts_become_on_all_cores_what_they_become_on_one(tmp_path):
    for number in range(MANY):
        add_hunt(tmp_path, number)
    broken = tmp_path / "rules" / "bench_00003" / "hunt.md"
    broken.write_text(broken.read_text("utf-8").replace("STATS", "STATZ"), "utf-8")
    shared = compiled(tmp_path)
    assert len(shared.rules) == MANY - 1
    assert shared == Repository(tmp_path, syntax=syntax_cache()).compile(TARGET)
    (source, *_) = Repository(tmp_path).catalog().sources
    assert make_rules(str(tmp_path / "rules"), TARGET, (source.folder, "gone")).keys() == {source.digest}
