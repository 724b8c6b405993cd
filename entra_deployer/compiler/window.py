"""The hunt's own time range: found on the syntax tree and, where that is safe, taken out of the query.

A rule gets its time range from outside: Kibana filters the source documents by [from, to] before the query sees them.
A window inside the query can only narrow that range, and it counts from the wall clock: when Kibana catches up on a gap
or previews the past, `now()` in the query looks at the wrong days. So the window belongs into `from` and `to`.

What cannot move stays, and the range covers it: then the rule finds at any moment what the hunt's own query finds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil, floor

from entra_deployer.compiler.moments import PICKER, Distance, Meaning, Now, TimeColumn, length, meaning
from entra_deployer.core.time import say_duration
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import MIRRORED, strip_parentheses
from entra_deployer.esql.edits import Edit, delete, find_word
from entra_deployer.esql.tree import Span, Tree

TIMESTAMP = "@timestamp"
INGESTED = "event.ingested"


@dataclass(frozen=True)
class Bound:
    """One comparison of a time with the wall clock: events at most (`lower`) or at least `seconds` old.

    `filters`: every event that the query looks at has to fulfil it. `own`: it is a condition of its own in a WHERE
    before the rows are aggregated or cut, so that it can be taken out. `exact` is False where a calendar unit or a
    rounding makes the number of seconds vary. `picker`: Discover's time picker says how many seconds.
    """

    span: Span
    column: TimeColumn
    lower: bool
    seconds: float
    exact: bool = True
    filters: bool = False
    own: bool = False
    picker: bool = False


@dataclass(frozen=True)
class Window:
    """The time range that the hunt asks for, in seconds before now: from `start` to `end` (negative: after now).

    `start` is None where it asks for none. `covers` is the oldest event that a condition tells apart which filters
    nothing (`count(*) where @timestamp > now() - 1 day`); `baseline` says that other events are compared with those.
    `recency` is how long a group is new, or still going on, by conditions on its first or last event. `bucket` is the
    length of the time buckets that it groups by, `time_keys` are their columns. `column` is the time that counts.
    `picker`: the range is that of Discover's time picker; `by_arrival`: `start` is a time of ingestion, which does not
    count. `edits` take out what moves; `reason` says what became of
    it, `spans` where the conditions stand.
    """

    start: int | None = None
    end: int = 0
    covers: int | None = None
    baseline: bool = False
    recency: int | None = None
    bucket: int | None = None
    time_keys: tuple[str, ...] = ()
    column: str = TIMESTAMP
    picker: bool = False
    by_arrival: bool = False
    edits: tuple[Edit, ...] = ()
    reason: str = "the query holds no time window of its own"
    spans: tuple[Span, ...] = ()

    @property
    def future(self) -> bool:
        """Whether it looks at events after now alone."""
        return self.start is not None and self.start <= 0


def find_window(tree: Tree, *, ingested: bool = False) -> Window:
    """The query's time range. Any form counts, on either side of a comparison, wherever it stands.

    `ingested`: every index that the query reads has `event.ingested`, so that a rule may go by it.
    """
    seen = _Conditions()
    for command in tree.commands:
        seen.read(command)
    column = _column(seen.bounds, ingested=ingested)
    found = [bound for bound in seen.bounds if bound.column.name == column]
    others = [bound for bound in seen.bounds if bound.column.name != column]
    start, end = _range(seen.ranges.get(column, []), others, column)
    gone = {bound.span for bound in found if bound.own and _moves(bound, start, end)}
    edits = [edit for where in seen.filters for edit in _cut(tree, where, gone)] if gone else []
    stays = [bound for bound in seen.bounds if bound.span not in gone]
    edits += _without_picker(tree, gone, start)
    loose = [bound for bound in stays if not bound.filters and not bound.column.aggregate]
    return Window(
        start=start,
        end=end,
        covers=max((ceil(bound.seconds) for bound in loose if bound.seconds > 0), default=None),
        baseline=seen.baseline,
        recency=min((ceil(bound.seconds) for bound in stays if _is_recency(bound)), default=None),
        bucket=seen.bucket,
        time_keys=tuple(seen.time_keys),
        column=column,
        by_arrival=column == TIMESTAMP
        and start is not None
        and all(lower is None for lower, _ in seen.ranges.get(TIMESTAMP, ())),
        picker=seen.picker,
        edits=tuple(edits),
        reason=_say(start, end, gone, stays, column),
        spans=tuple(bound.span for bound in seen.bounds),
    )


def _column(bounds: Iterable[Bound], *, ingested: bool) -> str:
    """The time that the rule goes by: that of ingestion where the hunt asks for it alone, and every index has it."""
    asked = {bound.column.name for bound in bounds if bound.filters and not bound.column.aggregate}
    return INGESTED if ingested and asked == {INGESTED} else TIMESTAMP


type _Range = tuple[float | None, float | None]


def _range(ranges: Iterable[_Range], others: Iterable[Bound], column: str) -> tuple[int | None, int]:
    """The tightest range of what every event has to fulfil. An event is no older than its ingestion may be late."""
    found = list(ranges)
    lowers = [lower for lower, _ in found if lower is not None]
    if not lowers and column == TIMESTAMP:
        lowers = [bound.seconds for bound in others if bound.lower and bound.filters and bound.column.name == INGESTED]
    uppers = [upper for _, upper in found if upper is not None]
    start = ceil(min(lowers)) if lowers else None
    return start, floor(max(uppers)) if uppers else 0


def _moves(bound: Bound, start: int | None, end: int) -> bool:
    """Whether the range says what the condition says, so that it can go."""
    if bound.picker:
        return True
    if not bound.exact or bound.seconds != int(bound.seconds):
        return False
    return (start is not None and bound.seconds >= start) if bound.lower else bound.seconds <= end


def _is_recency(bound: Bound) -> bool:
    return bound.lower and bool(bound.column.aggregate) and bound.seconds > 0


def _say(start: int | None, end: int, gone: set[Span], stays: list[Bound], column: str) -> str:
    if gone:
        said = f"the window of {say_range(start, end)} goes into the rule's time range"
        by = " by the time of ingestion" if column == INGESTED else ""
        rest = "; a condition on time that the range cannot hold stays in the query" if stays else ""
        return (
            f"{said}{by}: Kibana filters by it before the query runs, also when it catches up on a gap, where now() "
            f"would look at the wrong days{rest}"
        )
    if not stays:
        return "the query holds no time window of its own"
    if not all(bound.exact for bound in stays):
        return "the window is in units whose length varies, or rounded: it stays, and `from` covers the longest"
    if any(bound.column.aggregate for bound in stays):
        return "the condition is on the time of a group, not of an event: it stays, and the schedule follows it"
    return "the window is no condition on every event of its own: it stays, and `from` covers it"


def say_range(start: int | None, end: int) -> str:
    """A range in words: "2 days until 1 hour ago"."""
    if start is None:
        return f"what is older than {say_duration(end)}" if end else "Discover's time picker"
    if start <= 0:
        return "the future"
    return say_duration(start) + (f" until {say_duration(end)} ago" if end > 0 else "")


def _without_picker(tree: Tree, gone: set[Span], start: int | None) -> list[Edit]:
    """Discover's parameters that stay, as times: no rule has them."""
    words = {"start": f"NOW() - {start if start and start > 0 else 86400} seconds", "end": "NOW()"}
    return [
        Edit(node.span.start, node.span.end, words[PICKER[str(node.value)]])
        for node in tree.walk()
        if isinstance(node, nodes.Literal)
        and node.kind == "parameter"
        and node.value in PICKER
        and not any(span.start <= node.span.start < span.end for span in gone)
    ]


