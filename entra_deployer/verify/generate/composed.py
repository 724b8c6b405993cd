"""Texts put together of what several functions ask of one: how it begins and ends, what stands where, its parts."""

from collections.abc import Iterator, Sequence
from itertools import islice, product

from entra_deployer.esql.functions import Value
from entra_deployer.verify.generate.constraints import Constraint, Kind, Step

MOST_COMPOSED = 400
"""So many texts are made at most for one field of one event."""

MOST_PARTS = 60
"""No text has more parts between its separators."""

MOST_LENGTH = 5_000

_CASES = frozenset({"to_lower", "to_upper", "trim", "to_string"})
_PLACING = frozenset({"locate", "split", "mv_count", "left", "right", "substring"})
_MEASURING = frozenset({"locate", "length", "byte_length", "mv_count"})


def composed(constraints: Sequence[Constraint], examples: Sequence[str], mark: str) -> Iterator[str]:
    """Texts with all that the functions between the field and its conditions ask for; none where none is known.

    `examples` are texts that other conditions ask for. A text is a beginning, a filling as long as some number of the
    query, pieces, parts between separators and an end.
    """
    steps = [step for one in constraints for step in one.steps]
    if not any(step.name in _PLACING for step in steps):
        return
    begin = "".join(_plain(one) for one in constraints if _asks_for(one, "left", "substring"))
    end = "".join(_plain(one) for one in constraints if _asks_for(one, "right"))
    pieces = _texts_of(steps, "locate")
    middle = "".join(dict.fromkeys([*examples, *pieces]))
    numbers = sorted({one.value for one in constraints if _is_measured(one)})
    near = [number + beside for number in numbers for beside in (0, 1, -1)]
    fillings = [one for one in dict.fromkeys((len(mark), 0, *near)) if 0 <= one <= MOST_LENGTH]
    counts = [one for one in dict.fromkeys((0, *near)) if 0 <= one <= MOST_PARTS]
    separators = _texts_of(steps, "split") or [""]
    made = product(separators, counts if separators != [""] else [0], fillings)
    for separator, count, length in islice(made, MOST_COMPOSED):
        filling = f"{mark}{'x' * length}"[:length]
        yield f"{begin}{filling}{middle}{f'{separator}{mark}' * count}{end}"


def _texts_of(steps: Sequence[Step], name: str) -> list[str]:
    return list(dict.fromkeys(str(step.arguments[0]) for step in steps if step.name == name and step.arguments))


def _plain(constraint: Constraint) -> str:
    return str(constraint.value) if isinstance(constraint.value, str) else ""


def _asks_for(constraint: Constraint, *names: str) -> bool:
    """Whether a condition says what the beginning of a text, or its end, is."""
    last = next((step for step in reversed(constraint.steps) if step.name not in _CASES), None)
    if constraint.kind is not Kind.EQUAL or last is None or last.name not in names:
        return False
    return last.name != "substring" or last.arguments[:1] in ((0,), (1,))


def _is_measured(constraint: Constraint) -> bool:
    value: Value = constraint.value
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number and any(step.name in _MEASURING for step in constraint.steps)
