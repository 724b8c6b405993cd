"""Small charts as SVG, without a script: geometry is computed here, colours are the style sheet's."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 60
"""Units of a chart's own coordinates."""
_GAP = 2


@dataclass(frozen=True)
class Share:
    """One part of a whole: `style` is the class of the style sheet that gives it its colour."""

    name: str
    count: int
    style: str


@dataclass(frozen=True)
class Box:
    """A rectangle with what it stands for, in units of the chart."""

    x: float
    y: float
    width: float
    height: float
    style: str
    title: str


def parts_of(shares: Sequence[Share]) -> tuple[Box, ...]:
    """A bar as wide as the chart, cut by the counts; what there is none of takes no room."""
    total, x, boxes = sum(share.count for share in shares), 0.0, []
    for share in shares:
        width = WIDTH * share.count / total if total else 0
        if width:
            boxes.append(Box(round(x, 2), 0, round(width, 2), HEIGHT, share.style, f"{share.name}: {share.count}"))
        x += width
    return tuple(boxes)


def columns_of(values: Sequence[tuple[str, int]], style: str) -> tuple[Box, ...]:
    """A column for each value, the largest as high as the chart; a value of 0 is a line."""
    if not values:
        return ()
    step, largest = WIDTH / len(values), max(1, *(value for _, value in values))
    boxes = []
    for number, (title, value) in enumerate(values):
        height = max(HEIGHT * value / largest, 1)
        width = max(min(step, HEIGHT) - _GAP, 1)
        boxes.append(
            Box(round(number * step, 2), round(HEIGHT - height, 2), round(width, 2), round(height, 2), style, title)
        )
    return tuple(boxes)


def bars_of(before: float, after: float, most: float) -> tuple[Box, ...]:
    """Two bars one above the other, as long as their share of `most`."""
    height = (HEIGHT - _GAP) / 2
    pairs = (("now", before, "before"), ("after a push", after, "after"))
    return tuple(
        Box(0, number * (height + _GAP), round(WIDTH * value / most, 2), height, style, f"{name}: {value:.1f}")
        for number, (name, value, style) in enumerate(pairs)
    )
