"""Reads hunts and compiles them for a target: what `deploy compile`, `deploy check` and every push start from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from entra_deployer import facts
from entra_deployer.checked import Cell, CheckReport, MatrixRow, Support
from entra_deployer.checks.check import Subject
from entra_deployer.checks.codes import title
from entra_deployer.checks.run import run_checks
from entra_deployer.compiler.compiled import Compiled, CompiledRule
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.compiler.identity import pinned_rule_id, search_id
from entra_deployer.core.issue import Issue, Level, failure
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.data.knowledge import Knowledge
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import sources
from entra_deployer.esql.features import features
from entra_deployer.esql.parse import Parsed, Problem
from entra_deployer.esql.tree import Tree
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.catalog import read_hunt_file, read_rules
from entra_deployer.hunts.folder import Catalog, QuerySettings, RuleSource
from entra_deployer.hunts.hunt import esql_queries
from entra_deployer.kept_rules import Checked, KeptRules

OFFLINE = Target("offline", "default", facts.OFFLINE, licence="platinum")
"""What to compile for where no environment is named: the version of the embedded stack."""

TOLD_IN_THE_PLAN = ("DEP024",)
"""Warnings that a plan shows too: what the target's version and licence cost a rule."""

CANNOT_RUN = ("DEP007", "DEP010", "DEP011", "DEP012")
"""Codes of a query that a version does not take, or that is not meant for it."""

_OWN = "say in rule.yaml what is each one's own"


@dataclass(frozen=True)
class Compilation:
    """All that was compiled for one target.

    `issues` are what keeps rules from being deployed, and what a plan should tell, sorted; `findings` all that the
    checks have to say. `withheld` are the keys of the rules and searches that a run must leave as they stand, each with
    the reason: their hunt has an error or is not for this environment. Of the folders in `unread` not even the keys are
    known: while there is one, nothing may be deleted.
    """

    target: Target
    sources: tuple[RuleSource, ...]
    rules: tuple[CompiledRule, ...]
    issues: tuple[Issue, ...]
    findings: tuple[Issue, ...] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def deployable(self) -> tuple[CompiledRule, ...]:
        """The rules of which nothing is wrong."""
        return tuple(rule for rule in self.rules if rule.rule.key not in self.withheld)

    @property
    def owners(self) -> dict[str, Mapping[str, str]]:
        """Who owns which field ("git" or "live") where a rule.yaml says so, by rule_id."""
        return {rule.rule.key: owners for rule in self.rules if (owners := rule.settings.settings.owners)}


def read_catalog(root: Path, names: Sequence[str] = ()) -> Catalog:
    """The folders under `root`/rules, or those that `names` names; a name may also be the path of a hunt's file."""
    files = [path for name in names if (path := Path(name)).suffix in FORMATS and path.is_file()]
    folders = [name for name in names if Path(name) not in files]
    catalogs = [read_hunt_file(path) for path in files]
    if folders or not files:
        catalogs.append(read_rules(root / "rules", names=folders))
    found = sorted((source for catalog in catalogs for source in catalog.sources), key=lambda source: source.folder)
    issues = sorted((issue for catalog in catalogs for issue in catalog.issues), key=lambda issue: issue.order)
    return Catalog(
        tuple(found),
        tuple(issues),
        tuple(folder for catalog in catalogs for folder in catalog.unread),
        {folder: reason for catalog in catalogs for folder, reason in catalog.clashing.items()},
    )


class Syntax(Protocol):
    """Reads queries: the parser, or what remembers its answers."""

    def parse(self, text: str, version: StackVersion) -> Parsed:
        """As `esql.parse.parse`."""

    def type_problems(self, tree: Tree, version: StackVersion, fields: Mapping[str, str]) -> tuple[Problem, ...]:
        """As `esql.parse.type_problems`."""