# --- finding ----------------------------------------------------------------------------------------------------


@dataclass
class _Conditions:
    """Reads the commands one after another and collects what they say about time."""

    known: dict[str, Meaning] = field(default_factory=lambda: {n: TimeColumn(n) for n in (TIMESTAMP, INGESTED)})
    flags: dict[str, nodes.Expression] = field(default_factory=dict)
    bounds: list[Bound] = field(default_factory=list)
    ranges: dict[str, list[_Range]] = field(default_factory=dict)
    filters: list[nodes.Where] = field(default_factory=list)
    documents: bool = True
    aggregated: bool = False
    baseline: bool = False
    bucket: int | None = None
    time_keys: list[str] = field(default_factory=list)
    picker: bool = False

    def read(self, command: nodes.Command) -> None:
        """Take in one command."""
        self.picker = self.picker or any(
            isinstance(node, nodes.Literal) and node.kind == "parameter" and node.value in PICKER
            for node in command.walk()
        )
        match command:
            case nodes.Where(predicate=predicate):
                self._filter(command, predicate)
            case nodes.Eval(assignments=assignments):
                for item in assignments:
                    self._mention(item.value)
                    self._make(item.name, item.value)
            case nodes.Stats():
                self._group(command)
            case nodes.Rename(old=old, new=new):
                moved = {after.name: self.known.pop(before.name, None) for before, after in zip(old, new, strict=True)}
                self.known.update({name: found for name, found in moved.items() if found})
            case nodes.From(subqueries=True):
                self.documents = False
            case _:
                for name in made_columns(command):
                    self.known.pop(name, None)
                for part in command.parts if isinstance(command, nodes.Other) else ():
                    self._mention(part)
        if isinstance(command, nodes.Limit | nodes.Other):
            self.documents = False

    def _make(self, name: str, value: nodes.Expression) -> None:
        self.flags.pop(name, None)
        if found := meaning(value, self.known):
            self.known[name] = found
            return
        self.known.pop(name, None)
        if any(True for _ in self._compared(value)):
            self.flags[name] = value

    def _group(self, command: nodes.Stats) -> None:
        for item in (*command.groups, *command.aggregates):
            self._mention(item.value)
            if item.where:
                self._mention(item.where)
        conditional = [item for item in command.aggregates if item.where and any(self._compared(item.where))]
        self.baseline = self.baseline or len(conditional) < len(command.aggregates)
        made = {item.name: meaning(item.value, self.known) for item in (*command.aggregates, *command.groups)}
        for group in command.groups if not self.aggregated else ():
            size = _bucket(group.value, self.known, made[group.name])
            if size is not None:
                self.time_keys.append(group.name)
                self.bucket = min(filter(None, (self.bucket, size)), default=None)
        kept = self.known if command.inline else {}
        self.known = {**kept, **{name: found for name, found in made.items() if found}}
        self.flags = {}
        self.documents, self.aggregated = False, self.aggregated or not command.inline

    # conditions

    def _filter(self, command: nodes.Where, predicate: nodes.Expression) -> None:
        self.bounds += self._walk(predicate, negated=False, filters=True, own=self.documents)
        for column in (TIMESTAMP, INGESTED):
            implied = self._implied(predicate, column, negated=False)
            if implied != (None, None):
                self.ranges.setdefault(column, []).append(implied)
        if self.documents:
            self.filters.append(command)

    def _mention(self, node: nodes.Node) -> None:
        self.bounds += [bound for bound in self._compared(node) if not bound.picker]

    def _compared(self, node: nodes.Node) -> Iterator[Bound]:
        for part in node.walk():
            if isinstance(part, nodes.Expression):
                yield from _bounds(part, self.known)

    def _walk(self, node: nodes.Expression, *, negated: bool, filters: bool, own: bool) -> Iterator[Bound]:
        """The bounds in a predicate; `filters` as long as each row has to fulfil what stands here."""
        node = strip_parentheses(node)
        match node:
            case nodes.Unary(operator="not", operand=operand):
                yield from self._walk(operand, negated=not negated, filters=filters, own=False)
            case nodes.Binary(operator="and" | "or" as operator, left=left, right=right):
                both = filters and (operator == "and") != negated
                for side in (left, right):
                    yield from self._walk(side, negated=negated, filters=both, own=own and both)
            case nodes.Column(name=name) if name in self.flags:
                for bound in self._walk(self.flags[name], negated=negated, filters=filters, own=False):
                    yield Bound(node.span, *_rest(bound))
            case _:
                for bound in self._compared(node):
                    top = bound.span == node.span
                    turned = bound.lower != (negated and top)
                    here = filters and top and not bound.column.aggregate
                    yield Bound(
                        bound.span, bound.column, turned, bound.seconds, bound.exact, here, own and here, bound.picker
                    )

    def _implied(self, node: nodes.Expression, column: str, *, negated: bool) -> _Range:
        """The range that a predicate leaves of a column: AND the tighter one, OR the wider one."""
        node = strip_parentheses(node)
        match node:
            case nodes.Unary(operator="not", operand=operand):
                return self._implied(operand, column, negated=not negated)
            case nodes.Binary(operator="and" | "or" as operator, left=left, right=right):
                sides = [self._implied(side, column, negated=negated) for side in (left, right)]
                return _both(sides) if (operator == "and") != negated else _either(sides)
            case nodes.Column(name=name) if name in self.flags:
                return self._implied(self.flags[name], column, negated=negated)
        found = [one for one in _bounds(node, self.known) if one.column.name == column and not one.column.aggregate]
        lowers = [one.seconds for one in found if one.lower != negated and not one.picker]
        uppers = [one.seconds for one in found if one.lower == negated and not one.picker]
        return min(lowers, default=None), max(uppers, default=None)


