"""Reads a hunt written in TOML: one table `[hunt]`.

tomllib gives the values but not where they stand. The places come from a scan of the same text for its strings: the
strings of a file stand in it in the order of the values.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.text import closest, did_you_mean, one_line
from entra_deployer.hunts.fields import (
    LISTS,
    TEXTS,
    RawHunt,
    names_in,
    trim_blank_lines,
)
from entra_deployer.hunts.hunt import Hunt, Query

_KNOWN = (*TEXTS, *LISTS, "query")
_FORMS = {
    "name": '`name = "..."` to the table [hunt]',
    "description": '`description = "..."` to the table [hunt]',
    "uuid": '`uuid = "..."` to the table [hunt]',
    "language": '`language = ["ES|QL"]` to the table [hunt]',
    "query": "`query = ['''...''']` to the table [hunt]",
}
_TOKEN = re.compile(
    r'''(?P<string>"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')'''
    r"""|(?P<comment>\#[^\n]*)|(?P<key>[A-Za-z0-9_-]+)(?=\s*=)|(?P<bracket>[\[\]{}])|(?P<other>.)""",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Place:
    """Where a value stands: the offset of its first character in the text."""

    key: str
    offset: int


def read_toml(text: str, source: str) -> Hunt:
    """Read a hunt from TOML; a text alone stands for a list of one.

    Raises InputError with the place for what is no hunt: a FaultyHunt where several things may be wrong.
    """
    text = text.replace("\r\n", "\n")
    table = _load(text, source).get("hunt")
    raw = RawHunt(source)
    if not isinstance(table, dict):
        hint = "a hunt starts with a line `[hunt]`"
        raise InputError("there is no table [hunt]", location=Location(source, 1, 1), hint=hint)
    places = list(_places(text))
    for place in places:
        line, _ = _position(text, place.offset)
        count = sum(name.startswith(f"{place.key}[") for name in raw.places)
        raw.places.setdefault(place.key, line)
        raw.places[f"{place.key}[{count}]"] = line
    for key, value in table.items():
        _store(raw, key, value, text, [place.offset for place in places if place.key == key])
    return raw.finish(_FORMS)


def _load(text: str, source: str) -> dict[str, Json]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else _position(text, len(text))
        message = one_line(re.sub(r"\s*\(at .*\)$", "", str(error)))
        hint = "check quotes and brackets here and above"
        raise InputError(f"not valid TOML: {message}", location=Location(source, line, column), hint=hint) from error


def _places(text: str) -> Iterator[_Place]:
    """Each string that is a value, with the key that it is a value of."""
    key = ""
    for token in _TOKEN.finditer(text):
        if token["key"]:
            key = token["key"]
        elif token["string"]:
            quotes = 3 if token["string"][:3] in ('"""', "'''") else 1
            start = token.start() + quotes
            yield _Place(key, start + (quotes == 3 and text.startswith("\n", start)))


def _position(text: str, offset: int) -> tuple[int, int]:
    """1-based line and column of an offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _store(raw: RawHunt, key: str, value: Json, text: str, offsets: list[int]) -> None:
    line = _line_of_key(text, key)
    raw.places.setdefault(key, line)
    if key not in _KNOWN:
        hint = did_you_mean(key, _KNOWN)
        raw.fault(f"unknown key {key!r}", hint, about=[closest(key, _KNOWN)], line=line)
    elif key in TEXTS:
        if isinstance(value, str):
            raw.texts[key] = value.strip()
        else:
            raw.fault(f"{key} must be text, not {value!r}", "put it in quotes", about=[key], line=line)
    elif (items := _items(key, value)) is None:
        raw.fault(f"{key} must be a list of texts", f'write `{key} = ["..."]`', about=[key], line=line)
    elif key == "query":
        _store_queries(raw, items, text, offsets)
    else:
        raw.lists[key] = [item.strip() for item in items]


def _items(key: str, value: Json) -> list[str] | None:
    """The texts of a list; those of a text alone, as older hunts have it. None for anything else."""
    if isinstance(value, str):
        return names_in(value) if key in ("integration", "language") else [value]
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def _store_queries(raw: RawHunt, items: list[str], text: str, offsets: list[int]) -> None:
    for index, (item, offset) in enumerate(zip(items, offsets, strict=True)):
        query, blank = trim_blank_lines(item)
        if not query:
            raw.fault("the query is empty", "write it between the quotes", about=["query"], line=raw.places["query"])
            continue
        first, column = _position(text, offset)
        place = Query(query, first + blank, 1 if blank else column)
        raw.places[f"query[{index}]"] = place.line
        raw.queries.append(place)


def _line_of_key(text: str, key: str) -> int:
    found = re.search(rf"^\s*{re.escape(key)}\s*=", text, re.MULTILINE)
    return _position(text, found.end())[0] if found else 1
