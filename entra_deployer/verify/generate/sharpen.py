"""Further cases for what the first ones do not tell: a mutant of the query that finds the same on all of them.

For each such mutant events are looked for that the query finds and the mutant does not, or the other way round: by
solving both conditions at once, then by changing one thing of a case that is there. Everything is computed, no server
is asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, reduce
from itertools import chain

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conditions, operands, strip_parentheses
from entra_deployer.esql.constants import TIMESTAMP, seconds
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.scope import Goal, Scope
from entra_deployer.esql.simulation import Row, Simulation, Stage
from entra_deployer.esql.types import is_number
from entra_deployer.verify.generate.documents import Attempt, Builder, Document
from entra_deployer.verify.generate.groups import FoundGroup, Groups
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.mutate.mutants import Mutation, mutations

MOST_LOOKS = 3_000
"""So often it is computed for one rule whether a mutant is told from it; many events count as more."""

MOST_OF_ONE = 300
"""So much of that is for one mutant."""

MOST_ROWS = 6_000
"""So many made events are computed in searches for groups, for one rule."""

MOST_ROWS_OF_ONE = 1_500
"""So many of them in one search."""

MOST_BASES = 6
"""So many cases are changed for one mutant."""

MOST_PAIRED = 2
"""Of so many cases two things are changed."""

MOST_SHOWN = 60
"""So many characters of a value are told in a name."""

MOST_LENGTH = 5_000
"""No text is made longer."""

MOST_CONSTANTS = 12
"""So many constants of the query are tried for a field."""

_NOW = Evaluator({}).now


@dataclass(frozen=True)
class Change:
    """One thing that is changed of a case's events.

    `field` gets `value` (None: it is missing), in all of them, in the `first`, the `last` or every other one (`half`);
    without a field that part is `older` by so many seconds, or there is more of it by `count` events.
    """

    field: str = ""
    value: Value = None
    part: str = "all"
    count: int = 0
    older: float = 0.0

    def of(self, documents: Sequence[Document], mark: str) -> list[Document]:
        """The changed events; a text of the change may hold {mark} for the case's own."""
        made: list[Document] = []
        for number, one in enumerate(documents):
            meant = self._meant(number, len(documents), one.count)
            if self.field or self.older:
                made += [replace(one, count=one.count - meant), replace(self._changed(one, mark), count=meant)]
            else:
                made.append(replace(one, count=one.count + self.count) if meant else one)
        return [one for one in made if one.count > 0]

    def _meant(self, number: int, documents: int, count: int) -> int:
        """How many of the events that are like a document are changed."""
        match self.part:
            case "all":
                return count
            case "half":
                return count // 2 if count > 1 else number % 2
        return int(number == (0 if self.part == "first" else documents - 1))

    def _changed(self, document: Document, mark: str) -> Document:
        if not self.field:
            return replace(document, age=document.age + self.older)
        values = {name: one for name, one in document.values.items() if name != self.field}
        fields = {name: one for name, one in document.fields.items() if name != self.field}
        if self.value is not None:
            value = self.value.replace("{mark}", mark) if isinstance(self.value, str) else self.value
            values[self.field] = value
            fields[self.field] = [value] if isinstance(document.fields.get(self.field), list) else value
        return replace(document, values=values, fields=fields)


@dataclass(frozen=True)
class Both:
    """Two changes, one after the other."""

    first: Change
    second: Change

    def of(self, documents: Sequence[Document], mark: str) -> list[Document]:
        """The changed events."""
        return self.second.of(self.first.of(documents, mark), mark)


@dataclass(frozen=True)
class Example:
    """A case with the events that it is made of, before they are written down; `alone` as in Case."""

    attempt: Attempt
    documents: tuple[Document, ...]
    entity: Mapping[str, Value]
    fires: bool
    alone: bool = False


type Changes = Change | Both

type Build = Callable[[Attempt, str, Changes | None], Example]
"""The events of an attempt with a mark and a change. Raises Unknown or Unpickable."""