def _rest(bound: Bound) -> tuple[TimeColumn, bool, float, bool, bool, bool, bool]:
    return bound.column, bound.lower, bound.seconds, bound.exact, bound.filters, bound.own, bound.picker


def _both(sides: list[_Range]) -> _Range:
    lowers = [lower for lower, _ in sides if lower is not None]
    uppers = [upper for _, upper in sides if upper is not None]
    return min(lowers, default=None), max(uppers, default=None)


def _either(sides: list[_Range]) -> _Range:
    lowers, uppers = [lower for lower, _ in sides], [upper for _, upper in sides]
    widest = None if None in lowers else max(lower for lower in lowers if lower is not None)
    latest = None if None in uppers else min(upper for upper in uppers if upper is not None)
    return widest, latest


def _bucket(value: nodes.Expression, known: dict[str, Meaning], found: Meaning | None) -> int | None:
    """The seconds of a time bucket; 0 for one whose length the query does not say; None for what is none."""
    if isinstance(found, TimeColumn) and not found.aggregate and found.slack:
        return ceil(found.slack)
    for part in value.walk():
        match part:
            case nodes.Call(name="bucket" | "date_trunc" | "tbucket" as name, arguments=arguments) if arguments:
                size = arguments[0] if name in ("date_trunc", "tbucket") else arguments[-1]
                span = length(size)
                return ceil(span[0]) if span else 0
            case nodes.Call(name="date_format" | "date_extract", arguments=(*_, moment)):
                if isinstance(meaning(moment, known), TimeColumn):
                    return 0
    return 0 if isinstance(found, TimeColumn) and not found.aggregate else None


