"""Reads hunts and compiles them for a target: what `deploy compile`, `deploy check` and every push start from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.convert.compiler import compile_source
from entra_deployer.data import load_knowledge
from entra_deployer.model.compiled import CompiledRule
from entra_deployer.model.issue import Issue, Level
from entra_deployer.model.source import Catalog, RuleSource
from entra_deployer.model.target import StackVersion, Target
from entra_deployer.sources import READERS
from entra_deployer.sources.catalog import read_hunt_file, read_rules

OFFLINE = Target("offline", "default", StackVersion(8, 19, 21), licence="platinum")
"""What to compile for where no environment is named: the version of the embedded stack."""


@dataclass(frozen=True)
class Compilation:
    """All that was compiled for one target. `issues` are those of reading and of compiling, sorted."""

    target: Target
    sources: tuple[RuleSource, ...]
    rules: tuple[CompiledRule, ...]
    issues: tuple[Issue, ...]

    @property
    def owners(self) -> dict[str, Mapping[str, str]]:
        """Who owns which field ("git" or "live") where a rule.yaml says so, by rule_id."""
        settings = {(source.folder, query.key): query.settings for source in self.sources for query in source.queries}
        found = {rule.rule.key: settings[rule.folder, rule.query_key].owners for rule in self.rules}
        return {key: owners for key, owners in found.items() if owners}

    @property
    def failed(self) -> bool:
        """Whether anything is wrong that keeps a rule from being deployed."""
        return any(issue.level is Level.ERROR for issue in self.issues)


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
    """Compile what was read for a target. Two rules with one name are an error, for each of them."""
    compiled = [compile_source(source, target, load_knowledge()) for source in catalog.sources]
    rules = tuple(rule for one in compiled for rule in one.rules)
    issues = [*catalog.issues, *(issue for one in compiled for issue in one.issues), *_same_names(rules)]
    return Compilation(target, catalog.sources, rules, tuple(sorted(set(issues), key=lambda issue: issue.order)))


def compile_rules(root: Path, target: Target = OFFLINE, names: Sequence[str] = ()) -> Compilation:
    """Read and compile. Raises UsageError for a name that does not exist."""
    return compile_catalog(read_catalog(root, names), target)


def _same_names(rules: Sequence[CompiledRule]) -> list[Issue]:
    by_name: dict[str, list[CompiledRule]] = {}
    for rule in rules:
        by_name.setdefault(rule.rule.name.lower(), []).append(rule)
    return [
        Issue(
            "DEP003",
            Level.ERROR,
            f"{len(group)} rules are named {rule.rule.name!r}",
            rule.folder,
            hint="name them in rule.yaml",
        )
        for group in by_name.values()
        if len(group) > 1
        for rule in group
    ]
