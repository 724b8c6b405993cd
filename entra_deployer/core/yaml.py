"""YAML files of the user's: parsed once, bounded, decoded into a type, with every complaint at its line and column.

Values are those of YAML 1.1 as far as JSON has them. What reads otherwise than it looks is an error: `047` (39), `1:30`
(90), a date that is none. Keys are text as it stands. Dates become text.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct, field

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.files import bad_character, check_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import MAX_DEPTH, DoesNotFit, Json, Misfit, decode, say_path

MAX_VALUES = 200_000
"""How many values a file may hold, those that aliases repeat counted as often as they stand there."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: about ten times as fast, the same places."""

_TAG = "tag:yaml.org,2002:"


class _Node(Struct, frozen=True):
    """A value and where it stands. `size` counts the values in it; `text` is a scalar as it is written."""

    value: Json
    place: Location
    size: int = 1
    text: str | None = None
    entries: "Mapping[str | int, _Entry]" = field(default_factory=dict)


class _Entry(Struct, frozen=True):
    """A part of a mapping or a list: for a mapping's entry the place is that of its key."""

    place: Location
    node: _Node


class YamlFile[T](Struct, frozen=True):
    """A YAML file, decoded, and where each part of it stands.

    `raw` is its value as JSON, {} for a file without content. Where there are `issues` there is no `value`.
    """

    source: str
    raw: Json
    issues: tuple[Issue, ...] = ()
    decoded: T | None = None
    root: _Node | None = None

    @property
    def value(self) -> T:
        """The file's value. To be asked for only where there are no issues."""
        if self.decoded is None:
            raise AssertionError(self.issues)
        return self.decoded

    def at(self, *path: str | int) -> Location:
        """Where the part at `path` stands, or the nearest part around it: for a mapping's entry its key."""
        return self._entry(path).place if self.root else Location(self.source, 1, 1)

    def finds(self, *path: str | int) -> bool:
        """Whether something stands at the whole `path`."""
        node = self.root
        for part in path:
            entry = node.entries.get(part) if node else None
            node = entry.node if entry else None
        return node is not None

    def value_at(self, *path: str | int) -> Location:
        """Where the value at `path` stands, behind its key."""
        return self._entry(path).node.place if self.root else Location(self.source, 1, 1)

    def _entry(self, path: Sequence[str | int]) -> "_Entry":
        if self.root is None:
            raise AssertionError(self.source)
        found = _Entry(self.root.place, self.root)
        for part in path:
            if (entry := found.node.entries.get(part)) is None:
                break
            found = entry
        return found


def read_yaml[T](text: str, *, source: str, kind: type[T], subject: str = "") -> YamlFile[T]:
    """Read `text` as a `kind`: a msgspec.Struct for a file of the user's, which knows all the keys that there may be.

    `source` is the file as the user would type it. Nothing is raised for bad content: it is in `issues`, all of it.
    """
    builder = _Builder(source, subject)
    try:
        check_text(text, source)
        root = builder.document(_events(text))
    except InputError as error:
        return YamlFile(source, {}, (*builder.issues, _issue(error, subject)))
    except yaml.YAMLError as error:
        return YamlFile(source, {}, (*builder.issues, _syntax_issue(error, source, subject)))
    raw = root.value if root and root.value is not None else {}
    document: YamlFile[T] = YamlFile(source, raw, tuple(builder.issues), root=root)
    issues = builder.issues
    decoded = None
    try:
        decoded = decode(raw, kind)
    except DoesNotFit as error:
        told = {issue.location for issue in issues}  # a value that could not be read has no type either
        misfits = [misfit for misfit in error.misfits if document.value_at(*misfit.path) not in told]
        issues += [_misfit_issue(misfit, document, subject) for misfit in misfits]
    issues.sort(key=lambda issue: issue.order)
    return YamlFile(source, raw, tuple(issues), None if issues else decoded, root)


def parse_yaml(text: str, source: str) -> Json:
    """The value of a YAML text, None for an empty one. Raises InputError with the first complaint."""
    builder = _Builder(source, "")
    try:
        check_text(text, source)
        root = builder.document(_events(text))
    except yaml.YAMLError as error:
        builder.issues.append(_syntax_issue(error, source, ""))
        root = None
    for issue in builder.issues:
        raise InputError(issue.message, location=issue.location, hint=issue.hint)
    return root.value if root else None


