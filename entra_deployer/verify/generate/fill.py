"""From what is wanted of the fields of an event to the event itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from entra_deployer.core.json import Untyped as Json
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.patterns.extraction import Pattern, compose
from entra_deployer.verify.generate.assignment import World
from entra_deployer.verify.generate.constants import TIMESTAMP, Unsolved
from entra_deployer.verify.generate.constraints import Kind, wanted_patterns
from entra_deployer.verify.generate.evaluate import Evaluator
from entra_deployer.verify.generate.functions import Unknown
from entra_deployer.verify.generate.pick import pick
from entra_deployer.verify.generate.plan import Plan
from entra_deployer.verify.generate.scope import Scope, Taken

FRESH = 300.0
"""Seconds before now at which an event happens that may happen at any time."""

MARGIN = 3600.0
"""Seconds by which an event is too old that is to be too old."""


@dataclass(frozen=True)
class Document:
    """An event's fields, the values that they and the outputs of patterns have, its age in seconds, and its number.

    `flags` tell which of the conditions of counters it meets; `count` events are like it.
    """

    fields: dict[str, Json]
    values: dict[str, Json]
    age: float
    flags: tuple[bool, ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Fields:
    """What is known of the fields: their Elasticsearch types, and which hold lists."""

    type_of: Callable[[str], str]
    is_list: Callable[[str], bool] = field(default=lambda _: False)


def fill(plan: Plan, fields: Fields, world: World, mark: str) -> Document:
    """The event. Raises Unsolved or Unpickable where no value satisfies all that is wanted of a field."""
    values = _taken(plan, world, mark)
    texts = {one.field: _texts(plan, one.field, values, world, mark) for one in plan.extractions}
    for name in sorted({*world.wants, *texts}):
        if name == TIMESTAMP or name.startswith("%"):
            continue
        wants = world.wants.get(name, ())
        values[name] = pick(name, fields.type_of(name), wants, mark, texts.get(name, ()))
        if name in texts and values[name] is not None and values[name] not in texts[name]:
            raise Unsolved(f"no text of {name} satisfies its conditions and its patterns")
    own = {name: value for name, value in values.items() if value is not None and not name.startswith("%")}
    shaped = {name: [value] if fields.is_list(name) else value for name, value in own.items()}
    return Document(shaped, values, _age(world))


def _taken(plan: Plan, world: World, mark: str) -> dict[str, Json]:
    """The values of the columns that patterns take, by key. Where one of them is to be null, all of its pattern are."""
    values: dict[str, Json] = {}
    missed: set[int] = set()
    for key, one, output in plan.taken:
        values[key] = pick(output, one.pattern.type_of(output), world.wants.get(key, ()), mark)
        if values[key] is None:
            missed.add(id(one))
    for key, one, output in plan.taken:
        if id(one) in missed:
            if any(want.kind not in (Kind.NULL, Kind.FORM, Kind.WISHED) for want in world.wants.get(key, ())):
                raise Unsolved(f"{output} has a value where another column of its pattern has none")
            values[key] = None
    return values


def _texts(plan: Plan, name: str, values: Mapping[str, Json], world: World, mark: str) -> list[str]:
    """Texts of which every pattern on the field takes the values that were picked, or nothing where it is to miss."""
    matching: list[tuple[Pattern, dict[str, str]]] = []
    missing: list[Pattern] = []
    for number, one in enumerate(plan.extractions):
        if one.field == name:
            mine = {output: values[Taken(number, output).key] for output in one.pattern.outputs}
            if mine and None in mine.values():
                missing.append(one.pattern)
            else:
                matching.append((one.pattern, {output: _written(value) for output, value in mine.items()}))
    pieces = [regex.try_example(pattern) or "" for pattern in wanted_patterns(world.wants.get(name, ()))]
    texts = compose(matching, pieces) if matching else ["".join(pieces) or f"x{mark}"]
    return [
        text
        for text in texts
        if all(one.take(text) == taken for one, taken in matching) and not any(one.take(text) for one in missing)
    ]


def _written(value: Json) -> str:
    """A value as it stands in a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _age(world: World) -> float:
    wants = world.wants.get(TIMESTAMP, ())
    too_old = [float(want.value) + MARGIN for want in wants if want.kind is Kind.OLDER]
    oldest = [float(want.value) for want in wants if want.kind is Kind.YOUNGER]
    return max(too_old) if too_old else min([FRESH, *(one / 2 for one in oldest)])


def value_of(node: nodes.Expression, scope: Scope, document: Document) -> Json:
    """The value of an expression in a document; None for null, and for what is not computed here."""
    try:
        return Evaluator(document.values).value(node, scope)
    except Unknown:
        return None