@dataclass
class Sharpener:
    """Looks for cases that tell mutants from the query."""

    tree: nodes.Tree
    builder: Builder
    build: Build
    looks: int = MOST_LOOKS
    rows: int = MOST_ROWS
    _stages: dict[int, tuple[Example, list[Stage]]] = field(default_factory=dict)

    def more(self, examples: Sequence[Example], first: int) -> Iterator[tuple[str, str, Example]]:
        """Name, mark and example of each further case; the marks are numbers from `first` on."""
        known = [one for one in examples if self._agrees(one)]
        if not any(one.fires for one in known):
            return
        waiting = [one for one in mutations(self.tree) if not any(self._tells(one, example) for example in known)]
        self.looks = MOST_LOOKS
        while waiting and self.looks > 0:
            mutation = waiting.pop(0)
            if found := self._found(mutation, known, str(first)):
                name, example = found
                yield name, str(first), example
                known.append(example)
                first += 1
                waiting = [one for one in waiting if not self._tells(one, example)]

    # -- telling ----------------------------------------------------------------------------------------------------

    @cached_property
    def _simulation(self) -> Simulation:
        return Simulation(_NOW)

    def _of(self, example: Example) -> list[Stage]:
        if id(example) not in self._stages:
            rows = [
                Row({**one.values, TIMESTAMP: _NOW - timedelta(seconds=one.age)}, one.count)
                for one in example.documents
                if self.builder.looked_at.holds(one.age)
            ]
            self._stages[id(example)] = example, self._simulation.stages(self.tree.commands, rows)
        return self._stages[id(example)][1]

    def _agrees(self, example: Example) -> bool:
        """Whether the case is computed to do what it says."""
        try:
            return self._judged(self._of(example)[-1], example) == (example.fires, False)
        except Unknown:
            return False

    def _judged(self, stage: Stage, example: Example) -> tuple[bool, bool]:
        """Whether the entity is found, and whether another one is."""
        mine = [_is(row, stage.scope, example.entity) for row in stage.rows]
        return any(mine), not all(mine)

    def _tells(self, mutation: Mutation, example: Example) -> bool:
        """Whether the mutant finds something else on the case than the query does."""
        self.looks -= 1 + len(example.documents) * len(self.tree.commands) // 10
        try:
            stage = self._simulation.after(mutation.command, self._of(example)[mutation.place])
            for command in self.tree.commands[mutation.place + 1 :]:
                stage = self._simulation.after(command, stage)
            return self._judged(stage, example) != (example.fires, False)
        except Unknown:
            return False

    # -- looking ----------------------------------------------------------------------------------------------------

    def _found(self, mutation: Mutation, known: Sequence[Example], mark: str) -> tuple[str, Example] | None:
        firing = [one for one in known if one.fires]
        starts = (firing[-1], firing[0]) if mutation.place > self._first and len(firing) > 1 else firing[:1]
        for attempt in (one for start in starts for one in self._attempts(mutation, start)):
            if example := self._example(mutation, attempt, mark, None):
                return self._name(mutation, example, None), example
        least = self.looks - MOST_OF_ONE
        bases = [*firing, *(one for one in known if not one.fires)][:MOST_BASES]
        singles: Iterator[tuple[Example, Changes]]
        singles = ((base, change) for base in bases for change in self._changes(mutation, base))
        pairs: Iterator[tuple[Example, Changes]]
        pairs = ((base, change) for base in bases[:MOST_PAIRED] for change in self._pairs(mutation, base))
        for base, change in chain(singles, pairs):
            if self.looks <= max(0, least):
                return None
            documents = tuple(change.of(base.documents, "x"))
            changed = replace(base, documents=documents)
            told = (self._is_told(mutation, changed) or self._counted(mutation, changed)) if documents else None
            if told and (example := self._example(mutation, base.attempt, mark, change) or told):
                return self._name(mutation, example, change), example
        return None

    def _is_told(self, mutation: Mutation, example: Example) -> Example | None:
        """The example, firing as it is computed to fire, where the mutant is told from it."""
        try:
            caught, other = self._judged(self._of(example)[-1], example)
        except Unknown:
            return None
        finally:
            self._stages.pop(id(example), None)
        settled = replace(example, fires=caught)
        told = not other and self._tells(mutation, settled)
        self._stages.pop(id(settled), None)
        return settled if told else None

    def _counted(self, mutation: Mutation, example: Example) -> Example | None:
        """The example, told by the numbers of its row too: a key that is lost makes of two rows one with more."""
        if not isinstance(mutation.command, nodes.Stats) or "key" not in mutation.what:
            return None
        with suppress(Unknown):
            stage = self._of(example)[-1]
            self._stages.pop(id(example), None)
            row = next((one for one in stage.rows if _is(one, stage.scope, example.entity)), None)
            numbers = {name: _number(row, stage.scope, name) for name in self.builder.plan.columns} if row else {}
            known = {name: value for name, value in numbers.items() if value is not None and name not in example.entity}
            return self._is_told(mutation, replace(example, entity={**example.entity, **known})) if known else None
        return None

    def _example(self, mutation: Mutation, attempt: Attempt, mark: str, change: Changes | None) -> Example | None:
        with suppress(Unknown, Unpickable):
            made = self.build(attempt, mark, change)
            return self._is_told(mutation, made) or self._counted(mutation, made)
        return None

    def _attempts(self, mutation: Mutation, base: Example) -> Iterator[Attempt]:
        """Events for which a condition is false and its mutant true, then the other way round."""
        command, changed = self.tree.commands[mutation.place], mutation.command
        if not (isinstance(command, nodes.Where) and isinstance(changed, nodes.Where)):
            return
        if mutation.place > self._first:
            yield from self._groups(mutation.place, command, changed, base)
            return
        mine = [goal for goal in self.builder.plan.goals if _within(goal.predicate, command)]
        if not mine:
            return
        scope = mine[0].scope
        rest = [one for one in base.attempt.events if not _within(one[0].predicate, command)]
        for holds, fails, fires in ((changed, command, False), (command, changed, True)):
            parts = sorted(apart(holds.predicate, fails.predicate), key=lambda part: not part[1])
            goals = tuple((Goal(node, scope), truth) for node, truth in parts)
            yield replace(base.attempt, events=(*rest, *goals), fires=fires, plain=True)

    def _groups(self, place: int, command: nodes.Where, changed: nodes.Where, base: Example) -> Iterator[Attempt]:
        """Groups for which a condition on them is false and its mutant true, then the other way round, by search."""
        for holds, fails, fires in ((changed, command, False), (command, changed, True)):
            predicate = _joined(apart(holds.predicate, fails.predicate), command.span)
            commands = list(self.tree.commands)
            commands[place] = replace(command, predicate=predicate)
            tree = replace(self.tree, commands=tuple(commands))
            known = base.attempt.sizes if isinstance(base.attempt.sizes, FoundGroup) else None
            rows = min(self.rows, MOST_ROWS_OF_ONE)
            groups = Groups(tree, self.builder, base.attempt.events, known.groups.ways if known else (), rows)
            with suppress(Unknown, Unpickable):
                if recipe := groups.search(known.recipe if known else groups.start()):
                    yield replace(base.attempt, sizes=FoundGroup(groups, recipe), fires=fires)
            self.rows -= rows - max(0, groups.rows_left)

    # -- changes ----------------------------------------------------------------------------------------------------

    def _changes(self, mutation: Mutation, base: Example) -> Iterator[Change]:
        """What may be changed of a case so that the mutant is told."""
        several = sum(one.count for one in base.documents) > 1
        parts = ("all", "first", "last", "half") if several else ("all",)
        fields = self._fields(mutation)
        for name in fields:
            for value in self._all_values(name, mutation, base.documents[0]):
                for part in parts:
                    yield Change(name, value, part)
        if mutation.place >= self._first:
            yield from self._of_size(parts)
        if TIMESTAMP in fields or mutation.place >= self._first:
            for span in (*self._spans, *_spans_of(mutation.node)):
                for part in parts:
                    yield from (Change(part=part, older=older) for older in (span, span + 1, span - 1))

    def _of_size(self, parts: Sequence[str]) -> Iterator[Change]:
        for part in parts:
            yield from (Change(part=part, count=count) for count in (1, -1))

    def _pairs(self, mutation: Mutation, base: Example) -> Iterator[Both]:
        """Two changes at once: another value in all events, and more or fewer of them, or a value in some."""
        if mutation.place >= self._first:
            grow = Change(part="all", count=1)
            grown = replace(base, documents=tuple(grow.of(base.documents, "x")))
            yield from (Both(grow, one) for one in self._changes(mutation, grown) if one.part == "half")
        changes = list(self._changes(mutation, base))
        whole = [one for one in changes if one.part == "all" and one.field][:MOST_CONSTANTS]
        others = [one for one in changes if not one.field or one.part != "all"]
        others += list(self._of_size(("first", "last", "all")))
        yield from (Both(one, other) for one in whole for other in others)
        counts = [one for one in others if one.count]
        yield from (Both(one, other) for one in counts for other in counts)

    def _all_values(self, name: str, mutation: Mutation, document: Document) -> Iterator[Value]:
        """Values for a field; of one that patterns take columns out of, texts with other such columns."""
        if name == TIMESTAMP:
            return
        text = document.values.get(name)
        if name not in self._texts:
            yield from self._values(name, mutation.node)
            yield from _variants(text, mutation.node) if isinstance(text, str) else ()
        elif isinstance(text, str):
            yield f"{{mark}} {text.swapcase()[:3]}"
            taken = {str(one) for key, one in document.values.items() if key.startswith("%") and one}
            for part in sorted(one for one in taken if one in text):
                for value in (*_constants(mutation.node), "", "other"):
                    yield from (text.replace(part, new) for new in (str(value), f"{value}x", f"{value}{part}"))

    @cached_property
    def _first(self) -> int:
        """The position of the first STATS; behind the last command without one."""
        commands = self.tree.commands
        return next((n for n, one in enumerate(commands) if isinstance(one, nodes.Stats)), len(commands))

    @cached_property
    def _texts(self) -> set[str]:
        """The fields that patterns take columns out of: a change there would have to be a text that they match."""
        return {one.field for one in self.builder.plan.extractions}

    @cached_property
    def _spans(self) -> list[float]:
        """The spans of time that the query names."""
        spans = {seconds(node) for node in self.tree.walk() if isinstance(node, nodes.Duration)}
        return sorted(spans)[:MOST_BASES]

    def _fields(self, mutation: Mutation) -> list[str]:
        """The fields that the changed condition or key is about, through aggregates too."""
        command = self.tree.commands[mutation.place]
        if isinstance(command, nodes.Stats) and isinstance(mutation.command, nodes.Stats):
            kept = mutation.command.groups
            lost: list[nodes.Node] = [one.value for one in command.groups if one not in kept] or [mutation.node]
        else:
            lost = [mutation.node]
        names: dict[str, None] = {}
        for node in lost:
            for name in self._fields_of(node, mutation.place):
                names[name] = None
        return list(names)

    def _fields_of(self, node: nodes.Node, place: int) -> Iterator[str]:
        for part in node.walk():
            if isinstance(part, nodes.Column):
                yield from self._made_of(part.name, place)

    def _made_of(self, name: str, place: int) -> Iterator[str]:
        """The fields that a column is made of, in front of the command at a place."""
        for at in range(place - 1, -1, -1):
            command = self.tree.commands[at]
            if isinstance(command, nodes.Eval):
                made: list[nodes.Expression] = [one.value for one in command.assignments if one.name == name]
            elif isinstance(command, nodes.Stats):
                made = [one.value for one in (*command.aggregates, *command.groups) if one.name == name]
                made += [one.where for one in command.aggregates if one.name == name and one.where is not None]
            elif isinstance(command, nodes.Rename):
                made = [nodes.Column(old.span, old.name) for old, new in _renames(command) if new.name == name]
            else:
                continue
            if made:
                for one in made:
                    yield from self._fields_of(one, at)
                return
        if not name.startswith("_"):
            yield name

    def _values(self, name: str, node: nodes.Node) -> Iterator[Value]:
        """Values that a field may be given: none, the constants that the query compares it with, free ones."""
        kind = self.builder.fields.type_of(name)
        yield None
        own = [*_constants(node), *self._constants.get(name, ())]
        for value in list(dict.fromkeys(own))[:MOST_CONSTANTS]:
            if is_number(kind):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield from (value, value + 1, value - 1)
            elif kind == "boolean" or isinstance(value, str):
                yield value
        if kind == "boolean":
            yield from (True, False)
        elif is_number(kind):
            yield from (0, 1, 7)
        elif kind == "ip":
            yield from ("203.0.113.77", "10.1.2.3")
        else:
            yield f"{name.rpartition('.')[2].strip('`') or 'value'}-other-{{mark}}"
            yield ""

    @cached_property
    def _constants(self) -> dict[str, list[Value]]:
        """By field the constants of all conditions that are about it."""
        found: dict[str, list[Value]] = {}
        for place, command in enumerate(self.tree.commands):
            for predicate in _predicates(command):
                for one in conditions(predicate):
                    for name in dict.fromkeys(self._fields_of(one.node, place)):
                        found.setdefault(name, []).extend(_constants(one.node))
        return found

    # -- words ------------------------------------------------------------------------------------------------------

    def _name(self, mutation: Mutation, example: Example, change: Changes | None) -> str:
        shown = " ".join(mutation.node.span.of(self.tree.text).split())
        if change is None or mutation.what in ("dropped", "negated"):
            return f"{'still' if example.fires else 'not'}: {shown}"
        return f"{_said(change)} ({mutation.what})"


