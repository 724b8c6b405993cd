"""Other texts like one that a case has: with other matches of a pattern in them, of another length, with parts more.

So is told what a query asks of a text: how often REPLACE finds something in it, how long it is, what share of it is
of a kind, what LIKE looks for in it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

MOST_MATCHES = 200
"""So many matches of a pattern are counted out."""

MOST_LENGTH = 5_000
"""No text is made longer."""

MOST_PARTS = 6
"""So many parts are put into a text, and so many pairs of them are made of the first ones."""

MOST_ADDED = 40
"""By so many characters a text is made longer so that a share of it is a whole number."""

_FILLERS = ("b", " ")


def with_parts(
    text: str, own: Sequence[str], beside: Sequence[str], patterns: Sequence[re.Pattern[str]] = ()
) -> Iterator[str]:
    """The text with parts that are looked for in it, one and two at once, and with another text for them.

    `own` are those of one condition, `beside` those of others. Where single characters are counted in the text, as many
    are added as a part would make less of their share.
    """
    some = list(dict.fromkeys(own))[:MOST_PARTS]
    others = [one for one in dict.fromkeys(beside) if one not in some][:MOST_PARTS]
    for part in some:
        if part in text:
            yield text.replace(part, _unlike(part))
        yield f"{text} {part}"
        letters = [text[spans[0][0]] for one in patterns if (spans := _spans(one, text)) and _is_single(spans)]
        yield from (f"{text}{letter * 2 * len(part)} {part}" for letter in letters)
    yield from (f"{text} {one} {other}" for one in some for other in others)
    yield from (f"{text} {one} {other}" for one, other in combinations(some, 2))
    yield from (f"{text} {one}" for one in others)


def with_matches(text: str, patterns: Sequence[re.Pattern[str]], numbers: Sequence[int]) -> Iterator[str]:
    """The text with so many matches of a pattern as the numbers say, and one more and less; it is not made shorter."""
    wanted = sorted({number + step for number in numbers for step in (-1, 0, 1)})
    for pattern in patterns:
        for number in wanted:
            if 0 <= number <= MOST_MATCHES:
                yield from _matching(text, pattern, number)


def of_length(text: str, patterns: Sequence[re.Pattern[str]], parts: Sequence[str], size: int) -> str | None:
    """The text of a length, with all matches and parts still in it; None where it has no room for these."""
    if len(text) <= size:
        return None if size > MOST_LENGTH else text.ljust(size, "b")
    kept = [span for pattern in patterns for span in _spans(pattern, text)]
    kept += [found.span() for part in parts if part for found in re.finditer(re.escape(part), text)]
    is_kept = [False] * len(text)
    for start, end in kept:
        is_kept[start:end] = [True] * (end - start)
    spare = len(text) - size
    letters: list[str] = []
    for letter, keep in zip(reversed(text), reversed(is_kept), strict=True):
        if keep or spare == 0:
            letters.append(letter)
        else:
            spare -= 1
    return "".join(reversed(letters)) if spare == 0 else None


def with_share(text: str, patterns: Sequence[re.Pattern[str]], share: float) -> Iterator[str]:
    """The text with such a share of it in matches of one character each, and with one match more and less."""
    for pattern in patterns:
        spans = _spans(pattern, text)
        if not _is_single(spans):
            continue
        for size in range(len(text), len(text) + MOST_ADDED):
            if abs(share * size - round(share * size)) < 1e-9 and size <= MOST_LENGTH:
                for number in (round(share * size) + step for step in (0, 1, -1)):
                    yield from (_of_share(text, pattern, number, size) if 0 <= number <= size else ())
                break


def _of_share(text: str, pattern: re.Pattern[str], number: int, size: int) -> Iterator[str]:
    """The text of a length with so many matches: characters beside them become matches from the end on, or cease to."""
    whole = list(text.ljust(size, "b"))
    matches = [start for start, _ in _spans(pattern, "".join(whole))]
    letter, are_matches = whole[matches[0]], set(matches)
    if number <= len(matches):
        for place in matches[number:]:
            whole[place] = "b"
    else:
        free = [place for place in range(size - 1, -1, -1) if place not in are_matches]
        for place in free[: number - len(matches)]:
            whole[place] = letter
    yield "".join(whole)


def _matching(text: str, pattern: re.Pattern[str], number: int) -> Iterator[str]:
    spans = _spans(pattern, text)
    if not spans:
        return
    alone = "\n".join([text[slice(*spans[0])]] * number)
    yield f"{alone}\n".ljust(len(text), "b")  # nothing else that counts is in it
    if number == len(spans):
        return
    if number > len(spans):
        start, end = spans[0]
        yield text + f"\n{text[start:end]}" * (number - len(spans))
        return
    for filler in _FILLERS:
        made = text
        for start, end in spans[number:]:
            made = f"{made[:start]}{filler * (end - start)}{made[end:]}"
        yield made
        end = spans[number - 1][1] if number else 0
        yield text[:end] + filler * (len(text) - end)


def _is_single(spans: Sequence[tuple[int, int]]) -> bool:
    """Whether there are matches, all of a single character."""
    return bool(spans) and all(end - start == 1 for start, end in spans)


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [found.span() for found in pattern.finditer(text) if found.end() > found.start()]


def _unlike(part: str) -> str:
    """Another text of the same length: its digits are others, or the case of its letters is."""
    other = re.sub(r"\d", lambda found: str((int(found[0]) + 1) % 10), part)
    other = other if other != part else part.swapcase()
    return other if other != part else part[:-1] + " "
