"""A rule's query, pointed at the events of a test: FROM names another index, nothing else changes."""

from dataclasses import dataclass
from datetime import datetime

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import format_moment
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import possible_fields
from entra_deployer.esql.edits import Edit, apply_edits
from entra_deployer.esql.parse import parse
from entra_deployer.esql.types import inferred_types

_COMMANDS = {"enrich", "inline", "inlinestats", "fork", "fuse", "rerank", "completion", "change_point", "ts"}
"""Commands that the embedded Elasticsearch cannot run."""

_FUNCTIONS = {"categorize", "st_geohex", "st_geotile", "st_geohash"}
"""Functions that it cannot run. A query with CATEGORIZE or CHANGE_POINT would hang there for ever."""


class Unreadable(Exception):
    """The query cannot be pointed at test events; its text, for a verdict, says why."""


@dataclass(frozen=True)
class RuleQuery:
    """A query that can be pointed elsewhere."""

    tree: nodes.Tree
    source: nodes.From

    @property
    def fields(self) -> dict[str, str]:
        """The fields that the query may read, with the types that it demands of them, "" where it demands none."""
        demanded = inferred_types(self.tree)
        return {name: demanded.get(name, "") for name in possible_fields(self.tree)}

    def at(self, index: str, *edits: Edit) -> str:
        """The query with `index` in place of its index patterns, and with further edits."""
        first, last = self.source.sources[0].span, self.source.sources[-1].span
        return apply_edits(self.tree.text, [Edit(first.start, last.end, index), *edits])

    def at_moment(self, index: str, moment: datetime) -> str:
        """As `at`, with a moment in the place of each NOW()."""
        return self.at(index, *clock_edits(self.tree, moment))

    def offset(self, line: int, column: int, index: str) -> int:
        """Where a place in `at(index)`, by 1-based line and column, stands in the rule's own query."""
        first, last = self.source.sources[0].span, self.source.sources[-1].span
        lines = self.at(index).split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        if offset > first.start:
            offset = max(first.start, offset - len(index) + last.end - first.start)
        return offset


def clock_edits(tree: nodes.Tree, moment: datetime) -> list[Edit]:
    """Edits that put a moment in the place of each NOW(): a server's clock cannot be turned back."""
    constant = f'TO_DATETIME("{format_moment(moment)}")'
    calls = [node.span for node in tree.walk() if isinstance(node, nodes.Call) and node.name == "now"]
    return [Edit(span.start, span.end, constant) for span in calls]


def read_query(text: str, version: StackVersion) -> RuleQuery:
    """Read a rule's query. Raises Unreadable for one that does not parse or has no FROM that can be replaced."""
    parsed = parse(text, version)
    if parsed.tree is None:
        problem = parsed.problems[0]
        raise Unreadable(f"its query does not parse: line {problem.line}:{problem.column}: {problem.message}")
    source = next((command for command in parsed.tree.commands if isinstance(command, nodes.From)), None)
    if source is None or not source.sources:
        raise Unreadable("its query has no FROM that could point at test events")
    if source.subqueries:
        raise Unreadable("its FROM holds a subquery, which cannot point at test events")
    return RuleQuery(parsed.tree, source)


def beyond_embedded(text: str, version: StackVersion) -> str | None:
    """What of a query the embedded Elasticsearch of this `version` cannot run, None where it can run all of it.

    That is a command or function that it was built without, or syntax that only a newer stack knows.
    """
    parsed = parse(text, version)
    newest = parse(text, facts.NEWER_THAN_ALL) if parsed.refusals else parsed
    if newest.tree and (lacking := _lacking(newest.tree)):
        return lacking
    if parsed.refusals and not newest.refusals:
        problem = parsed.refusals[0]
        return f"a newer stack (line {problem.line}:{problem.column}: {problem.message})"
    return None


def beyond_tests(text: str, version: StackVersion) -> str | None:
    """As `beyond_embedded`, with what needs an index that a test does not have."""
    parsed = parse(text, version)
    joins = parsed.tree is not None and any(
        isinstance(command, nodes.Other) and command.word == "lookup" for command in parsed.tree.commands
    )
    return "LOOKUP" if joins else beyond_embedded(text, version)


def _lacking(tree: nodes.Tree) -> str | None:
    for node in tree.walk():
        if isinstance(node, nodes.Other) and node.word in _COMMANDS:
            return node.word.upper()
        if isinstance(node, nodes.Stats) and node.inline:
            return "INLINE STATS"
        if isinstance(node, nodes.Call) and node.name in _FUNCTIONS:
            return node.name.upper()
        if isinstance(node, nodes.From) and node.span.of(tree.text)[:2].lower() == "ts":
            return "TS"
    return None
