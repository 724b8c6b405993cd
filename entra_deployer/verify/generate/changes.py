"""What may be changed of a case's events so that a mutant of the query is told from it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conditions
from entra_deployer.esql.constants import TIMESTAMP, is_constant, literal, seconds
from entra_deployer.esql.functions import Text, Value
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.types import is_number
from entra_deployer.verify.generate import text_changes
from entra_deployer.verify.generate.documents import Document, Fields
from entra_deployer.verify.generate.lineage import fields_behind
from entra_deployer.verify.generate.plan import Plan
from entra_deployer.verify.mutate.mutants import Mutation

LONG = 8
"""From this number on one may be the length of a text."""

MOST_SHOWN = 60
"""So many characters of a value are told in a name."""

MOST_LENGTH = 5_000
"""No text is made longer."""

MOST_CONSTANTS = 12
"""So many constants of the query are tried for a field."""

MOST_APART = 6
"""Of groups of so many different events each is changed by itself."""

MOST_COUNT = 100_000
"""No event is there more often."""

MOST_LISTED = 2
"""So many fields that the result lists are left to one event alone."""

MOST_SPANS = 6
"""So many spans of time of the query are tried."""


@dataclass(frozen=True)
class Change:
    """One thing that is changed of a case's events.

    `field` gets `value` (None: it is missing; a tuple: several, None in it for its own), in all, in the `first`, the
    `last`, every other one (`half`) or all but the first (`rest`) of them, or in all that are like the document of a
    number; without a field that
    part is `older` by so many seconds, or there is more of it by `count` events.
    """

    field: str = ""
    value: Value = None
    part: str | int = "all"
    count: int = 0
    older: float = 0.0

    def of(self, documents: Sequence[Document], mark: str) -> list[Document]:
        """The changed events; a text of the change may hold {mark} for the case's own."""
        made: list[Document] = []
        for number, one in enumerate(documents):
            meant = self._meant(number, len(documents), one.count)
            if self.field or self.older:
                made += [one.times(one.count - meant), self._changed(one, mark).times(meant)]
            else:
                made.append(one.times(one.count + self.count) if meant else one)
        return [one for one in made if one.count > 0]

    def _meant(self, number: int, documents: int, count: int) -> int:
        """How many of the events that are like a document are changed."""
        match self.part:
            case "all":
                return count
            case "half":
                return count // 2 if count > 1 else number % 2
            case "rest":
                return count - (number == 0)
            case int() as place:
                return count if number == place else 0
        return int(number == (0 if self.part == "first" else documents - 1))

    def beside(self, document: Document, mark: str) -> Document:
        """One event like the document, but for the change."""
        return replace(self._changed(document, mark), count=1)

    def _changed(self, document: Document, mark: str) -> Document:
        if not self.field:
            return document.aged(document.age + self.older)
        values = {name: one for name, one in document.values.items() if name != self.field}
        fields = {name: one for name, one in document.fields.items() if name != self.field}
        if self.value is not None:
            several = self.value if isinstance(self.value, tuple) else (self.value,)
            made = [self._written(one, document, mark) for one in several]
            is_list = len(made) > 1 or isinstance(document.fields.get(self.field), list)
            values[self.field] = made if len(made) > 1 else made[0]
            fields[self.field] = made if is_list else made[0]
        return document.holding(fields, values)

    def _written(self, value: Value, document: Document, mark: str) -> Value:
        if value is None:
            return document.values.get(self.field)
        if not isinstance(value, str):
            return value
        text = value.replace("{mark}", mark)
        return Text(text) if isinstance(document.values.get(self.field), Text) else text


@dataclass(frozen=True)
class Both:
    """Two changes, one after the other."""

    first: Change
    second: Change

    def of(self, documents: Sequence[Document], mark: str) -> list[Document]:
        """The changed events."""
        return self.second.of(self.first.of(documents, mark), mark)


@dataclass(frozen=True)
class Beside:
    """One more event, like the document of a number but for a change; it alone has the field `shown`."""

    change: Change
    like: int = 0
    shown: str = ""

    def of(self, documents: Sequence[Document], mark: str) -> list[Document]:
        """The events, the new one behind them."""
        new = self.change.beside(documents[self.like], mark)
        if not self.shown:
            return [*documents, new]
        new = Change(self.shown, "beside").beside(new, mark)
        return [*Change(self.shown).of(documents, mark), new]


type Changes = Change | Both | Beside


