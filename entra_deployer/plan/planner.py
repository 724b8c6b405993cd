"""Desired against existing against base: what a push has to do. Pure: the same input gives the same plan.

Three states meet here. *Desired* is what the repository compiles to, *existing* what the server has now, *base* what
the last push left there. A field that the live stack owns keeps its live value in what is sent; the plan tells so.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.rule_fields import KEPT_ALWAYS, RULE_FIELDS, Owner, has_witness, is_default, with_witness
from entra_deployer.objects.state import Kind, LiveObject, State, StateObject
from entra_deployer.plan.plan import Action, Change, FieldDiff, FieldKept, Plan


@dataclass(frozen=True)
class Existing:
    """What stands in a space, as far as a plan needs it.

    `marked` are the objects that bear our mark, `same_key` those with a desired key, `same_name` the rules with a
    desired name; an object may stand in several.
    """

    marked: tuple[LiveObject, ...] = ()
    same_key: tuple[LiveObject, ...] = ()
    same_name: tuple[LiveObject, ...] = ()


@dataclass(frozen=True)
class Policy:
    """What the user allows and who owns what.

    `owners` maps a rule's field to its owner, over the default of `RULE_FIELDS`; `rule_owners` the same by rule_id.
    `base` holds what the last push left, by (kind, key); a key in it is known to be ours even without its mark.
    `whole` says that what is desired is all that the repository holds: only then is what else stands left over.
    """

    version: StackVersion
    adopt: bool = False
    prune: bool = False
    whole: bool = True
    prune_count: int = 10
    prune_percent: float = 30.0
    owners: Mapping[str, str] = field(default_factory=dict)
    rule_owners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base: Mapping[tuple[Kind, str], StateObject] = field(default_factory=dict)


def make_plan(environment: str, spaces: Sequence[tuple[State, Existing, Policy]], issues: Iterable[Issue] = ()) -> Plan:
    """The plan for all spaces of an environment. `issues` of level error in it block, as do the planner's own."""
    changes: list[Change] = []
    found: list[Issue] = list(issues)
    unchanged = 0
    for desired, existing, policy in spaces:
        space = _SpacePlanner(desired, existing, policy)
        some = space.changes()
        changes += some
        found += space.issues
        unchanged += len(desired.objects) - sum(change.desired is not None for change in some)
    plan = Plan(environment, tuple(sorted(changes, key=_order_of_work)), unchanged)
    return with_issues(plan, found)


def with_issues(plan: Plan, issues: Iterable[Issue]) -> Plan:
    """The same plan with further issues, each once and sorted; those of level error block it."""
    told = tuple(sorted({*plan.issues, *issues}, key=lambda issue: issue.order))
    return replace(plan, issues=told, blockers=tuple(issue for issue in told if issue.level is Level.ERROR))


def _order_of_work(change: Change) -> tuple[bool, str, int, str]:
    """Writes in the order in which objects refer to one another; deletions come last."""
    return (change.action is Action.DELETE, *change.order)


def settled(desired: State, existing: Existing, policy: Policy) -> list[StateObject]:
    """The objects that stand as desired and that the base knows otherwise, or not: what to take into the base.

    Somebody brought both sides to the same: a pull, or the same edit by hand here and there. Only for a space whose
    plan has no blocker.
    """
    planned = {(change.kind, change.key) for change in _SpacePlanner(desired, existing, policy).changes()}
    live = {(one.object.kind, one.object.key): one.object for one in existing.same_key}
    found: list[StateObject] = []
    for one in desired.objects:
        key = (one.kind, one.key)
        if key in planned or key not in live:
            continue
        left = one if one.kind is not Kind.RULE else _without_extra_tags(live[key], one)
        base = policy.base.get(key)
        diffs = rule_diffs if one.kind is Kind.RULE else saved_object_diffs
        if base is None or diffs(base, left):
            found.append(left)
    return found


def _without_extra_tags(live: StateObject, desired: StateObject) -> StateObject:
    ours = [tag for tag in live.payload.get("tags", ()) if tag in desired.payload.get("tags", ())]
    return replace(live, payload={**live.payload, "tags": ours})


