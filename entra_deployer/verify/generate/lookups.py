"""LOOKUP JOIN in made tests: what it brings stands in the made events, and moves to rows when a test is written."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from entra_deployer.core.json import Json
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import joined_on, last_stats, made_columns, output_columns, possible_fields
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.scope import Derived, Scope
from entra_deployer.hunts.folder import Event

type Row = Mapping[str, Json]


@dataclass(frozen=True)
class Join:
    """A LOOKUP JOIN: its index, the columns that it is joined on, and those that it brings.

    `made` are those of its columns that the query makes of an event's fields.
    """

    index: str
    keys: tuple[str, ...]
    brought: tuple[str, ...]
    made: Mapping[str, Derived] = field(default_factory=dict)

    def key_of(self, document: Row) -> tuple[str, ...] | None:
        """By what an event finds its rows; None where it lacks a column for it."""
        values = self._values(document)
        return None if None in values.values() else tuple(map(str, values.values()))

    def _values(self, document: Row) -> dict[str, Value]:
        """The columns that it is joined on, None for those that an event lacks or that are not computed here."""
        return {key: _made_of(self.made[key], document) if key in self.made else document.get(key) for key in self.keys}

    def row_of(self, document: Row) -> Row:
        """The row that an event is to find; {} for none."""
        brought = {name: document[name] for name in self.brought if name in document}
        return {**self._values(document), **brought} if brought else {}


def _made_of(made: Derived, document: Row) -> Value:
    """What a query makes of an event, as its fields have one value each."""
    single = {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in document.items()}
    try:
        return Evaluator(single).value(made.value, made.scope)
    except Unknown:
        return None


def read_joins(tree: nodes.Tree, known: Container[str]) -> tuple[Join, ...]:
    """The joins of a query on columns of the same name.

    What is first read behind one is taken for what it brings, but for the fields that the source is `known` to have.
    """
    places = [n for n, one in enumerate(tree.commands) if isinstance(one, nodes.Other) and one.word == "lookup"]
    found: list[Join] = []
    for place, end in pairwise([*places, len(tree.commands)]):
        command = tree.commands[place]
        if isinstance(command, nodes.Other) and command.target is not None and is_plain(command):
            keys, there = joined_on(command), _there(tree, place)
            read = dict.fromkeys(_read(tree.commands[place + 1 : end + 1]))
            brought = tuple(name for name in read if name not in there and name not in known and name not in keys)
            scope = _scope(tree.commands[:place])
            made = {key: one for key in keys if isinstance(one := scope.get(key), Derived)}
            found.append(Join(command.target.name, keys, brought, made))
    return tuple(found)


def _scope(commands: Sequence[nodes.Command]) -> Scope:
    """What commands make of fields: by EVAL and RENAME, and as keys of groups."""
    scope = Scope()
    for command in commands:
        before = scope
        match command:
            case nodes.Eval(assignments=items):
                for item in items:
                    scope = scope.with_column(item.name, Derived(item.value, scope))
            case nodes.Rename(old=old, new=new):
                for name, other in zip(old, new, strict=True):
                    scope = scope.with_column(other.name, Derived(nodes.Column(name.span, name.name), before))
            case nodes.Stats(groups=groups, inline=False):
                scope = Scope()
                for item in groups:
                    scope = scope.with_column(item.name, Derived(item.value, before))
    return scope


def _there(tree: nodes.Tree, place: int) -> set[str]:
    """The columns that are there in front of a command, as far as the query names them."""
    before = replace(tree, commands=tree.commands[:place])
    if last_stats(before):
        return set(output_columns(before))
    return {*possible_fields(before), *(name for one in before.commands for name in made_columns(one))}


def _read(commands: Sequence[nodes.Command]) -> Iterator[str]:
    """The columns that commands read, and do not make themselves, up to the first STATS."""
    made: set[str] = set()
    for command in commands:
        names = [one.name for one in command.walk() if isinstance(one, nodes.Column)]
        if isinstance(command, nodes.Keep):
            names += [one.name for one in command.names if "*" not in one.name]
        yield from (name for name in names if name not in made and not name.startswith("_"))
        made.update(made_columns(command))
        if isinstance(command, nodes.Stats):
            return


def is_plain(join: nodes.Other) -> bool:
    """Whether it is joined on columns that are called alike on both sides."""
    return all(isinstance(part, nodes.Column) for part in join.parts)


def moved(events: Sequence[Event], joins: Sequence[Join]) -> tuple[tuple[Event, ...], dict[str, tuple[Row, ...]]]:
    """The events without what joins bring, and the rows of each index: one for each key.

    An index has every column that the query reads from it: where no row holds one, a row that no event finds has it.
    """
    rows: dict[str, list[Row]] = {join.index: [] for join in joins}
    for join in joins:
        keyed: dict[tuple[str, ...], Row] = {}
        for event in events:
            key = join.key_of(event.document)
            if key is not None and (row := join.row_of(event.document)):
                keyed.setdefault(key, row)
        held = {name for row in keyed.values() for name in row}
        lacking = [name for name in join.brought if name not in held]
        rows[join.index] += [*keyed.values(), *([dict.fromkeys(lacking)] if lacking else [])]
    brought = {name for join in joins for name in join.brought}
    plain = (
        replace(one, document={name: value for name, value in one.document.items() if name not in brought})
        for one in events
    )
    return tuple(plain) if joins else tuple(events), {name: tuple(found) for name, found in rows.items()}


def clash(one: Sequence[Event], other: Sequence[Event], joins: Sequence[Join]) -> bool:
    """Whether events of the one would find rows that are meant for the other."""
    for join in joins:
        mine, theirs = _rows(one, join), _rows(other, join)
        if any(mine[key] != theirs[key] for key in mine.keys() & theirs.keys()):
            return True
    return False


def _rows(events: Sequence[Event], join: Join) -> dict[tuple[str, ...], Row]:
    keyed = ((join.key_of(event.document), event.document) for event in events)
    return {key: join.row_of(document) for key, document in keyed if key is not None}
