"""Desired against existing against base: what a push has to do. Pure: the same input gives the same plan.

Three states meet here. *Desired* is what the repository compiles to, *existing* what the server has now, *base* what
the last push left there. A field that the live stack owns keeps its live value; a field that somebody edited in Kibana
since the last push is a conflict, which blocks until a pull takes it over or the user says to overwrite it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import chain

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, as_list, as_texts, shown
from entra_deployer.objects import KINDS, order_of
from entra_deployer.objects.state import FieldDiff, FieldKept, Key, LiveObject, State, StateObject
from entra_deployer.objects.tag import OWNER_TAG
from entra_deployer.plan.plan import Action, Change, Plan

NOT_OURS = "DEP300"
NAME_TAKEN = "DEP301"
DOUBLED = "DEP302"
LEFT_OVER = "DEP310"
TOO_MANY = "DEP311"
NEW_ID = "DEP312"
EDITED = "DEP313"
NOT_DELETED = "DEP314"
UNKNOWN_COPY = "DEP315"
_SHOWN = 60


@dataclass(frozen=True)
class Existing:
    """What stands in a space, as far as a plan needs it.

    `marked` are the objects that bear our mark, `same_key` those with a desired key, `same_name` those with a desired
    name; an object may stand in several.
    """

    marked: tuple[LiveObject, ...] = ()
    same_key: tuple[LiveObject, ...] = ()
    same_name: tuple[LiveObject, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What the user allows and who owns what.

    `owners` maps a rule's field to its owner, over the kind's own defaults; `rule_owners` the same by rule_id. `base`
    holds what the last push left; a key in it is known to be ours even without its mark. `whole` says that what is
    desired is all that the repository holds: only then is what else stands left over. `overwrite` takes edits that were
    made in Kibana back. `withheld` names by key what this run leaves alone, with the reason: it is neither desired nor
    left over. `unread` are hunts of which not even the keys are known: while there is one, nothing is deleted. `begun`
    holds what pushes that were cut off were about to make: what of it stands is theirs.
    """

    adopt: bool = False
    prune: bool = False
    whole: bool = True
    overwrite: bool = False
    prune_count: int = 10
    prune_percent: float = 30.0
    owners: Mapping[str, str] = field(default_factory=dict)
    rule_owners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base: Mapping[Key, StateObject] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    begun: Mapping[Key, StateObject] = field(default_factory=dict)

    def left(self, at: Key) -> StateObject | None:
        """What a push left of an object, one that was cut off among them; None where none is known to."""
        return self.base.get(at) or self.begun.get(at)

    def owner(self, key: str, name: str) -> str:
        """Who owns a field of one object: "git", "live", or "" where nobody says so."""
        return self.rule_owners.get(key, {}).get(name) or self.owners.get(name, "")


class Side(StrEnum):
    """Which side made a field of a standing object differ from what is desired."""

    OURS = "ours"
    """The repository alone: the field is as the last push left it."""
    THEIRS = "theirs"
    BOTH = "both"
    UNKNOWN = "unknown"
    """Nothing tells what the last push left."""

    @property
    def was_edited(self) -> bool:
        """Whether somebody changed it in Kibana."""
        return self in (Side.THEIRS, Side.BOTH)


def without_kept(diff: FieldDiff, kept: Iterable[FieldKept]) -> FieldDiff:
    """A diff of a list without those members that are an analyst's own, and stay."""
    theirs = [item for one in kept if one.path == diff.path for item in as_list(one.existing)]
    if not theirs:
        return diff
    existing, desired = (
        [item for item in side if item not in theirs] for side in map(as_list, (diff.existing, diff.desired))
    )
    return replace(diff, existing=existing, desired=desired)


def side_of(diff: FieldDiff, live: StateObject, base: StateObject | None) -> Side:
    """Which side changed one field, by what the last push left and by the witness that the object itself bears.

    Where the witness is right nobody edited the field, whatever the base says, which may be of an older push. `diff` is
    without what is kept.
    """
    kind = KINDS[live.kind]
    if kind.is_as_pushed(live, diff.path):
        return Side.OURS
    if base is None:
        return Side.UNKNOWN
    was = kind.fields(base.payload).get(diff.path)
    if kind.same(diff.path, was, diff.existing):
        return Side.OURS
    return Side.THEIRS if kind.same(diff.path, was, diff.desired) else Side.BOTH


