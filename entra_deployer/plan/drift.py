"""Drift: what stands in an environment against what was pushed to it and what the repository says. Reads only.

What a push would do says *that* an object differs; the base, which the last push left, says whose doing it is. So does
the digest that a push leaves on each rule: where it is right, nobody changed the rule in Kibana, whatever the base
says, which may be of an older push or not readable at all. Fields that a push would keep never count.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from entra_deployer.core.errors import ExitCode
from entra_deployer.core.issue import Issue, Level
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects import KINDS
from entra_deployer.objects.state import RULE, FieldDiff, Key, LiveObject, State, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.difference import Difference, DriftKind, DriftReport, FieldDrift
from entra_deployer.plan.index_mapping import Watched, issues_of_sources, retyped, watch_sources
from entra_deployer.plan.journal import PushEntry, Types
from entra_deployer.plan.live_rule import FAILED, OVER, SUCCEEDED
from entra_deployer.plan.plan import Action, Change
from entra_deployer.plan.planner import Existing, Policy, Side, make_plan, side_of, without_kept
from entra_deployer.plan.survey import Survey, survey_space
from entra_deployer.repository import Repository

NO_BASE = "DEP350"
NO_LEDGER = "DEP351"


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
        self._desired = {one.at: one for one in seen.desired.objects}
        self._marked = {(live.object.kind, live.object_id) for live in seen.existing.marked}
        self._live: dict[Key, dict[str, LiveObject]] = defaultdict(dict)
        for live in chain(seen.existing.marked, seen.existing.same_key):
            self._live[live.object.at][live.object_id] = live

    def differences(self) -> Iterator[Difference]:
        foreign = [*self._copies(), *self._namesakes()]
        yield from foreign
        strange = {(one.object_kind, one.key) for one in foreign}
        for change in self._changes():
            if change.at not in strange and not change.doubled:
                yield from self._of_change(change)
        yield from self._leftovers()
        for one in self._desired.values():
            live = self._only(one)
            if one.kind == RULE and live and one.at not in strange:
                yield from self._of_running(one, live)

    def _changes(self) -> tuple[Change, ...]:
        """What a push would create or update, foreign objects of our ids included."""
        policy = replace(self._seen.policy, adopt=True, prune=False, overwrite=True)
        return make_plan("", [(self._seen.desired, self._seen.existing, policy)]).changes

    def _only(self, one: StateObject) -> LiveObject | None:
        copies = list(self._live.get(one.at, {}).values())
        return copies[0] if len(copies) == 1 else None

    # -- objects of somebody else ---------------------------------------------------------------------------------

    def _copies(self) -> Iterator[Difference]:
        """Objects under our own ids that are not ours: several for one rule_id, Elastic's, or without our mark."""
        for at, copies in self._live.items():
            one = self._desired.get(at)
            if one is None or KINDS[one.kind].shared:
                continue
            live = list(copies.values())
            if len(live) > 1:
                ids = ", ".join(sorted(copies))
                yield self._about(one, DriftKind.FOREIGN_COPY, live[-1], f"{len(live)} of it have this id: {ids}")
            elif live[0].immutable:
                yield self._about(one, DriftKind.FOREIGN_COPY, live[0], "Elastic's own object has this id")
            elif not self._is_ours(live[0]):
                message = "it has our id, bears no mark of ours and no push left it here"
                yield self._about(one, DriftKind.FOREIGN_COPY, live[0], message)

    def _namesakes(self) -> Iterator[Difference]:
        names = {one.name for one in self._seen.desired.objects if KINDS[one.kind].named_once}
        for live in self._seen.existing.same_name:
            one = live.object
            if one.name in names and one.at not in self._desired and not self._is_ours(live):
                whose = "Elastic's own" if live.immutable else "another"
                yield self._about(one, DriftKind.FOREIGN_COPY, live, f"{whose} rule of the same name")

    def _is_ours(self, live: LiveObject) -> bool:
        one = live.object
        return (one.kind, live.object_id) in self._marked or one.at in self._base

    def _leftovers(self) -> Iterator[Difference]:
        """What bears our mark and is desired by nobody: it left the repository, or is a copy made in Kibana."""
        if not self._seen.whole:
            return
        for live in self._seen.existing.marked:
            one = live.object
            if KINDS[one.kind].shared or one.at in self._desired or one.key in self._seen.policy.withheld:
                continue
            kind = KINDS[one.kind]
            if one.at in self._base or kind.was_pushed(one):
                known = one.at in self._base or kind.is_as_pushed(one)
                way = "`push --prune` removes it" + ("" if known else " with `--overwrite`, as it was edited since")
                message = f"it left the repository; {way}"
                yield self._about(one, DriftKind.NOT_PUSHED, live, message)
            elif self._base:
                message = "it bears our mark and was never pushed: a copy made in Kibana"
                yield self._about(one, DriftKind.FOREIGN_COPY, live, message)
            else:
                yield self._about(one, DriftKind.DIFFERENT, live, "it stands in Kibana and not in the repository")

    # -- objects that differ --------------------------------------------------------------------------------------

    def _of_change(self, change: Change) -> Iterator[Difference]:
        one = self._desired[change.at]
        base = self._base.get(change.at)
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
        pushed = self._base.get(one.at, one).payload.get("enabled")
        if live.object.payload.get("enabled") or not pushed or self._switch_is_ours(one.key):
            return None
        message = "switched off in Kibana, which owns the switch: a push leaves it off"
        return replace(self._about(one, DriftKind.DISABLED, live, message), counts=False)

    def _switch_is_ours(self, key: str) -> bool:
        policy = self._seen.policy
        return {**policy.owners, **policy.rule_owners.get(key, {})}.get("enabled") == "git"

    def _failing(self, one: StateObject, live: LiveObject) -> Difference | None:
        run = live.execution
        if not live.object.payload.get("enabled") or run is None or run.status not in OVER - {SUCCEEDED}:
            return None
        text = " ".join(run.message.split())
        found = self._about(one, DriftKind.FAILING, None, text or f"its last run: {run.status}")
        return replace(found, at=run.date, counts=run.status == FAILED)

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
    diff = without_kept(diff, change.kept)
    desired, live = diff.desired, diff.existing
    standing = change.existing.object if change.existing else None
    side = side_of(diff, standing, base) if standing else Side.UNKNOWN
    was = KINDS[change.kind].fields(base.payload).get(diff.path) if base else None
    if side is Side.OURS:
        as_live = base is None or bool(standing and KINDS[change.kind].is_as_pushed(standing, diff.path))
        return DriftKind.NOT_PUSHED, FieldDrift(diff.path, live if as_live else was, desired, live)
    drift = FieldDrift(diff.path, was, desired, live)
    if side is Side.UNKNOWN:
        return DriftKind.DIFFERENT, drift
    if side is Side.BOTH:
        return DriftKind.CONFLICT, drift
    switched_off = change.kind == RULE and diff.path == "enabled" and not live
    return DriftKind.DISABLED if switched_off else DriftKind.CHANGED_IN_KIBANA, drift


