"""From what is wanted of the fields to the documents of one case."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from entra_deployer.model.values import Json
from entra_deployer.syntax import nodes
from entra_deployer.syntax.expressions import bare
from entra_deployer.synth import regex
from entra_deployer.synth.constants import TIMESTAMP, Unsolved, seconds
from entra_deployer.synth.patterns import Pattern, compose
from entra_deployer.synth.pick import pick
from entra_deployer.synth.plan import Grouping, Plan
from entra_deployer.synth.scope import Derived, Goal, Scope, Taken
from entra_deployer.synth.sizes import Sizes
from entra_deployer.synth.solve import Solver, World
from entra_deployer.synth.wants import Kind, Want, wanted_patterns

FRESH = 300.0
"""Seconds before now at which an event happens that may happen at any time."""

MARGIN = 3600.0
"""Seconds by which an event is too old that is to be too old."""

_ALIKE = {"mv_slice", "mv_first", "to_string", "to_lower"}


@dataclass(frozen=True)
class Attempt:
    """What is to be true and what false of the events, how many there are, and how old (None for any age)."""

    events: tuple[tuple[Goal, bool], ...]
    sizes: Sizes
    age: float | None = None


@dataclass(frozen=True)
class Document:
    """An event's fields, the values that they and the outputs of patterns have, and its age in seconds."""

    fields: dict[str, Json]
    values: dict[str, Json]
    age: float


@dataclass(frozen=True)
class Fields:
    """What is known of the fields: their Elasticsearch types, and which hold lists."""

    type_of: Callable[[str], str]
    is_list: Callable[[str], bool] = field(default=lambda _: False)


def make_documents(plan: Plan, fields: Fields, attempt: Attempt, mark: str) -> Iterator[Document]:
    """As many documents as the group has different values: the first stands for the rest of its events too.

    The last one is as much older as the group lasts. Raises Unsolved or Unpickable.
    """
    made: list[Document] = []
    sizes = attempt.sizes
    cast = {key: one.pattern.type_of(output) for key, one, output in plan.taken}

    def type_of(name: str) -> str:
        return cast.get(name) or fields.type_of(name)

    last = max([*sizes.different.values(), 2 if sizes.lasts else 1]) - 1
    for number in range(last + 1):
        solver = Solver(type_of, f"{mark}-{number}" if number else mark)
        world = _world(plan, attempt, solver, made)
        older = _step(plan.grouping, sizes) * number + (sizes.lasts if number == last else 0)
        document = _document(plan, fields, world, solver.mark)
        age = document.age if attempt.age is None else attempt.age
        made.append(replace(document, age=age + older))
        yield made[-1]


def _world(plan: Plan, attempt: Attempt, solver: Solver, made: Sequence[Document]) -> World:
    """The first solution in which the keys are those of the documents before, and the counted values new ones."""
    forms = {key: (Want(Kind.FORM, form),) for key, one, output in plan.taken if (form := one.pattern.form_of(output))}
    for found in solver.solve(attempt.events, World(forms)):
        if plan.grouping is None:
            shown = [nodes.Column(nodes.Span(0, 0), name) for name in plan.shown]
            return _present(solver, found, shown, plan.scope)
        world = _grouped(plan.grouping, solver, found, attempt.sizes, made)
        if world is not None:
            return world
    raise Unsolved("no value satisfies all conditions")


def _grouped(grouping: Grouping, solver: Solver, world: World, sizes: Sizes, made: Sequence[Document]) -> World | None:
    counted = [counter.of for counter in grouping.counters.values() if counter.of is not None]
    keys = [key.value for key in grouping.keys]
    found: World | None = _present(solver, world, [*keys, *counted], grouping.scope)
    if not made:
        return found
    for key in keys:
        found = found and _alike(solver, found, Derived(key, grouping.scope), made[:1], Kind.EQUAL)
    for name, different in sizes.different.items():
        of = grouping.counters[name].of
        if of is not None and found:
            new = len(made) < different
            others = made if new else made[:1]
            found = _alike(solver, found, Derived(of, grouping.scope), others, Kind.UNEQUAL if new else Kind.EQUAL)
    return found


def _present(solver: Solver, world: World, wanted: Sequence[nodes.Expression], scope: Scope) -> World:
    """The world with a value for each of the expressions, where that is possible."""
    for node in wanted:
        try:
            world = next(solver.want(node, Want(Kind.WISHED), replace(world, scope=scope)), world)
        except Unsolved:
            continue
    return world


def _alike(solver: Solver, world: World, of: Derived, made: Sequence[Document], kind: Kind) -> World | None:
    """The world with the value that the documents have (EQUAL), or with another one than each of them (UNEQUAL)."""
    for document in made:
        value = value_of(of.value, of.scope, document)
        if value is None:
            continue
        found = next(solver.want(of.value, Want(kind, value), replace(world, scope=of.scope)), None)
        if found is None:
            return None
        world = found
    return world


def _step(grouping: Grouping | None, sizes: Sizes) -> float:
    """The seconds between the documents of a group that counts different spans of time; 0 where none does."""
    for name, different in sizes.different.items() if grouping else ():
        of = grouping.counters[name].of if grouping else None
        if different > 1 and of is not None and grouping:
            span = _time_span(of, grouping.scope)
            if span:
                return span
    return 0.0


def _time_span(node: nodes.Expression, scope: Scope) -> float:
    """The width of DATE_TRUNC(1 hour, @timestamp), in seconds; 0 for anything else."""
    node = bare(node)
    if isinstance(node, nodes.Column) and isinstance(made := scope.get(node.name), Derived):
        return _time_span(made.value, made.scope)
    if isinstance(node, nodes.Call) and node.name == "date_trunc" and isinstance(node.arguments[0], nodes.Duration):
        return float(seconds(node.arguments[0]))
    return 0.0


# -- values ----------------------------------------------------------------------------------------------------------


def _document(plan: Plan, fields: Fields, world: World, mark: str) -> Document:
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
    """The value of an expression in a document, where it is the value of a field; else None."""
    node = bare(node)
    match node:
        case nodes.Column(name=name):
            made = scope.get(name)
            if isinstance(made, Derived):
                return value_of(made.value, made.scope, document)
            return document.values.get(made.key if isinstance(made, Taken) else name)
        case nodes.Call(name="coalesce", arguments=arguments):
            values = (value_of(one, scope, document) for one in arguments)
            return next((value for value in values if value is not None), None)
        case nodes.Call(name=name, arguments=(first, *_)) if name in _ALIKE:
            return value_of(first, scope, document)
        case nodes.Cast(value=inner):
            return value_of(inner, scope, document)
        case _:
            return None