def compile_catalog(catalog: Catalog, target: Target, syntax: Syntax | None = None) -> Compilation:
    """Compile what was read for a target, and run the checks. Two rules with one name are an error, for each.

    Whatever one hunt provokes is told of that hunt alone, and the others go on.
    """
    checked = _made(catalog, target) if syntax is None else [_make(one, target, syntax) for one in catalog.sources]
    compiled = [one.compiled for one in checked]
    findings = [issue for one in checked for issue in one.findings]
    rules = tuple(rule for one in compiled for rule in one.rules)
    issues = [*catalog.issues, *(issue for one in compiled for issue in one.issues), *_not_unique(rules, catalog)]
    issues += [issue for issue in findings if issue.level is Level.ERROR or issue.code in TOLD_IN_THE_PLAN]
    return Compilation(
        target=target,
        sources=catalog.sources,
        rules=rules,
        issues=_sorted(issues),
        findings=_sorted(findings),
        withheld=_withheld(catalog, compiled, _sorted(issues), target.space),
        unread=catalog.unread,
    )


def _made(catalog: Catalog, target: Target) -> list[Checked]:
    """What became of each hunt: where it has not changed since an earlier run, what became of it then."""
    kept = KeptRules(catalog.folder, target)
    found: list[Checked] = []
    for source in catalog.sources:
        known = kept.find(source)
        if known is None:
            whole = (source.read_again and source.read_again()) or source
            known = _make(whole, target, syntax_cache())
            kept.keep(whole, known)
        found.append(known)
    kept.save(whole=catalog.whole)
    return found


def _make(source: RuleSource, target: Target, syntax: Syntax) -> Checked:
    """Compile a hunt and check its rules."""
    knowledge = load_knowledge()
    compiled = _compile(source, target, knowledge, syntax)
    findings = (issue for rule in compiled.rules for issue in _check(rule, target, knowledge, syntax))
    return Checked(compiled, tuple(findings))


def _compile(source: RuleSource, target: Target, knowledge: Knowledge, syntax: Syntax) -> Compiled:
    try:
        return compile_source(source, target, knowledge, parser=syntax.parse)
    except Exception as error:
        return Compiled((), (failure(error, source.folder, source.hunt.at_field("query")),))


def _check(rule: CompiledRule, target: Target, knowledge: Knowledge, syntax: Syntax) -> tuple[Issue, ...]:
    try:
        types = knowledge.field_types(sources(rule.tree))
        problems = syntax.type_problems(rule.tree, target.version, types) if types else ()
        return run_checks(Subject(rule, target, knowledge, problems))
    except Exception as error:
        return (failure(error, rule.folder, rule.source.hunt.at(rule.query.line, rule.query.column)),)


def _withheld(catalog: Catalog, compiled: Sequence[Compiled], issues: Sequence[Issue], space: str) -> dict[str, str]:
    """The keys that a run must leave alone, with the reason."""
    errors = dict(catalog.clashing)
    for issue in issues:
        if issue.level is Level.ERROR:
            errors.setdefault(issue.subject, issue.message)
    found: dict[str, str] = {}
    for source, one in zip(catalog.sources, compiled, strict=True):
        for query in rule_queries(source):
            if reason := one.elsewhere.get(query.key) or errors.get(source.folder):
                keys = (pinned_rule_id(source.hunt, query), search_id(source.hunt, query.key, space))
                found |= dict.fromkeys(keys, reason)
    return found