def _bounds(node: nodes.Expression, known: dict[str, Meaning]) -> Iterator[Bound]:
    """What this very node says of a time, compared with now."""
    match node:
        case nodes.Binary(operator=operator, left=left, right=right) if operator in MIRRORED and operator != "!=":
            for one, side, other in ((operator, left, right), (MIRRORED[operator], right, left)):
                yield from _compare(node.span, one, meaning(side, known), other, known)
        case nodes.Call(name="trange", arguments=(span,)) if found := length(span):
            yield Bound(node.span, TimeColumn(TIMESTAMP), lower=True, seconds=found[0], exact=found[1])


def _compare(
    span: Span, operator: str, left: Meaning | None, other: nodes.Expression, known: dict[str, Meaning]
) -> Iterator[Bound]:
    if isinstance(left, TimeColumn) and isinstance(now := meaning(other, known), Now) and operator != "==":
        lower = operator in (">", ">=")
        seconds = (now.most if lower else now.least - left.slack) - left.shift
        yield Bound(span, left, lower, seconds, now.exact and not left.slack, picker=bool(now.picker))
    elif isinstance(left, Distance):
        number = _number(other)
        if number is not None:
            yield from _of_distance(span, operator, left, number)


def _number(node: nodes.Expression) -> float | None:
    match strip_parentheses(node):
        case nodes.Literal(kind="integer" | "decimal", value=int() | float() as value):
            return value
        case nodes.Unary(operator="-", operand=operand):
            inner = _number(operand)
            return None if inner is None else -inner
    return None


def _of_distance(span: Span, operator: str, distance: Distance, number: float) -> Iterator[Bound]:
    """`DATE_DIFF("day", @timestamp, now()) <= 14`: full units only, so that `<=` reaches to the end of the unit."""
    match distance:
        case Distance(start=TimeColumn() as column, end=Now() as now):
            pass
        case Distance(start=Now() as now, end=TimeColumn() as column):
            operator, number = MIRRORED[operator], -number
        case _:
            return
    age = now.most - column.shift
    exact = distance.exact and now.exact and not column.slack and not now.picker
    whole = number + (operator in ("<=", ">", "==") and number == int(number))
    whole = ceil(whole) if operator in ("<", "<=", "==") else whole
    if operator in ("<", "<=", "=="):
        yield Bound(span, column, lower=True, seconds=whole * distance.unit + age, exact=exact and operator != "==")
    if operator in (">", ">=", "=="):
        least = number if operator == "==" else whole
        seconds = least * distance.unit + age - column.slack
        yield Bound(span, column, lower=False, seconds=seconds, exact=exact and operator != "==")


# --- taking out -------------------------------------------------------------------------------------------------


def _cut(tree: Tree, where: nodes.Where, gone: set[Span]) -> tuple[Edit, ...]:
    """Take conditions out of a WHERE, or the whole command where nothing else stands in it."""
    pieces = _pieces(tree, where.predicate, gone)
    if pieces is None:
        word = Span(where.span.start, where.span.start + len("where"))
        pipe = Span(where.pipe, where.pipe + 1)
        return delete(tree, [pipe, word, where.predicate.span])
    return tuple(edit for piece in pieces for edit in delete(tree, piece))


def _pieces(tree: Tree, node: nodes.Expression, gone: set[Span]) -> list[list[Span]] | None:
    """What to take out of `node` so that it lacks the conditions in `gone`; None for all of it."""
    while isinstance(node, nodes.Group):
        node = node.inner
    if not (isinstance(node, nodes.Binary) and node.operator == "and"):
        return None if node.span in gone else []
    left, right = _pieces(tree, node.left, gone), _pieces(tree, node.right, gone)
    if left is not None and right is not None:
        return left + right
    word = find_word(tree, "and", node.left.span.end, node.right.span.start)
    joint = [word] if word else []
    if right is not None:
        return [[node.left.span, *joint, Span(node.right.span.start, node.right.span.start)], *right]
    if left is not None:
        return [*left, [Span(node.left.span.end, node.left.span.end), *joint, node.right.span]]
    return None