# -- a whole environment ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """One space: what was read of it, how it differs, what its sources are like; and the environment's last push."""

    survey: Survey
    differences: tuple[Difference, ...]
    watched: tuple[Watched, ...] = ()
    last_push: PushEntry | None = None


def find_drift(repository: Repository, connection: Connection, selection: Selection = ALL) -> DriftReport:
    """Compare each space of the environment, as far as it is about what is selected."""
    return as_report(compare_spaces(repository, connection, selection), connection)


def compare_spaces(repository: Repository, connection: Connection, selection: Selection = ALL) -> list[Compared]:
    """Read and compare each space."""
    past = connection.ahead(connection.journal.past)
    found: list[Compared] = []
    for space in connection.environment.spaces:
        survey = survey_space(repository, connection, space, past, selection)
        watched = _watch(survey, connection, past().types.get(space, {}))
        differences = _compare(survey, watched, _sources(survey, repository.root), whole=selection.is_all)
        last_push = next(iter(past().entries), None)
        found.append(Compared(survey, tuple(differences), tuple(watched), last_push))
    return found


def as_report(spaces: Sequence[Compared], connection: Connection) -> DriftReport:
    """The differences of all spaces, and what could not be told."""
    without = [one.survey.desired.space for one in spaces if not one.survey.policy.base]
    errors = {issue for one in spaces for issue in one.survey.issues if issue.level is Level.ERROR}
    differences = [difference for one in spaces for difference in one.differences]
    watched = [one for space in spaces for one in space.watched]
    unknown = issues_of_sources(watched, connection.environment.name)
    return DriftReport(
        environment=connection.environment.name,
        stack=connection.stack,
        hunts=max(len(one.survey.compilation.sources) for one in spaces),
        compared=sum(len(one.survey.desired.objects) for one in spaces),
        three_way=not without,
        last_push=next((one.last_push for one in spaces), None),
        differences=tuple(sorted(differences, key=lambda difference: difference.order)),
        issues=tuple(sorted({*errors, *unknown, *unknown_past(connection, without)}, key=lambda issue: issue.order)),
    )


def unknown_past(connection: Connection, without: Sequence[str]) -> Iterator[Issue]:
    """What is not known of earlier pushes, and what that means: `without` are the spaces of which nothing is."""
    refused = tuple(connection.journal.issues)
    environment, spaces = connection.environment.name, ", ".join(without)
    if refused:
        message = "this key may not read the ledger, and .deploy/ledger of this machine is read instead"
        if without:
            message = "this key may not read the ledger: which side changed cannot be told"
        hint = "give it the privilege read on the index entra-deployer-ledger"
        yield Issue(NO_LEDGER, Level.WARNING, message, environment, hint=hint)
    elif without:
        message = f"no push is written down for the space {spaces}: which side changed cannot be told"
        yield Issue(NO_BASE, Level.NOTE, message, environment, hint="a push writes it down")


def _watch(survey: Survey, connection: Connection, then: Mapping[str, Types]) -> list[Watched]:
    """The sources of the rules that a push left here. `then` are the types that their fields had at it."""
    base = survey.policy.base
    pushed = [
        base.get(one.at, one)
        for one in survey.desired.objects
        if one.kind == RULE and (one.key in then or one.at in base)
    ]
    return watch_sources(connection.elastic, connection.version, pushed, then)


def _compare(survey: Survey, watched: Sequence[Watched], sources: dict[str, str], *, whole: bool) -> list[Difference]:
    """The differences of one space."""
    seen = Seen(
        desired=survey.desired,
        existing=survey.existing,
        policy=survey.policy,
        sources=sources,
        whole=whole and not any(issue.level is Level.ERROR for issue in survey.issues),
        retyped={one.rule.key: changed for one in watched if (changed := retyped(one))},
    )
    return find_differences(seen)


def _sources(survey: Survey, root: Path) -> dict[str, str]:
    """The hunt's file of each rule and saved search, by its key, from the project's folder on."""
    files = {source.folder: Path(source.hunt.source) for source in survey.compilation.sources}
    shown = {
        folder: file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
        for folder, file in files.items()
    }
    return {one.key: shown[rule.folder] for rule in survey.compilation.rules for one in (rule.rule, rule.search)}


def drift_code(report: DriftReport) -> ExitCode:
    """1 where it could not be told, else 2 for a difference that counts, else 0."""
    if report.failed:
        return ExitCode.FAILED
    return ExitCode.DIFFERENT if report.drifted else ExitCode.OK
