"""Applying a plan to handlers that stand in for a Kibana: reading back decides."""

import threading
from dataclasses import dataclass, field, replace

import pytest

from entra_deployer.core.errors import AnswerLost, LockLost, Refused, Unreachable
from entra_deployer.objects.state import RULE, SAVED_SEARCH
from entra_deployer.plan.apply import apply, moved
from entra_deployer.plan.journal import Unlocked
from entra_deployer.plan.plan import Action, Outcome
from entra_deployer.plan.planner import Existing, Policy, make_plan
from entra_deployer.stack.environment import Limits
from tests.builders import live, rule, search, state

LIMITS = Limits(parallel=2, batch=2)


def shelves(shelf):
    """The handlers of a plan of rules in one space."""
    return {("default", RULE): shelf}


@dataclass
class Shelf:
    """A handler that keeps objects; `fails` maps a key to what happens when it is written."""

    objects: dict = field(default_factory=dict)
    fails: dict = field(default_factory=dict)
    writes: list = field(default_factory=list)
    copies: int = 1
    deletes_at_once: int = 10

    def by_key(self, keys):
        return [
            live(self.objects[k], f"id-{k}", str(n))
            for k in sorted(keys)
            if k in self.objects
            for n in range(self.copies)
        ]

    def read(self, object_id):
        key = object_id.removeprefix("id-")
        return live(self.objects[key]) if key in self.objects else None

    def create(self, objects):
        self.writes.append(("create", [one.key for one in objects]))
        errors = {}
        for one in objects:
            error = self.fails.get(one.key)
            if isinstance(error, Exception):
                raise error
            if error:
                errors[one.key] = error
            else:
                self.objects[one.key] = one
        return errors

    def update(self, before, desired, paths):
        self.writes.append(("update", desired.key, sorted(paths)))
        error = self.fails.get(desired.key)
        fields = {path: desired.payload.get(path) for path in paths}
        if error is None or isinstance(error, AnswerLost):
            self.objects[desired.key] = replace(before.object, payload={**before.object.payload, **fields})
        if error:
            raise error

    def delete(self, standing):
        self.writes.append(("delete", [one.object.key for one in standing]))
        for one in standing:
            if error := self.fails.get(one.object.key):
                raise error
            del self.objects[one.object.key]


def planned(desired, standing=(), **policy):
    marked = tuple(live(one) for one in standing)
    policy = {"base": {one.at: one for one in standing}, **policy}
    return make_plan("t", [(state(*desired), Existing(marked, marked), Policy(**policy))])


def run(plan, rules, searches=None, lock=None, progress=lambda _done, _total: None, limits=LIMITS):  # noqa: PLR0917
    handlers = {("default", RULE): rules, ("default", SAVED_SEARCH): searches or Shelf()}
    return apply(plan, handlers, limits, lock or Unlocked(), progress)


def outcomes(results):
    return {result.change.key: (result.outcome, result.error) for result in results}


def test_new_rules_go_in_batches():
    rules = Shelf()
    results = run(planned([rule(f"r{n}", f"R{n}") for n in range(5)]), rules)
    assert {result.outcome for result in results} == {Outcome.APPLIED}
    assert [keys for _, keys in rules.writes] == [["r0", "r1"], ["r2", "r3"], ["r4"]]


