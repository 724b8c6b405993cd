"""Regular expressions of Lucene (RLIKE) and of GROK, and LIKE: in Python's dialect, with texts that they match."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

MOST_CHARACTERS = 10_000
MOST_NESTED = 60
"""Brackets within brackets."""
MOST_REPEATED = 1_000

_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "x", "W": "-", "S": "x"}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "e": "\x1b", "a": "\x07"}
_CODE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,5})\})")
"""A character by its number, as Java has it."""
_BORDERS = {"b": r"\b", "B": r"\B", "A": r"\A", "z": r"\Z", "Z": r"\Z", "G": ""}
_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r"\ \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "print": r"\ -~",
    "graph": "!-~",
    "cntrl": r"\x00-\x1f",
}
_OPENERS = ("(?:", "(?>", "(?=", "(?!", "(?<=", "(?<!")
_NAMED = re.compile(r"\(\?P?<([A-Za-z_][\w.]*)>")
_FLAGS = re.compile(r"\(\?([imsx]+)([:)])")
_INTERVAL = re.compile(r"<(\d+)-(\d+)>")
_TIMES = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_FILLER = "\uf8ff"
"""Stands in examples for "anything"; no pattern may hold it."""
_OF_LUCENE = {"@": ("(?:.*)", _FILLER), "#": ("(?!)", "")}
"""Signs that stand for any text, and for none."""

type Capture = Callable[[str, str, str], str]
"""Of a named group: its name, its expression in Python's dialect, an example; the one character that stands for it."""


class UnreadablePattern(ValueError):
    """A pattern that is broken, or of which this knows no meaning; its text says which."""


@dataclass(frozen=True)
class Expression:
    """A pattern in Python's dialect, and an example in which one character stands for "anything"."""

    python: str
    template: str

    def example(self, filler: str = "") -> str:
        """A text that matches all of it. Raises UnreadablePattern where none was found."""
        for text in (self.template.replace(_FILLER, filler), self.template.replace(_FILLER, "x")):
            if compiled(self.python).fullmatch(text):
                return text
        raise UnreadablePattern(f"no text was found that matches {_shown(self.python)}")


