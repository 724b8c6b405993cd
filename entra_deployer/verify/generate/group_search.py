"""The search for a group: one of its numbers is changed after the other as long as the query comes nearer to it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import chain, islice, product
from operator import itemgetter

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import operands, strip_parentheses
from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.verify.generate.constraints import TooMany, Unsolved
from entra_deployer.verify.generate.groups import MOST_DOCUMENTS, MOST_NUMBER, MOST_VALUE, Groups
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.generate.recipes import Recipe

FEW = 10
"""A group with so many different values at most is brought nearer."""

APART = 2
"""So many different values a number has that is only measured."""

MOST_STEPS = 3
"""So many steps a near miss is brought nearer."""

MOST_ROWS = 20_000
"""So many made events are simulated for one rule."""

MOST_ALTERNATIVES = 24
"""So many ways through what OR joins are searched one by one."""

SEARCHES = 12
"""So many further searches are begun for one rule, from where it is nearest to firing."""

MOST_FURTHER = 3_000
"""So many made events are simulated in one of these."""

_SMALLEST = {"counts": 0, "different": 1, "numbers": 0}
_MOST = {"counts": MOST_NUMBER, "different": MOST_DOCUMENTS, "numbers": MOST_VALUE}

type Measure = Callable[[Recipe, nodes.Span | None], float]
"""How far a group is from what is looked for, 0 where it is that; the place is of a condition that it is to miss."""

type _Step = Callable[[Recipe, float, nodes.Span | None], tuple[Recipe, float] | None]


@dataclass
class GroupSearch:
    """Searches among groups; `rows_left` is how many events may still be simulated.

    It looks for one that the query finds, or, with the numbers alone of what each choice matters to, for what `measure`
    says. `focus`, a query with stronger conditions, may
    stand in its place.
    """

    groups: Groups
    rows_left: int = MOST_ROWS
    measure: Measure | None = None
    focus: nodes.Tree | None = None
    _known: dict[tuple[Recipe, nodes.Span | None], float] = field(default_factory=dict)

    def distance(self, recipe: Recipe, missed: nodes.Span | None) -> float:
        """How far the query is from finding such a group. Raises TooMany where all tries are used up."""
        key = (recipe, missed)
        if key not in self._known:
            self._known[key] = self._distance(recipe, missed)
        return self._known[key]

    def _distance(self, recipe: Recipe, missed: nodes.Span | None) -> float:
        if self.measure:
            return self.measure(recipe, missed)
        try:
            documents = self.groups.documents(recipe, "x")
        except (Unsolved, Unpickable):
            return float("inf")
        self.rows_left -= len(documents)
        if self.rows_left < 0:
            raise TooMany("the search for a group took too long")
        return self.groups.outcome(documents, missed, self.focus).distance

    def near_miss(self, firing: Recipe, missed: nodes.Span) -> Recipe | None:
        """The group that misses one condition and is nearest to one that fires, as far as a few steps find it."""
        found = self.search(firing, missed)
        for _ in range(MOST_STEPS):
            nearer = self._nearer(found, missed) if found and max(found.different, default=1) <= FEW else None
            if nearer is None:
                break
            found = nearer
        return found

    def _nearer(self, recipe: Recipe, missed: nodes.Span) -> Recipe | None:
        """A near miss that differs in one choice and is nearer to firing; None for none, and late in the search."""
        best, found = self.distance(recipe, None), None
        for candidate in chain.from_iterable(self.others(recipe, choice) for choice in self.choices):
            if self.rows_left < MOST_ROWS // 2:
                break
            distance = self.distance(candidate, None)
            if 0 < distance < best and self.distance(candidate, missed) == 0:
                best, found = distance, candidate
        return found

    def search(self, start: Recipe, missed: nodes.Span | None = None, *, small: bool = False) -> Recipe | None:
        """A group near `start` for which every condition holds but the one that is missed; None for none.

        `small`: it is made as small as possible.
        """
        steps = (self._turns, self._steepest, self._turns_jointly)
        found = next(filter(None, (self._descended(step, start, missed) for step in steps)), None)
        return self._shrunk(found, missed) if found and small else found

    def _descended(self, step: _Step, start: Recipe, missed: nodes.Span | None) -> Recipe | None:
        current, best = start, self.distance(start, missed)
        while best > 0:
            nearer = step(current, best, missed)
            if nearer is None:
                return None
            current, best = nearer
        return current

    def _turns(self, current: Recipe, best: float, missed: nodes.Span | None) -> tuple[Recipe, float] | None:
        """A nearer group: of each choice in turn the best one; the first one that is right at once."""
        return self._in_turn(self.choices, current, best, missed)

    def _turns_jointly(self, current: Recipe, best: float, missed: nodes.Span | None) -> tuple[Recipe, float] | None:
        """The same, where the events of a kind and the values that they have may become as many at once."""
        return self._in_turn([*self._joint_choices, *self.choices], current, best, missed)

    def _in_turn(
        self, choices: Sequence[tuple[str, int]], current: Recipe, best: float, missed: nodes.Span | None
    ) -> tuple[Recipe, float] | None:
        before = best
        for choice in choices:
            for candidate in self.others(current, choice):
                distance = self.distance(candidate, missed)
                if distance < best:
                    current, best = candidate, distance
                    if distance == 0:
                        return current, best
        return (current, best) if best < before else None

    def _steepest(self, current: Recipe, best: float, missed: nodes.Span | None) -> tuple[Recipe, float] | None:
        """The nearest group that differs in one choice; the first one that is right at once."""
        found: tuple[Recipe, float] | None = None
        for candidate in chain.from_iterable(self.others(current, choice) for choice in self.choices):
            distance = self.distance(candidate, missed)
            if distance < best:
                found, best = (candidate, distance), distance
                if distance == 0:
                    return found
        return found

    @cached_property
    def choices(self) -> list[tuple[str, int]]:
        """What of a group may be chosen, and matters to a condition on it: each list of numbers with a place in it."""
        groups = self.groups
        matters = [name in groups.asked for name in groups.varied]
        found = [("different", place) for place, one in enumerate(matters) if one]
        found += [("counts", place) for place in range(len(groups.kinds))]
        found += [("numbers", place) for place, name in enumerate(groups.measured) if name in groups.asked]
        if any(matters):
            found.append(("even", 0))
        if TIMESTAMP in groups.asked:
            found += [("spread", order) for order in range(len(groups.kinds))]
            found.append(("older", 0))
        return found

    @cached_property
    def _joint_choices(self) -> list[tuple[str, int]]:
        """Pairs of a kind of events and a field with several values, by number."""
        fields = [place for name, place in self.choices if name == "different"]
        kinds = range(1, len(self.groups.kinds))
        return [("joint", kind * len(self.groups.varied) + place) for kind in kinds for place in fields]

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers that a choice may be."""
        return self.groups.numbers_of(self.focus) if self.focus else self.groups.numbers

    def _numbers_of(self, name: str, place: int) -> list[int]:
        """The numbers that one choice may be."""
        groups = self.groups
        if self.measure is None or not groups.numbers_by_field:
            return self.numbers
        field_name = {"different": groups.varied, "numbers": groups.measured}.get(name)
        return groups.numbers_by_field.get(field_name[place] if field_name else "", groups.numbers)

    def others(self, recipe: Recipe, choice: tuple[str, int]) -> list[Recipe]:
        """The recipes that differ in one choice, those first that differ least."""
        name, place = choice
        spreads = self.groups.spreads
        match name:
            case "even":
                return [replace(recipe, even=not recipe.even)] if max(recipe.different) > 1 else []
            case "spread":
                now = (recipe.spread, recipe.order)
                return [replace(recipe, spread=one, order=place) for one in spreads if (one, place) != now]
            case "joint":
                kind, field_place = divmod(place, len(self.groups.varied))
                numbers = [one for one in self.groups.numbers if 1 < one <= MOST_DOCUMENTS]
                return [recipe.changed("counts", kind, one).changed("different", field_place, one) for one in numbers]
            case "older":
                return [replace(recipe, older=older) for older in spreads if older != recipe.older]
        if name == "different" and self.groups.varied[place] in self.groups.only_measured:
            return [recipe.changed(name, place, one) for one in (1, APART) if one != recipe.different[place]]
        value = recipe.chosen(name)[place]
        options = {*self._numbers_of(name, place), value + 1, value - 1, value * 2, value * 10} - {value}
        nearest = sorted((abs(option - value), option) for option in options if 0 <= option <= _MOST[name])
        return [recipe.changed(name, place, option) for _, option in nearest]

    def _shrunk(self, recipe: Recipe, missed: nodes.Span | None) -> Recipe:
        """The same with each choice as small as it can be."""
        for name, least in _SMALLEST.items():
            for place, value in enumerate(recipe.chosen(name)):
                for option in [one for one in self.numbers if least <= one < value]:
                    smaller = recipe.changed(name, place, option)
                    if self.distance(smaller, missed) == 0:
                        recipe = smaller
                        break
        return recipe


