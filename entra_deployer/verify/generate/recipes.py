"""What a group is made of, in numbers, and how its events lie over the time that it lasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.verify.generate.documents import Document


@dataclass(frozen=True)
class Recipe:
    """What a group is made of.

    `counts` are the events of each kind, `different` how many different values each field has that may have several (0:
    it is missing, where no condition on events asks for it),
    `numbers` what each measured field holds (0: its own value), `spread` the seconds that the group lasts, `order` the
    kind of events that are its newest, `older` the seconds by which all are older than usual. `even`: the events are
    spread over the different values alike, else all that are more than these have the first.
    """

    counts: tuple[int, ...]
    different: tuple[int, ...]
    numbers: tuple[int, ...]
    spread: int = 0
    order: int = 0
    older: int = 0
    even: bool = False

    def chosen(self, name: str) -> tuple[int, ...]:
        """One of its lists of numbers."""
        return {"counts": self.counts, "different": self.different, "numbers": self.numbers}[name]

    def changed(self, name: str, place: int, number: int) -> "Recipe":
        """It with another number."""
        chosen = self.chosen(name)
        new = (*chosen[:place], number, *chosen[place + 1 :])
        rest = self.spread, self.order, self.older, self.even
        match name:
            case "counts":
                return Recipe(new, self.different, self.numbers, *rest)
            case "different":
                return Recipe(self.counts, new, self.numbers, *rest)
        return Recipe(self.counts, self.different, new, *rest)


def share(count: int, parts: int, number: int, *, even: bool) -> int:
    """How many of so many events are in one of their parts."""
    if even:
        return max(1, count // parts + (number < count % parts))
    return 1 if number else max(1, count - parts + 1)


def spread_out(made: Sequence[Document], recipe: Recipe) -> list[Document]:
    """The events over the time that the group lasts; those of the kind `order` are the newest."""
    kinds = sorted({int(one.age) for one in made}, key=lambda kind: (kind != recipe.order, -kind))
    placed = sorted(made, key=lambda one: kinds.index(int(one.age)))
    ages: Mapping[int, float] = {
        id(one): recipe.older + recipe.spread * place / max(1, len(made) - 1) for place, one in enumerate(placed)
    }
    return [one.aged(ages[id(one)]) for one in made]
