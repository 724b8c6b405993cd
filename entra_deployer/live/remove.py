"""Taking a rule of ours out of an environment, with its saved search, or switching it off; never anybody else's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from entra_deployer.compiler.identity import pinned_rule_id, search_id
from entra_deployer.core.errors import DeployError, ExitCode, UnknownName, UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.text import closest
from entra_deployer.hunts.folder import RuleSource
from entra_deployer.live.list_rules import our_rules
from entra_deployer.objects import KINDS
from entra_deployer.objects.state import RULE, FieldDiff, LiveObject
from entra_deployer.objects.tag import mark_of
from entra_deployer.plan.apply import moved
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan, not_applied, planned
from entra_deployer.plan.planner import NOT_DELETED
from entra_deployer.plan.push import Clock, PushRequest, push_code, push_rules
from entra_deployer.plan.report import Report
from entra_deployer.repository import Repository

_WARNING = "DEP360"


@dataclass(frozen=True)
class Removal:
    """What `deploy remove` is going to do: the plan, and whether it only switches off."""

    plan: Plan
    disable: bool = False

    @property
    def verb(self) -> str:
        """What happens to a rule, for people."""
        return "switched off" if self.disable else "removed"


def plan_removal(repository: Repository, connection: Connection, name: str, *, disable: bool = False) -> Removal:
    """Find the rule in each space by its name, its rule_id or its hunt's folder. Reads only.

    A folder with several queries stands for all its rules; of a hunt in the repository nothing may stand there. Raises
    UsageError for a name that nothing of ours has.
    """
    finder = _Finder(repository, connection, name)
    changes: list[Change] = []
    for space in connection.environment.spaces:
        rules = finder.rules(space)
        others = [] if disable else finder.others(space, rules)
        changes += (_change(space, live, disable=disable) for live in (*rules, *others))
    if not changes:
        finder.check_name()
    changes.sort(key=lambda change: change.order)
    if disable:
        changes = [change for change in changes if change.diffs]
    blockers = [] if disable else finder.against()
    issues = (*blockers, *connection.journal.issues, *finder.afterwards(changes, disable=disable))
    plan = Plan(connection.environment.name, tuple(changes), issues=issues, blockers=tuple(blockers))
    return Removal(plan, disable)


def show_removal(connection: Connection, removal: Removal) -> Report:
    """The removal before it happens."""
    results = planned(removal.plan)
    rules = sum(change.kind == RULE for change in removal.plan.changes)
    summary = f"Plan: {rules} rule{'s' if rules != 1 else ''} to be {removal.verb}."
    return _report(connection, removal, results, summary if results else _nothing(removal))


def decline_removal(connection: Connection, removal: Removal, why: str) -> Report:
    """A removal that nobody wanted in the end."""
    return _report(connection, removal, not_applied(removal.plan, why), f"Nothing was {removal.verb}: {why}.")


def apply_removal(
    repository: Repository, connection: Connection, removal: Removal, clock: Clock, *, lock: bool = True
) -> Report:
    """Do what was shown. A rule is switched off before it is deleted."""
    plan = removal.plan
    if not plan.changes:
        return show_removal(connection, removal)
    if removal.disable:
        results = _switch_off(connection, plan, lock=lock)
        found = _report(connection, removal, results)
    else:
        found = push_rules(repository, connection, PushRequest(lock=lock), plan=plan, clock=clock)
    done = sum(one.outcome is Outcome.APPLIED and one.change.kind == RULE for one in found.results)
    failed = len(found.results) - found.count(Outcome.APPLIED)
    summary = f"{done} rule{'s' if done != 1 else ''} {removal.verb}"
    return replace(found, summary=f"{summary}, {failed} not done: see above." if failed else f"{summary}.")


def remove_code(report: Report) -> ExitCode:
    """0 done, or nothing to do; 3 some done and some not; 1 nothing done that should have been."""
    return push_code(report)


def _report(connection: Connection, removal: Removal, results: list[ChangeResult], summary: str = "") -> Report:
    return Report(
        connection.environment.name,
        connection.stack,
        plan=removal.plan,
        results=tuple(results),
        issues=removal.plan.issues,
        summary=summary,
    )


def _nothing(removal: Removal) -> str:
    where = removal.plan.environment
    return f"Nothing to do: no rule of it is {'on' if removal.disable else 'there'} in {where}."


def _change(space: str, live: LiveObject, *, disable: bool) -> Change:
    one = live.object
    if not disable:
        return Change(Action.DELETE, space, one.kind, one.key, one.name, None, live)
    wanted = replace(one, payload={**one.payload, "enabled": False})
    diffs = (FieldDiff("enabled", existing=True, desired=False),) if one.payload.get("enabled") else ()
    return Change(Action.UPDATE, space, one.kind, one.key, one.name, wanted, live, diffs)


def _switch_off(connection: Connection, plan: Plan, *, lock: bool) -> list[ChangeResult]:
    """Switch off and read back. No journal: there is nothing between on and off, and the base of drift stays."""
    with connection.lock(wanted=lock) as held:
        if changed := moved(plan, connection.handlers()):
            why = "; ".join(sorted(f"{change.name}: {reason}" for change, reason in changed))
            return not_applied(plan, f"{why}; try again")
        results = []
        for change in plan.changes:
            held.confirm()
            results.append(_switched(connection, change))
        return results


def _switched(connection: Connection, change: Change) -> ChangeResult:
    handler = connection.rules(change.space)
    error = ""
    try:
        handler.set_enabled([change.existing.object_id] if change.existing else [], enabled=False)
    except DeployError as refusal:
        error = str(refusal)
    live = handler.read(change.existing.object_id) if change.existing else None
    if live is None or not live.object.payload.get("enabled"):
        return ChangeResult(change, Outcome.APPLIED)
    return ChangeResult(change, Outcome.FAILED, error or "it is still on")


class _Finder:
    """Finds in Kibana what the user calls by a name."""

    def __init__(self, repository: Repository, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        catalog = repository.catalog()
        self._unread = catalog.unread
        self._sources = {
            pinned_rule_id(source.hunt, query): (source, query.key)
            for source in catalog.sources
            for query in source.queries
        }
        self._known: set[str] = set()

    def rules(self, space: str) -> list[LiveObject]:
        """The rules of ours that are called so in a space."""
        ours = our_rules(self._connection, space)
        self._known |= {live.object.name for live in ours}
        return [live for live in ours if self._is_meant(live)]

    def others(self, space: str, rules: list[LiveObject]) -> list[LiveObject]:
        """The other objects of ours that go with rules, or are left of one: by their hunts and by their names."""
        meant = {live.object.key for live in rules} | {
            key for key, one in self._sources.items() if self._calls(key, one)
        }
        sources = (self._sources[key] for key in meant if key in self._sources)
        keys = {search_id(source.hunt, query, space) for source, query in sources}
        names = {self._name, *(live.object.name for live in rules)}
        marked = [
            live
            for name, kind in KINDS.items()
            if name != RULE and not kind.shared
            for live in self._connection.handler(space, name).marked(mark_of(space))
        ]
        base = self._connection.journal.base(space)
        return [
            live for live in marked if live.object.key in keys or (live.object.name in names and live.object.at in base)
        ]

    def check_name(self) -> None:
        """Raise UsageError for a name that means nothing here."""
        if any(self._calls(key, source) for key, source in self._sources.items()):
            return
        environment = self._connection.environment
        if any(self._connection.rules(space).by_name([self._name]) for space in environment.spaces):
            message = f"the rule {self._name!r} in {environment.name} is not ours: it bears no mark of a push"
            raise UsageError(message, hint="only what was pushed from here is removed from here")
        folders = {source.folder for source, _ in self._sources.values()}
        close = closest(self._name, sorted(self._known | folders))
        hint = f"did you mean {close!r}?" if close else f"`deploy list {environment.name}` names them"
        message = f"no rule of ours in {environment.name} is called {self._name!r}"
        raise UnknownName("rule", self._name, message, hint=hint)

    def afterwards(self, changes: list[Change], *, disable: bool) -> list[Issue]:
        """What the next push will make of it."""
        rules = [change for change in changes if change.kind == RULE]
        found = {change.key: self._sources[change.key] for change in rules if change.key in self._sources}
        return list(self._switched_on_again(found) if disable else self._created_again(found))

    def _created_again(self, found: Mapping[str, tuple[RuleSource, str]]) -> Iterator[Issue]:
        for folder in sorted({source.folder for source, _ in found.values()}):
            message = "its hunt is still here: the next push creates it again"
            hint = "delete the folder, or switch the rule off by --disable"
            yield Issue(_WARNING, Level.WARNING, message, folder, hint=hint)

    def _switched_on_again(self, found: Mapping[str, tuple[RuleSource, str]]) -> Iterator[Issue]:
        for source, key in found.values():
            settings = next(query.settings for query in source.queries if query.key == key)
            owner = {**self._connection.environment.owners, **settings.owners}.get("enabled")
            if owner == "git" and settings.enabled is not False:
                message = "git owns enabled: the next push tells it as an edit made in Kibana"
                yield Issue(_WARNING, Level.WARNING, message, source.folder, hint="say enabled: false in its rule.yaml")

    def against(self) -> list[Issue]:
        """What stands against a removal: a push that was cut off, which comes first, and hunts that cannot be read."""
        message = "the push of {} by {} was interrupted"
        hint = "`deploy recover` finishes or undoes it; remove after that"
        found = [
            Issue("DEP321", Level.ERROR, message.format(entry.at[:19], entry.by), entry.environment, hint=hint)
            for entry in self._connection.journal.interrupted()
        ]
        if self._unread:
            message = "nothing is deleted while a hunt cannot be read: it may be the one that is meant"
            found += [Issue(NOT_DELETED, Level.ERROR, message, folder, hint="mend it") for folder in self._unread]
        return found

    def _is_meant(self, live: LiveObject) -> bool:
        one = live.object
        source = self._sources.get(one.key)
        return self._name in (one.key, one.name) or (source is not None and self._calls(one.key, source))

    def _calls(self, key: str, source: tuple[RuleSource, str]) -> bool:
        """Whether the user's name is that of a hunt in the repository."""
        return self._name in (key, source[0].folder)