class _SpacePlanner:
    """One space; `issues` fill up as `changes` are found."""

    def __init__(self, desired: State, existing: Existing, policy: Policy) -> None:
        self._desired = desired
        self._policy = policy
        self._existing = existing
        self._live: dict[tuple[Kind, str], dict[str, LiveObject]] = defaultdict(dict)
        for live in chain(existing.marked, existing.same_key):
            self._live[live.object.kind, live.object.key][live.object_id] = live
        self._marked = {(live.object.kind, live.object_id) for live in existing.marked}
        self.issues: list[Issue] = []

    def changes(self) -> list[Change]:
        """Creations and updates in the objects' order, then deletions."""
        written = [change for desired in self._desired.objects if (change := self._write(desired))]
        replaced = self._replaced(written)
        return written + replaced + self._deletions({(change.kind, change.key) for change in replaced})

    def _write(self, desired: StateObject) -> Change | None:
        copies = list(self._live.get((desired.kind, desired.key), {}).values())
        self._check_name(desired)
        if not copies:
            return self._change(Action.CREATE, desired, desired, None)
        if len(copies) > 1:
            ids = ", ".join(sorted(live.object_id for live in copies))
            self._block(
                desired, f"there are {len(copies)} rules with the rule_id {desired.key} ({ids})", "delete all but one"
            )
            return None
        live = copies[0]
        if not self._may_touch(live, desired):
            return None
        return self._update(desired, live)

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
        return (
            one.kind is Kind.TAG
            or (one.kind, live.object_id) in self._marked
            or (one.kind, one.key) in self._policy.base
        )

    def _check_name(self, desired: StateObject) -> None:
        if desired.kind is not Kind.RULE:
            return
        for live in self._existing.same_name:
            if live.object.name == desired.name and live.object.key != desired.key and not self._is_ours(live):
                whose = "one of Elastic's" if live.immutable else "somebody else's"
                message = f"a rule of this name is there already, {whose} (rule_id {live.object.key})"
                level = Level.WARNING if self._policy.adopt else Level.ERROR
                self.issues.append(
                    Issue(
                        "DEP301",
                        level,
                        message,
                        desired.name,
                        hint="rename one of the two; `--adopt` sets ours beside it",
                    )
                )

    def _update(self, desired: StateObject, live: LiveObject) -> Change | None:
        if desired.kind is Kind.RULE:
            final, kept = self._with_live_fields(desired, live)
            diffs = rule_diffs(live.object, final)
        else:
            final, kept = _with_live_attributes(desired, live), ()
            diffs = saved_object_diffs(live.object, final)
        if not diffs:
            return None
        diffs = tuple(replace(diff, edited=self._edited(desired, diff)) for diff in diffs)
        return replace(self._change(Action.UPDATE, desired, final, live), diffs=diffs, kept=kept)

    def _edited(self, desired: StateObject, diff: FieldDiff) -> bool:
        base = self._policy.base.get((desired.kind, desired.key))
        if base is None:
            return False
        if desired.kind is Kind.RULE:
            return not same_value(diff.path, base.payload.get(diff.path), diff.existing)
        return canonical(dotted(base.payload).get(diff.path)) != canonical(diff.existing)

    def _with_live_fields(self, desired: StateObject, live: LiveObject) -> tuple[StateObject, tuple[FieldKept, ...]]:
        """What is sent: ours, but for the fields that the live stack owns and those that we know nothing of."""
        payload = dict(desired.payload)
        kept: list[FieldKept] = []
        for name, value in sorted(live.object.payload.items()):
            if name in KEPT_ALWAYS or name not in RULE_FIELDS:
                payload.setdefault(name, value)
            elif self._owner(desired, name) is Owner.LIVE and not same_value(name, value, payload.get(name)):
                payload[name] = value
                kept.append(FieldKept(name, value, "owned by the live stack"))
        for name in [name for name in payload if name not in live.object.payload]:
            if self._owner(desired, name) is Owner.LIVE and not is_default(name, payload[name]):
                kept.append(FieldKept(name, None, "owned by the live stack"))
                del payload[name]
        payload["tags"], extra = self._tags(desired, live)
        if extra:
            kept.append(FieldKept("tags", extra, "an analyst's own"))
        final = with_witness(payload) if has_witness(desired.payload) else payload
        return replace(desired, payload=final), tuple(kept)

    def _owner(self, desired: StateObject, name: str) -> Owner:
        for owners in (self._policy.rule_owners.get(desired.key, {}), self._policy.owners):
            if name in owners:
                return Owner(owners[name])
        known = RULE_FIELDS.get(name)
        return known.owner if known else Owner.LIVE

    def _tags(self, desired: StateObject, live: LiveObject) -> tuple[list[str], list[str]]:
        """Our tags and, behind them, those that an analyst added; in the live order where nothing else differs."""
        ours = list(desired.payload.get("tags", ()))
        standing = list(live.object.payload.get("tags", ()))
        base = self._policy.base.get((Kind.RULE, desired.key))
        pushed = set(base.payload.get("tags", ())) if base else set()
        extra = [tag for tag in standing if tag not in ours and tag not in pushed]
        final = ours + extra
        return (standing if sorted(final) == sorted(standing) else final), extra

    def _left(self) -> list[LiveObject]:
        """What bears our mark and is desired no more."""
        desired = {(one.kind, one.key) for one in self._desired.objects}
        left = [live for live in self._existing.marked if (live.object.kind, live.object.key) not in desired]
        return [live for live in left if not live.immutable and live.object.kind is not Kind.TAG]

    def _replaced(self, written: Sequence[Change]) -> list[Change]:
        """The old ones of rules and searches that the last push left here and that get another id now.

        Kibana knows an object by its id: two of one name would both do the work. A copy made in Kibana, which no push
        left here, is not meant.
        """
        created = {(change.kind, change.name) for change in written if change.action is Action.CREATE}
        old = [
            live
            for live in self._left()
            if (live.object.kind, live.object.name) in created
            and (live.object.kind, live.object.key) in self._policy.base
        ]
        for live in old:
            if live.object.kind is Kind.RULE:
                message = f"the rule_id {live.object.key} becomes another one: the rule is deleted and made anew"
                hint = "the new rule knows none of the alerts of the old one; rule_id in rule.yaml keeps the old id"
                self.issues.append(Issue("DEP312", Level.WARNING, message, live.object.name, hint=hint))
        return [self._change(Action.DELETE, live.object, None, live) for live in old]

    def _deletions(self, replaced: Set[tuple[Kind, str]]) -> list[Change]:
        if not self._policy.whole:
            return []
        left = [live for live in self._left() if (live.object.kind, live.object.key) not in replaced]
        if not left or not self._policy.prune:
            self.issues += (
                Issue(
                    "DEP310",
                    Level.NOTE,
                    "left the repository but stands in Kibana",
                    live.object.name,
                    hint="`--prune` removes it",
                )
                for live in left
            )
            return []
        if self._too_many(left):
            return []
        return [self._change(Action.DELETE, live.object, None, live) for live in left]

    def _too_many(self, left: Sequence[LiveObject]) -> bool:
        subject = f"space {self._desired.space}"
        rules = [live for live in left if live.object.kind is Kind.RULE]
        owned = sum(live.object.kind is Kind.RULE for live in self._existing.marked)
        percent = 100 * len(rules) / owned if owned else 0.0
        if not any(one.kind is Kind.RULE for one in self._desired.objects):
            message = "nothing is desired here: a prune would remove every rule of ours"
        elif len(rules) > self._policy.prune_count:
            allowed = f"{self._policy.prune_count} of limits.prune_count"
            message = f"a prune would remove {len(rules)} rules, more than the {allowed}"
        elif len(rules) > 1 and percent > self._policy.prune_percent:
            allowed = f"{self._policy.prune_percent:g} % of limits.prune_percent"
            message = f"a prune would remove {len(rules)} of {owned} rules ({percent:.0f} %), more than the {allowed}"
        else:
            return False
        self.issues.append(
            Issue(
                "DEP311",
                Level.ERROR,
                message,
                subject,
                hint="if that is meant, raise the limit in the environment's file",
            )
        )
        return True

    def _change(
        self, action: Action, one: StateObject, desired: StateObject | None, existing: LiveObject | None
    ) -> Change:
        return Change(action, self._desired.space, one.kind, one.key, one.name, desired, existing)

    def _block(self, desired: StateObject, message: str, hint: str) -> None:
        self.issues.append(Issue("DEP300", Level.ERROR, message, desired.name, hint=hint))


