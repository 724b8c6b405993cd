"""Values for conditions that no inverse is known of: made of the query's own literals, and computed until some do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice, permutations

from entra_deployer.core.time import format_moment, parse_moment
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conditions
from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.scope import Derived, Goal, Scope
from entra_deployer.verify.generate.constraints import Assigned, Constraint, Kind, holds, wanted_patterns
from entra_deployer.verify.generate.pick import PATHS, Unpickable, pick, typed
from entra_deployer.verify.generate.plan import fields_of_goal

MOST_TEXTS = 4_000
"""So many texts are tried for one event."""

MOST_SIGNS = 8
"""So many signs of a literal are pieces of their own."""

MOST_FIELDS = 6
"""Of so many fields at most values are tried together."""

MOST_PATHS = 4

_UNITS = (1, 60, 3600, 86400)

_SEPARATORS = ("", " ", "x", "\n")


def values_for(
    goals: Sequence[tuple[Goal, bool]],
    assigned: Assigned,
    mark: str,
    tries: Iterator[int],
    type_of: Callable[[str], str],
) -> Assigned | None:
    """The assignment with values for the fields that the goals look at, for which each is as flagged; else None.

    `tries` are those of the rule: nothing is looked for any more where they are used up.
    """
    fields = list(dict.fromkeys(name for goal, _ in goals for name in fields_of_goal(goal)))
    if not fields or len(fields) > MOST_FIELDS or any(name == TIMESTAMP or name.startswith("_") for name in fields):
        return None
    kinds = {name: type_of(name) for name in fields}
    found: Iterator[dict[str, Value]]
    if len(fields) == 1:
        found = ({fields[0]: text} for text in _texts(goals, fields[0], assigned, mark))
    else:
        literals = [one for goal, _ in goals for one in _literals(goal.predicate, goal.scope)]
        found = _together(kinds, literals, assigned, mark)
    for values, _ in zip(islice(found, MOST_TEXTS), tries, strict=False):
        held = {name: typed(value, kinds[name]) for name, value in values.items()}
        if not all(_fits(value, assigned.constraints.get(name, ())) for name, value in held.items()):
            continue
        evaluator = Evaluator(held)
        if all(_is(evaluator, goal, truth=truth) for goal, truth in goals):
            for name, value in held.items():
                assigned = assigned.also(name, Constraint(Kind.EQUAL, value))
            return assigned
    return None


def _together(
    kinds: Mapping[str, str], literals: Sequence[Value], assigned: Assigned, mark: str
) -> Iterator[dict[str, Value]]:
    """Values of fields as real events have them: each its own, paths that end in their names, one as another is."""
    bases: list[dict[str, Value]] = []
    for many in (False, True):
        marks = [f"{mark}-{place}" if many else mark for place in range(len(kinds))]
        with suppress(Unpickable):
            bases.append(
                {
                    name: pick(name, kind, assigned.constraints.get(name, ()), own)
                    for (name, kind), own in zip(kinds.items(), marks, strict=True)
                }
            )
    for base in bases:
        yield base
        yield from _with_paths(base, mark)
    texts = [one for one in literals if isinstance(one, str)]
    numbers = [one for one in literals if isinstance(one, int) and not isinstance(one, bool)]
    for base in bases:
        for whole in (base, *islice(_with_paths(base, mark), MOST_PATHS)):
            for name, other in permutations(kinds, 2):
                for value in _related(whole[name], whole[other], texts, numbers):
                    yield {**whole, name: value}


def _with_paths(base: Mapping[str, Value], mark: str) -> Iterator[dict[str, Value]]:
    """The values with paths for the fields that hold some, each ending in the name beside it: in one folder, in two."""
    paths = [name for name in base if name.rpartition(".")[2] in PATHS]
    for folder in (f"C:\\srv\\{mark}\\", f"/srv/{mark}/") if paths else ():
        for several in (False, True):
            found = dict(base)
            for place, path in enumerate(paths):
                beside = base.get(f"{path.rpartition('.')[0]}.name", f"file-{mark}-{place}")
                found[path] = f"{folder}{place if several else ''}{beside}"
            yield found


def _related(own: Value, other: Value, texts: Sequence[str], numbers: Sequence[int]) -> Iterator[Value]:
    """A value that is another one, is longer, shorter, or near it, or joins it with what the query names."""
    moment = parse_moment(other) if isinstance(other, str) and isinstance(own, str) and parse_moment(own) else None
    if moment is not None:
        spans = sorted({unit * number + one for number in (0, *numbers) for unit in _UNITS for one in (-1, 0, 1)})
        yield from (format_moment(moment + timedelta(seconds=span)) for span in spans)
    elif isinstance(own, str) and isinstance(other, str):
        yield from (other, other.upper(), f"{other}{own}", f"{own}{other}", other[:-1], own * 3)
        for text in texts[:MOST_SIGNS]:
            yield from (text, f"{other}{text}", f"{text}{other}", f"{other}{text}{own}", f"{own}{text}{other}")
            yield from (f"{own}{text * number}" for number in numbers if number <= MOST_SIGNS)
        yield from (own * number for number in numbers if number <= MOST_SIGNS)
    elif isinstance(own, int | float) and isinstance(other, int | float):
        for number in (1, *numbers):
            yield from (other, other + number, other - number, other * number, other * number + 1, number)
    elif isinstance(own, int | float):
        for number in numbers:
            yield from (number, number + 1, number - 1)


def _fits(text: Value, constraints: Sequence[Constraint]) -> bool:
    try:
        return all(holds(one, text) for one in constraints)
    except (Unknown, TypeError, ValueError):
        return False


def _is(evaluator: Evaluator, goal: Goal, *, truth: bool) -> bool:
    try:
        return bool(evaluator.truth(goal.predicate, goal.scope)) is truth
    except Unknown:
        return False


def _texts(goals: Sequence[tuple[Goal, bool]], name: str, assigned: Assigned, mark: str) -> Iterator[str]:
    """Pieces of the query's own, so often as its numbers say, beside what other conditions ask for and free text."""
    literals = [one for goal, _ in goals for one in _literals(goal.predicate, goal.scope)]
    pieces = [piece for one in literals if isinstance(one, str) for piece in _pieces(one)]
    pieces = [*dict.fromkeys(pieces), "a", "A", "0", " ", "`"]
    numbers = {1, 2, 3}
    for one in literals:
        if isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= MOST_TEXTS:
            numbers |= {one - 1, one, one + 1, 2 * one}
    patterns = wanted_patterns(assigned.constraints.get(name, ()))
    patterns += [one for goal, truth in goals for one in _likes(goal, truth=truth)]
    lead = "".join(dict.fromkeys(text for pattern in patterns if (text := regex.try_example(pattern)) is not None))
    front = f"{lead}{mark}"
    starts = [one.value for one in assigned.constraints.get(name, ()) if one.kind is Kind.EQUAL and one.steps]
    for number in sorted(numbers):
        for separator in _SEPARATORS:
            for piece in pieces:
                yield from (f"{start}{piece}{(piece + separator) * number}" for start in starts)
                body = (piece + separator) * number
                yield front + body
                yield front + separator + body + "b" * number
        yield front + " ".join(piece * number for piece in pieces)
    longest = max(numbers)
    for piece in pieces:
        for share in range(1, 10):
            yield front + "b" * (longest * share // 10) + piece * (longest - longest * share // 10)


def _literals(node: nodes.Expression, scope: Scope) -> Iterator[str | int | float | bool | None]:
    """The constants of a condition, through what its columns are made of."""
    for part in node.walk():
        if isinstance(part, nodes.Literal):
            yield part.value
        elif isinstance(part, nodes.Column) and isinstance(made := scope.get(part.name), Derived):
            yield from _literals(made.value, made.scope)


def _likes(goal: Goal, *, truth: bool) -> Iterator[str]:
    """The patterns of LIKE that a condition asks for."""
    for one in conditions(goal.predicate):
        if isinstance(one.node, nodes.Like) and one.node.operator == "like" and one.excludes is not truth:
            yield from (
                regex.like_to_regex(part.value)
                for part in one.node.patterns
                if isinstance(part, nodes.Literal) and isinstance(part.value, str)
            )


def _pieces(text: str) -> Iterator[str]:
    """A literal itself, and what it stands for as a pattern."""
    for pattern in (text, regex.like_to_regex(text)):
        if (found := regex.try_example(pattern, "x")) and found != text:
            yield found
    yield text.strip("*")
    yield from list(dict.fromkeys(one for one in text if not one.isalnum()))[:MOST_SIGNS]
