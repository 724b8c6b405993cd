"""The checkout: every hunt read once, compiled and checked once for a target, found by name, tag or change."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from entra_deployer import facts
from entra_deployer.checked import Cell, CheckReport, MatrixRow, Support
from entra_deployer.compiler.compiled import Checked, Compiled, CompiledRule
from entra_deployer.compiler.identity import pinned_rule_id, search_id
from entra_deployer.core.files import RULES_FOLDER
from entra_deployer.core.git import changed_files
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.catalog import hunt_folders, read_hunt_file, read_rules
from entra_deployer.hunts.folder import Catalog, QuerySettings, RuleSource
from entra_deployer.hunts.hunt import esql_queries
from entra_deployer.hunts.selection import ALL, Selection, folders_named, folders_tagged, part_of
from entra_deployer.kept_rules import KeptRules

if TYPE_CHECKING:
    from entra_deployer.checks.hunt import Syntax

OFFLINE = Target("offline", "default", facts.OFFLINE, license="platinum")
"""What to compile for where no environment is named: the version of the embedded stack."""

TOLD_WHERE_WRITTEN = ("DEP036", "DEP037", "DEP038")
"""Warnings that a plan shows of the rules that it writes: where a rule may look at other events than its hunt does."""

TOLD_IN_THE_PLAN = ("DEP024", *TOLD_WHERE_WRITTEN)
"""Warnings that a plan shows too: what the target's version and license cost a rule."""

CANNOT_RUN = ("DEP007", "DEP010", "DEP011", "DEP012")
"""Codes of a query that a version does not take, or that is not meant for it."""

_OWN = "say in rule.yaml what is each one's own"


