"""Base against desired against live: what differs, and which side made it so. Pure.

What a push would do says *that* an object differs; the base, which the last push left, says whose doing it is. So does
the digest that a push leaves on each rule: where it is right, nobody changed the rule in Kibana, whatever the base
says, which may be of an older push or not readable at all. Fields that a push would keep never count.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.objects.rule_fields import is_as_pushed, is_witnessed
from entra_deployer.objects.state import Kind, LiveObject, State, StateObject
from entra_deployer.plan.difference import Difference, DriftKind, FieldDrift
from entra_deployer.plan.plan import Action, Change, FieldDiff
from entra_deployer.plan.planner import Existing, Policy, dotted, make_plan, same_value


@dataclass(frozen=True)
class Seen:
    """What was looked at in one space.

    `sources` maps a key to the hunt's file. `whole` is False where some of the repository was left out or could not
    be read: that something stands in Kibana alone means nothing then. `retyped` tells by rule_id and field which type
    a source's field had at the last push, and which one it has now ("" where it has none).
    """

    desired: State
    existing: Existing
    policy: Policy
    sources: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    retyped: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)


def find_differences(seen: Seen) -> list[Difference]:
    """All differences of one space, sorted. Without a base it is not said which side an object was changed on."""
    return sorted(_Comparison(seen).differences(), key=lambda difference: difference.order)


class _Comparison:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._base = seen.policy.base
        self._desired = {(one.kind, one.key): one for one in seen.desired.objects}
        self._marked = {(live.object.kind, live.object_id) for live in seen.existing.marked}
        self._live: dict[tuple[Kind, str], dict[str, LiveObject]] = defaultdict(dict)
        for live in chain(seen.existing.marked, seen.existing.same_key):
            self._live[live.object.kind, live.object.key][live.object_id] = live

    def differences(self) -> Iterator[Difference]:
        foreign = [*self._copies(), *self._namesakes()]
        yield from foreign
        strange = {(one.object_kind, one.key) for one in foreign}
        for change in self._changes():
            if (change.kind, change.key) not in strange:
                yield from self._of_change(change)
        yield from self._leftovers()
        for one in self._desired.values():
            live = self._only(one)
            if one.kind is Kind.RULE and live and (one.kind, one.key) not in strange:
                yield from self._of_running(one, live)

    def _changes(self) -> tuple[Change, ...]:
        """What a push would create or update, foreign objects of our ids included."""
        policy = replace(self._seen.policy, adopt=True, prune=False)
        return make_plan("", [(self._seen.desired, self._seen.existing, policy)]).changes

    def _only(self, one: StateObject) -> LiveObject | None:
        copies = list(self._live.get((one.kind, one.key), {}).values())
        return copies[0] if len(copies) == 1 else None

    # -- objects of somebody else ---------------------------------------------------------------------------------

    def _copies(self) -> Iterator[Difference]:
        """Objects under our own ids that are not ours: several for one rule_id, Elastic's, or without our mark."""
        for (kind, key), copies in self._live.items():
            one = self._desired.get((kind, key))
            if one is None or kind is Kind.TAG:
                continue
            live = list(copies.values())
            if len(live) > 1:
                ids = ", ".join(sorted(copies))
                yield self._about(one, DriftKind.FOREIGN_COPY, live[-1], f"{len(live)} rules have this rule_id: {ids}")
            elif live[0].immutable:
                yield self._about(one, DriftKind.FOREIGN_COPY, live[0], "Elastic's own object has this id")
            elif not self._is_ours(live[0]):
                message = "it has our id, bears no mark of ours and no push left it here"
                yield self._about(one, DriftKind.FOREIGN_COPY, live[0], message)

    def _namesakes(self) -> Iterator[Difference]:
        names = {one.name for one in self._seen.desired.objects if one.kind is Kind.RULE}
        for live in self._seen.existing.same_name:
            one = live.object
            if one.name in names and (one.kind, one.key) not in self._desired and not self._is_ours(live):
                whose = "Elastic's own" if live.immutable else "another"
                yield self._about(one, DriftKind.FOREIGN_COPY, live, f"{whose} rule of the same name")

    def _is_ours(self, live: LiveObject) -> bool:
        one = live.object
        return (one.kind, live.object_id) in self._marked or (one.kind, one.key) in self._base

    def _leftovers(self) -> Iterator[Difference]:
        """What bears our mark and is desired by nobody: it left the repository, or is a copy made in Kibana."""
        if not self._seen.whole:
            return
        for live in self._seen.existing.marked:
            one = live.object
            if one.kind is Kind.TAG or (one.kind, one.key) in self._desired:
                continue
            if (one.kind, one.key) in self._base or (one.kind is Kind.RULE and is_as_pushed(one.payload)):
                message = "it left the repository; `push --prune` removes it"
                yield self._about(one, DriftKind.NOT_PUSHED, live, message)
            elif self._base:
                message = "it bears our mark and was never pushed: a copy made in Kibana"
                yield self._about(one, DriftKind.FOREIGN_COPY, live, message)
            else:
                yield self._about(one, DriftKind.DIFFERENT, live, "it stands in Kibana and not in the repository")

    # -- objects that differ --------------------------------------------------------------------------------------

    def _of_change(self, change: Change) -> Iterator[Difference]:
        one = self._desired[change.kind, change.key]
        base = self._base.get((change.kind, change.key))
        if change.action is Action.CREATE:
            yield self._missing(one, was_pushed=base is not None)
            return
        by_kind: dict[DriftKind, list[FieldDrift]] = defaultdict(list)
        for diff in change.diffs:
            kind, drift = _sides(diff, change, base)
            by_kind[kind].append(drift)
        for kind, fields in by_kind.items():
            found = self._about(one, kind, None if kind is DriftKind.NOT_PUSHED else change.existing)
            yield replace(found, fields=tuple(fields))

    def _missing(self, one: StateObject, *, was_pushed: bool) -> Difference:
        if was_pushed:
            return self._about(one, DriftKind.DELETED_IN_KIBANA, None, "a push left it here and it is gone")
        if self._base:
            return self._about(one, DriftKind.NOT_PUSHED, None, "it is new in the repository")
        return self._about(one, DriftKind.DIFFERENT, None, "it stands in the repository and not in Kibana")

    # -- rules that stand and do not do their work ------------------------------------------------------------------

    def _of_running(self, one: StateObject, live: LiveObject) -> Iterator[Difference]:
        if (disabled := self._disabled(one, live)) is not None:
            yield disabled
        if (failing := self._failing(one, live)) is not None:
            yield failing
        if retyped := self._seen.retyped.get(one.key):
            fields = tuple(FieldDrift(name, was, was, now or None) for name, (was, now) in sorted(retyped.items()))
            message = "a field of its source has changed its type: look whether the query still finds what it should"
            yield replace(self._about(one, DriftKind.SOURCE_CHANGED, None, message), fields=fields)

    def _disabled(self, one: StateObject, live: LiveObject) -> Difference | None:
        """A rule that somebody switched off where the switch is Kibana's: told, but a push leaves it off."""
        pushed = self._base.get((one.kind, one.key), one).payload.get("enabled")
        if live.object.payload.get("enabled") or not pushed or self._switch_is_ours(one.key):
            return None
        message = "switched off in Kibana, which owns the switch: a push leaves it off"
        return replace(self._about(one, DriftKind.DISABLED, live, message), counts=False)

    def _switch_is_ours(self, key: str) -> bool:
        policy = self._seen.policy
        return {**policy.owners, **policy.rule_owners.get(key, {})}.get("enabled") == "git"

    def _failing(self, one: StateObject, live: LiveObject) -> Difference | None:
        run = live.execution or {}
        if not live.object.payload.get("enabled") or run.get("status") not in ("failed", "partial failure", "warning"):
            return None
        text = " ".join(str(run.get("message", "")).split())
        found = self._about(one, DriftKind.FAILING, None, text or f"its last run: {run['status']}")
        return replace(found, at=str(run.get("date", "")), counts=run["status"] == "failed")

    def _about(self, one: StateObject, kind: DriftKind, live: LiveObject | None, message: str = "") -> Difference:
        return Difference(
            kind=kind,
            space=self._seen.desired.space,
            object_kind=one.kind,
            key=one.key,
            name=one.name,
            source=self._seen.sources.get(one.key, ""),
            by=live.updated_by if live else "",
            at=live.updated_at if live else "",
            message=message,
        )


