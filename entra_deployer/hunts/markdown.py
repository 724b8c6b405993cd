"""Reads a hunt written in Markdown: a title, and the sections Metadata, Query, Notes, MITRE, References, License.

The parser is a CommonMark one, so that fences, nested lists and odd indentation are what they are everywhere; the
values are the source's own text, not a rendering of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.text import closest, did_you_mean
from entra_deployer.hunts.fields import NOT_THERE, Format, RawHunt, names_in, trim_blank_lines
from entra_deployer.hunts.hunt import Hunt, Query

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_KEYS = {
    "Author": "author",
    "Description": "description",
    "UUID": "uuid",
    "Integration": "integration",
    "Language": "language",
    "Source File": "",
}
_FORMS = {
    "name": "a title: a first line `# Name of the hunt`",
    "description": "an item `- **Description:** ...` to the section `## Metadata`",
    "uuid": "an item ``- **UUID:** `...` `` to the section `## Metadata`",
    "language": "an item ``- **Language:** `[ES|QL]` `` to the section `## Metadata`",
    "query": "a section `## Query` with a fenced block that holds the query",
}
_LIST_SECTIONS = {"Notes": "notes", "MITRE ATT&CK Techniques": "mitre", "References": "references"}
_SECTIONS = ("Metadata", "Query", *_LIST_SECTIONS, "License")
_FIELDS = {"Metadata": ("description", "uuid", "language"), "Query": ("query",)}
"""The fields of a section that every hunt must have."""
_KEYED = re.compile(r"^\*\*(?P<key>[^*]+?):\*\*\s*")
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class _Item:
    """A list item of a section: its text as written, without the bullet, and its 1-based line."""

    text: str
    line: int


def read_markdown(text: str, source: str) -> Hunt:
    """Read a hunt from Markdown. Raises FaultyHunt for what is no hunt, with the places.

    What stands under the title describes a hunt whose metadata does not.
    """
    return _Reader(text, source).read()


def _blocks(text: str, source: str) -> "list[Token]":
    """The blocks of a text; what stands within a line is read as it is written."""
    try:
        return _parser().parse(text)
    except Exception as error:  # whatever the parser stumbles over is this file's trouble alone
        hint = "is this the right file?"
        raise InputError("could not be read as Markdown", location=Location(source, 1, 1), hint=hint) from error


@cache
def _parser() -> "MarkdownIt":
    """One for all hunts: to make it takes a quarter of the time that a hunt takes to be read."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - heavy, and not needed for a hunt that has not changed

    return MarkdownIt("commonmark").disable("inline")


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.tokens = _blocks("\n".join(self.lines), source)
        self.raw = RawHunt(source)
        self.metadata: set[str] = set()

    def read(self) -> Hunt:
        for title, line, tokens in self._sections():
            if title in _LIST_SECTIONS:
                self._read_list(_LIST_SECTIONS[title], tokens)
            elif title == "Metadata":
                self._read_metadata(tokens, line)
            elif title in ("Query", "Queries"):
                self._read_queries(tokens, line)
            elif title == "License":
                self._read_license(tokens)
            else:
                about = _FIELDS.get(closest(title, _SECTIONS), ())
                self.raw.fault(f"unknown section {title!r}", did_you_mean(title, _SECTIONS), about=about, line=line)
        return self.raw.finish(_FORMS)

    def _sections(self) -> "Iterator[tuple[str, int, list[Token]]]":
        """Each section under a second-level heading: title, 1-based line, tokens; the title of all goes to the name."""
        starts = [number for number, token in enumerate(self.tokens) if token.type == "heading_open"]
        for start, end in zip(starts, [*starts[1:], len(self.tokens)], strict=False):
            heading, title = self.tokens[start], self.tokens[start + 1].content.strip()
            line = _line(heading)
            if heading.tag == "h1":
                self._read_title(title, line, self.tokens[start + 3 : end])
            elif heading.tag == "h2":
                yield title, line, self.tokens[start + 3 : end]

    def _read_title(self, title: str, line: int, tokens: "list[Token]") -> None:
        if "name" in self.raw.texts:
            self.raw.fault("a second title", "a file holds one hunt", line=line)
            return
        self.raw.texts["name"] = title
        self.raw.places["name"] = line
        for token, inline in pairwise(tokens):
            if token.type == "paragraph_open" and "description" not in self.raw.texts:
                self.raw.texts["description"] = inline.content
                self.raw.places["description"] = _line(token)

    def _read_metadata(self, tokens: "list[Token]", line: int) -> None:
        items = [(item, found) for item in self._items(tokens) if (found := _KEYED.match(item.text))]
        ends = [item.line for item, _ in items[1:]]
        last = max((token.map[1] for token in tokens if token.map), default=line)
        for (item, found), end in zip(items, [*ends, last + 1], strict=False):
            key = found["key"]
            if key in self.metadata:
                self.raw.fault(f"the key {key!r} stands here twice", "remove one of the two", line=item.line, column=3)
            elif key not in _KEYS:
                about, hint = [_KEYS.get(closest(key, list(_KEYS)), "")], did_you_mean(key, list(_KEYS))
                self.raw.fault(f"unknown key {key!r}", hint, about=about, line=item.line, column=3)
            elif name := _KEYS[key]:
                self.metadata.add(key)
                self.raw.places[name] = item.line
                self._store(name, self._text_between(item.line, end)[found.end() :].strip())

    def _store(self, name: str, value: str) -> None:
        if name == "integration":
            self.raw.lists[name] = _LINK.findall(value) or names_in(value)
        elif name == "language":
            self.raw.lists[name] = names_in(value)
        else:
            self.raw.texts[name] = value.strip("`") if name == "uuid" else value

    def _text_between(self, first: int, end: int) -> str:
        """The source from a list item on line `first` up to the line `end`, without the bullet and its indentation."""
        lines = self.lines[first - 1 : end - 1] or [""]
        marker = re.match(r"\s*([-*+]|\d+[.)])\s+", lines[0])
        width = marker.end() if marker else 0
        rest = [line[width:] if line[:width].isspace() else line for line in lines[1:]]
        return "\n".join([lines[0][width:], *rest]).strip()

    def _items(self, tokens: "list[Token]") -> Iterator[_Item]:
        """The items of the section's own lists, not those of lists inside them."""
        depth = 0
        for token in tokens:
            depth += token.nesting if token.type.endswith(("_list_open", "_list_close")) else 0
            if token.type == "list_item_open" and depth == 1 and token.map:
                start, end = token.map
                yield _Item(self._text_between(start + 1, end + 1), start + 1)

    def _read_queries(self, tokens: "list[Token]", line: int) -> None:
        self.raw.places["query"] = line
        for token in tokens:
            if token.type == "fence" and token.map:
                text, blank = trim_blank_lines(token.content)
                place = token.map[0] + 2 + blank
                if not text:
                    hint = "write it into the fenced block"
                    self.raw.fault("the query is empty", hint, about=["query"], line=_line(token))
                    continue
                self.raw.places[f"query[{len(self.raw.queries)}]"] = place
                self.raw.queries.append(Query(text, place))

    def _read_list(self, name: str, tokens: "list[Token]") -> None:
        items = list(self._items(tokens))
        for index, item in enumerate(items):
            self.raw.places.setdefault(name, item.line)
            self.raw.places[f"{name}[{index}]"] = item.line
        link = (lambda text: _LINK.sub(r"\g<text>", text)) if name == "mitre" else str
        self.raw.lists[name] = [link(item.text) for item in items]

    def _read_license(self, tokens: "list[Token]") -> None:
        for item in self._items(tokens):
            self.raw.texts["license"] = item.text.strip("`")
            self.raw.places["license"] = item.line


def _line(token: "Token") -> int:
    return token.map[0] + 1 if token.map else 1


def replace_in_markdown(text: str, query: Query, index: int, new: str) -> str:  # noqa: ARG001 - its place tells
    """As `Format.replace`: the lines of a fenced block are replaced; they may be indented, within a list."""
    lines = text.split("\n")
    start, count = query.line - 1, query.text.count("\n") + 1
    first = query.text.split("\n", 1)[0]
    if not lines[start].endswith(first) or new == query.text:
        raise ValueError(NOT_THERE)
    indentation = lines[start][: len(lines[start]) - len(first)]
    lines[start : start + count] = [indentation + line if line else line for line in new.split("\n")]
    return "\n".join(lines)


FORMAT = Format(read_markdown, replace_in_markdown)