@dataclass(frozen=True)
class Compilation:
    """All that was compiled for one target.

    `issues` are what keeps rules from being deployed, and what a plan should tell, sorted; `findings` all that the
    checks have to say. `withheld` are the keys of the rules and searches that a run must leave as they stand, each with
    the reason: their hunt has an error or is not for this environment. Of the folders in `unread` not even the keys are
    known, since they cannot be read or told apart: while there is one, nothing may be deleted.
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


class Repository:
    """The checkout. Each hunt is read once and compiled once for a target, when somebody first asks for it.

    What is written into its files later is seen by another Repository alone.
    """

    def __init__(self, root: Path, *, syntax: "Syntax | None" = None) -> None:
        """`root` is the project's folder, as paths in messages begin; without `syntax` the user's cache is asked."""
        self.root = root
        self._syntax = syntax
        self._files: dict[Path, Catalog] = {}
        self._checked: list[tuple[Target, dict[str, Checked]]] = []

    @cached_property
    def _rules(self) -> Catalog:
        return read_rules(self.root / RULES_FOLDER)

    @cached_property
    def size(self) -> int:
        """How many folders there are for a hunt each; none of them is read for it. Raises InputError for none."""
        return len(hunt_folders(self.root / RULES_FOLDER))

    def catalog(self, selection: Selection = ALL) -> Catalog:
        """The hunts that are selected. Raises UsageError for a name, a tag or a commit that there is not."""
        files = [path for name in selection.names if (path := Path(name)).suffix in FORMATS and path.is_file()]
        names = [name for name in selection.names if Path(name) not in files]
        if not files:
            return self._below_rules(selection)
        catalogs = [self._file(path) for path in files]
        if names:
            catalogs.append(self._below_rules(replace(selection, names=tuple(names))))
        found = sorted((source for catalog in catalogs for source in catalog.sources), key=lambda one: one.folder)
        issues = sorted((issue for catalog in catalogs for issue in catalog.issues), key=lambda issue: issue.order)
        unread = tuple(folder for catalog in catalogs for folder in catalog.unread)
        clashes = tuple(clash for catalog in catalogs for clash in catalog.clashes)
        return Catalog(tuple(found), tuple(issues), unread, clashes)

    def _file(self, path: Path) -> Catalog:
        if path not in self._files:
            self._files[path] = read_hunt_file(path)
        return self._files[path]

    def _below_rules(self, selection: Selection) -> Catalog:
        whole = self._rules
        if selection.is_all:
            return whole
        folders = {*whole.unread, *(source.folder for source in whole.sources)}
        if selection.names:
            folders &= folders_named(whole, selection.names)
        if selection.tags:
            folders &= folders_tagged(whole, selection.tags)
        if selection.changed_since:
            folders &= self.changed_folders(selection.changed_since)
        return part_of(whole, folders)

    def changed_folders(self, since: str) -> set[str]:
        """The folders under rules/ with a file that has changed since a commit, those that are gone included.

        Raises UsageError where git does not know it.
        """
        return {path.partition("/")[0] for path in changed_files(self.root / RULES_FOLDER, since)}

    def compile(self, target: Target, selection: Selection = ALL) -> Compilation:
        """All that is selected, compiled and checked. Two rules with one name are an error, for each.

        Whatever one hunt provokes is told of that hunt alone, and the others go on. Raises as `catalog` does.
        """
        catalog = self.catalog(selection)
        known = self._known(target)
        new = [source for source in catalog.sources if source.hunt.source not in known]
        if new:
            made = self._compile(catalog, replace(target, environment="", space=""))
            known |= {source.hunt.source: made[source.hunt.source].in_space(target.space) for source in new}
        return _put_together(catalog, target, [known[source.hunt.source] for source in catalog.sources])

    def _compile(self, catalog: Catalog, target: Target) -> dict[str, Checked]:
        """What becomes of hunts, by their files. `target` is no space: a rule is the same in all of its kind."""
        known = self._known(target)
        kept = KeptRules(catalog.folder, target) if self._syntax is None else None
        new = [source for source in catalog.sources if source.hunt.source not in known]
        if kept and catalog.folder:
            kept.make(self.root / RULES_FOLDER, new)
        for source in new:
            known[source.hunt.source] = self._make(source, target, kept)
        if kept:
            kept.save(whole=catalog.whole)
        return known

    def _known(self, target: Target) -> dict[str, Checked]:
        """What was compiled for a target; targets hold mappings, and are compared."""
        for other, checked in self._checked:
            if other == target:
                return checked
        self._checked.append((target, {}))
        return self._checked[-1][1]

    def _make(self, source: RuleSource, target: Target, kept: KeptRules | None) -> Checked:
        """What became of a hunt; where it has not changed since an earlier run, what became of it then."""
        if kept and (known := kept.find(source)):
            return known
        from entra_deployer.checks.hunt import check_hunt  # noqa: PLC0415 - where all is kept, no check is loaded

        whole = (source.read_again and source.read_again()) or source
        made = check_hunt(whole, target, self._syntax)
        if kept:
            kept.keep(whole, made)
        return made


def _put_together(catalog: Catalog, target: Target, checked: Sequence[Checked]) -> Compilation:
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
        unread=tuple(sorted({*catalog.unread, *catalog.clashing})),
    )


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
    repository: Repository, selection: Selection, targets: Sequence[Target], versions: Sequence[StackVersion] = ()
) -> CheckReport:
    """All issues of what is selected, for any of `targets`, and its support by `versions`.

    Those of the detection tests are among them.
    """
    from entra_deployer.checks.codes import title  # noqa: PLC0415 - loads all checks

    catalog = repository.catalog(selection)
    compilations = [repository.compile(target, selection) for target in targets]
    found = {issue for one in compilations for issue in (*one.issues, *one.findings)}
    found |= {issue for source in catalog.sources for issue in source.test_issues}
    issues = _sorted(found)
    newest = compilations[-1]
    return CheckReport(
        target=f"{', '.join(str(target.version) for target in targets)}, {newest.target.license}",
        hunts=len(catalog.sources),
        rules=len(newest.rules),
        issues=issues,
        titles={issue.code: title(issue.code) for issue in issues},
        matrix=_matrix(repository, selection, newest.target, versions),
        folders=tuple(source.folder for source in catalog.sources),
    )


def _matrix(
    repository: Repository, selection: Selection, target: Target, versions: Sequence[StackVersion]
) -> tuple[MatrixRow, ...]:
    compiled = [repository.compile(replace(target, version=version), selection) for version in versions]
    if not compiled:
        return ()
    return tuple(
        MatrixRow(source.hunt.name, source.folder, tuple(_cell(source, compilation) for compilation in compiled))
        for source in repository.catalog(selection).sources
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
    from entra_deployer.esql.cache import syntax_cache  # noqa: PLC0415 - loads what reads queries
    from entra_deployer.esql.features import features  # noqa: PLC0415 - see above

    cache = syntax_cache()
    if version >= facts.FUNCTIONS_PARSED:
        return ()
    trees = [cache.parse(query.text, version).tree for query in source.hunt.queries]
    found = [feature.name for tree in trees if tree for feature in features(tree) if feature.available(version) is None]
    return tuple(dict.fromkeys(found))