@dataclass(frozen=True)
class Alterations:
    """The changes that are tried for the mutants of one query."""

    tree: nodes.Tree
    plan: Plan
    fields: Fields

    def single(self, mutation: Mutation, base: Sequence[Document]) -> Iterator[Change]:
        """What may be changed of a case so that the mutant is told."""
        several = sum(one.count for one in base) > 1
        parts: tuple[str | int, ...] = ("all", "first", "last", "half") if several else ("all",)
        parts = (*parts, *_apart(base))
        fields = self.fields_of(mutation)
        if mutation.place < self.first and len(fields) == 1:
            own = [*(_constants(mutation.lost) if mutation.lost else []), *_constants(mutation.node)]
            yield from (Change(fields[0], value) for value in own if isinstance(value, str))
        for name in fields:
            for value in self._all_values(name, mutation, base[0]):
                for part in (*parts, "rest") if value is None and several else parts:
                    yield Change(name, value, part)
        if mutation.place >= self.first:
            yield from self._of_size(parts)
            yield from _of_numbers(mutation.node, base)
        if TIMESTAMP in fields or mutation.place >= self.first:
            for span in (*self._spans, *_spans_of(mutation.node)):
                for part in parts:
                    yield from (Change(part=part, older=older) for older in (span, span + 1, span - 1))

    def beside(self, mutation: Mutation, base: Sequence[Document]) -> Iterator[Beside]:
        """One more event of a group, which a condition on events and its mutant do not take alike."""
        if not self.plan.grouping or mutation.place > self.first:
            return
        names = self.fields_of(mutation)
        for shown in ("", *self._listed):
            for name in names:
                for value in self._all_values(name, mutation, base[0]) if name != shown else ():
                    for like in range(min(len(base), MOST_APART)):
                        yield Beside(Change(name, value), like, shown)

    @cached_property
    def _listed(self) -> list[str]:
        """Fields of which the result lists the values, those first of which no condition asks anything."""
        grouping = self.plan.grouping
        listed = grouping.listed.items() if grouping else ()
        found = [
            made.value.name
            for column, made in listed
            if column in self.plan.columns and isinstance(made.value, nodes.Column)
        ]
        free = [one for one in dict.fromkeys(found) if grouping and grouping.scope.get(one) is None]
        texts = [one for one in free if self.fields.type_of(one) in ("keyword", "text")]
        return sorted(texts, key=lambda name: name in self._constants)[:MOST_LISTED]

    def _of_size(self, parts: Sequence[str | int]) -> Iterator[Change]:
        for part in parts:
            yield from (Change(part=part, count=count) for count in (1, -1))

    def pairs(self, mutation: Mutation, base: Sequence[Document]) -> Iterator[Both]:
        """Two changes at once: another value in all events, and more or fewer of them, or a value in some."""
        changes = list(self.single(mutation, base))
        whole = [one for one in changes if one.part == "all" and one.field][:MOST_CONSTANTS]
        counts = list(self._of_size(("first", "last", "all")))
        yield from (Both(one, other) for one in whole for other in counts)
        others = [one for one in changes if not one.field or one.part != "all"]
        yield from (Both(one, other) for one in counts for other in counts)
        grow = Change(part="all", count=1)
        if mutation.place >= self.first or self.plan.grouping:
            yield from (Both(grow, one) for one in self.single(mutation, grow.of(base, "x")) if one.part == "half")
        yield from (Both(one, other) for one in whole for other in others)

    def _all_values(self, name: str, mutation: Mutation, document: Document) -> Iterator[Value]:
        """Values for a field; of one that patterns take columns out of, texts with other such columns."""
        if name == TIMESTAMP:
            return
        text = document.values.get(name)
        if name in self._counted and (now := document.values.get(name)) is not None and not isinstance(now, list):
            yield from ((None, other) for other in self._free(name) if other != now)
        if name not in self._texts:
            yield from self._values(name, mutation.node, mutation.lost)
            if isinstance(text, str):
                yield from _variants(text, mutation.node)
                yield from self._other_texts(name, text, mutation)
        elif isinstance(text, str):
            yield f"{{mark}} {text.swapcase()[:3]}"
            taken = {str(one) for key, one in document.values.items() if key.startswith("%") and one}
            for part in sorted(one for one in taken if one in text):
                for value in (*_constants(mutation.node), "", "other"):
                    yield from (text.replace(part, new) for new in (str(value), f"{value}x", f"{value}{part}"))

    def _other_texts(self, name: str, text: str, mutation: Mutation) -> Iterator[str]:
        """Texts in which something else is found of what the query looks for within this one."""
        patterns, parts = self._patterns.get(name, []), self._parts.get(name, [])
        own = [one for one in _parts_of(mutation.node) if one in parts]
        if len(parts) > 1 or patterns:
            yield from text_changes.with_parts(text, own, parts if own else (), patterns)
        if not patterns:
            return
        numbers = [one.value for one in mutation.node.walk() if isinstance(one, nodes.Literal)]
        whole = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool)]
        yield from text_changes.with_matches(text, patterns, whole)
        for share in (one for one in numbers if isinstance(one, float)):
            yield from text_changes.with_share(text, patterns, share)
        counts = [one for one in self._constants.get(name, ()) if isinstance(one, int) and not isinstance(one, bool)]
        shorter = [text, *text_changes.with_matches(text, patterns, counts)]
        for size in (number + step for number in whole if number >= LONG for step in (0, 1, -1)):
            found = (text_changes.of_length(one, patterns, parts, size) for one in shorter)
            yield from (one for one in found if one is not None)

    @cached_property
    def _patterns(self) -> dict[str, list[re.Pattern[str]]]:
        """By field what REPLACE looks for in it."""
        found: dict[str, list[re.Pattern[str]]] = {}
        for place, command in enumerate(self.tree.commands):
            for node in command.walk():
                if isinstance(node, nodes.Call) and node.name == "replace" and is_constant(node.arguments[1]):
                    with suppress(regex.UnreadablePattern):
                        pattern = regex.compiled(regex.read(str(literal(node.arguments[1]))).python)
                        for name in fields_behind(self.tree, node, place):
                            found.setdefault(name, []).append(pattern)
        return found

    @cached_property
    def _parts(self) -> dict[str, list[str]]:
        """By field the texts that conditions look for within it."""
        found: dict[str, list[str]] = {}
        for place, command in enumerate(self.tree.commands):
            for predicate in _predicates(command):
                for name in dict.fromkeys(fields_behind(self.tree, predicate, place)):
                    found.setdefault(name, []).extend(_parts_of(predicate))
        return found

    @cached_property
    def first(self) -> int:
        """The position of the first STATS; behind the last command without one."""
        commands = self.tree.commands
        return next((n for n, one in enumerate(commands) if isinstance(one, nodes.Stats)), len(commands))

    @cached_property
    def _texts(self) -> set[str]:
        """The fields that patterns take columns out of: a change there would have to be a text that they match."""
        return {one.field for one in self.plan.extractions}

    @cached_property
    def _spans(self) -> list[float]:
        """The spans of time that the query names."""
        spans = {seconds(node) for node in self.tree.walk() if isinstance(node, nodes.Duration)}
        return sorted(spans)[:MOST_SPANS]

    def fields_of(self, mutation: Mutation) -> list[str]:
        """The fields that the changed condition or key is about, through aggregates too."""
        command = self.tree.commands[mutation.place]
        if isinstance(command, nodes.Stats) and isinstance(mutation.command, nodes.Stats):
            kept = mutation.command.groups
            lost: list[nodes.Node] = [one.value for one in command.groups if one not in kept] or [mutation.node]
            of = [one for one in command.aggregates if one.where is not None and mutation.node in one.where.walk()]
            lost = [*(one.value for one in of), *lost]  # it shows where only some of the events have what is aggregated
        else:
            lost = [mutation.node, *_conditions_around(command, mutation.node)]
            if mutation.place > self.first and isinstance(command, nodes.Where):
                lost.append(command.predicate)  # the number of events is of no field: what else is asked may change it
        names: dict[str, None] = {}
        for node in lost:
            for name in fields_behind(self.tree, node, mutation.place):
                names[name] = None
        return list(names)

    def _values(self, name: str, node: nodes.Node, lost: nodes.Node | None) -> Iterator[Value]:
        """Values that a field may be given: none, the constants that the query compares it with, free ones."""
        kind = self.fields.type_of(name)
        yield None
        own = [*(_constants(lost) if lost else []), *_constants(node), *self._constants.get(name, ())]
        for value in list(dict.fromkeys(own))[:MOST_CONSTANTS]:
            if is_number(kind):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield from (value, value + 1, value - 1)
            elif kind == "boolean" or isinstance(value, str):
                yield value
        yield from self._free(name)

    def _free(self, name: str) -> Iterator[Value]:
        """Values that a field may be given whatever the query asks."""
        kind = self.fields.type_of(name)
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
    def _counted(self) -> set[str]:
        """The fields of which different values are counted: one event may have several."""
        return {
            name
            for place, command in enumerate(self.tree.commands)
            if isinstance(command, nodes.Stats)
            for item in command.aggregates
            for node in item.value.walk()
            if isinstance(node, nodes.Call) and node.name == "count_distinct"
            for name in fields_behind(self.tree, node, place)
        }

    @cached_property
    def _constants(self) -> dict[str, list[Value]]:
        """By field the constants of all conditions that are about it."""
        found: dict[str, list[Value]] = {}
        for place, command in enumerate(self.tree.commands):
            for predicate in _predicates(command):
                for one in conditions(predicate):
                    for name in dict.fromkeys(fields_behind(self.tree, one.node, place)):
                        found.setdefault(name, []).extend(_constants(one.node))
        return found


