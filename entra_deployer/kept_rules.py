"""The rules that hunts became, kept by content: what has not changed is neither compiled nor checked again.

What is kept depends on the hunt's file and rule.yaml, the target, and this tool with all that is bundled with it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial

from entra_deployer.compiler.compiled import Checked, Compiled, CompiledRule, Made
from entra_deployer.core.cache import Bundle, user_cache
from entra_deployer.core.issue import Issue
from entra_deployer.core.json import encode_json, pack, unpack
from entra_deployer.core.target import Target
from entra_deployer.esql.tree import Tree
from entra_deployer.hunts.folder import RuleSource

_MADE = [one.name for one in fields(Made)]


@dataclass(frozen=True)
class _Kept:
    """What became of a hunt; `rules` are by the position of their query in it."""

    rules: tuple[tuple[int, Made], ...]
    issues: tuple[Issue, ...]
    elsewhere: Mapping[str, str]
    findings: tuple[Issue, ...]


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
        issues = (*checked.compiled.issues, *checked.findings)
        if not source.digest or any(issue.code == "DEP009" for issue in issues):
            return
        compiled = checked.compiled
        rules = tuple(_without_hunt(source, one) for one in compiled.rules)
        with suppress(ValueError):
            self._bundle.put(source.digest, pack(_Kept(rules, compiled.issues, compiled.elsewhere, checked.findings)))

    def save(self, *, whole: bool) -> None:
        """Write what is new; `whole` says that every hunt of the folder was asked for."""
        self._bundle.save(whole=whole)

    def _restored(self, source: RuleSource, position: int, made: Made) -> CompiledRule:
        query, settings = source.hunt.queries[position], source.queries[position]
        read_tree = partial(self._tree, query.text)
        return CompiledRule(source=source, query=query, settings=settings, read_tree=read_tree, **vars(made))

    def _tree(self, text: str) -> Tree:
        from entra_deployer.esql.cache import syntax_cache  # noqa: PLC0415 - a plan asks for no tree

        tree = syntax_cache().parse(text, self._target.version).tree
        if tree is None:
            raise AssertionError("a rule was made of a query that does not parse")
        return tree


def _without_hunt(source: RuleSource, rule: CompiledRule) -> tuple[int, Made]:
    return source.queries.index(rule.settings), Made(**{name: getattr(rule, name) for name in _MADE})
