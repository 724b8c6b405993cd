"""What a column may hold in rows of which something is known: a set that is never too small."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import ceil, floor, inf, isinf, trunc

from entra_deployer.esql.conditions import OPPOSITES

type Constant = str | bool

MOST_EVENTS = 2.0**53
"""No index has so many events: what is counted is below it."""

_MOST_INTEGER, _MOST_LONG = 2.0**31, 2.0**63
_MOST_PAIRS = 64
_COMPARE: dict[str, Callable[[Constant, Constant], bool]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}


@dataclass(frozen=True)
class Values:
    """Null where `null`, several values at once where `many`, and single ones.

    Single values are numbers from `low` to `high` (whole ones where `whole`), or of any type where both are infinite;
    where `constants` are known, one of these texts and truths.
    """

    null: bool = True
    many: bool = True
    low: float = -inf
    high: float = inf
    whole: bool = False
    constants: frozenset[Constant] | None = None

    @property
    def single(self) -> bool:
        """Whether a single value is possible."""
        return self.low <= self.high and self.constants != frozenset()

    @property
    def impossible(self) -> bool:
        """Whether nothing is."""
        return not (self.null or self.many or self.single)

    @property
    def only_null(self) -> bool:
        """Whether it is null for certain."""
        return self.null and not self.many and not self.single

    @property
    def certain(self) -> bool:
        """Whether it is one certain number or constant."""
        return not self.null and not self.many and (len(self.constants or ()) == 1 or self.low == self.high)

    def without_null(self) -> "Values":
        """It where it is not null."""
        return replace(self, null=False)

    def or_null(self) -> "Values":
        """It, or null."""
        return replace(self, null=True)

    def meeting(self, other: "Values") -> "Values":
        """What is in both sets."""
        both = self.constants if other.constants is None else other.constants
        if self.constants is not None and other.constants is not None:
            both = self.constants & other.constants
        return Values(
            self.null and other.null,
            self.many and other.many,
            max(self.low, other.low),
            min(self.high, other.high),
            self.whole or other.whole,
            both,
        )

    def compared(self, operator: str, other: "Values") -> "Values":
        """It where it is a single value for which a comparison with one value, a number or a constant, is true."""
        alone = replace(self, null=False, many=False)
        return alone._singles(operator, other)

    def not_compared(self, operator: str, other: "Values") -> "Values":
        """It where such a comparison is not true: null and several values stay possible."""
        return self._singles(OPPOSITES[operator], other)

    def _singles(self, operator: str, other: "Values") -> "Values":
        if other.constants is None:
            return self._numbers(operator, other.low)
        if operator == "==":
            both = other.constants if self.constants is None else self.constants & other.constants
            return replace(self, constants=both)
        if operator == "!=" and self.constants is not None:
            return replace(self, constants=self.constants - other.constants)
        return self

    def _numbers(self, operator: str, number: float) -> "Values":
        step = 1 if self.whole and number == floor(number) else 0
        match operator:
            case "==":
                return replace(self, low=max(self.low, number), high=min(self.high, number))
            case ">" | ">=":
                low = number + (step if operator == ">" else 0)
                return replace(self, low=max(self.low, ceil(low) if self.whole else low))
            case "<" | "<=":
                high = number - (step if operator == "<" else 0)
                return replace(self, high=min(self.high, floor(high) if self.whole else high))
            case "!=" if self.low == self.high == number:
                return replace(self, low=inf, high=-inf)
            case "!=" if self.whole:
                return replace(self, low=self.low + (self.low == number), high=self.high - (self.high == number))
        return self


ANYTHING = Values()
NULL = Values(many=False, low=inf, high=-inf)
NOTHING = Values(null=False, many=False, low=inf, high=-inf)


def number(value: float, *, whole: bool) -> Values:
    """A certain number."""
    return Values(null=False, many=False, low=value, high=value, whole=whole)


def constant(value: Constant) -> Values:
    """A certain text or truth."""
    return Values(null=False, many=False, constants=frozenset({value}))


def counted(least: int) -> Values:
    """What COUNT makes."""
    return Values(null=False, many=False, low=least, high=MOST_EVENTS, whole=True)


def either(some: Iterable[Values]) -> Values:
    """What is in any of several sets."""
    found = NOTHING
    for one in some:
        null, many = found.null or one.null, found.many or one.many
        if not found.single or not one.single:
            found = replace(one if one.single else found, null=null, many=many)
        elif found.constants is not None and one.constants is not None:
            found = Values(null, many, constants=found.constants | one.constants)
        elif found.constants is not None or one.constants is not None:
            found = Values(null, many)
        else:
            low, high = min(found.low, one.low), max(found.high, one.high)
            found = Values(null, many, low, high, found.whole and one.whole)
    return found


def truths(operator: str, left: Values, right: Values) -> set[bool | None]:
    """The truths that a comparison may have; None where one side is null or several values."""
    found: set[bool | None] = set()
    if left.null or left.many or right.null or right.many:
        found.add(None)
    if left.single and right.single:
        found |= _of_singles(operator, left, right)
    return found


def _of_singles(operator: str, left: Values, right: Values) -> set[bool]:
    if left.constants is not None or right.constants is not None:
        pairs = [(one, other) for one in left.constants or () for other in right.constants or ()]
        is_told = operator in _COMPARE and 0 < len(pairs) <= _MOST_PAIRS
        return {_COMPARE[operator](one, other) for one, other in pairs} if is_told else {True, False}
    match operator:
        case "<":
            possible = (left.low < right.high, left.high >= right.low)
        case "<=":
            possible = (left.low <= right.high, left.high > right.low)
        case ">":
            possible = (left.high > right.low, left.low <= right.high)
        case ">=":
            possible = (left.high >= right.low, left.low < right.high)
        case "==" | "!=":
            equal = left.low <= right.high and right.low <= left.high
            unequal = not (left.low == left.high == right.low == right.high)
            possible = (equal, unequal) if operator == "==" else (unequal, equal)
        case _:
            possible = (True, True)
    return {truth for truth, is_so in zip((True, False), possible, strict=True) if is_so}


def computed(operator: str, left: Values, right: Values) -> Values:
    """What arithmetic makes of two numbers: null too where it may not fit, or divide by zero."""
    if left.only_null or right.only_null:
        return NULL
    sides = (left, right)
    if any(not one.single or one.constants is not None or (isinf(one.low) and isinf(one.high)) for one in sides):
        return Values(many=False)
    ends = _ends(operator, left, right)
    if ends is None:
        return Values(many=False)
    low, high = ends
    whole = left.whole and right.whole
    small = all(one.low >= -_MOST_INTEGER and one.high < _MOST_INTEGER for one in sides)
    most = _MOST_INTEGER if small else _MOST_LONG
    fits = whole and -most <= low and high < most and operator != "/"
    null = not fits or any(one.null or one.many for one in sides)
    return Values(null, many=False, low=low, high=high, whole=whole)


def _ends(operator: str, left: Values, right: Values) -> tuple[float, float] | None:
    match operator:
        case "+":
            return left.low + right.low, left.high + right.high
        case "-":
            return left.low - right.high, left.high - right.low
        case "*":
            products = [_product(one, other) for one in (left.low, left.high) for other in (right.low, right.high)]
            return min(products), max(products)
        case "/" if right.low > 0 or (right.whole and right.low == 0):  # by zero it is null
            least = max(right.low, 1) if right.whole else right.low
            if right.high < least:
                return None
            ends = [_quotient(one, other) for one in (left.low, left.high) for other in (least, right.high)]
            low, high = min(ends), max(ends)  # of whole numbers it is cut off towards zero
            return low if isinf(low) else min(low, trunc(low)), high if isinf(high) else max(high, trunc(high))
    return None


def _product(one: float, other: float) -> float:
    return 0.0 if one == 0 or other == 0 else one * other


def _quotient(one: float, other: float) -> float:
    return one if isinf(one) else one / other