def find_group(groups: Groups) -> tuple[GroupSearch, Recipe] | None:
    """The smallest group that the query finds, and the search for others; None for none.

    Where it is not found from a group of all kinds of events, it is looked for from each kind alone, and by one side of
    what OR joins.
    """
    search = GroupSearch(groups)
    with suppress(TooMany):
        if recipe := search.search(groups.start(), small=True):
            return search, recipe
    begun: list[tuple[float, nodes.Tree | None, Recipe]] = []
    for focus in (None, *alternatives(groups.tree)):
        with suppress(TooMany):
            first = GroupSearch(groups, MOST_FURTHER, focus=focus)
            starts = [(first.distance(start, None), focus, start) for start in groups.starts()]
            begun.append(min(starts, key=itemgetter(0)))
    for _, focus, start in sorted(begun, key=itemgetter(0))[:SEARCHES]:
        with suppress(TooMany):
            found = GroupSearch(groups, MOST_FURTHER, focus=focus).search(start, small=True)
            if found and groups.outcome(groups.documents(found, "x")).distance == 0:
                return GroupSearch(groups), found
    return None


def alternatives(tree: nodes.Tree) -> Iterator[nodes.Tree]:
    """The query with stronger conditions on groups: of what OR joins, one side; none where OR joins nothing."""
    first = next((n for n, one in enumerate(tree.commands) if isinstance(one, nodes.Stats)), len(tree.commands))
    filters = {n: one for n, one in enumerate(tree.commands) if n > first and isinstance(one, nodes.Where)}
    for predicates in islice(product(*(_stronger(one.predicate) for one in filters.values())), MOST_ALTERNATIVES):
        commands = list(tree.commands)
        for (place, command), predicate in zip(filters.items(), predicates, strict=True):
            commands[place] = replace(command, predicate=predicate)
        if tuple(commands) != tree.commands:
            yield replace(tree, commands=tuple(commands))


def _stronger(node: nodes.Expression) -> list[nodes.Expression]:
    """Conditions without OR, of which each implies the condition."""
    inner = strip_parentheses(node)
    if not isinstance(inner, nodes.Binary) or inner.operator not in ("and", "or"):
        return [node]
    sides = [_stronger(side) for side in operands(inner, inner.operator)]
    if inner.operator == "or":
        return list(chain.from_iterable(sides))[:MOST_ALTERNATIVES]
    ways = islice(product(*sides), MOST_ALTERNATIVES)
    return [reduce(lambda one, other: nodes.Binary(inner.span, "and", one, other), way) for way in ways]
