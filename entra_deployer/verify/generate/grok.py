"""GROK patterns: the text that one makes of values, and the values that it takes out of a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from entra_deployer.verify.generate import regex
from entra_deployer.verify.generate.constants import Unsolved
from entra_deployer.verify.generate.patterns import Form

_REFERENCE = re.compile(r"%\{(\w+)(?::([^:}]+))?(?::(\w+))?\}")
_OWN = re.compile(r"\(\?<([A-Za-z_][\w.]*)>")
_FIRST_PLACE = 0xE000
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

    text: str
    references: tuple[_Reference, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns that it makes."""
        return tuple(one.name for one in self.references if one.name)

    @property
    def floats(self) -> bool:
        """It is looked for anywhere in the text, unless it says that it begins it."""
        return not self.text.startswith("^")

    def type_of(self, output: str) -> str:
        """The type that the pattern casts a column to; text without one."""
        return self._reference(output).type

    def form_of(self, output: str) -> Form | None:
        """What the values of a column look like."""
        return self._reference(output).form

    def fill(self, values: Mapping[str, str]) -> str:
        """A text of which the pattern takes these values; optional parts are left out, of alternatives the first is."""
        text = regex.try_example(self.text) or ""
        for number, one in enumerate(self.references):
            value = values.get(one.name) or one.form.texts("x")[0]
            text = text.replace(chr(_FIRST_PLACE + number), value)
        return text

    def take(self, text: str) -> dict[str, str] | None:
        """The values by column, as Elasticsearch takes them; None where the pattern does not match."""
        found = self._expression.search(text)
        if found is None:
            return None
        return {one.name: found[f"g{number}"] or "" for number, one in enumerate(self.references) if one.name}

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        text = self.text
        for number, one in enumerate(self.references):
            text = text.replace(chr(_FIRST_PLACE + number), f"(?P<g{number}>{one.form.expression})")
        try:
            return re.compile(text, re.DOTALL)
        except re.error as error:
            raise Unsolved("this GROK pattern") from error

    def _reference(self, output: str) -> _Reference:
        return next(one for one in self.references if one.name == output)


def read(pattern: str) -> Grok:
    """Read a pattern. Raises Unsolved for a named pattern that is not known here, and for a column taken twice."""
    references: list[_Reference] = []

    def place(reference: _Reference) -> str:
        references.append(reference)
        return chr(_FIRST_PLACE + len(references) - 1)

    text, rest = "", pattern
    while found := _next(rest):
        text += rest[: found.start()]
        if found.re is _OWN:
            end = _end_of_group(rest, found.start())
            text += place(_own(found[1], rest[found.end() : end - 1]))
        else:
            end = found.end()
            text += place(_named(*found.groups(default="")))
        rest = rest[end:]
    grok = Grok(text + rest, tuple(references))
    if len(set(grok.outputs)) < len(grok.outputs):
        raise Unsolved("GROK that takes a column twice")
    return grok


def _next(text: str) -> re.Match[str] | None:
    """The next reference, of either sort."""
    found = [one for one in (_REFERENCE.search(text), _OWN.search(text)) if one]
    return min(found, key=lambda one: one.start(), default=None)


def _end_of_group(text: str, start: int) -> int:
    """Behind the bracket that closes the one at `start`."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "[":
            position = text.find("]", position + 2)
            if position < 0:
                break
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return position + 1
        position += 1
    raise Unsolved("this GROK pattern")


def _own(name: str, expression: str) -> _Reference:
    """A reference by an expression of the pattern's own."""
    filled = regex.try_example(expression, "{word}")
    if "(?<" in expression or filled is None:
        raise Unsolved("this GROK pattern")
    return _Reference(name, "keyword", Form(expression, (filled, "{mark}", "{word}")))


def _named(syntax: str, name: str, cast: str) -> _Reference:
    if syntax not in _FORMS:
        raise Unsolved(f"GROK with %{{{syntax}}}")
    return _Reference(name, _TYPES.get(cast, "keyword"), _FORMS[syntax])
