"""Reads hunts and compiles them for a target: what `deploy compile`, `deploy check` and every push start from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.checks.check import Subject
from entra_deployer.checks.run import run_checks
from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.data.knowledge import Knowledge
from entra_deployer.esql.cache import SyntaxCache, syntax_cache
from entra_deployer.esql.columns import sources
from entra_deployer.hunts.catalog import read_hunt_file, read_rules
from entra_deployer.hunts.folder import Catalog, RuleSource
from entra_deployer.hunts.language import esql_queries
from entra_deployer.hunts.readers import READERS

OFFLINE = Target("offline", "default", StackVersion(8, 19, 21), licence="platinum")
"""What to compile for where no environment is named: the version of the embedded stack."""

TOLD_IN_THE_PLAN = ("DEP024",)
"""Warnings that a plan shows too: what the target's version and licence cost a rule."""


_OWN = "say in rule.yaml what is each one's own"


@dataclass(frozen=True)
class Compilation:
    """All that was compiled for one target.

    `issues` are what keeps rules from being deployed, and what a plan should tell, sorted; `findings` all that the
    checks have to say.
    """

    target: Target
    sources: tuple[RuleSource, ...]
    rules: tuple[CompiledRule, ...]
    issues: tuple[Issue, ...]
    findings: tuple[Issue, ...] = ()

    @property
    def owners(self) -> dict[str, Mapping[str, str]]:
        """Who owns which field ("git" or "live") where a rule.yaml says so, by rule_id."""
        settings = {(source.folder, query.key): query.settings for source in self.sources for query in source.queries}
        found = {rule.rule.key: settings[rule.folder, rule.query_key].owners for rule in self.rules}
        return {key: owners for key, owners in found.items() if owners}


def read_catalog(root: Path, names: Sequence[str] = ()) -> Catalog:
    """The folders under `root`/rules, or those that `names` names; a name may also be the path of a hunt's file."""
    files = [path for name in names if (path := Path(name)).suffix in READERS and path.is_file()]
    folders = [name for name in names if Path(name) not in files]
    catalogs = [read_hunt_file(path) for path in files]
    if folders or not files:
        catalogs.append(read_rules(root / "rules", names=folders))
    sources = sorted((source for catalog in catalogs for source in catalog.sources), key=lambda source: source.folder)
    issues = sorted((issue for catalog in catalogs for issue in catalog.issues), key=lambda issue: issue.order)
    return Catalog(tuple(sources), tuple(issues))


def compile_catalog(catalog: Catalog, target: Target) -> Compilation:
    """Compile what was read for a target, and run the checks. Two rules with one name are an error, for each."""
    knowledge, cache = load_knowledge(), syntax_cache()
    compiled = [compile_source(source, target, knowledge, parser=cache.parse) for source in catalog.sources]
    rules = tuple(rule for one in compiled for rule in one.rules)
    findings = [
        issue
        for source, one in zip(catalog.sources, compiled, strict=True)
        for rule in one.rules
        for issue in run_checks(_subject(source, rule, target, knowledge, cache))
    ]
    issues = [*catalog.issues, *(issue for one in compiled for issue in one.issues), *_not_unique(rules)]
    issues += [issue for issue in findings if issue.level is Level.ERROR or issue.code in TOLD_IN_THE_PLAN]
    return Compilation(target, catalog.sources, rules, _sorted(issues), _sorted(findings))


def _subject(
    source: RuleSource, rule: CompiledRule, target: Target, knowledge: Knowledge, cache: SyntaxCache
) -> Subject:
    tree = cache.parse(rule.query.text, target.version).tree
    if tree is None:  # a rule is made of a tree
        raise AssertionError(rule.query.text)
    settings = next(one for one in source.queries if one.key == rule.query_key)
    types = knowledge.field_types(sources(tree))
    problems = cache.type_problems(tree, target.version, types) if types else ()
    return Subject(source.hunt, rule.query, settings, tree, rule, target, knowledge, problems)


def _sorted(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    return tuple(sorted(set(issues), key=lambda issue: issue.order))


def compile_rules(root: Path, target: Target = OFFLINE, names: Sequence[str] = ()) -> Compilation:
    """Read and compile. Raises UsageError for a name that does not exist."""
    return compile_catalog(read_catalog(root, names), target)


def _not_unique(rules: Sequence[CompiledRule]) -> list[Issue]:
    """Rules of one name, which nobody could tell apart, or of one rule_id, which would overwrite each other."""
    same: defaultdict[tuple[str, str], list[CompiledRule]] = defaultdict(list)
    for rule in rules:
        same["are named", rule.rule.name.lower()].append(rule)
        same["have the rule_id", rule.rule.key].append(rule)
    return [
        Issue("DEP003", Level.ERROR, f"{len(group)} rules {what} {_unique(what, rule)!r}", rule.folder, hint=_OWN)
        for (what, _), group in same.items()
        for rule in (group if len(group) > 1 else ())
    ]


def _unique(what: str, rule: CompiledRule) -> str:
    return rule.rule.name if what == "are named" else rule.rule.key


def rule_keys(source: RuleSource) -> tuple[str, ...]:
    """The keys of the hunt's queries that become rules, in its order."""
    mine = esql_queries(source.hunt)
    return tuple(one.key for query, one in zip(source.hunt.queries, source.queries, strict=True) if query in mine)