def rule_diffs(existing: StateObject, desired: StateObject) -> tuple[FieldDiff, ...]:
    """The fields in which two rules differ, but for those that the server keeps for itself."""
    names = sorted((existing.payload.keys() | desired.payload.keys()) - KEPT_ALWAYS)
    return tuple(
        FieldDiff(name, existing.payload.get(name), desired.payload.get(name))
        for name in names
        if not same_value(name, existing.payload.get(name), desired.payload.get(name))
    )


def saved_object_diffs(existing: StateObject, desired: StateObject) -> tuple[FieldDiff, ...]:
    """The attributes (and references) in which two saved objects differ; what we do not set is not ours to compare."""
    before, after = dotted(existing.payload), dotted(desired.payload)
    return tuple(
        FieldDiff(name, before.get(name), value)
        for name, value in sorted(after.items())
        if canonical(before.get(name)) != canonical(value)
    )


def dotted(payload: Mapping[str, Json]) -> dict[str, Json]:
    """A saved object's attributes and, beside them, its references in a fixed order."""
    return {**payload["attributes"], "references": sorted(payload.get("references", ()), key=canonical)}


def _with_live_attributes(desired: StateObject, live: LiveObject) -> StateObject:
    """Ours over what stands: an attribute that we say nothing of keeps its value."""
    attributes = {**live.object.payload["attributes"], **desired.payload["attributes"]}
    ours = list(desired.payload.get("references", ()))
    known = {canonical(one) for one in ours}
    extra = [one for one in live.object.payload.get("references", ()) if canonical(one) not in known]
    references = sorted([*ours, *(one for one in extra if one["type"] == "tag")], key=canonical)
    return replace(desired, payload={"attributes": attributes, "references": references})


def same_value(name: str, one: Json, other: Json) -> bool:
    """Whether two values of a rule's field say the same: a default is as good as none."""
    if is_default(name, one) and is_default(name, other):
        return True
    return canonical(_comparable(name, one)) == canonical(_comparable(name, other))


def _comparable(name: str, value: Json) -> Json:
    """Actions get an id of their own from the server; without it they are what was sent."""
    if name == "actions" and isinstance(value, list):
        return [{key: inner for key, inner in action.items() if key != "uuid"} for action in value]
    return value


def _a(one: StateObject) -> str:
    return f"a {one.kind.value.replace('_', ' ')}"
