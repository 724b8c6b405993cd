"""One space as a plan, a drift and a pull all need it: what the hunts want of it, what it holds, who owns what."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from entra_deployer.compiler.compiled import CompiledRule, desired_state, state_of
from entra_deployer.compiler.identity import pinned_rule_id, search_id
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.hunts.folder import Catalog
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects import KINDS
from entra_deployer.objects.kind import Standing
from entra_deployer.objects.rule_fields import Owner, with_witness
from entra_deployer.objects.saved_search import with_digest
from entra_deployer.objects.state import RULE, LiveObject, State, StateObject
from entra_deployer.objects.tag import mark_of
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.journal import Base, Past
from entra_deployer.plan.planner import Existing, Policy
from entra_deployer.plan.retired import Retirement, split
from entra_deployer.repository import Compilation, Repository
from entra_deployer.stack.answers import Connector, ExceptionList
from entra_deployer.stack.kibana import KibanaClient


@dataclass(frozen=True)
class Survey:
    """A space seen from both sides. `issues` are those of reading, compiling and resolving, in no order.

    `retired` are the rules that stand and that their hunts have retired; `desired` holds them, switched off.
    """

    compilation: Compilation
    desired: State
    existing: Existing
    policy: Policy
    issues: tuple[Issue, ...]
    retired: tuple[Retirement, ...] = ()

    def keys_of(self, folders: Collection[str]) -> set[str]:
        """The keys of the rules and saved searches of some hunts, whether they compile or not."""
        found = {
            key for one in self.compilation.rules if one.folder in folders for key in (one.rule.key, one.search.key)
        }
        for source in self.compilation.sources:
            for query in source.queries if source.folder in folders else ():
                found |= {
                    pinned_rule_id(source.hunt, query),
                    search_id(source.hunt, query.key, self.desired.space),
                }
        return found


_MANY = 60
"""Hunts from which on a filter could not name all of their rules."""


def survey_space(
    repository: Repository, connection: Connection, space: str, past: Callable[[], Past], selection: Selection = ALL
) -> Survey:
    """Compile for a space, and meanwhile read what stands there. `past` is asked at the end. Reads only."""
    version, license_ = map(connection.ahead, (lambda: connection.version, lambda: connection.license))
    catalog: Future[Catalog] = Future()
    wanted: Future[State] = Future()

    def many() -> bool:
        """Whether no filter could name all rules. It is asked when it is known which Kibana this is."""
        version()
        return (repository.size if selection.is_all else len(catalog.result().sources)) > _MANY

    existing = _begin_reading(connection, space, wanted.result, many)
    try:
        catalog.set_result(_catalog(repository, selection, version, license_))
        compilation = repository.compile(connection.target(space), selection)
        resolver = Resolver(connection.kibana, space, connection.environment.connectors)
        rules = [resolver.resolve(rule) for rule in compilation.deployable]
        wanted.set_result(desired_state(rules, space))
    except BaseException as error:
        for one in (catalog, wanted):  # or those who read would wait for it for ever
            if not one.done():
                one.set_exception(error)
        raise
    return _survey(connection, (compilation, resolver, rules), existing(), past().bases.get(space, Base()))


def _catalog(repository: Repository, selection: Selection, *known: Callable[[], object]) -> Catalog:
    """The hunts that are selected, once it is known which Kibana this is. A Kibana that is none is told first."""
    try:
        return repository.catalog(selection)
    finally:
        for wait in known:
            wait()


def _survey(
    connection: Connection,
    compiled: tuple[Compilation, "Resolver", Sequence[CompiledRule]],
    existing: Existing,
    base: Base,
) -> Survey:
    """What was compiled and what was read, put together."""
    compilation, resolver, rules = compiled
    environment = connection.environment
    retired: list[Retirement] = []
    if any(rule.settings.settings.retired for rule in rules):
        standing = {live.object.key: live for live in existing.same_key if live.object.kind == RULE}
        rules, retired = split(rules, standing, connection.elastic.now(), environment.retire_after)
    desired = state_of((one for rule in rules for one in _stamped(rule)), compilation.target.space)
    policy = Policy(
        prune_count=environment.limits.prune_count,
        prune_percent=environment.limits.prune_percent,
        owners=environment.owners,
        rule_owners=_owners(compilation),
        base=base.knowing(desired.objects),
        withheld=compilation.withheld,
        unread=compilation.unread,
    )
    told = [one.told(environment.retire_after) for one in retired]
    issues = (*compilation.issues, *resolver.issues, *told)
    return Survey(compilation, desired, existing, policy, issues, tuple(retired))


def unlike(
    compilation: Compilation, connection: Connection, space: str, standing: Mapping[str, LiveObject]
) -> dict[str, tuple[str, ...]]:
    """By rule_id, the fields in which a standing rule is not what the repository makes of it; like ones are left out.

    What the live stack owns is no difference.
    """
    if not standing:
        return {}
    base, kind = connection.journal.base(space), KINDS[RULE]
    resolver = Resolver(connection.kibana, space, connection.environment.connectors)
    policy = Policy(owners=connection.environment.owners, rule_owners=_owners(compilation))
    found: dict[str, tuple[str, ...]] = {}
    for rule in compilation.deployable:
        if (live := standing.get(rule.rule.key)) and not rule.settings.settings.retired:
            desired = _witnessed(resolver.resolve(rule))
            owner = partial(policy.owner, desired.key)
            merged = kind.merge(desired, live.object, base.get(desired.at), owner)
            found[desired.key] = tuple(diff.path for diff in kind.difference(live.object, merged.final))
    return {key: fields for key, fields in found.items() if fields}


def _stamped(rule: CompiledRule) -> tuple[StateObject, ...]:
    """Its objects, two with their digests: the second witness, beside the ledger, of what a push left."""
    return (_witnessed(rule), with_digest(rule.search, rule.search_digest), *rule.tags)


def _witnessed(rule: CompiledRule) -> StateObject:
    one = rule.rule
    return StateObject(one.kind, one.key, one.name, with_witness(one.payload, rule.digest))


def read_existing(connection: Connection, desired: State) -> Existing:
    """What stands in the space of `desired`: what bears our mark, and what has a key or a name of its objects."""
    return _begin_reading(connection, desired.space, lambda: desired, lambda: len(desired.objects) > _MANY)()


def _begin_reading(
    connection: Connection, space: str, wanted: Callable[[], State], many: Callable[[], bool]
) -> Callable[[], Existing]:
    """Begin to read it, of all kinds side by side; `many` says, when asked, if `wanted` will hold many objects."""

    def look(kind: str) -> Standing:
        def named() -> tuple[set[str], set[str]]:
            mine = [one for one in wanted().objects if one.kind == kind]
            return {one.key for one in mine}, {one.name for one in mine}

        is_long = many()
        return connection.handler(space, kind).look(mark_of(space), named, many=is_long)

    begun = [connection.ahead(partial(look, kind)) for kind in KINDS]

    def existing() -> Existing:
        found = [standing() for standing in begun]
        return Existing(
            tuple(live for standing in found for live in standing.marked),
            tuple(live for standing in found for live in standing.same_key),
            tuple(live for standing in found for live in standing.same_name),
        )

    return existing


def _owners(compilation: Compilation) -> dict[str, dict[str, str]]:
    """Who owns which field, by rule_id: what rule.yaml says; an action or exception list that it names is git's."""
    found: dict[str, dict[str, str]] = {}
    for rule in compilation.rules:
        said = rule.settings.settings
        named = {"actions": said.actions, "exceptions_list": said.exceptions}
        found[rule.rule.key] = {**{field: Owner.GIT for field, value in named.items() if value}, **said.owners}
        if said.retired:
            found[rule.rule.key]["enabled"] = Owner.GIT
    return found


