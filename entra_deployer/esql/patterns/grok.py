"""GROK patterns: the text that one makes of values, and the values that it takes out of a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from entra_deployer.esql.patterns import regex
from entra_deployer.esql.patterns.extraction import Form
from entra_deployer.esql.patterns.regex import UnreadablePattern

_REFERENCE = re.compile(r"%\{(\w+)(?::([^:}]+))?(?::(\w+))?\}")
_FIRST_PLACE, _MOST_REFERENCES = 0xE000, 200
"""References stand in the pattern's text as characters for private use from here on."""

_TYPES = {"int": "integer", "long": "long", "float": "double", "double": "double", "boolean": "boolean"}

_ANY = Form(r".*", ("value-{mark}",))
_NUMBER = Form(r"(?<![0-9.+-])[+-]?\d+(?:\.\d+)?", ("{number}",))
_WHOLE = Form(r"[+-]?\d+", ("{number}",))
_ADDRESS = Form(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", ("203.0.113.{number}", "198.51.100.{number}"))
_HOST = Form(r"\b[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?\b", ("host-{mark}.example", "203.0.113.{number}"))
_USER = Form(r"[a-zA-Z0-9._-]+", ("user-{mark}",))
_QUOTED = Form(r'"[^"]*"', ('"value {mark}"',))
_PATH = Form(r"/[^\s?]*", ("/tmp/{mark}",))  # noqa: S108 - a value in an event
_FORMS = {
    "WORD": Form(r"\b\w+\b", ("word{word}",)),
    "NOTSPACE": Form(r"\S+", ("value-{mark}",)),
    "SPACE": Form(r"\s*", (" ",)),
    "DATA": Form(r".*?", ("value-{mark}",)),
    "GREEDYDATA": _ANY,
    "INT": _WHOLE,
    "POSINT": Form(r"\b[1-9]\d*\b", ("{number}",)),
    "NONNEGINT": Form(r"\b\d+\b", ("{number}",)),
    "NUMBER": _NUMBER,
    "BASE10NUM": _NUMBER,
    "BASE16NUM": Form(r"(?:0[xX])?[0-9a-fA-F]+", ("{number}",)),
    "IP": _ADDRESS,
    "IPV4": _ADDRESS,
    "HOSTNAME": _HOST,
    "IPORHOST": _HOST,
    "URIHOST": _HOST,
    "USERNAME": _USER,
    "USER": _USER,
    "EMAILADDRESS": Form(r"[a-zA-Z][\w.+-]*@[\w.-]*\w", ("user-{mark}@example.com",)),
    "UUID": Form(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", ("00000000-0000-4000-8000-{number:12}",)),
    "MAC": Form(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", ("00:00:5e:00:53:{number:x}",)),
    "QUOTEDSTRING": _QUOTED,
    "QS": _QUOTED,
    "PATH": _PATH,
    "UNIXPATH": _PATH,
    "URIPATH": _PATH,
    "WINPATH": Form(r"[A-Za-z]+:(?:\\[^\\?*\s]*)+", (r"C:\tmp\{mark}",)),
    "URIPROTO": Form(r"[A-Za-z][A-Za-z0-9+.-]+", ("https",)),
    "URI": Form(r"[A-Za-z][A-Za-z0-9+.-]+://\S+", ("https://host-{mark}.example/",)),
    "LOGLEVEL": Form(r"(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|debug|info|warn|warning|error|fatal)", ("INFO",)),
    "TIMESTAMP_ISO8601": Form(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?", ("2026-01-02T03:04:05.{number:3}Z",)),
    "SYSLOGTIMESTAMP": Form(r"[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d", ("Jan 12 03:04:05",)),
}
"""The named patterns that are known here. The texts that are made fit Elasticsearch's own, which allow for more."""


@dataclass(frozen=True)
class _Reference:
    """A part of a pattern that takes a value; without a name it takes and drops."""

    name: str
    type: str
    form: Form


@dataclass(frozen=True)
class Grok:
    """A pattern as a regular expression, in which a character for private use stands for each reference."""

    python: str
    example: str
    begins: bool
    references: tuple[_Reference, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns that it makes."""
        return tuple(one.name for one in self.references if one.name)

    @property
    def floats(self) -> bool:
        """It is looked for anywhere in the text, unless it says that it begins it."""
        return not self.begins

    def type_of(self, output: str) -> str:
        """The type that the pattern casts a column to; text without one."""
        return self._reference(output).type

    def form_of(self, output: str) -> Form | None:
        """What the values of a column look like."""
        return self._reference(output).form

    def fill(self, values: Mapping[str, str]) -> str:
        """A text of which the pattern takes these values; optional parts are left out, of alternatives the first is."""
        text = self.example
        for number, one in enumerate(self.references):
            value = values.get(one.name) or one.form.texts("x")[0]
            text = text.replace(_stand_in(number), value)
        return text

    def take(self, text: str) -> dict[str, str] | None:
        """The values by column, as Elasticsearch takes them; None where the pattern does not match."""
        found = self._expression.search(text)
        if found is None:
            return None
        groups = found.groupdict()  # within a bracket expression a reference is no group
        return {one.name: groups.get(f"g{number}") or "" for number, one in enumerate(self.references) if one.name}

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        text = self.python
        for number, one in enumerate(self.references):
            text = text.replace(_stand_in(number), f"(?P<g{number}>{one.form.expression})")
        return regex.compiled(text)

    def _reference(self, output: str) -> _Reference:
        return next(one for one in self.references if one.name == output)


def _stand_in(number: int) -> str:
    return chr(_FIRST_PLACE + number)


def read(pattern: str) -> Grok:
    """Read a pattern. Raises UnreadablePattern, for a named pattern unknown here and a column taken twice too."""
    references: list[_Reference] = []

    def place(reference: _Reference) -> str:
        if len(references) == _MOST_REFERENCES:
            raise UnreadablePattern(f"GROK with more than {_MOST_REFERENCES} references")
        references.append(reference)
        return _stand_in(len(references) - 1)

    def own(name: str, python: str, example: str) -> str:
        inner = {references[ord(one) - _FIRST_PLACE].name for one in python if _is_stand_in(one)}
        if any(inner):
            raise UnreadablePattern("GROK with a named group within another")
        for number, one in enumerate(references):
            python = python.replace(_stand_in(number), f"(?:{one.form.expression})")
            example = example.replace(_stand_in(number), one.form.examples[0])
        filled = regex.read(python).example("{word}")
        return place(_Reference(name, "keyword", Form(python, (filled, "{mark}", "{word}"))))

    if any(_is_stand_in(character) for character in pattern):
        raise UnreadablePattern("GROK with a character for private use")
    text = _REFERENCE.sub(lambda found: place(_named(*found.groups(default=""))), pattern)
    expression = regex.read_with_groups(text, own)
    grok = Grok(expression.python, expression.example(), text.startswith("^"), tuple(references))
    if len(set(grok.outputs)) < len(grok.outputs):
        raise UnreadablePattern("GROK that takes a column twice")
    names = grok._expression.groupindex
    if any(_stand_in(number) in grok.python and f"g{number}" not in names for number in range(len(references))):
        raise UnreadablePattern("GROK with a reference within a set of characters")
    return grok


def _is_stand_in(character: str) -> bool:
    return _FIRST_PLACE <= ord(character) < _FIRST_PLACE + _MOST_REFERENCES


def _named(syntax: str, name: str, cast: str) -> _Reference:
    if syntax not in _FORMS:
        raise UnreadablePattern(f"GROK with %{{{syntax}}}")
    return _Reference(name, _TYPES.get(cast, "keyword"), _FORMS[syntax])
