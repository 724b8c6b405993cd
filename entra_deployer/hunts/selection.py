"""Which hunts a command is about, and the part of the catalog that these are."""

import fnmatch
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from entra_deployer.core.errors import UnknownName, UsageError
from entra_deployer.core.text import did_you_mean
from entra_deployer.hunts.folder import Catalog


@dataclass(frozen=True)
class Selection:
    """All hunts where nothing is said, else those for which all holds that is said.

    `names` are folders, names of rules, patterns of either (`entra_*`), or paths of hunt files outside of rules/;
    `tags` those of rule.yaml, or patterns of them: one of each is enough. `changed_since` is a commit, branch or tag
    of git: the hunts of which a file has changed since this branch left it.
    """

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    changed_since: str = ""

    @property
    def is_all(self) -> bool:
        """Whether it leaves nothing out: only then what is in no hunt is nobody's."""
        return not (self.names or self.tags or self.changed_since)


ALL = Selection()


def part_of(catalog: Catalog, folders: Set[str]) -> Catalog:
    """What the catalog says of some folders; of all it keeps which could not be read."""
    clashes = tuple(clash for clash in catalog.clashes if clash.folders & folders)
    elsewhere = {clash.issue for clash in catalog.clashes}
    own = tuple(issue for issue in catalog.issues if issue not in elsewhere and issue.subject in folders)
    issues = sorted((*own, *(clash.issue for clash in clashes)), key=lambda issue: issue.order)
    sources = tuple(source for source in catalog.sources if source.folder in folders)
    return replace(catalog, sources=sources, issues=tuple(issues), clashes=clashes, whole=False)


def folders_named(catalog: Catalog, names: Sequence[str]) -> set[str]:
    """The folders that names or patterns mean. Raises UnknownName for one that means none."""
    called: dict[str, set[str]] = {folder: {folder} for folder in catalog.unread}
    for source in catalog.sources:
        own = {query.settings.name for query in source.queries if query.settings.name}
        called[source.folder] = {source.folder, source.hunt.name, *own}
    known = sorted(called) + sorted({name for names_ in called.values() for name in names_} - called.keys())
    for name in names:
        if not means(name, known):
            hint = did_you_mean(name, known) if known else "there is none under rules/"
            raise UnknownName("rule", name, f"no rule is named {name!r}", hint=hint)
    return {folder for folder, names_ in called.items() if any(means(name, names_) for name in names)}


def folders_tagged(catalog: Catalog, tags: Sequence[str]) -> set[str]:
    """The folders with one of the tags in rule.yaml, or of the patterns. Raises UsageError for one that none has."""
    found = {
        source.folder: {tag for query in source.queries for tag in query.settings.tags} for source in catalog.sources
    }
    known = sorted({tag for tags_ in found.values() for tag in tags_})
    for tag in tags:
        if not means(tag, known):
            hint = did_you_mean(tag, known) if known else "write `tags:` into rule.yaml"
            raise UsageError(f"no rule.yaml has the tag {tag!r}", hint=hint)
    return {folder for folder, tags_ in found.items() if any(means(tag, tags_) for tag in tags)}


def means(pattern: str, names: Iterable[str]) -> bool:
    """Whether a name, or a pattern of names such as `entra_*`, is one of these."""
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in names)