def make_plan(environment: str, spaces: Sequence[tuple[State, Existing, Policy]], issues: Iterable[Issue] = ()) -> Plan:
    """The plan for all spaces of an environment. `issues` of level error in it block, as do the planner's own."""
    changes: list[Change] = []
    found: list[Issue] = list(issues)
    settled: list[tuple[str, StateObject]] = []
    unchanged = 0
    for desired, existing, policy in spaces:
        space = _SpacePlanner(desired, existing, policy, environment)
        some = space.changes()
        changes += some
        found += space.issues
        settled += ((desired.space, one) for one in space.settled)
        unchanged += len(desired.objects) - sum(change.desired is not None for change in some)
    ordered = tuple(sorted(changes, key=order_of_work))
    return Plan(environment, ordered, unchanged, settled=tuple(settled)).with_issues(found)


def order_of_work(change: Change) -> tuple[bool, str, int, str, str]:
    """Writes in the order in which objects refer to one another; deletions come last."""
    return (change.action is Action.DELETE, *change.order)


class _SpacePlanner:
    """One space; `issues` and `settled` fill up as `changes` are found."""

    def __init__(self, desired: State, existing: Existing, policy: Policy, environment: str) -> None:
        self._desired = desired
        self._policy = policy
        self._existing = existing
        self._environment = environment
        self._live: dict[Key, dict[str, LiveObject]] = defaultdict(dict)
        for live in chain(existing.marked, existing.same_key):
            self._live[live.object.at][live.object_id] = live
        self._named: dict[str, list[LiveObject]] = defaultdict(list)
        for live in existing.same_name:
            self._named[live.object.name].append(live)
        self._marked = {(live.object.kind, live.object_id) for live in existing.marked}
        self.issues: list[Issue] = []
        self.settled: list[StateObject] = []

    def changes(self) -> list[Change]:
        """Creations and updates in the objects' order, then deletions."""
        wanted = [one for one in self._desired.objects if one.key not in self._policy.withheld]
        written = [change for desired in wanted for change in self._write(desired)]
        replaced = self._replaced(written)
        return written + replaced + self._deletions({change.at for change in replaced})

    # -- what is written ----------------------------------------------------------------------------------------------

    def _write(self, desired: StateObject) -> Iterator[Change]:
        copies = sorted(self._live.get(desired.at, {}).values(), key=lambda live: (live.created_at, live.object_id))
        self._check_name(desired)
        if not copies:
            yield self._change(Action.CREATE, desired, desired, None)
            return
        if not all(self._may_touch(live, desired) for live in copies):
            return
        oldest, *twins = copies
        if any(KINDS[desired.kind].difference(oldest.object, twin.object) for twin in twins):
            self._tell_doubled(desired, copies)
            return
        for twin in twins:
            yield replace(self._change(Action.DELETE, desired, None, twin), doubled=True)
        if (change := self._update(desired, oldest)) is not None:
            yield change

    def _tell_doubled(self, desired: StateObject, copies: Sequence[LiveObject]) -> None:
        told = "; ".join(f"{live.object_id} of {live.created_at[:19] or 'unknown time'}{_by(live)}" for live in copies)
        words = KINDS[desired.kind].words
        message = f"there are {len(copies)} {words}s with the key {desired.key}, and they differ: {told}"
        hint = "delete all but one in Kibana; equal ones are settled by a push"
        self.issues.append(Issue(DOUBLED, Level.ERROR, message, desired.name, hint=hint))

    def _may_touch(self, live: LiveObject, desired: StateObject) -> bool:
        if live.immutable:
            self._block(
                desired, f"{_a(desired)} with the id {desired.key} is Elastic's own", "give the hunt another uuid"
            )
            return False
        if self._is_ours(live) or self._policy.adopt:
            return True
        message = f"{_a(desired)} with the id {desired.key} is there already and bears no mark of ours"
        self._block(desired, message, "`--adopt` takes it over")
        return False

    def _is_ours(self, live: LiveObject) -> bool:
        one = live.object
        return KINDS[one.kind].shared or (one.kind, live.object_id) in self._marked or one.at in self._policy.base

    def _check_name(self, desired: StateObject) -> None:
        if not KINDS[desired.kind].named_once:
            return
        for live in self._named[desired.name]:
            one = live.object
            if one.key != desired.key and not self._is_ours(live):
                whose = "one of Elastic's" if live.immutable else "somebody else's"
                message = f"a rule of this name is there already, {whose} (rule_id {one.key})"
                level = Level.WARNING if self._policy.adopt else Level.ERROR
                hint = "rename one of the two; `--adopt` sets ours beside it"
                self.issues.append(Issue(NAME_TAKEN, level, message, desired.name, hint=hint))

    def _update(self, desired: StateObject, live: LiveObject) -> Change | None:
        kind, base = KINDS[desired.kind], self._policy.base.get(desired.at)
        is_as_desired = not kind.difference(live.object, desired)
        if is_as_desired and base is not None and not kind.difference(base, desired):
            return None
        merged = kind.merge(desired, live.object, base, partial(self._policy.owner, desired.key))
        diffs = () if is_as_desired else kind.difference(live.object, merged.final)
        if not diffs:
            left = kind.ours(merged.final, merged.kept)
            if base is None or kind.difference(base, left):
                self.settled.append(left)
            return None
        diffs = tuple(
            replace(diff, edited=self._was_edited(without_kept(diff, merged.kept), live, base)) for diff in diffs
        )
        change = self._change(Action.UPDATE, desired, merged.final, live)
        change = replace(change, diffs=diffs, kept=merged.kept)
        self._tell_edits(change)
        return change

    def _was_edited(self, diff: FieldDiff, live: LiveObject, base: StateObject | None) -> bool:
        """An edit of somebody's that this plan would undo. What is only taken over was never ours to compare with."""
        if not self._is_ours(live) or KINDS[live.object.kind].shared:
            return False
        if diff.path == "tags" and {*as_texts(diff.desired)} - {*as_texts(diff.existing)} == {OWNER_TAG}:
            return False  # our own mark is no one's work
        side = side_of(diff, live.object, base)
        if side is not Side.UNKNOWN:
            return side.was_edited
        kind = KINDS[live.object.kind]  # a copy made in Kibana bears the witness of its original: nobody pushed it
        return kind.is_as_pushed(live.object, diff.path) is False and kind.was_pushed(live.object) is not False

    def _tell_edits(self, change: Change) -> None:
        if not change.overwritten or change.existing is None:
            return
        fields = "; ".join(
            f"{diff.path} is {_short(diff.existing)}, would be {_short(diff.desired)}" for diff in change.overwritten
        )
        who = f"{_by(change.existing)}{_when(change.existing)}"
        if self._policy.overwrite:
            message, level = f"an edit made in Kibana{who} is overwritten: {fields}", Level.WARNING
            hint = "the ledger keeps it: `deploy history` and `deploy rollback --before N`"
        else:
            message, level = f"edited in Kibana since the last push{who}: {fields}", Level.ERROR
            hint = (
                f"`deploy pull {self._environment}{self._theirs(change)}` takes into the repository what has a place "
                "there, `--overwrite` sets it back"
            )
        self.issues.append(Issue(EDITED, level, message, change.name, hint=hint))

    def _theirs(self, change: Change) -> str:
        """What a pull has to be told where the edit is not the only one, as far as is known."""
        base, live = self._policy.base.get(change.at), change.existing
        diffs = [without_kept(diff, change.kept) for diff in change.overwritten]
        sides = {side_of(diff, live.object, base) for diff in diffs} if live else set()
        return "" if sides == {Side.THEIRS} else " --theirs"

    # -- what is deleted ----------------------------------------------------------------------------------------------

    def _left(self) -> list[LiveObject]:
        """What bears our mark and is desired no more."""
        desired = {one.at for one in self._desired.objects}
        return [
            live
            for live in self._existing.marked
            if live.object.at not in desired
            and not live.immutable
            and not KINDS[live.object.kind].shared
            and live.object.key not in self._policy.withheld
        ]

    def _replaced(self, written: Sequence[Change]) -> list[Change]:
        """The old ones of rules and searches that the last push left here and that get another id now.

        Kibana knows an object by its id: two of one name would both do the work. A copy made in Kibana, which no push
        left here, is not meant.
        """
        created = {(change.kind, change.name) for change in written if change.action is Action.CREATE}
        old = [
            live
            for live in self._left()
            if (live.object.kind, live.object.name) in created and live.object.at in self._policy.base
        ]
        if self._forbids_deletions(old) or self._edited_before(old):
            return []
        for live in old:
            if KINDS[live.object.kind].named_once:
                message = f"the rule_id {live.object.key} becomes another one: the rule is deleted and made anew"
                hint = "the new rule knows none of the alerts of the old one; rule_id in rule.yaml keeps the old id"
                self.issues.append(Issue(NEW_ID, Level.WARNING, message, live.object.name, hint=hint))
        return [self._change(Action.DELETE, live.object, None, live) for live in old]

    def _deletions(self, replaced: Set[Key]) -> list[Change]:
        if not self._policy.whole:
            return []
        left = [live for live in self._left() if live.object.at not in replaced]
        pushed = [live for live in left if self._was_pushed(live)]
        self._tell_unknown([live for live in left if not self._was_pushed(live)])
        if not pushed or not self._policy.prune:
            self.issues += (_left_over(live) for live in pushed)
            return []
        if self._forbids_deletions(pushed) or self._too_many(pushed) or self._edited_before(pushed):
            return []
        return [self._change(Action.DELETE, live.object, None, live) for live in pushed]

    def _was_pushed(self, live: LiveObject) -> bool:
        """Whether the ledger, or a witness bound to its very id, shows that a push made it."""
        kind, one = KINDS[live.object.kind], live.object
        return bool(self._policy.left(one.at) or kind.was_pushed(one))

    def _tell_unknown(self, unknown: Sequence[LiveObject]) -> None:
        for live in unknown:
            message = "it bears our mark, but nothing shows that a push made it: it stays"
            hint = "a copy made in Kibana, or the ledger of its push is not here; delete it in Kibana"
            self.issues.append(Issue(UNKNOWN_COPY, Level.NOTE, message, live.object.name, hint=hint))

    def _forbids_deletions(self, left: Sequence[LiveObject]) -> bool:
        """While a hunt cannot be read, or told from another, what seems left over may be its own."""
        if not left or not self._policy.unread:
            return False
        names = ", ".join(sorted({live.object.name for live in left}))
        unread = ", ".join(self._policy.unread)
        message = f"nothing is deleted while a hunt cannot be read or told from another ({unread}): {names} stays"
        issue = Issue(NOT_DELETED, Level.WARNING, message, f"space {self._desired.space}", hint="mend the hunt")
        self.issues.append(issue)
        return True

    def _edited_before(self, left: Sequence[LiveObject]) -> bool:
        """Whether somebody edited what would go, as far as can be known: his work would go with it."""
        if self._policy.overwrite:
            return False
        edited = [live for live in left if self._has_edits(live)]
        for live in edited:
            message = f"edited in Kibana since the last push{_by(live)}{_when(live)}, and this push would remove it"
            hint = "keep it under another hunt by `deploy pull --new`, or `--overwrite` removes it"
            self.issues.append(Issue(EDITED, Level.ERROR, message, live.object.name, hint=hint))
        return bool(edited)

    def _has_edits(self, live: LiveObject) -> bool:
        kind, one = KINDS[live.object.kind], live.object
        if kind.is_as_pushed(one):
            return False
        known = [some[one.at] for some in (self._policy.base, self._policy.begun) if one.at in some]
        return all(self._differs(one, left) for left in known)

    def _differs(self, live: StateObject, left: StateObject) -> bool:
        """Whether an object is not as a push left it, but for what the live stack owns."""
        kind = KINDS[live.kind]
        final = kind.merge(left, live, left, partial(self._policy.owner, live.key)).final
        return any(diff.path != "tags" for diff in kind.difference(live, final))

    def _too_many(self, left: Sequence[LiveObject]) -> bool:
        """Whether a prune would remove more of one kind than the limits allow: rules, of which searches are a part."""
        subject = f"space {self._desired.space}"
        names = {name for name, kind in KINDS.items() if kind.named_once}
        rules = [live for live in left if live.object.kind in names]
        owned = sum(live.object.kind in names for live in self._existing.marked)
        percent = 100 * len(rules) / owned if owned else 0.0
        if not any(one.kind in names for one in self._desired.objects):
            message = "nothing is desired here: a prune would remove every rule of ours"
        elif len(rules) > self._policy.prune_count:
            allowed = f"{self._policy.prune_count} of limits.prune_count"
            message = f"a prune would remove {len(rules)} rules, more than the {allowed}"
        elif len(rules) > 1 and percent > self._policy.prune_percent:
            allowed = f"{self._policy.prune_percent:g} % of limits.prune_percent"
            message = f"a prune would remove {len(rules)} of {owned} rules ({percent:.0f} %), more than the {allowed}"
        else:
            return False
        hint = "if that is meant, raise the limit in the environment's file"
        self.issues.append(Issue(TOO_MANY, Level.ERROR, message, subject, hint=hint))
        return True

    def _change(
        self, action: Action, one: StateObject, desired: StateObject | None, existing: LiveObject | None
    ) -> Change:
        return Change(action, self._desired.space, one.kind, one.key, one.name, desired, existing)

    def _block(self, desired: StateObject, message: str, hint: str) -> None:
        self.issues.append(Issue(NOT_OURS, Level.ERROR, message, desired.name, hint=hint))


def in_order(objects: Iterable[StateObject]) -> tuple[StateObject, ...]:
    """Objects in the order of writing."""
    return tuple(sorted(objects, key=order_of))


def _left_over(live: LiveObject) -> Issue:
    message = "left the repository but stands in Kibana"
    return Issue(LEFT_OVER, Level.NOTE, message, live.object.name, hint="`--prune` removes it")


def _a(one: StateObject) -> str:
    return f"a {KINDS[one.kind].words}"


def _by(live: LiveObject) -> str:
    return f" by {live.updated_by}" if live.updated_by else ""


def _when(live: LiveObject) -> str:
    return f" at {live.updated_at[:19]}" if live.updated_at else ""


def _short(value: Json) -> str:
    """A value for one line, "not set" for none."""
    if value is None:
        return "not set"
    text = " ".join(shown(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