def _events(text: str) -> Iterator[yaml.Event]:
    return iter(yaml.parse(text, Loader=_Loader))


def _issue(error: InputError, subject: str) -> Issue:
    return Issue("DEP001", Level.ERROR, error.message, subject, error.location, error.hint)


def _syntax_issue(error: yaml.YAMLError, source: str, subject: str) -> Issue:
    mark = getattr(error, "problem_mark", None)
    place = Location(source, mark.line + 1, mark.column + 1) if mark else Location(source, 1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    if "nesting depth" in problem:
        return Issue("DEP001", Level.ERROR, _TOO_DEEP, subject, place, _UNUSUAL)
    return Issue(
        "DEP001", Level.ERROR, f"not valid YAML: {problem}", subject, place, "check indentation and quotes here"
    )


def _misfit_issue[T](misfit: Misfit, document: YamlFile[T], subject: str) -> Issue:
    unknown = misfit.message.startswith("unknown key")
    message = misfit.message if unknown else f"{say_path(misfit.path) or 'the file'}: {misfit.message}"
    return Issue("DEP002", Level.ERROR, message, subject, document.at(*misfit.path), misfit.hint)


_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
_UNUSUAL = "is this the right file?"
_QUOTES = "put it in quotes if it is text"


class _Builder:
    """Makes nodes of the parser's events. What is wrong with a single value is kept in `issues`, and it goes on."""

    def __init__(self, source: str, subject: str) -> None:
        self.source = source
        self.subject = subject
        self.issues: list[Issue] = []
        self.anchors: dict[str, _Node | None] = {}  # None while the node is still open
        self.size = 0

    def document(self, events: Iterator[yaml.Event]) -> _Node | None:
        """The one document of a file. Raises InputError and yaml.YAMLError for what ends the reading."""
        root = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root:
                raise self._stop(event, "a second document begins here", "a file holds one: take out the line `---`")
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, 0)
        return root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif depth == MAX_DEPTH:
            raise self._stop(event, _TOO_DEEP, _UNUSUAL)
        elif isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, events, depth + 1)
        else:
            node = self._sequence(event, events, depth + 1)
        if anchor:
            self.anchors[anchor] = node
        return self._counted(node, 1)

    def _alias(self, event: yaml.AliasEvent) -> _Node:
        name = event.anchor
        if name not in self.anchors:
            raise self._stop(event, f"there is no anchor &{name} above for *{name}", "check its name")
        if (node := self.anchors[name]) is None:
            raise self._stop(event, f"*{name} stands within &{name}: the value would contain itself", "write it out")
        return self._counted(node, node.size)

    def _counted(self, node: _Node, count: int) -> _Node:
        self.size += count
        if self.size > MAX_VALUES:
            message = f"more than {MAX_VALUES:,} values, aliases counted as often as they stand here"
            raise InputError(message, location=node.place, hint=_UNUSUAL)
        return node

    def _sequence(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Node:
        self._check_tag(event, "seq")
        nodes = []
        while not isinstance(inner := next(events), yaml.SequenceEndEvent):
            nodes.append(self._node(inner, events, depth))
        entries: dict[str | int, _Entry] = {number: _Entry(node.place, node) for number, node in enumerate(nodes)}
        size = 1 + sum(node.size for node in nodes)
        return _Node([node.value for node in nodes], self._place(event), size, entries=entries)

    def _mapping(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Node:
        self._check_tag(event, "map")
        entries: dict[str | int, _Entry] = {}
        merged: dict[str | int, _Entry] = {}
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            name, place = self._key(key), self._place(key)
            node = self._node(next(events), events, depth)
            if name == "<<" and isinstance(key, yaml.ScalarEvent) and key.implicit[0]:
                merged |= self._merged(node, place)
                continue
            if name in entries:
                self._tell(place, f"the key {name!r} stands here twice", "remove one of the two")
            entries[name] = _Entry(place, node)
        entries = {**{name: entry for name, entry in merged.items() if name not in entries}, **entries}
        value = {str(name): entry.node.value for name, entry in entries.items()}
        size = 1 + sum(entry.node.size for entry in entries.values())
        return _Node(value, self._place(event), size, entries=entries)

    def _merged(self, node: _Node, place: Location) -> Mapping[str | int, _Entry]:
        """The entries that `<<` brings: of one mapping, or of several, earlier ones first in force."""
        nodes = [entry.node for entry in node.entries.values()] if isinstance(node.value, list) else [node]
        found: dict[str | int, _Entry] = {}
        for one in nodes:
            if not isinstance(one.value, dict):
                self._tell(place, "`<<` takes a mapping, or a list of them", "write `<<: *name`")
                continue
            found = {**one.entries, **found}
        return found

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.ScalarEvent):
            self._check_characters(event.value, self._place(event))
            if event.anchor:
                self.anchors[event.anchor] = _Node(event.value, self._place(event), text=event.value)
            return str(event.value)
        node = self._alias(event) if isinstance(event, yaml.AliasEvent) else None
        if node is None or node.text is None:
            raise self._stop(event, "a key must be text", "put it in quotes")
        return node.text

    def _scalar(self, event: yaml.ScalarEvent) -> _Node:
        place = self._place(event)
        self._check_characters(event.value, place)
        tag = event.tag
        plain = _resolve(event.value) if event.implicit[0] or (tag and tag.startswith(_TAG)) else "str"
        if tag in (None, "!"):
            tag = plain if event.implicit[0] and tag is None else "str"
        else:
            tag = str(tag).removeprefix(_TAG)
            if tag not in ("str", plain):
                self._tell(place, f"the tag {event.tag!r} cannot be read here", "take it out")
                return _Node(None, place, text=event.value)
        try:
            return _Node(_READ[tag](event.value), place, text=event.value)
        except (ValueError, OverflowError) as error:
            told = str(error) if isinstance(error, _Unclear) else f"{_short(event.value)} is not a {_NAMES[tag]}"
            self._tell(place, told, _QUOTES)
            return _Node(None, place, text=event.value)

    def _check_characters(self, text: str, place: Location) -> None:
        if told := bad_character(text):
            self._tell(place, told, "take it out")

    def _check_tag(self, event: yaml.Event, known: str) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!", f"{_TAG}{known}"):
            self._tell(self._place(event), f"the tag {tag!r} cannot be read here", "take it out")

    def _tell(self, place: Location, message: str, hint: str) -> None:
        self.issues.append(Issue("DEP001", Level.ERROR, message, self.subject, place, hint))

    def _stop(self, event: yaml.Event, message: str, hint: str) -> InputError:
        return InputError(message, location=self._place(event), hint=hint)

    def _place(self, event: yaml.Event) -> Location:
        mark = event.start_mark
        return Location(self.source, mark.line + 1, mark.column + 1) if mark else Location(self.source, 1, 1)


class _Unclear(ValueError):
    """A number that reads otherwise than it looks; its text is the complaint."""


def _resolve(text: str) -> str:
    """The kind of a scalar without quotes: str, int, float, bool, null, timestamp, as YAML 1.1 and PyYAML have it."""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in (*resolvers.get(text[:1], ()), *resolvers.get(None, ())):
        if pattern.match(text):
            kind = str(tag).removeprefix(_TAG)
            return kind if kind in _READ else "str"
    return "str"


def _read_int(text: str) -> int:
    if re.fullmatch(r"[-+]?0[0-7_]+", text):
        raise _Unclear(f"{_short(text)} is an octal number to YAML, and does not look like one")
    if ":" in text:
        raise _Unclear(f"{_short(text)} is a number of base 60 to YAML, and does not look like one")
    return int(text.replace("_", ""), 0)


def _read_float(text: str) -> float:
    if ":" in text:
        raise _Unclear(f"{_short(text)} is a number of base 60 to YAML, and does not look like one")
    value = float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        raise _Unclear(f"{_short(text)} is not a number that JSON has")
    return value


def _read_date(text: str) -> str:
    node = yaml.ScalarNode(f"{_TAG}timestamp", text)
    return str(yaml.constructor.SafeConstructor().construct_yaml_timestamp(node).isoformat())


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


_READ: dict[str, Callable[[str], Json]] = {
    "str": str,
    "int": _read_int,
    "float": _read_float,
    "bool": lambda text: text.lower() in ("yes", "true", "on"),
    "null": lambda _: None,
    "timestamp": _read_date,
}
_NAMES = {"int": "number", "float": "number", "timestamp": "date"}
