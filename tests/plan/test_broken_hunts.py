"""Hunts with errors are left out of a push: the others are planned as without them, and theirs is not touched."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entra_deployer.compiler.compiled import desired_state
from entra_deployer.objects.state import LiveObject
from entra_deployer.plan.plan import Action, Plan
from entra_deployer.plan.planner import Existing, Policy, make_plan
from entra_deployer.repository import OFFLINE, Compilation, Repository
from tests.repository.test_isolation import GOOD, toml, write_good

WAYS = {
    "unreadable": lambda folder: (folder / "hunt.toml").write_text("nothing of a hunt", "utf-8"),
    "refused": lambda folder: (folder / "hunt.toml").write_text(toml(folder.name, "FROM logs-a-* | WHERE ]"), "utf-8"),
    "elsewhere": lambda folder: (folder / "rule.yaml").write_text('stack: ">=9.2"\n', "utf-8"),
    "bad_settings": lambda folder: (folder / "rule.yaml").write_text("severity: terrible\n", "utf-8"),
    "as_it_was": lambda folder: None,
}
HUNTS = ("three", "four", "five")


def state_of(compilation: Compilation):
    return desired_state(compilation.deployable, OFFLINE.space)


def pushed(compilation: Compilation) -> Existing:
    """All of it, as a push leaves it."""
    objects = [LiveObject(one, f"id-{one.key}", "1") for one in state_of(compilation).objects]
    return Existing(tuple(objects), tuple(objects))


def changes_of(plan: Plan, keys) -> list:
    return [change for change in plan.changes if change.key in keys]


@given(ways=st.fixed_dictionaries({name: st.sampled_from(sorted(WAYS)) for name in HUNTS}))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_wrong_with_some_hunts_nothing_of_them_is_touched_and_the_others_are_planned(
    ways, tmp_path_factory
):
    root = tmp_path_factory.mktemp("project")
    write_good(root, HUNTS)
    existing = pushed(Repository(root).compile(OFFLINE))
    base = {live.object.at: live.object for live in existing.marked}
    write_good(root)  # the good ones are new
    for name, way in ways.items():
        WAYS[way](root / "rules" / name)
    compilation = Repository(root).compile(OFFLINE)
    policy = Policy(base=base, prune=True, withheld=compilation.withheld, unread=compilation.unread)
    plan = make_plan("here", [(state_of(compilation), existing, policy)])
    theirs = {live.object.key for live in existing.marked}
    assert not changes_of(plan, theirs)
    assert not plan.count(Action.DELETE)
    good = {key for rule in compilation.rules if rule.folder in GOOD for key in (rule.rule.key, rule.search.key)}
    alone = [rule for rule in compilation.rules if rule.folder in GOOD]
    without = make_plan("here", [(desired_state(alone, OFFLINE.space), Existing(), Policy())])
    assert changes_of(plan, good) == changes_of(without, good)
    assert len(changes_of(plan, good)) == 2 * len(GOOD)


def test_what_left_the_repository_is_pruned_only_while_every_hunt_is_read(tmp_path):
    write_good(tmp_path, HUNTS)
    existing = pushed(Repository(tmp_path).compile(OFFLINE))
    base = {live.object.at: live.object for live in existing.marked}
    (tmp_path / "rules" / "five" / "hunt.toml").unlink()
    (tmp_path / "rules" / "five").rmdir()
    WAYS["refused"](tmp_path / "rules" / "three")

    def deletions() -> int:
        compilation = Repository(tmp_path).compile(OFFLINE)
        policy = Policy(base=base, prune=True, withheld=compilation.withheld, unread=compilation.unread)
        return make_plan("here", [(state_of(compilation), existing, policy)]).count(Action.DELETE)

    assert deletions() == 2
    WAYS["unreadable"](tmp_path / "rules" / "four")
    assert deletions() == 0


def test_what_stood_of_hunts_that_cannot_be_told_apart_stays(tmp_path):
    write_good(tmp_path, HUNTS)
    existing = pushed(Repository(tmp_path).compile(OFFLINE))
    base = {live.object.at: live.object for live in existing.marked}
    for name in ("three", "four"):
        file = tmp_path / "rules" / name / "hunt.toml"
        text = re.sub(
            r'^uuid = ".*"$',
            'uuid = "00000000-0000-4000-8000-00000000000f"',
            file.read_text("utf-8"),
            flags=re.MULTILINE,
        )
        file.write_text(text, "utf-8")
    compilation = Repository(tmp_path).compile(OFFLINE)
    policy = Policy(base=base, prune=True, withheld=compilation.withheld, unread=compilation.unread)
    plan = make_plan("here", [(state_of(compilation), existing, policy)])
    assert not plan.changes
    assert [issue.code for issue in plan.issues if "told from another (four, three)" in issue.message]