def apart(holds: nodes.Expression, fails: nodes.Expression) -> list[tuple[nodes.Expression, bool]]:
    """What is to be true and what false so that of two conditions, which differ in one place, only the first holds.

    What both share is arranged so that the difference shows: the other sides of an AND hold, those of an OR do not.
    """
    holds, fails = strip_parentheses(holds), strip_parentheses(fails)
    match holds, fails:
        case nodes.Unary(operator="not", operand=one), nodes.Unary(operator="not", operand=other):
            return apart(other, one)
        case (nodes.Binary(operator="and" | "or" as word), nodes.Binary(operator=operator)) if word == operator:
            sides, others = list(operands(holds, word)), list(operands(fails, word))
            unlike = [n for n, (one, other) in enumerate(zip(sides, others, strict=False)) if one is not other]
            if len(sides) == len(others) and len(unlike) == 1:
                (place,) = unlike
                rest = [(one, word == "and") for n, one in enumerate(sides) if n != place]
                return [*apart(sides[place], others[place]), *rest]
    return [(holds, True), (fails, False)]


def _joined(parts: Sequence[tuple[nodes.Expression, bool]], span: nodes.Span) -> nodes.Expression:
    """One condition for all that is to be true and false."""
    sides = [node if truth else nodes.Unary(span, "not", node) for node, truth in parts]
    return reduce(lambda one, other: nodes.Binary(span, "and", one, other), sides)


