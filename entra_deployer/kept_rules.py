"""The rules that hunts became, kept by content: what has not changed is neither compiled nor checked again.

What is kept depends on the hunt's file and rule.yaml, the target, and this tool with all that is bundled with it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from entra_deployer.compiler.compiled import Checked, Compiled, CompiledRule, Made
from entra_deployer.core.cache import Bundle, user_cache
from entra_deployer.core.issue import Issue
from entra_deployer.core.json import encode_json, pack, shared, unpack
from entra_deployer.core.target import Target
from entra_deployer.core.workers import side_by_side
from entra_deployer.hunts.catalog import read_rules
from entra_deployer.hunts.folder import RuleSource
from entra_deployer.objects.rule_fields import REPEATED

if TYPE_CHECKING:
    from entra_deployer.esql.tree import Tree

_MADE = [one.name for one in fields(Made)]


@dataclass(frozen=True)
class _Kept:
    """What became of a hunt; `rules` are by the position of their query in it."""

    rules: tuple[tuple[int, Made], ...]
    issues: tuple[Issue, ...]
    elsewhere: Mapping[str, str]
    findings: tuple[Issue, ...]


MANY = 24
"""So many new hunts take longer than it takes to start a worker: each some 40 ms."""
AT_ONCE = 4
"""Hunts that a worker is given at a time."""


class KeptRules:
    """The rules of the hunts in a folder, for one target."""

    def __init__(self, folder: str, target: Target, bundle: Bundle | None = None) -> None:
        self._target = target
        self._bundle = bundle or Bundle(user_cache("rules", 2), folder, encode_json(target).decode())

    def find(self, source: RuleSource) -> Checked | None:
        """What became of a hunt that has not changed since; None for any other."""
        known = self._bundle.get(source.digest) if source.digest else None
        if known is None:
            return None
        try:
            kept = unpack(known, _Kept)
            rules = tuple(self._restored(source, position, made) for position, made in kept.rules)
        except (ValueError, IndexError):
            return None
        return Checked(Compiled(rules, kept.issues, kept.elsewhere), kept.findings)

    def keep(self, source: RuleSource, checked: Checked) -> None:
        """Keep what became of a hunt, but for a fault of ours."""
        if (packed := _packed(source, checked)) is not None:
            self._bundle.put(source.digest, packed)

    def make(self, where: Path, sources: Sequence[RuleSource]) -> None:
        """Keep what becomes of the hunts in the folders of `where`: many new ones are worked on by all cores."""
        new = [one.folder for one in sources if one.digest and self._bundle.get(one.digest) is None]
        if len(new) < MANY:
            return
        parts = [tuple(new[start : start + AT_ONCE]) for start in range(0, len(new), AT_ONCE)]
        for made in side_by_side(partial(make_rules, str(where), self._target), parts):
            for digest, packed in made.items():
                self._bundle.put(digest, packed)

    def save(self, *, whole: bool) -> None:
        """Write what is new; `whole` says that every hunt of the folder was asked for."""
        self._bundle.save(whole=whole)

    def _restored(self, source: RuleSource, position: int, made: Made) -> CompiledRule:
        query, settings = source.hunt.queries[position], source.queries[position]
        payload = {**made.rule.payload, **shared(made.rule.payload, REPEATED)}
        made = replace(made, rule=replace(made.rule, payload=payload))
        read_tree = partial(self._tree, query.text)
        return CompiledRule(source=source, query=query, settings=settings, read_tree=read_tree, **vars(made))

    def _tree(self, text: str) -> "Tree":
        from entra_deployer.esql.cache import syntax_cache  # noqa: PLC0415 - a plan asks for no tree

        tree = syntax_cache().parse(text, self._target.version).tree
        if tree is None:
            raise AssertionError("a rule was made of a query that does not parse")
        return tree


def make_rules(where: str, target: Target, folders: Sequence[str]) -> dict[str, bytes]:
    """What becomes of some hunts below the folder `where`, packed, by their digests: the work of a worker."""
    from entra_deployer.checks.hunt import check_hunt  # noqa: PLC0415 - where all is kept, no check is loaded

    made: dict[str, bytes] = {}
    for source in (_sources(where)[folder] for folder in folders if folder in _sources(where)):
        whole = (source.read_again and source.read_again()) or source
        if (packed := _packed(whole, check_hunt(whole, target))) is not None:
            made[whole.digest] = packed
    return made


@cache
def _sources(where: str) -> dict[str, RuleSource]:
    return {source.folder: source for source in read_rules(Path(where)).sources}


def _packed(source: RuleSource, checked: Checked) -> bytes | None:
    """None for a fault of ours, and for what cannot be told by its content."""
    compiled = checked.compiled
    if not source.digest or any(issue.code == "DEP009" for issue in (*compiled.issues, *checked.findings)):
        return None
    rules = tuple(_without_hunt(source, one) for one in compiled.rules)
    with suppress(ValueError):
        return pack(_Kept(rules, compiled.issues, compiled.elsewhere, checked.findings))
    return None


def _without_hunt(source: RuleSource, rule: CompiledRule) -> tuple[int, Made]:
    return source.queries.index(rule.settings), Made(**{name: getattr(rule, name) for name in _MADE})
