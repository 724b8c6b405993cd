"""Pull: what was changed in Kibana goes into the files that it should have been changed in."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from entra_deployer.core.errors import ExitCode, UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, as_texts
from entra_deployer.hunts.rule_yaml import RULE_ID
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects.saved_object import query_of_search
from entra_deployer.objects.state import RULE, SAVED_SEARCH, LiveObject
from entra_deployer.objects.tag import OWNER_TAG
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.difference import Difference, DriftKind, FieldDrift
from entra_deployer.plan.drift import Compared, compare_spaces, unknown_past
from entra_deployer.plan.survey import Resolver
from entra_deployer.pull.drafts import Brought, Builder, Draft, FileEdit, PullReport, read_plain, write_like_before
from entra_deployer.pull.imported_rules import Newcomer, draft_of_newcomer
from entra_deployer.pull.pulled_fields import Bringer, Wish
from entra_deployer.repository import Repository

CONFLICT = "DEP370"
NO_EDIT = "DEP371"
LEFT = "DEP372"
NOT_PULLED = "DEP373"

_BROUGHT = {DriftKind.CHANGED_IN_KIBANA, DriftKind.DISABLED}
_DISPUTED = {DriftKind.CONFLICT, DriftKind.DIFFERENT}
_FIRST = ("query", "name")
"""Fields that others follow from, in the order in which they are brought."""


@dataclass(frozen=True)
class PullRequest:
    """What the user asked for.

    `theirs` takes Kibana's side where the repository was changed
    too, or where it is not known who changed what. `overlay` writes to the environment's file alone. `new` are names of
    rules that were made in Kibana and bear no mark of ours. With `dry_run` nothing is written.
    """

    selection: Selection = ALL
    theirs: bool = False
    overlay: bool = False
    new: tuple[str, ...] = ()
    dry_run: bool = False


def pull_rules(repository: Repository, connection: Connection, request: PullRequest) -> PullReport:
    """Bring what was changed in Kibana into the project's files. Kibana is only read."""
    compared = compare_spaces(repository, connection, request.selection)
    pull = _Pull(repository.root, connection, request)
    for one in compared:
        pull.space(one)
    errors = {issue for one in compared for issue in one.survey.issues if issue.level is Level.ERROR}
    without = [one.survey.desired.space for one in compared if not one.survey.policy.base]
    return pull.report([*errors, *unknown_past(connection, without)])


def pull_code(report: PullReport) -> ExitCode:
    """0 where all was brought that can be, 1 where something was not."""
    return ExitCode.FAILED if report.failed else ExitCode.OK