def _said(change: Changes) -> str:
    """A change in words."""
    if isinstance(change, Both):
        return f"{_said(change.first)}, {_said(change.second)}"
    part = {"all": "", "first": "the first: ", "last": "the last: "}.get(change.part, "half of it: ")
    if not change.field:
        return f"{part}{f'{change.count:+} events' if change.count else f'{change.older:+g} s'}"
    value = "missing" if change.value is None else str(change.value).replace("{mark}", "x") or '""'
    return f"{part}{change.field} is {value if len(value) <= MOST_SHOWN else 'another'}"


def _variants(text: str, node: nodes.Node) -> Iterator[str]:
    """A text shorter and longer, as long as the numbers of a condition, and with less of what it is made of."""
    yield from (text[:-1], f"{text}x")
    for part in node.walk():
        if isinstance(part, nodes.Literal) and isinstance(part.value, int) and 8 <= part.value <= MOST_LENGTH and text:
            for size in (part.value - 1, part.value, part.value + 1):
                yield (text * (size // len(text) + 1))[:size]
    if len(text) > MOST_SHOWN:
        yield from (text[: len(text) * share // 20].ljust(len(text), "b") for share in range(1, 20))


def _renames(command: nodes.Rename) -> Iterator[tuple[nodes.Name, nodes.Name]]:
    return zip(command.old, command.new, strict=True)


def _spans_of(node: nodes.Node) -> Iterator[float]:
    """What the numbers of a condition mean as spans of time."""
    for part in node.walk():
        if isinstance(part, nodes.Literal) and isinstance(part.value, int) and 0 < part.value <= MOST_LENGTH:
            yield from (float(part.value * unit) for unit in (1, 60, 3600, 86400))


def _within(node: nodes.Node, command: nodes.Node) -> bool:
    return command.span.start <= node.span.start and node.span.end <= command.span.end


def _is(row: Row, scope: Scope, entity: Mapping[str, Value]) -> bool:
    """Whether a row of the result is the entity's."""
    for name, wanted in entity.items():
        value = row.at(_NOW).value(nodes.Column(nodes.Span(0, 0), name), scope)
        if value != wanted and not (isinstance(value, list) and wanted in value):
            return False
    return True


def _number(row: Row, scope: Scope, name: str) -> int | None:
    """A whole number that a row of the result shows."""
    with suppress(Unknown):
        value = row.at(_NOW).value(nodes.Column(nodes.Span(0, 0), name), scope)
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _predicates(command: nodes.Command) -> Iterator[nodes.Expression]:
    match command:
        case nodes.Where(predicate=predicate):
            yield predicate
        case nodes.Stats(aggregates=aggregates):
            yield from (one.where for one in aggregates if one.where is not None)
    for node in command.walk():
        if isinstance(node, nodes.Call) and node.name == "case":
            yield from node.arguments[0:-1:2]


def _constants(node: nodes.Node) -> list[Value]:
    """The constants of a condition; of patterns texts that match them."""
    found: list[Value] = []
    for part in node.walk():
        if isinstance(part, nodes.Like):
            for pattern in part.patterns:
                if isinstance(pattern, nodes.Literal) and isinstance(pattern.value, str):
                    with suppress(regex.UnreadablePattern):
                        read = regex.like_to_regex if part.operator == "like" else regex.from_lucene
                        found.append(regex.example(read(pattern.value), "x"))
        elif isinstance(part, nodes.Call) and part.name == "cidr_match":
            found += [str(one.value).partition("/")[0] for one in part.arguments[1:] if isinstance(one, nodes.Literal)]
        elif isinstance(part, nodes.Literal) and part.value is not None:
            found.append(part.value)
    return found