def test_how_far_it_is_grows_until_every_change_is_through():
    standing = [rule(f"r{n}", f"R{n}", severity="low") for n in range(5)]
    wanted = [*(rule(f"r{n}", f"R{n}", severity="high") for n in range(3)), *(rule(f"n{n}", f"N{n}") for n in range(4))]
    told, plan = [], planned(wanted, standing, prune=True, prune_percent=100.0)
    run(
        plan,
        Shelf({one.key: one for one in standing}, fails={"r1": Refused("no", status=400)}),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(set(told))
    assert told[-1] == (9, 9) == (len(plan.changes),) * 2
    assert len(told) > 3


def test_a_refused_object_does_not_stop_the_others():
    rules = Shelf(fails={"r1": "bad rule"})
    results = run(planned([rule("r0", "R0"), rule("r1", "R1"), rule("r2", "R2")]), rules)
    assert outcomes(results) == {
        "r0": (Outcome.APPLIED, ""),
        "r1": (Outcome.FAILED, "bad rule"),
        "r2": (Outcome.APPLIED, ""),
    }


def test_success_that_is_not_there_is_a_failure():
    class Liar(Shelf):
        def create(self, objects):
            return {}

    results = run(planned([rule()]), Liar())
    assert outcomes(results)["r1"] == (Outcome.FAILED, "it is not there after the write")


def test_a_lost_answer_is_cleared_by_reading():
    standing = rule(severity="low")
    rules = Shelf({"r1": standing}, fails={"r1": AnswerLost("cut")})
    results = run(planned([rule(severity="high")], [standing]), rules)
    assert outcomes(results)["r1"] == (Outcome.APPLIED, "")
    assert rules.writes == [("update", "r1", ["severity"])]


def test_a_field_that_kibana_dropped_is_named():
    class Forgetful(Shelf):
        def update(self, before, desired, paths):
            self.objects[desired.key] = rule(severity="high")

    standing = rule(severity="low")
    results = run(planned([rule(severity="high", note="n")], [standing]), Forgetful({"r1": standing}))
    assert outcomes(results)["r1"][0] is Outcome.FAILED
    assert "note" in outcomes(results)["r1"][1]


def test_equal_creates_of_somebody_else_are_noticed():
    results = run(planned([rule()]), Shelf(copies=3))
    assert "3 of it" in outcomes(results)["r1"][1]


def test_a_server_gone_silent_stops_the_rest():
    class Silent(Shelf):
        def by_key(self, keys):
            raise Unreachable("no answer")

    rules = Shelf()
    results = run(planned([search(), rule()]), rules, Silent(), limits=replace(LIMITS, parallel=1))
    assert outcomes(results) == {"s1": (Outcome.FAILED, "no answer"), "r1": (Outcome.SKIPPED, "no answer")}
    assert rules.writes == []


def test_what_is_new_or_changed_is_written_side_by_side_and_deletions_wait_for_it():
    together = threading.Barrier(2, timeout=10)

    class Waiting(Shelf):
        def create(self, objects):
            together.wait()
            return super().create(objects)

        def update(self, before, desired, paths):
            together.wait()
            super().update(before, desired, paths)

    old, gone = rule("r1", severity="low"), rule("gone", "Gone")
    rules, searches = Waiting({"r1": old, "gone": gone}), Waiting()
    plan = planned([search(), rule("r1", severity="high")], [old, gone], prune=True)
    results = run(plan, rules, searches)
    assert {outcome for outcome, _ in outcomes(results).values()} == {Outcome.APPLIED}
    assert [write[0] for write in rules.writes] == ["update", "delete"]


def test_a_server_that_falls_silent_is_asked_for_no_deletion():
    class Silent(Shelf):
        def by_key(self, keys):
            raise Unreachable("no answer")

    gone = rule("gone", "Gone")
    rules = Shelf({"gone": gone})
    results = run(planned([search(), rule("r2", "Other")], [gone], prune=True), rules, Silent())
    assert outcomes(results)["gone"] == (Outcome.SKIPPED, "no answer")
    assert "gone" in rules.objects


def test_deletions_come_last_and_are_checked():
    gone, stays = rule("gone", "Gone"), rule("stays", "Stays")
    rules = Shelf({"gone": gone, "stays": stays})
    plan = planned([stays, rule("new", "New")], [gone, stays], prune=True)
    assert [change.action for change in plan.changes] == [Action.CREATE, Action.DELETE]
    assert outcomes(run(plan, rules))["gone"] == (Outcome.APPLIED, "")
    assert [write[0] for write in rules.writes] == ["create", "delete"]


def test_a_deletion_that_was_refused_fails():
    gone, stays = rule("gone", "Gone"), rule("stays", "Stays")
    rules = Shelf({"gone": gone, "stays": stays}, fails={"gone": Refused("not yours", status=403)})
    results = run(planned([stays], [gone, stays], prune=True), rules)
    assert outcomes(results)["gone"] == (Outcome.FAILED, "not yours")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_comes_through(interrupt):
    class Interrupted(Shelf):
        def update(self, before, desired, paths):
            raise interrupt

    standing = rule(severity="low")
    with pytest.raises(interrupt):
        run(planned([rule(severity="high")], [standing]), Interrupted({"r1": standing}))


def test_what_moved_since_the_plan_is_found():
    plan = planned([rule(severity="high"), rule("new", "New")], [rule(severity="low")])

    def found(**objects):
        return {change.key: why for change, why in moved(plan, shelves(Shelf(objects)))}

    assert found(r1=rule(severity="low")) == {}
    assert found(r1=rule(severity="low", note="an analyst's, and no field of the plan's")) == {}
    assert found(r1=rule(severity="high")) == {}, "somebody brought it there already"
    assert found(r1=rule(severity="critical")) == {"r1": "somebody changed severity meanwhile"}
    assert found() == {"r1": "it was deleted in Kibana meanwhile"}
    assert found(r1=rule(severity="low"), new=rule("new", "New")) == {"new": "somebody made it meanwhile"}


def test_a_field_that_an_analyst_changes_while_the_push_runs_is_left_alone():
    plan = planned([rule(severity="high", note="new")], [rule(severity="low")])
    rules = Shelf({"r1": rule(severity="critical")})
    assert outcomes(run(plan, rules))["r1"] == (
        Outcome.FAILED,
        "left alone: somebody changed severity while the push ran; push again",
    )
    assert rules.writes == []


def test_only_fields_that_differ_are_sent_and_another_edit_stays():
    plan = planned([rule(severity="high")], [rule(severity="low")])
    rules = Shelf({"r1": rule(severity="low", enabled=False, note="mine")})
    run(plan, rules)
    assert rules.writes == [("update", "r1", ["severity"])]
    assert rules.objects["r1"].payload["note"] == "mine"
    assert rules.objects["r1"].payload["enabled"] is False


def test_what_somebody_edited_before_its_removal_stays():
    gone = rule("gone", "Gone")
    plan = planned([rule()], [rule(), gone], prune=True, base={(RULE, "gone"): gone})
    rules = Shelf({"r1": rule(), "gone": rule("gone", "Gone", severity="critical")})
    assert outcomes(run(plan, rules))["gone"][0] is Outcome.FAILED
    assert rules.writes == []


def test_without_a_lock_that_is_surely_ours_nothing_is_written():
    class Lost:
        owner = "me"
        confirmed = 1

        def confirm(self):
            self.confirmed -= 1
            if self.confirmed < 0:
                raise LockLost("somebody has it now")

    standing = [rule("a", "A", severity="low"), rule("b", "B", severity="low")]
    plan = planned([rule("a", "A", severity="high"), rule("b", "B", severity="high"), rule("c", "C")], standing)
    rules = Shelf({one.key: one for one in standing})
    results = run(plan, rules, lock=Lost())
    assert len(rules.writes) == 1
    told = [result.error for result in results if result.outcome is not Outcome.APPLIED]
    assert len(told) == 2
    assert all("somebody has it now" in error for error in told)
