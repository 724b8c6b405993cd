"""Reads a hunt written in TOML: one table `[hunt]`.

tomllib gives the values but not where they stand: a scan of the same text, which tomllib has found to be TOML, tells
the places. It knows each form that a key may have: bare, quoted, dotted, in an inline table.
"""

import re
import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.files import bad_character
from entra_deployer.core.json import MAX_DEPTH, Json, nested_deeper
from entra_deployer.core.text import closest, did_you_mean, one_line
from entra_deployer.hunts.fields import LISTS, NOT_THERE, TEXTS, Format, RawHunt, names_in, trim_blank_lines
from entra_deployer.hunts.hunt import Hunt, Query

type _Text = Annotated[str, Meta(min_length=1)]
type _Texts = str | tuple[str, ...]
type _SomeTexts = _Text | Annotated[tuple[str, ...], Meta(min_length=1)]


class HuntTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[hunt]`."""

    name: Annotated[_Text, Meta(description="what the hunt looks for; the rule's name where rule.yaml says no other")]
    author: Annotated[str, Meta(description="who wrote it")] = ""
    description: Annotated[str, Meta(description="what it finds and why that is bad, for the analyst")] = ""
    uuid: Annotated[
        str,
        Meta(
            pattern="^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$(?!\\n)",
            description="the hunt's own: every id of its rules is made from it",
        ),
    ]
    license: Annotated[str, Meta(description="under which license it may be passed on")] = ""
    integration: Annotated[_Texts, Meta(description="the integrations whose data it reads")] = ()
    language: Annotated[_SomeTexts, Meta(description='the languages of its queries: ["ES|QL"]')]
    notes: Annotated[_Texts, Meta(description="what the analyst does with a hit; {{field}} is filled in")] = ()
    mitre: Annotated[_Texts, Meta(description="ATT&CK techniques, like T1110.001")] = ()
    references: Annotated[_Texts, Meta(description="where to read more")] = ()
    query: Annotated[_SomeTexts, Meta(description="the ES|QL queries, each a rule")]


class HuntFile(msgspec.Struct, frozen=True):
    """A hunt in TOML, for editors: the reader below says more of what is wrong."""

    hunt: HuntTable


if TYPE_CHECKING:
    from tomlkit.items import Item, String

type Path = tuple[str | int, ...]

_KNOWN = (*TEXTS, *LISTS, "query")
_FORMS = {
    "name": '`name = "..."` to the table [hunt]',
    "description": '`description = "..."` to the table [hunt]',
    "uuid": '`uuid = "..."` to the table [hunt]',
    "language": '`language = ["ES|QL"]` to the table [hunt]',
    "query": "`query = ['''...''']` to the table [hunt]",
}


def read_toml(text: str, source: str) -> Hunt:
    """Read a hunt from TOML; a text alone stands for a list of one.

    Raises InputError with the place for what is no hunt: a FaultyHunt where several things may be wrong.
    """
    text = text.replace("\r\n", "\n")
    table = _load(text, source).get("hunt")
    if not isinstance(table, dict):
        hint = "a hunt starts with a line `[hunt]`"
        raise InputError("there is no table [hunt]", location=Location(source, 1, 1), hint=hint)
    return _Reader(text, source).read(table)


def _load(text: str, source: str) -> dict[str, Json]:
    if _brackets_exceed(text, MAX_DEPTH):  # before tomllib, which calls itself for each level
        raise _too_deep(source)
    try:
        value = tomllib.loads(text)
    except ValueError as error:  # a TOMLDecodeError, or an integer of thousands of digits
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else _position(text, len(text))
        message = one_line(re.sub(r"\s*\(at .*\)$", "", str(error)))
        message = message if isinstance(error, tomllib.TOMLDecodeError) else "a number has too many digits"
        hint = "check quotes and brackets here and above"
        raise InputError(f"not valid TOML: {message}", location=Location(source, line, column), hint=hint) from error
    if nested_deeper(value, MAX_DEPTH):
        raise _too_deep(source)
    return value


def _brackets_exceed(text: str, limit: int) -> bool:
    """Whether brackets outside of texts and comments are nested in more than `limit` levels."""
    depth = 0
    for token in _BRACKET.finditer(text):
        if token["bracket"]:
            depth += 1 if token["bracket"] in "[{" else -1
        if depth > limit or token["broken"]:
            break
    return depth > limit


def _too_deep(source: str) -> InputError:
    return InputError(f"nested more than {MAX_DEPTH} levels deep", location=Location(source, 1, 1))


def _position(text: str, offset: int) -> tuple[int, int]:
    """1-based line and column of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Reader:
    """The values of the table [hunt] and the offsets at which they, and their keys, stand in the text."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.raw = RawHunt(source)
        scan = _Scan(text)
        self.keys, self.values = scan.keys, scan.values

    def read(self, table: dict[str, Json]) -> Hunt:
        for key, value in table.items():
            self._store(key, value)
        return self.raw.finish(_FORMS)

    def _store(self, key: str, value: Json) -> None:
        line = self._line(self.keys, ("hunt", key))
        self.raw.places.setdefault(key, self._line(self.values, ("hunt", key), line))
        if key not in _KNOWN:
            self.raw.fault(f"unknown key {key!r}", did_you_mean(key, _KNOWN), about=[closest(key, _KNOWN)], line=line)
        elif key in TEXTS:
            if isinstance(value, str):
                self._check(key, value, line)
                self.raw.texts[key] = value.strip()
            else:
                self.raw.fault(f"{key} must be text, not {_short(value)}", "put it in quotes", about=[key], line=line)
        elif (items := _items(key, value)) is None:
            self.raw.fault(f"{key} must be a list of texts", f'write `{key} = ["..."]`', about=[key], line=line)
        else:
            self._store_items(key, items, line)

    def _store_items(self, key: str, items: Sequence[str], line: int) -> None:
        for index, item in enumerate(items):
            place = self._line(self.values, ("hunt", key, index), self.raw.places[key])
            self.raw.places[f"{key}[{index}]"] = place
            if not index:
                self.raw.places[key] = place
            self._check(key, item, line)
        if key == "query":
            self._store_queries(items)
        else:
            self.raw.lists[key] = [item.strip() for item in items]

    def _store_queries(self, items: Sequence[str]) -> None:
        for index, item in enumerate(items):
            text, blank = trim_blank_lines(item)
            if not text:
                line = self.raw.places[f"query[{index}]"]
                self.raw.fault("the query is empty", "write it between the quotes", about=["query"], line=line)
                continue
            alone = self.values.get(("hunt", "query"), 0)
            first, column = _position(self.text, self.values.get(("hunt", "query", index), alone))
            query = Query(text, first + blank, 1 if blank else column)
            self.raw.places[f"query[{len(self.raw.queries)}]"] = query.line
            self.raw.queries.append(query)

    def _check(self, key: str, text: str, line: int) -> None:
        """What an escape may bring into a text, though the file holds no such character."""
        if told := bad_character(text):
            self.raw.fault(f"{key}: {told}", "take it out", about=[key], line=line)

    def _line(self, offsets: dict[Path, int], path: Path, default: int = 1) -> int:
        return _position(self.text, offsets[path])[0] if path in offsets else default


def _items(key: str, value: Json) -> list[str] | None:
    """The texts of a list; those of a text alone, as older hunts have it. None for anything else."""
    if isinstance(value, str):
        return names_in(value) if key in ("integration", "language") else [value]
    texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    return texts if isinstance(value, list) and len(texts) == len(value) else None


def _short(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else str(value)[:40]


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_STRING = re.compile(r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*\'''', re.DOTALL)
_BRACKET = re.compile(rf"{_STRING.pattern}|#[^\n]*|(?P<bracket>[\[\]{{}}])|(?P<broken>[\"'])", re.DOTALL)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_OTHER = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]*|[^\s,\]}#]+")


class _Scan:
    """Where the keys and values of a text stand that is TOML: by path, the offset of the first character.

    That of a string is behind its quotes, and behind the line end that may follow them.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, int] = {}
        self._read()

    def _read(self) -> None:
        table: Path = ()
        while self._skip_blank() < len(self.text):
            if self.text[self.offset] != "[":
                self._entry(table)
                continue
            brackets = 2 if self.text.startswith("[[", self.offset) else 1
            self.offset += brackets
            table = self._key_path(table=())
            self.offset = self.text.index("]", self.offset) + brackets

    def _skip_blank(self) -> int:
        self.offset = self._end(_BLANK)
        return self.offset

    def _end(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.offset)
        if not found:
            raise AssertionError(f"no TOML at offset {self.offset}")
        return found.end()

    def _key_path(self, *, table: Path) -> Path:
        """The path of a key below `table`, dotted or not, each part noted where it stands first."""
        path = table
        while True:
            start = self._skip_blank()
            quoted = self.text[start] in "\"'"
            self.offset = self._end(_STRING if quoted else _BARE_KEY)
            word = self.text[start : self.offset]
            path = (*path, tomllib.loads(f"key = {word}")["key"] if quoted else word)
            self.keys.setdefault(path, start)
            if not self.text.startswith(".", self._skip_blank()):
                return path
            self.offset += 1

    def _entry(self, table: Path) -> None:
        path = self._key_path(table=table)
        self.offset = self.text.index("=", self.offset) + 1
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._skip_blank()
        self.values[path] = start
        match self.text[start]:
            case "[":
                self._inside(path, "]")
            case "{":
                self._inside(path, "}")
            case '"' | "'":
                self.offset = self._end(_STRING)
                quotes = 3 if self.text[start : start + 3] in ('"""', "'''") else 1
                opened = quotes == 3 and self.text.startswith("\n", start + quotes)
                self.values[path] = start + quotes + opened
            case _:
                self.offset = self._end(_OTHER)

    def _inside(self, path: Path, end: str) -> None:
        """The items of an array or the entries of an inline table."""
        self.offset += 1
        index = 0
        while self.text[self._skip_blank()] != end:
            if end == "]":
                self._value((*path, index))
            else:
                self._entry(path)
            index += 1
            if self.text[self._skip_blank()] == ",":
                self.offset += 1
        self.offset += 1


# -- writing and editing ---------------------------------------------------------------------------------------------


def write_toml(hunt: Hunt) -> str:
    """The hunt as a new file, which `read_toml` reads as an equal one."""
    import tomlkit  # noqa: PLC0415 - only a new hunt needs it

    table = tomlkit.table()
    for key, text in (("name", hunt.name), ("author", hunt.author), ("description", hunt.description)):
        if text:
            table.add(key, tomlkit.string(text, multiline="\n" in text))
    lists = {"integration": hunt.integrations, "language": hunt.languages, "mitre": hunt.mitre}
    table.add("uuid", hunt.uuid)
    for key, values in {**lists, "notes": hunt.notes, "references": hunt.references}.items():
        if values:
            table.add(key, tomlkit.item(list(values)))
    if hunt.license:
        table.add("license", hunt.license)
    queries = tomlkit.array()
    queries.multiline(multiline=True)
    for query in hunt.queries:
        queries.append(_on_lines(f"{query.text}\n", literal=True, opened=True))
    table.add("query", queries)
    document = tomlkit.document()
    document.add("hunt", table)
    return tomlkit.dumps(document)


def replace_in_toml(text: str, query: Query, index: int, new: str) -> str:  # noqa: ARG001 - its index tells
    """As `Format.replace`: in the quotes that the query had."""
    import tomlkit  # noqa: PLC0415 - only an edit needs it

    document = tomlkit.parse(text)
    hunt = document["hunt"]
    alone = isinstance(hunt["query"], str)
    queries, key = (hunt, "query") if alone else (hunt["query"], index)
    queries[key] = tomlkit.value(_written(queries[key], new))
    changed = tomlkit.dumps(document)
    if changed == text:
        raise ValueError(NOT_THERE)
    return changed


def _written(old: "String", new: str) -> str:
    """`new` as TOML: in the quotes of the old text, and with its blank lines around it."""
    import tomlkit  # noqa: PLC0415 - see above

    before = old.as_string()
    quotes = next(mark for mark in ('"""', "'''", '"', "'") if before.startswith(mark))
    if len(quotes) == 1 and "\n" not in new:
        return tomlkit.string(new, literal=quotes == "'" and "'" not in new).as_string()
    lead, _, tail = str(old).partition(str(old).strip("\n"))
    return _on_lines(
        lead + new + tail,
        literal=quotes.startswith("'"),
        opened=before[len(quotes) :].startswith("\n"),
    ).as_string()


def _on_lines(text: str, *, literal: bool, opened: bool) -> "Item":
    """A TOML string of several lines: `literal` where the text allows it, `opened` by a line of its own."""
    import tomlkit  # noqa: PLC0415 - see above

    literal = literal and "'''" not in text and not text.endswith("'")
    written = tomlkit.string(text, literal=literal, multiline=True).as_string()
    if opened and not written[3:].startswith("\n"):
        written = written[:3] + "\n" + written[3:]
    return tomlkit.value(written)


FORMAT = Format(read_toml, replace_in_toml)
