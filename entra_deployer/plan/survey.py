"""One space as a plan, a drift and a pull all need it: what the hunts want of it, what it holds, who owns what."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.compiler.compiler import desired_state
from entra_deployer.compiler.identity import OWNER_TAG
from entra_deployer.core.issue import Issue
from entra_deployer.hunts.folder import Catalog
from entra_deployer.objects.rule_fields import Owner, with_witness
from entra_deployer.objects.state import Kind, LiveObject, State, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.planner import Existing, Policy
from entra_deployer.plan.references import Resolver
from entra_deployer.repository import Compilation, compile_catalog


@dataclass(frozen=True)
class Survey:
    """A space seen from both sides. `issues` are those of reading, compiling and resolving, in no order."""

    compilation: Compilation
    desired: State
    existing: Existing
    policy: Policy
    issues: tuple[Issue, ...]


def survey_space(
    catalog: Catalog, connection: Connection, space: str, base: Mapping[tuple[Kind, str], StateObject]
) -> Survey:
    """Compile what was read for a space and read what stands there. `base` is what the last push left. Reads only."""
    compilation = compile_catalog(catalog, connection.target(space))
    resolver = Resolver(connection.kibana, space, connection.environment.connectors)
    rules = [_stamped(resolver.resolve(rule)) for rule in compilation.rules]
    desired = desired_state(rules, space)
    environment = connection.environment
    policy = Policy(
        version=connection.version,
        prune_count=environment.limits.prune_count,
        prune_percent=environment.limits.prune_percent,
        owners=environment.owners,
        rule_owners=_owners(compilation),
        base=base,
    )
    issues = (*compilation.issues, *resolver.issues)
    return Survey(compilation, desired, read_existing(connection, desired), policy, issues)


def _stamped(rule: CompiledRule) -> CompiledRule:
    """With its digest on it: the second witness, beside the ledger, of what a push left."""
    return replace(rule, rule=replace(rule.rule, payload=with_witness(rule.rule.payload)))


def read_existing(connection: Connection, desired: State) -> Existing:
    """What stands in the space of `desired`: what bears our mark, and what has a key or a name of its objects."""
    keys = {kind: [one.key for one in desired.objects if one.kind is kind] for kind in Kind}
    rules = connection.rules(desired.space)
    searches = connection.saved_objects(desired.space, Kind.SAVED_SEARCH)
    tags = connection.saved_objects(desired.space, Kind.TAG)
    same_key: list[LiveObject] = rules.by_key(keys[Kind.RULE])
    same_key += searches.by_key(keys[Kind.SAVED_SEARCH]) + tags.by_key(keys[Kind.TAG])
    marked = rules.marked(OWNER_TAG)
    for tag in keys[Kind.TAG]:
        marked += searches.marked(tag)
    names = [one.name for one in desired.objects if one.kind is Kind.RULE]
    return Existing(tuple(marked), tuple(same_key), tuple(rules.by_name(names)))


def _owners(compilation: Compilation) -> dict[str, Mapping[str, str]]:
    """Who owns which field, by rule_id: what rule.yaml says; an action or exception list that it names is git's."""
    found: dict[str, Mapping[str, str]] = {}
    for rule in compilation.rules:
        said = rule.settings.settings
        named = {"actions": said.actions, "exceptions_list": said.exceptions}
        found[rule.rule.key] = {**{field: Owner.GIT for field, value in named.items() if value}, **said.owners}
    return found
