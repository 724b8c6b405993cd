"""The search for a group: one of its numbers is changed after the other as long as the query comes nearer to it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from entra_deployer.esql import tree as nodes
from entra_deployer.verify.generate.constraints import TooMany, Unsolved
from entra_deployer.verify.generate.documents import Document
from entra_deployer.verify.generate.groups import MOST_DOCUMENTS, MOST_NUMBER, Groups
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.generate.recipes import Recipe

FEW = 10
"""A group with so many different values at most is brought nearer."""

MOST_STEPS = 3
"""So many steps a near miss is brought nearer."""

MOST_ROWS = 20_000
"""So many made events are simulated for one rule."""

_CHOICES = ("counts", "different", "numbers")
_LEAST = {"counts": 0, "different": 0, "numbers": 0}
_SMALLEST = {**_LEAST, "different": 1}
_MOST = {"counts": MOST_NUMBER, "different": MOST_DOCUMENTS, "numbers": MOST_NUMBER}

type Watch = Callable[[Recipe, Sequence[Document]], bool]
"""Looks at each group that the search tries; True ends the search with it."""


@dataclass
class GroupSearch:
    """Searches among groups until the query finds one; `rows_left` is how many events may still be simulated."""

    groups: Groups
    rows_left: int = MOST_ROWS
    watch: Watch | None = None
    _known: dict[tuple[Recipe, nodes.Span | None], float] = field(default_factory=dict)

    def distance(self, recipe: Recipe, missed: nodes.Span | None) -> float:
        """How far the query is from finding such a group. Raises TooMany where all tries are used up."""
        key = (recipe, missed)
        if key not in self._known:
            self._known[key] = self._distance(recipe, missed)
        return self._known[key]

    def _distance(self, recipe: Recipe, missed: nodes.Span | None) -> float:
        try:
            documents = self.groups.documents(recipe, "x")
        except (Unsolved, Unpickable):
            return float("inf")
        self.rows_left -= len(documents)
        if self.rows_left < 0:
            raise TooMany("the search for a group took too long")
        if self.watch and self.watch(recipe, documents):
            return 0.0
        return self.groups.outcome(documents, missed).distance

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
        for candidate in chain.from_iterable(self._neighbours(recipe)):
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
        current, best = start, self.distance(start, missed)
        while best > 0:
            step = self._step(current, best, missed)
            if step is None:
                return None
            current, best = step
        return self._shrunk(current, missed) if small else current

    def _step(self, current: Recipe, best: float, missed: nodes.Span | None) -> tuple[Recipe, float] | None:
        """The best next group that differs in one choice; the first one that is right at once."""
        found: tuple[Recipe, float] | None = None
        for candidate in chain.from_iterable(self._neighbours(current)):
            distance = self.distance(candidate, missed)
            if distance < best:
                found, best = (candidate, distance), distance
                if distance == 0:
                    return found
        return found

    def _neighbours(self, recipe: Recipe) -> Iterator[list[Recipe]]:
        """Recipes that differ in one choice, by choice; of each those first that differ least."""
        for name in _CHOICES:
            for place, value in enumerate(recipe.chosen(name)):
                options = {*self.groups.numbers, value + 1, value - 1, value * 2, value * 10} - {value}
                nearest = sorted((abs(option - value), option) for option in options)
                yield [
                    recipe.changed(name, place, option)
                    for _, option in nearest
                    if _LEAST[name] <= option <= _MOST[name]
                ]
        if max(recipe.different, default=1) > 1:
            yield [replace(recipe, even=not recipe.even)]
        for order in range(len(self.groups.kinds)):
            yield [
                replace(recipe, spread=spread, order=order)
                for spread in self.groups.spreads
                if (spread, order) != (recipe.spread, recipe.order)
            ]
        yield [replace(recipe, older=older) for older in self.groups.spreads if older != recipe.older]

    def _shrunk(self, recipe: Recipe, missed: nodes.Span | None) -> Recipe:
        """The same with each choice as small as it can be."""
        for name in _CHOICES:
            for place, value in enumerate(recipe.chosen(name)):
                for option in [one for one in self.groups.numbers if _SMALLEST[name] <= one < value]:
                    smaller = recipe.changed(name, place, option)
                    if self.distance(smaller, missed) == 0:
                        recipe = smaller
                        break
        return recipe