@dataclass
class _Pull:
    """One run; the files' texts fill up with edits, space by space."""

    root: Path
    connection: Connection
    request: PullRequest
    texts: dict[Path, str] = field(default_factory=dict)
    brought: list[Brought] = field(default_factory=list)
    values: dict[tuple[str, str], Json] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def space(self, compared: Compared) -> None:
        """Bring the differences of one space."""
        space = compared.survey.desired.space
        resolver = Resolver(self.connection.kibana, space, self.connection.environment.connectors)
        bringer = Bringer(Builder(self.connection.target(space), resolver), self.request.overlay)
        for difference in compared.differences:
            if wish := self._wish(difference):
                self._bring(bringer, compared, difference, wish)
        for newcomer in self._newcomers(compared):
            self._bring_newcomer(bringer, newcomer, space)

    def report(self, further: Iterable[Issue]) -> PullReport:
        """Write the files, unless only asked what would be written."""
        before = {path: read_plain(path) for path in self.texts}
        changed = {path: text for path, text in sorted(self.texts.items()) if text != before[path]}
        if not self.request.dry_run:
            for path, text in changed.items():
                write_like_before(path, text)
        return PullReport(
            environment=self.connection.environment.name,
            stack=self.connection.stack,
            edits=tuple(FileEdit(self._shown(path), before[path], text) for path, text in changed.items()),
            brought=tuple(self.brought),
            issues=tuple(sorted({*self.issues, *further}, key=lambda issue: issue.order)),
            written=not self.request.dry_run,
        )

    # -- fields ---------------------------------------------------------------------------------------------------

    def _wish(self, difference: Difference) -> Wish | None:
        """What of a difference is to be brought; what is not is told."""
        if difference.kind is DriftKind.DELETED_IN_KIBANA:
            self._leave(difference, "deleted in Kibana", "the next push makes it again; or delete the hunt's folder")
            return None
        if not difference.fields or not difference.counts:
            return None
        if difference.kind in _DISPUTED and not self.request.theirs:
            self._dispute(difference)
            return None
        if difference.kind not in _BROUGHT | _DISPUTED:
            return None
        return Wish(difference.key, {drift.path: _wanted(drift) for drift in difference.fields})

    def _bring(self, bringer: Bringer, compared: Compared, difference: Difference, wish: Wish) -> None:
        rules = compared.survey.compilation.rules
        rule = next(one for one in rules if difference.key in (one.rule.key, one.search.key))
        draft = self._draft(rule.folder, Path(rule.source.hunt.source))
        if difference.object_kind == SAVED_SEARCH:
            self._bring_search(bringer, draft, rule.rule.key, difference)
            return
        for name in sorted(wish.fields, key=lambda name: (name not in _FIRST, name)):
            draft = self._bring_field(bringer, draft, difference, wish, name)

    def _bring_field(self, bringer: Bringer, draft: Draft, difference: Difference, wish: Wish, name: str) -> Draft:
        value = wish.fields[name]
        if self.values.setdefault((wish.key, name), value) != value:
            self._cannot(difference, name, "it has another value in another space", "say it in an overlay of your own")
            return draft
        after = bringer.bring(draft, wish, name)
        if after is None:
            hint = "edit the hunt or its rule.yaml by hand"
            self._cannot(difference, name, "no small edit of the files makes it what it is in Kibana", hint)
            return draft
        if after == draft:
            if name == "tags":
                self._leave(difference, "our mark was taken off", "the next push puts it back")
            return draft
        self._keep(draft, after, difference, name)
        return after

    def _bring_search(self, bringer: Bringer, draft: Draft, rule_id: str, difference: Difference) -> None:
        """Of a saved search the query alone has a place in the files: it is the hunt's own."""
        for drift in difference.fields:
            text = _search_query(drift)
            after = bringer.bring_search_query(draft, rule_id, text) if text else None
            if after and after != draft:
                self._keep(draft, after, difference, "query")
                draft = after
            elif after is None:
                self._leave(
                    difference, f"{drift.path} has no place in the files", "`deploy push --overwrite` sets it back"
                )

    def _keep(self, before: Draft, after: Draft, difference: Difference, name: str) -> None:
        for path, text in after.texts.items():
            if text != before.texts[path]:
                self.texts[path] = text
                kind, who = difference.object_kind, (difference.by, difference.at)
                shown = self._shown(path)
                self.brought.append(Brought(kind, difference.name, difference.space, name, shown, *who))

    def _draft(self, folder: str, hunt: Path) -> Draft:
        return Draft.of(self.root, folder, hunt, self.connection.environment.name, self.texts)

    # -- rules that were made in Kibana -----------------------------------------------------------------------------

    def _newcomers(self, compared: Compared) -> Iterator[Newcomer]:
        """Rules that bear our mark and that no push left here, and those that the user names."""
        keys = {
            one.key
            for one in compared.differences
            if one.kind in (DriftKind.FOREIGN_COPY, DriftKind.DIFFERENT) and one.object_kind == RULE
        }
        desired = {one.key for one in compared.survey.desired.objects}
        marked = [live for live in compared.survey.existing.marked if live.object.key in keys - desired]
        named = self.connection.rules(compared.survey.desired.space).by_name(self.request.new)
        for missing in set(self.request.new) - {live.object.name for live in named}:
            raise UsageError(f"there is no rule {missing!r} in the space {compared.survey.desired.space}")
        for live in {live.object_id: live for live in (*marked, *named)}.values():
            if reason := _cannot_become_a_hunt(live, desired):
                self._tell(NOT_PULLED, Level.WARNING, live.object.name, reason, "")
            else:
                yield Newcomer(live.object, is_marked=live in marked)

    def _bring_newcomer(self, bringer: Bringer, newcomer: Newcomer, space: str) -> None:
        rule = newcomer.rule
        draft, fields = draft_of_newcomer(self.root, newcomer, bringer.builder.target, self.texts)
        nothing = Difference(DriftKind.FOREIGN_COPY, space, RULE, rule.key, rule.name)
        draft, unsaid = bringer.bring_all(draft, rule.key, fields)
        for name in unsaid:
            self._cannot(nothing, name, "it cannot be said in rule.yaml", "the next push sets it to the default")
        for path in (draft.hunt_path, draft.settings_path):
            self.texts[path] = draft.texts[path]
        self.brought.append(Brought(RULE, rule.name, space, "", self._shown(draft.hunt_path)))
        if not newcomer.is_marked:
            hint = f"deploy push {self.connection.environment.name} --adopt takes it over"
            self._tell(LEFT, Level.NOTE, rule.name, "the rule in Kibana is not ours yet", hint)

    # -- what is not brought ----------------------------------------------------------------------------------------

    def _dispute(self, difference: Difference) -> None:
        fields = ", ".join(drift.path for drift in difference.fields)
        both = difference.kind is DriftKind.CONFLICT
        message = f"{fields}: " + ("changed on both sides" if both else "it is not known which side changed")
        hint = "`--theirs` takes Kibana's side, `deploy push --overwrite` ours"
        self._tell(CONFLICT, Level.ERROR, difference.name, message, hint)

    def _leave(self, difference: Difference, message: str, hint: str) -> None:
        self._tell(LEFT, Level.WARNING, difference.name, message, hint)

    def _cannot(self, difference: Difference, name: str, message: str, hint: str) -> None:
        self._tell(NO_EDIT, Level.ERROR, difference.name, f"{name}: {message}", hint)

    def _tell(self, code: str, level: Level, subject: str, message: str, hint: str) -> None:
        self.issues.append(Issue(code, level, message, subject, hint=hint or None))

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def _wanted(drift: FieldDrift) -> Json:
    """The live value; our mark stays among the tags whatever an analyst did to it."""
    if drift.path != "tags" or OWNER_TAG not in as_texts(drift.desired) or OWNER_TAG in as_texts(drift.live):
        return drift.live
    return [*as_texts(drift.live), OWNER_TAG]


def _search_query(drift: FieldDrift) -> str:
    """The ES|QL text of a saved search that was changed, "" where another part of it was."""
    if drift.path != "kibanaSavedObjectMeta":
        return ""
    text = query_of_search(drift.live)
    return text if text != query_of_search(drift.desired) else ""


def _cannot_become_a_hunt(live: LiveObject, desired: set[str]) -> str:
    if live.object.key in desired:
        return "a hunt of this repository has its rule_id already"
    if live.immutable:
        return "it is Elastic's own rule"
    if not re.search(RULE_ID, live.object.key):
        return (
            "its rule_id holds what no filter of Kibana's finds again (a quotation mark, a backslash), or is too long"
        )
    if live.object.payload.get("type") != "esql":
        return f"it is of type {live.object.payload.get('type')}: only ES|QL rules become hunts"
    return ""
