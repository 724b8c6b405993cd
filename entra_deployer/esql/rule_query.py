"""A rule's query, pointed at the events of a test: FROM names another index, nothing else changes."""

from dataclasses import dataclass, replace
from datetime import datetime

from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import format_moment
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import joins, kept_patterns, possible_fields
from entra_deployer.esql.edits import Edit, apply_edits, original_offset
from entra_deployer.esql.parse import parse
from entra_deployer.esql.types import inferred_types


class Unreadable(Exception):
    """The query cannot be pointed at test events; its text, for a verdict, says why."""


@dataclass(frozen=True)
class RuleQuery:
    """A query that can be pointed elsewhere; where it has a `moment`, that stands in the place of each NOW() then."""

    tree: nodes.Tree
    source: nodes.From
    moment: datetime | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The fields that the query may read, with the types that it demands of them, "" where it demands none."""
        demanded = inferred_types(self.tree)
        return {name: demanded.get(name, "") for name in possible_fields(self.tree)}

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names with `*` by which it keeps or drops columns of its source: each has to match one of them."""
        return kept_patterns(self.tree)

    @property
    def lookups(self) -> tuple[str, ...]:
        """The indices that its LOOKUP JOINs read."""
        return tuple(dict.fromkeys(join.target.name for join in joins(self.tree) if join.target))

    def at(self, index: str, *edits: Edit) -> str:
        """The query with `index` in place of its index patterns, and with further edits.

        Each LOOKUP JOIN reads the rows that were seeded beside `index`.
        """
        return apply_edits(self.tree.text, [*self._pointed(index), *edits])

    def _pointed(self, index: str) -> list[Edit]:
        first, last = self.source.sources[0].span, self.source.sources[-1].span
        targets = [join.target for join in joins(self.tree) if join.target]
        aimed = [Edit(one.span.start, one.span.end, lookup_index(index, one.name)) for one in targets]
        clock = clock_edits(self.tree, self.moment) if self.moment else []
        return [Edit(first.start, last.end, index), *aimed, *clock]

    def before(self, join: nodes.Other, index: str) -> str:
        """As `at`, up to the pipe before a LOOKUP JOIN; "" for one in a branch of a FORK."""
        edits = [edit for edit in self._pointed(index) if edit.end <= join.pipe]
        return apply_edits(self.tree.text[: max(join.pipe, 0)], edits)

    def at_moment(self, moment: datetime) -> "RuleQuery":
        """The query as it is at a moment, however long it takes until a server sees it."""
        return replace(self, moment=moment)

    def offset(self, line: int, column: int, index: str) -> int:
        """Where a place in `at(index)`, by 1-based line and column, stands in the rule's own query."""
        lines = self.at(index).split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        return original_offset(self.tree.text, self._pointed(index), offset)


def lookup_index(index: str, name: str) -> str:
    """The index of a test that stands for the lookup index `name`, beside the events of the test in `index`."""
    return f"{index}-{name}"


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
