"""Reads a hunt written in TOML: one table `[hunt]`.

tomllib gives the values but not where they stand. The places come from a scan of the same text for its strings: the
strings of a file stand in it in the order of the values.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer.errors import InputError, Location
from entra_deployer.model.hunt import Hunt, Query
from entra_deployer.model.values import Json
from entra_deployer.sources.fields import LISTS, TEXTS, RawHunt, did_you_mean, one_line, trim_blank_lines

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
    """Read a hunt from TOML. Raises InputError with the place for what is no hunt."""
    text = text.replace("\r\n", "\n")
    table = _load(text, source).get("hunt")
    raw = RawHunt(source)
    if not isinstance(table, dict):
        raise raw.fail("there is no table [hunt]", "a hunt starts with a line `[hunt]`")
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
    line = raw.places.get(key, 1)
    if key not in _KNOWN:
        raise raw.fail(f"unknown key {key!r}", did_you_mean(key, _KNOWN), line=_line_of_key(text, key))
    if key in TEXTS:
        if not isinstance(value, str):
            raise raw.fail(f"{key} must be text, not {value!r}", "put it in quotes", line=_line_of_key(text, key))
        raw.texts[key] = value.strip()
        return
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise raw.fail(f"{key} must be a list of texts", f'write `{key} = ["..."]`', line=_line_of_key(text, key))
    if key != "query":
        raw.lists[key] = [item.strip() for item in value]
        return
    for index, (item, offset) in enumerate(zip(value, offsets, strict=True)):
        query, blank = trim_blank_lines(item)
        if not query:
            raise raw.fail("the query is empty", "write it between the quotes", line=line)
        first, column = _position(text, offset)
        place = Query(query, first + blank, 1 if blank else column)
        raw.places[f"query[{index}]"] = place.line
        raw.queries.append(place)


def _line_of_key(text: str, key: str) -> int:
    found = re.search(rf"^\s*{re.escape(key)}\s*=", text, re.MULTILINE)
    return _position(text, found.end())[0] if found else 1