def _sides(diff: FieldDiff, change: Change, base: StateObject | None) -> tuple[DriftKind, FieldDrift]:
    """Which side changed one field of an object that stands."""
    desired, live = diff.desired, diff.existing
    standing = change.existing.object.payload if change.kind is Kind.RULE and change.existing else {}
    untouched = is_witnessed(diff.path) and is_as_pushed(standing)
    if change.kind is Kind.RULE and diff.path == "tags":
        theirs = {tag for kept in change.kept if kept.path == "tags" for tag in kept.existing}
        desired, live = ([tag for tag in tags or () if tag not in theirs] for tags in (desired, live))
    if untouched:
        return DriftKind.NOT_PUSHED, FieldDrift(diff.path, live, desired, live)
    if base is None:
        return DriftKind.DIFFERENT, FieldDrift(diff.path, None, desired, live)
    was = (base.payload if change.kind is Kind.RULE else dotted(base.payload)).get(diff.path)
    drift = FieldDrift(diff.path, was, desired, live)
    if _same(change.kind, diff.path, was, live):
        return DriftKind.NOT_PUSHED, drift
    if not _same(change.kind, diff.path, was, desired):
        return DriftKind.CONFLICT, drift
    switched_off = change.kind is Kind.RULE and diff.path == "enabled" and not live
    return DriftKind.DISABLED if switched_off else DriftKind.CHANGED_IN_KIBANA, drift


def _same(kind: Kind, path: str, one: Json, other: Json) -> bool:
    if kind is not Kind.RULE:
        return canonical(one) == canonical(other)
    if path == "tags":
        return sorted(one or ()) == sorted(other or ())
    return same_value(path, one, other)