def _sorted(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    return tuple(sorted(set(issues), key=lambda issue: issue.order))


def compile_rules(root: Path, target: Target = OFFLINE, names: Sequence[str] = ()) -> Compilation:
    """Read and compile. Raises UsageError for a name that does not exist."""
    return compile_catalog(read_catalog(root, names), target)


def _not_unique(rules: Sequence[CompiledRule], catalog: Catalog) -> list[Issue]:
    """Rules of one name, which nobody could tell apart, or of one rule_id, which would overwrite each other.

    Where the hunts themselves clash, that was told.
    """
    same: defaultdict[tuple[str, str], list[CompiledRule]] = defaultdict(list)
    for rule in rules:
        same["are named", rule.rule.name.lower()].append(rule)
        same["have the rule_id", rule.rule.key].append(rule)
    return [
        Issue("DEP003", Level.ERROR, f"{len(group)} rules {what} {_unique(what, rule)!r}", rule.folder, hint=_OWN)
        for (what, _), group in same.items()
        for rule in (group if len(group) > 1 and not {one.folder for one in group} <= catalog.clashing.keys() else ())
    ]


def _unique(what: str, rule: CompiledRule) -> str:
    return rule.rule.name if what == "are named" else rule.rule.key


def rule_queries(source: RuleSource) -> tuple[QuerySettings, ...]:
    """The key and settings of each query of the hunt that becomes a rule, in its order."""
    mine = esql_queries(source.hunt)
    return tuple(one for query, one in zip(source.hunt.queries, source.queries, strict=True) if query in mine)


def rule_keys(source: RuleSource) -> tuple[str, ...]:
    """The keys of the hunt's queries that become rules, in its order."""
    return tuple(query.key for query in rule_queries(source))


def check_rules(
    root: Path, names: Sequence[str], targets: Sequence[Target], versions: Sequence[StackVersion] = ()
) -> CheckReport:
    """All issues of the named rules (all where none is named) for any of `targets`, and their support by `versions`.

    Those of their detection tests are among them.
    """
    catalog = read_catalog(root, names)
    compilations = [compile_catalog(catalog, target) for target in targets]
    found = {issue for one in compilations for issue in (*one.issues, *one.findings)}
    found |= {issue for source in catalog.sources for issue in source.test_issues}
    issues = _sorted(found)
    newest = compilations[-1]
    return CheckReport(
        target=f"{', '.join(str(target.version) for target in targets)}, {newest.target.licence}",
        hunts=len(catalog.sources),
        rules=len(newest.rules),
        issues=issues,
        titles={issue.code: title(issue.code) for issue in issues},
        matrix=_matrix(catalog, newest.target, versions),
        folders=tuple(source.folder for source in catalog.sources),
    )


def _matrix(catalog: Catalog, target: Target, versions: Sequence[StackVersion]) -> tuple[MatrixRow, ...]:
    compiled = [compile_catalog(catalog, replace(target, version=version)) for version in versions]
    if not compiled:
        return ()
    return tuple(
        MatrixRow(source.hunt.name, source.folder, tuple(_cell(source, compilation) for compilation in compiled))
        for source in catalog.sources
    )


def _cell(source: RuleSource, compilation: Compilation) -> Cell:
    """Whether one version can run all rules of a hunt."""
    version = compilation.target.version
    name = f"{version.major}.{version.minor}"
    if refused := _refusals(source, compilation):
        return Cell(name, Support.NO, refused)
    unknown = _unknown(source, version)
    return Cell(name, Support.UNKNOWN if unknown else Support.YES, unknown)


def _refusals(source: RuleSource, compilation: Compilation) -> tuple[str, ...]:
    issues: list[Issue] = [
        issue
        for issue in {*compilation.issues, *compilation.findings}
        if issue.subject == source.folder and issue.code in CANNOT_RUN
    ]
    ordered = sorted(issues, key=lambda issue: issue.order)
    said = [f"{issue.message} ({issue.hint})" if issue.code == "DEP012" else issue.message for issue in ordered]
    return tuple(dict.fromkeys(said))


def _unknown(source: RuleSource, version: StackVersion) -> tuple[str, ...]:
    """What the queries use of which nobody knows whether the version has it."""
    cache = syntax_cache()
    if version >= facts.FUNCTIONS_PARSED:
        return ()
    trees = [cache.parse(query.text, version).tree for query in source.hunt.queries]
    found = [feature.name for tree in trees if tree for feature in features(tree) if feature.available(version) is None]
    return tuple(dict.fromkeys(found))