# -- what a rule.yaml names and each environment numbers: connectors and shared exception lists ------------------------

_USUAL: Mapping[str, Json] = {
    "group": "default",
    "params": {},
    "frequency": {"summary": True, "notifyWhen": "onActiveAlert", "throttle": None},
    "alerts_filter": None,
}
"""What an action says where rule.yaml does not."""


class Resolver:
    """Puts a space's own ids in place of names. Nothing is asked of Kibana unless a rule names something."""

    def __init__(self, client: KibanaClient, space: str, aliases: Mapping[str, str]) -> None:
        """`aliases` maps a name in rule.yaml to the connector's name in this environment."""
        self._client = client
        self._space = space
        self._aliases = aliases
        self._connectors: Mapping[str, Connector] | None = None
        self._lists: dict[str, ExceptionList | None] = {}
        self.issues: list[Issue] = []

    def resolve(self, rule: CompiledRule) -> CompiledRule:
        """The rule with its actions and exception lists; what is missing here is in `issues`."""
        settings = rule.settings.settings
        fields: dict[str, Json] = {}
        if settings.actions:
            fields["actions"] = [found for item in settings.actions if (found := self._action(rule, item))]
        if settings.exceptions:
            fields["exceptions_list"] = self._exceptions(rule, settings.exceptions)
        if not fields:
            return rule
        return replace(rule, rule=replace(rule.rule, payload={**rule.rule.payload, **fields}))

    def named_actions(self, actions: Sequence[Mapping[str, Json]]) -> list[Json]:
        """A live rule's actions as rule.yaml says them. ValueError for one whose connector is not among the space's."""
        by_id = {one.id: name for name, one in self._all_connectors().items()}
        ours = {here: name for name, here in self._aliases.items()}
        named: list[Json] = []
        for action in actions:
            if (here := by_id.get(str(action["id"]))) is None:
                raise ValueError(f"no connector has the id {action['id']}")
            further = {key: action[key] for key, usual in _USUAL.items() if action.get(key) not in (None, usual)}
            named.append({"connector": ours.get(here, here), **further})
        return named

    def _all_connectors(self) -> Mapping[str, Connector]:
        if self._connectors is None:
            self._connectors = self._client.connectors(self._space)
        return self._connectors

    def _action(self, rule: CompiledRule, item: Mapping[str, Json]) -> Json:
        name = str(item["connector"])
        here = self._aliases.get(name, name)
        connector = self._all_connectors().get(here)
        if not connector:
            self._missing(
                rule,
                f"there is no connector {here!r} in the space {self._space}",
                "create it there, or map its name under connectors",
            )
            return None
        said = {key: item.get(key, usual) for key, usual in _USUAL.items() if key in item or usual is not None}
        return {"id": connector.id, "action_type_id": connector.connector_type_id, **said}

    def _exceptions(self, rule: CompiledRule, list_ids: Sequence[str]) -> list[Json]:
        found: list[Json] = []
        for list_id in list_ids:
            if list_id not in self._lists:
                self._lists[list_id] = self._client.exception_list(self._space, list_id)
            if one := self._lists[list_id]:
                found.append(
                    {"id": one.id, "list_id": one.list_id, "type": one.type, "namespace_type": one.namespace_type}
                )
            else:
                self._missing(
                    rule, f"there is no exception list {list_id!r} in the space {self._space}", "create it there first"
                )
        return found

    def _missing(self, rule: CompiledRule, message: str, hint: str) -> None:
        self.issues.append(Issue("DEP340", Level.ERROR, f"{rule.rule.name}: {message}", rule.folder, hint=hint))