@lru_cache(maxsize=4096)
def like_to_regex(pattern: str) -> str:
    """The regular expression of a LIKE pattern: `*` is any text, `?` any character, a backslash quotes either."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"*": ".*", "?": "."}.get(character, re.escape(character)))
    return "".join(parts)


@lru_cache(maxsize=4096)
def from_lucene(pattern: str) -> str:
    """The same in Python's dialect. UnreadablePattern for intersections within brackets and complements of more.

    To Lucene `^` and `$` are plain characters, and so are `*`, `+` and `?` with nothing before them: `(?i)a` matches
    `?ia`. Quotes hold plain text, `@` is any text, `#` none, `<1-12>` a number, and `.+*` is `(.+)*`. `a&b` is what
    matches both, `~a` what does not match.
    """
    return _Reader(pattern, lucene=True).read().python


@lru_cache(maxsize=4096)
def parts_of_lucene(pattern: str) -> tuple[str, ...]:
    """What a text has to match, all of it, in Python's dialect: each side of `a&b`, else the whole pattern.

    Raises UnreadablePattern.
    """
    reader = _Reader(pattern, lucene=True)
    whole = reader.read().python
    return tuple(reader.sides) if len(reader.sides) > 1 and not reader.has_choice else (whole,)


def never_matches(pattern: str) -> bool:
    """Whether no text matches a pattern of Lucene, as far as that is plain: sides of `a&b` begin unlike, or hold `#`.

    Raises UnreadablePattern.
    """
    reader = _Reader(pattern, lucene=True)
    reader.read()
    if reader.is_empty:
        return not reader.has_choice
    begin = [_beginning(one) for one in reader.lucene_sides]
    unlike = any(not one.startswith(other) and not other.startswith(one) for one in begin for other in begin)
    return unlike and not reader.has_choice


_BEGINNING = re.compile(r"(?:\\[^A-Za-z]|\((?:\?[\w:=!]*)\)|[^\\.?+*|{}\[\]()\"~@&<>#])(?![?*+{])")
"""A piece of a pattern of Lucene that is plain text; brackets such as `(?i)` hold some."""


def _beginning(pattern: str) -> str:
    """The plain text that every text which matches a pattern of Lucene begins with."""
    found, position = "", 0
    if pattern[:1] in tuple("?*+{&") and pattern[1:2] not in tuple("?*+{"):  # with nothing before it
        found, position = pattern[0], 1
    while piece := _BEGINNING.match(pattern, position):
        found += piece[0].strip("()") if piece[0][0] == "(" else piece[0][-1]
        position = piece.end()
    return found


@lru_cache(maxsize=4096)
def read(pattern: str, choice: int = 0) -> Expression:
    """A pattern of Python's or of GROK's dialect. Raises UnreadablePattern.

    `choice` is a number by which the example takes one of several alternatives, and a character of a set.
    """
    return _Reader(pattern, choice=choice).read()


def read_with_groups(pattern: str, capture: Capture) -> Expression:
    """As `read`, with what `capture` says in the place of each named group."""
    return _Reader(pattern, capture=capture).read()


def example(pattern: str, filler: str = "", choice: int = 0) -> str:
    """A short text that matches all of `pattern`; "anything" (`.*`) becomes `filler`. Raises UnreadablePattern."""
    return read(pattern, choice).example(filler)


def try_example(pattern: str, filler: str = "", choice: int = 0) -> str | None:
    """As `example`; None for a pattern that is not read."""
    with suppress(UnreadablePattern):
        return example(pattern, filler, choice)
    return None


def matches(pattern: str, text: str) -> bool:
    """Does a pattern of Python's match all of the text. UnreadablePattern for what is none."""
    return compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of Python's, in which a dot is any character. Raises UnreadablePattern."""
    try:
        return re.compile(pattern, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnreadablePattern(f"cannot read {_shown(pattern)}: {error}") from None


def _shown(pattern: str) -> str:
    return repr(pattern if len(pattern) <= 80 else f"{pattern[:77]}...")


@dataclass
class _Reader:
    """Reads a pattern from left to right."""

    pattern: str
    lucene: bool = False
    capture: Capture | None = None
    choice: int = 0
    position: int = 0
    depth: int = 0
    sides: list[str] = field(default_factory=list)
    lucene_sides: list[str] = field(default_factory=list)
    has_choice: bool = False
    is_empty: bool = False

    def read(self) -> Expression:
        if len(self.pattern) > MOST_CHARACTERS or _FILLER in self.pattern:
            raise UnreadablePattern(f"cannot read {_shown(self.pattern)}: it is too long or holds a private character")
        python, template = self._alternatives()
        if self.position != len(self.pattern):
            raise self._unreadable()
        compiled(python)
        return Expression(python, template)

    def _unreadable(self) -> UnreadablePattern:
        return UnreadablePattern(f"cannot read {_shown(self.pattern)} from its character {self.position + 1} on")

    def _alternatives(self) -> tuple[str, str]:
        """All in Python's dialect; the example is of the first, or of another by `choice`."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise UnreadablePattern(f"{_shown(self.pattern)} nests more than {MOST_NESTED} brackets")
        parts = [self._intersection()]
        while self._take("|"):
            parts.append(self._intersection())
        self.depth -= 1
        self.has_choice = self.has_choice or (self.depth == 0 and len(parts) > 1)
        return "|".join(python for python, _ in parts), parts[self.choice % len(parts)][1]

    def _intersection(self) -> tuple[str, str]:
        """What matches each of several sequences; Lucene alone knows such, and here only what is all of the text."""
        if not self.lucene:
            return self._sequence()
        sides: list[tuple[str, str]] = []
        while not sides or self._take("&"):
            start = self.position
            sides.append(self._sequence())
            if self.depth == 1:
                self.lucene_sides.append(self.pattern[start : self.position])
        if len(sides) > 1 and self.depth > 1:
            raise self._unreadable()
        if self.depth == 1:
            self.sides += [python for python, _ in sides]
        *before, (python, template) = sides
        if before:
            python = "".join(rf"(?=(?:{one})\Z)" for one, _ in before) + f"(?:{python})"
        return python, template

    def _sequence(self) -> tuple[str, str]:
        found: list[tuple[str, str]] = []
        start, ends = self.position, "|)&" if self.lucene else "|)"
        while self.position < len(self.pattern) and (
            self.pattern[self.position] not in ends or (self.lucene and self._is_plain_sign(start))
        ):
            flags = None if self.lucene else _FLAGS.match(self.pattern, self.position)
            if flags and flags[2] == ")":  # they hold to the end of the group
                self.position = flags.end()
                python, template = self._alternatives()
                found.append((f"(?{flags[1]}:{python})", template))
            else:
                found.append(self._repeated(*self._atom()))
        return "".join(python for python, _ in found), "".join(template for _, template in found)

    def _atom(self) -> tuple[str, str, bool]:
        """One unit in Python's dialect, its example, and whether it is "any character"."""
        character = self.pattern[self.position]
        readers = {"(": self._group, "[": self._set, "\\": self._escaped}
        if self.lucene:
            readers |= {'"': self._quoted, "~": self._complement, "<": self._interval}
        if character in readers:
            return (*readers[character](), False)
        if character in "*+?" and not self.lucene:
            raise self._unreadable()
        self.position += 1
        if character == ".":
            return ".", "x", True
        if self.lucene and character in _OF_LUCENE:
            is_needed = self.pattern[self.position :][:1] not in tuple("?*{")
            self.is_empty = self.is_empty or (character == "#" and self.depth == 1 and is_needed)
            return (*_OF_LUCENE[character], False)
        if character in "^$" and not self.lucene:
            return character, "", False
        return re.escape(character), character, False

    def _group(self) -> tuple[str, str]:
        named = None if self.lucene else _NAMED.match(self.pattern, self.position)
        flags = None if self.lucene else _FLAGS.match(self.pattern, self.position)
        openers = ("(",) if self.lucene else (*_OPENERS, "(")
        opener = next(one for one in openers if self.pattern.startswith(one, self.position))
        if named:
            opener = "(?:"
            self.position = named.end()
        elif flags:
            opener = flags[0]
            self.position = flags.end()
        elif self.pattern.startswith("(?", self.position) and opener == "(" and not self.lucene:
            raise self._unreadable()
        else:
            self.position += len(opener)
        python, template = self._alternatives()
        if not self._take(")"):
            raise UnreadablePattern(f"{_shown(self.pattern)} lacks a )")
        if named and self.capture:
            stand_in = self.capture(named[1], python, template)
            return stand_in, stand_in
        return f"{opener}{python})", "" if opener[:3] in ("(?=", "(?!", "(?<") else template

    def _escaped(self) -> tuple[str, str]:
        escaped = self.pattern[self.position + 1 : self.position + 2]
        if not escaped:
            raise self._unreadable()
        self.position += 2
        if escaped in _CLASSES:
            return f"\\{escaped}", _CLASSES[escaped]
        if self.lucene or not escaped.isalnum():
            return re.escape(escaped), escaped
        if escaped in _BORDERS:
            return _BORDERS[escaped], ""
        if escaped == "h":
            return "[0-9a-fA-F]", "0"
        if escaped in _CONTROLS:
            return re.escape(_CONTROLS[escaped]), _CONTROLS[escaped]
        self.position -= 2
        if code := _CODE.match(self.pattern, self.position):
            self.position = code.end()
            character = chr(int(code[1] or code[2] or code[3], 16))
            return re.escape(character), character
        raise self._unreadable()

    def _quoted(self) -> tuple[str, str]:
        end = self.pattern.find('"', self.position + 1)
        if end < 0:
            raise self._unreadable()
        text = self.pattern[self.position + 1 : end]
        self.position = end + 1
        return f"(?:{re.escape(text)})", text

    def _is_plain_sign(self, start: int) -> bool:
        """Whether the `&` that stands here is a plain character: with nothing before it."""
        return self.pattern[self.position] == "&" and self.position == start

    def _complement(self) -> tuple[str, str]:
        """Any text but what the next unit matches: of one character, or to the end of all."""
        self.position += 1
        if self.position >= len(self.pattern):
            raise self._unreadable()
        start = self.position
        python, _, _ = self._atom()
        if self.pattern[start] not in '("~@#<':
            return rf"(?:(?!{python}).|.{{2,}}|)", "xx"
        if self.depth > 1 or self.pattern[self.position :][:1] not in ("", "|", "&"):
            raise self._unreadable()
        return rf"(?:(?!(?:{python})\Z).*)", _FILLER

    def _interval(self) -> tuple[str, str]:
        """`<8-12>`: the numbers in between, with zeros before them; as wide as both ends where these are alike."""
        found = _INTERVAL.match(self.pattern, self.position)
        if not found:
            raise self._unreadable()
        first, last = sorted((int(found[1]), int(found[2])))
        if last - first > MOST_REPEATED:
            raise self._unreadable()
        self.position = found.end()
        width = len(found[1]) if len(found[1]) == len(found[2]) else 0
        numbers = [str(one).zfill(width) for one in range(first, last + 1)]
        return f"(?:{'' if width else '0*'}(?:{'|'.join(numbers)}))", numbers[0]

    def _set(self) -> tuple[str, str]:
        """A set, written anew, so that Python takes it as it is meant."""
        start = self.position
        self.position += 1
        negated = "^" if self._take("^") else ""
        members: list[str] = []
        while not self._take("]") or not members:
            if self.position >= len(self.pattern):
                self.position = start
                raise self._unreadable()
            members.append(self._range("]" if self.pattern[self.position - 1] == "]" and not members else ""))
        python = f"[{negated}{''.join(members)}]"
        first = re.sub(r"\\(.)", lambda found: _CLASSES.get(found[1], _CONTROLS.get(found[1], found[1])), members[0])
        taken = compiled(python)
        fitting = [one for one in dict.fromkeys(f"{first[0]}xyz0123456789-_ .,A/\t\n") if taken.fullmatch(one)]
        if not fitting:
            fitting = [next((chr(code) for code in range(1, 0x2FF) if taken.fullmatch(chr(code))), "")]
        return python, fitting[self.choice % len(fitting)]

    def _range(self, first: str) -> str:
        """A member of a set: a character, a range, a class; `first` is a bracket that was taken for its end."""
        low = first or self._member()
        if len(low) > 2 or (low[-1:] in "dDwWsS" and low.startswith("\\")):
            return low
        if self.pattern[self.position : self.position + 1] != "-" or self.pattern[self.position + 1 :][:1] in ("]", ""):
            return low if not first else r"\]"
        self.position += 1
        return f"{low}-{self._member()}"

    def _member(self) -> str:
        rest = self.pattern[self.position :]
        if not self.lucene and (found := re.match(r"\[:(\^?)(\w+):\]", rest)):
            if found[1] or found[2] not in _POSIX:
                raise self._unreadable()
            self.position += found.end()
            return _POSIX[found[2]]
        if not self.lucene and rest.startswith(("&&", "[")):
            raise self._unreadable()
        if rest[0] != "\\":
            self.position += 1
            return re.escape(rest[0]) if not rest[0].isalnum() else rest[0]
        if rest[1:2] in _BORDERS and not self.lucene:
            raise self._unreadable()
        return self._escaped()[0].strip("[]") if rest[1:2] == "h" else self._escaped()[0]

    def _repeated(self, python: str, template: str, is_any: bool) -> tuple[str, str]:  # noqa: FBT001 - of an atom
        signs = re.compile(r"[*+?]+" if self.lucene else r"[*+?][?+]?").match(self.pattern, self.position)
        if signs:
            self.position = signs.end()
            text = signs[0]
            if self.lucene and len(text) > 1:
                text = text[0] if len(set(text)) == 1 else "*"
            anything = _FILLER if is_any else ""
            return python + text, {"*": anything, "+": anything or template, "?": ""}[text[0]]
        times = _TIMES.match(self.pattern, self.position)
        if times is None:
            if self.lucene and self.pattern[self.position :].startswith("{"):
                raise self._unreadable()
            return python, template
        self.position = times.end()
        least = int(times[1])
        if least > MOST_REPEATED or least * len(template) > MOST_CHARACTERS:
            raise UnreadablePattern(f"{_shown(self.pattern)} repeats too often")
        lazy = "?" if not self.lucene and self._take("?") else ""
        return f"{python}{times[0]}{lazy}", template * least

    def _take(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.position)
        if found:
            self.position += len(text)
        return found