_PARTS = {"all": "", "first": "the first: ", "last": "the last: ", "half": "half of it: ", "rest": "the others: "}


def said(change: Changes) -> str:
    """A change in words."""
    if isinstance(change, Both):
        return f"{said(change.first)}, {said(change.second)}"
    if isinstance(change, Beside):
        return f"one more: {said(change.change)}"
    part = f"event {change.part + 1}: " if isinstance(change.part, int) else _PARTS[change.part]
    if not change.field:
        return f"{part}{f'{change.count:+} events' if change.count else f'{change.older:+g} s'}"
    if change.value is None:
        return f"{part}{change.field} is missing"
    several = change.value if isinstance(change.value, tuple) else (change.value,)
    texts = ["its own" if one is None else str(one).replace("{mark}", "x") or '""' for one in several]
    value = " and ".join(texts)
    return f"{part}{change.field} is {value if len(value) <= MOST_SHOWN else 'another'}"


def _variants(text: str, node: nodes.Node) -> Iterator[str]:
    """A text shorter and longer, as long as the numbers of a condition, and with less of what it is made of."""
    yield from (text[:-1], f"{text}x")
    for part in node.walk():
        if (
            isinstance(part, nodes.Literal)
            and isinstance(part.value, int)
            and LONG <= part.value <= MOST_LENGTH
            and text
        ):
            for size in (part.value - 1, part.value, part.value + 1):
                yield (text * (size // len(text) + 1))[:size]
    if len(text) > MOST_SHOWN:
        yield from (text[: len(text) * share // 20].ljust(len(text), "b") for share in range(1, 20))


def _apart(base: Sequence[Document]) -> Iterator[int]:
    """The documents that are neither the first nor the last event."""
    if len(base) <= MOST_APART:
        for number, one in enumerate(base):
            if one.count > 1 or 0 < number < len(base) - 1:
                yield number


def _of_numbers(node: nodes.Node, base: Sequence[Document]) -> Iterator[Change]:
    """As many events like a document, or of the group, as the numbers of a condition say."""
    total = sum(one.count for one in base)
    named = {part.value for part in node.walk() if isinstance(part, nodes.Literal) and isinstance(part.value, int)}
    numbers = sorted({near for one in named for near in (one - 1, one, one + 1) if 0 <= near <= MOST_COUNT})
    for place, one in enumerate(base[:MOST_APART]):
        for number in numbers:
            changes = {number - one.count, number - total}
            yield from (Change(part=place, count=more) for more in sorted(changes) if more and one.count + more >= 0)


def _spans_of(node: nodes.Node) -> Iterator[float]:
    """What the numbers of a condition mean as spans of time."""
    for part in node.walk():
        if isinstance(part, nodes.Literal) and isinstance(part.value, int) and 0 < part.value <= MOST_LENGTH:
            yield from (float(part.value * unit) for unit in (1, 60, 3600, 86400))


def _conditions_around(command: nodes.Command, node: nodes.Node) -> Iterator[nodes.Expression]:
    """The condition that a constant stands in."""
    for predicate in _predicates(command) if isinstance(node, nodes.Literal) else ():
        for one in conditions(predicate):
            if any(part is node for part in one.node.walk()):
                yield one.node


def _predicates(command: nodes.Command) -> Iterator[nodes.Expression]:
    match command:
        case nodes.Where(predicate=predicate):
            yield predicate
        case nodes.Stats(aggregates=aggregates):
            yield from (one.where for one in aggregates if one.where is not None)
    for node in command.walk():
        if isinstance(node, nodes.Call) and node.name == "case":
            yield from node.arguments[0:-1:2]


def _parts_of(node: nodes.Node) -> Iterator[str]:
    """The texts that are looked for within another one: of LIKE "*part*", of a full-text search."""
    for part in node.walk():
        if isinstance(part, nodes.Like) and part.operator == "like":
            texts = [one.value for one in part.patterns if isinstance(one, nodes.Literal)]
            within = [one for one in texts if isinstance(one, str) and len(one) > 2 and one[0] == one[-1] == "*"]
            found = (regex.try_example(regex.like_to_regex(one[1:-1])) for one in within)
            yield from (one for one in found if one)
        elif isinstance(part, nodes.Match) and isinstance(part.query, nodes.Literal):
            yield str(part.query.value)


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
