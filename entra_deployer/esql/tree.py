"""The syntax tree of an ES|QL query. Every node knows its span in the text, so that rewrites can cut and paste.

Spans are half-open offsets in code points. Names are as the engine sees them: without backquotes, keywords and
functions in lower case.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, cached_property


@dataclass(frozen=True)
class Span:
    """A part of the text: from `start` up to, not including, `end`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """What stands there."""
        return text[self.start : self.end]


@dataclass(frozen=True)
class Node:
    """Anything in the tree."""

    span: Span

    def children(self) -> Iterator["Node"]:
        """The nodes directly below this one, in the order of the text."""
        for name in _parts(type(self).__name__):
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (part for part in value if isinstance(part, Node))

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, from the top."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(tuple(node.children()))


@cache
def _parts(kind: str) -> tuple[str, ...]:
    """The fields of a class of nodes that may hold nodes: those of other types never do."""
    return tuple(item.name for item in fields(globals()[kind]) if item.type not in _NO_NODES)


_NO_NODES = (Span, Span | None, str, int, bool, int | None, str | None)


@dataclass(frozen=True)
class Name(Node):
    """A name of a column, an index or a metadata field; `quoted` where backquotes or quotes stand around it."""

    name: str
    quoted: bool = False


@dataclass(frozen=True)
class Expression(Node):
    """Anything with a value."""


@dataclass(frozen=True)
class Column(Expression):
    """A column."""

    name: str


@dataclass(frozen=True)
class Literal(Expression):
    """A constant. `kind`: string, integer, decimal, boolean, null, list, parameter (whose value is its name, `?x`)."""

    kind: str
    value: str | int | float | bool | None = None


@dataclass(frozen=True)
class Duration(Expression):
    """A time span such as `14 days`; `unit` in lower case, as written."""

    amount: int
    unit: str


@dataclass(frozen=True)
class Call(Expression):
    """A function and its arguments; COUNT(*) has none."""

    name: str
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Unary(Expression):
    """`not x` or `-x`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """`and`, `or`, a comparison or arithmetic."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class In(Expression):
    """`x in (a, b)`."""

    value: Expression
    items: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True)
class IsNull(Expression):
    """`x is null`; negated: `x is not null`."""

    value: Expression
    negated: bool = False


@dataclass(frozen=True)
class Like(Expression):
    """`x like "..."` or `x rlike "..."`; `operator` is one of the two."""

    operator: str
    value: Expression
    patterns: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True)
class Match(Expression):
    """`field : "text"`."""

    value: Expression
    query: Expression


@dataclass(frozen=True)
class Cast(Expression):
    """`x::type`."""

    value: Expression
    type: str


@dataclass(frozen=True)
class Group(Expression):
    """An expression in parentheses."""

    inner: Expression


@dataclass(frozen=True)
class Opaque(Expression):
    """An expression of a kind that this tree does not tell apart (a map, a lambda, a subquery)."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Assignment(Node):
    """`name = expression` or an expression alone, whose column is then named by its own text."""

    name: str
    value: Expression
    where: Expression | None = None
    named: bool = True


@dataclass(frozen=True)
class Command(Node):
    """One step of the pipe. `pipe` is the offset of the `|` before it, -1 for the first."""

    pipe: int


@dataclass(frozen=True)
class From(Command):
    """FROM or TS. `sources` are index patterns; `metadata_span` reaches from the word METADATA to the end of it."""

    sources: tuple[Name, ...]
    metadata: tuple[Name, ...] = ()
    metadata_span: Span | None = None
    brackets: bool = False
    subqueries: bool = False


@dataclass(frozen=True)
class Where(Command):
    """WHERE."""

    predicate: Expression


@dataclass(frozen=True)
class Keep(Command):
    """KEEP; the names may hold `*`."""

    names: tuple[Name, ...]


@dataclass(frozen=True)
class Drop(Command):
    """DROP; the names may hold `*`."""

    names: tuple[Name, ...]


@dataclass(frozen=True)
class Eval(Command):
    """EVAL."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True)
class Stats(Command):
    """STATS, or INLINE STATS where `inline`. `groups` follow BY: a column alone is an Assignment to its own name."""

    aggregates: tuple[Assignment, ...]
    groups: tuple[Assignment, ...]
    inline: bool = False


@dataclass(frozen=True)
class Sort(Command):
    """SORT; `descending` is parallel to `keys`."""

    keys: tuple[Expression, ...]
    descending: tuple[bool, ...]


@dataclass(frozen=True)
class Limit(Command):
    """LIMIT; `count` is None where it is a parameter."""

    count: int | None


@dataclass(frozen=True)
class Rename(Command):
    """RENAME; `old` and `new` are parallel."""

    old: tuple[Name, ...]
    new: tuple[Name, ...]


@dataclass(frozen=True)
class Extract(Command):
    """DISSECT or GROK; `outputs` are the columns that the pattern makes."""

    word: str
    input: Expression
    pattern: str
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class MvExpand(Command):
    """MV_EXPAND."""

    column: Name


@dataclass(frozen=True)
class Other(Command):
    """A command that this tree does not tell apart; `word` is its first word.

    `parts` are what it reads: expressions, or the commands of FORK's branches one behind the other. `made` are the
    columns that it says it makes; `more` that it may bring others, whose names the query does not tell. `target` is the
    index that LOOKUP JOIN reads, or the policy of ENRICH.
    """

    word: str
    parts: tuple[Node, ...] = ()
    made: tuple[Name, ...] = ()
    more: bool = False
    target: Name | None = None


@dataclass(frozen=True)
class Tree:
    """A query: its text, its commands in their order, and where its comments and strings stand."""

    text: str
    commands: tuple[Command, ...]
    comments: tuple[Span, ...]
    strings: tuple[Span, ...]

    def position(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        return self.text.count("\n", 0, offset) + 1, offset - (self.text.rfind("\n", 0, offset) + 1) + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a 1-based line and column."""
        lines = self.text.split("\n")
        return sum(len(text) + 1 for text in lines[: line - 1]) + column - 1

    def walk(self) -> Iterator[Node]:
        """All nodes, in the order of the commands."""
        return iter(self._nodes)

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        """Every check walks through the tree: it is laid out once."""
        return tuple(node for command in self.commands for node in command.walk())
