"""Texts for conditions that no inverse is known of: made of the query's own literals, and computed until one does."""

from collections.abc import Iterator, Sequence
from itertools import islice

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conditions
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.scope import Derived, Goal, Scope
from entra_deployer.verify.generate.constraints import Assigned, Constraint, Kind, holds, wanted_patterns
from entra_deployer.verify.generate.plan import fields_of_goal

MOST_TEXTS = 4_000
"""So many texts are tried for one event."""

MOST_SIGNS = 8
"""So many signs of a literal are pieces of their own."""

_SEPARATORS = ("", " ", "x", "\n")


def text_for(
    goals: Sequence[tuple[Goal, bool]], assigned: Assigned, mark: str, tries: Iterator[int]
) -> Assigned | None:
    """The assignment with a text for the one field that the goals look at, for which each is as flagged; else None.

    `tries` are those of the rule: none is looked for any more where they are used up.
    """
    fields = {name for goal, _ in goals for name in fields_of_goal(goal)}
    if len(fields) != 1:
        return None
    (name,) = fields
    for text, _ in zip(islice(_texts(goals, name, assigned, mark), MOST_TEXTS), tries, strict=False):
        evaluator = Evaluator({name: text})
        if not _fits(text, assigned.constraints.get(name, ())):
            continue
        if all(_is(evaluator, goal, truth=truth) for goal, truth in goals):
            return assigned.also(name, Constraint(Kind.EQUAL, text))
    return None


def _fits(text: str, constraints: Sequence[Constraint]) -> bool:
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
    for number in sorted(numbers):
        for separator in _SEPARATORS:
            for piece in pieces:
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
