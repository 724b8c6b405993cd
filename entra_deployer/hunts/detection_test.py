"""The detection tests of a hunt, read and written: seeded events, what the rule must catch and what it must not."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from entra_deployer.core.cache import Cache, digest, tool_digest, user_cache
from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.files import read_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, canonical, flatten, pack, shown, unpack
from entra_deployer.core.text import did_you_mean, visible
from entra_deployer.core.time import SPAN, TIME_OF_WEEK, format_span, parse_span
from entra_deployer.core.yaml import YamlFile, read_yaml
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation

FOLDER = "tests"
_SUFFIXES = (".yaml", ".yml")
MAX_TEST = 8 << 20
"""How many bytes the file of a test may have: one that was made may hold thousands of events."""
_LONGEST = 100 * 366 * 86400
"""How many seconds the oldest seeded event may lie back: a century."""

_INDEX = "^[.]?[a-z0-9][a-z0-9._-]*$(?!\\n)"
"""A name of an index or a data stream; alerts live in one with a dot in front."""

_MOST_ROWS = 10_000
_MOST_EVENTS = 200_000

type _Text = Annotated[str, Meta(min_length=1)]
type _Fields = Annotated[
    Mapping[_Text, Json], Meta(description="fields and their values, dotted (user.name: x) or nested")
]


class _EventKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[_Text, Meta(description="what the verdict calls these events")]
    template: Annotated[
        str | tuple[str, ...],
        Meta(description="the template to start from, or several, later ones on top"),
    ] = ()
    at: Annotated[
        str,
        Meta(
            pattern=f"^(now|{SPAN}( {SPAN}){{0,4}} ago)$(?!\\n)",
            description="when, as seen from now: now, 5m ago, 3d ago, 1d 12h ago (s, m, h, d, w)",
        ),
    ]
    count: Annotated[int, Meta(ge=1, le=_MOST_EVENTS, description="how many of them, 1 if not said")] = 1
    every: Annotated[
        str,
        Meta(
            pattern=f"^{SPAN}$(?!\\n)",
            description="how far apart they are, each older than the one before, like 10m; 1s if not said",
        ),
    ] = "1s"
    fields: _Fields = msgspec.field(name="set", default_factory=dict)
    remove: Annotated[tuple[str, ...], Meta(description="fields of the templates that these events lack")] = ()


class _ExpectationKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entity: Annotated[
        Mapping[str, str | int | float | bool | None],
        Meta(min_length=1, description="key columns of the query's result and their values, like user.name: mallory"),
    ]
    reason: Annotated[str, Meta(description="why, for whoever reads the verdict")] = ""


class DetectionTestFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seeded events, what the rule must catch, and what it must leave alone."""

    name: Annotated[_Text, Meta(description="what this file tests, in a few words")]
    query: (
        Annotated[
            _Text,
            Meta(description="the key of the query it tests (needed where the hunt has more than one)"),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    index: Annotated[
        str,
        Meta(
            pattern=_INDEX,
            description="the data stream that such events live in, like logs-azure.signinlogs-default: "
            "it decides the types of the fields",
        ),
    ]
    run_at: (
        Annotated[
            str,
            Meta(
                pattern=f"^{TIME_OF_WEEK}$(?!\\n)",
                description="when the rule runs for this test, in UTC, like 03:30 or sat 03:30: the last such moment "
                "is the now of its events; for a rule that asks for the hour or the day of an event",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    templates: Annotated[Mapping[str, _Fields], Meta(description="named parts of documents that events start from")] = (
        msgspec.field(default_factory=dict)
    )
    lookup: Annotated[
        Mapping[Annotated[str, Meta(pattern=_INDEX)], Annotated[tuple[_Fields, ...], Meta(max_length=_MOST_ROWS)]],
        Meta(description="the rows of each index that the query's LOOKUP JOINs read, by its name; [] for none"),
    ] = msgspec.field(default_factory=dict)
    events: Annotated[tuple[_EventKeys, ...], Meta(min_length=1, description="what happened, one item a kind of event")]
    catches: Annotated[tuple[_ExpectationKeys, ...], Meta(description="the entities that the rule must alert on")] = ()
    ignores: Annotated[
        tuple[_ExpectationKeys, ...], Meta(description="the entities that the rule must not alert on")
    ] = ()


def read_detection_tests(
    folder: Path, *, source: str, kept: Cache | None = None
) -> tuple[tuple[DetectionTest, ...], tuple[Issue, ...]]:
    """The tests under a hunt's `folder`, by file name, and what is wrong with those that could not be read.

    `source` is the folder as the user would type it. A hunt without tests has none: no issue.
    `kept` holds how files were read that have not changed since.
    """
    tests: list[DetectionTest] = []
    issues: list[Issue] = []
    kept = kept or user_cache("tests")
    for path in sorted((folder / FOLDER).glob("*")):
        name = f"{source}/{FOLDER}/{path.name}"
        if path.suffix in _SUFFIXES:
            test, found = _read_file(path, name, folder, kept)
            tests += [test] if test else []
            issues += found
        elif (lower := path.name.lower().removesuffix(".txt")).endswith(_SUFFIXES):
            hint = f"did you mean {FOLDER}/{path.name[: len(lower)].rpartition('.')[0]}.yaml?"
            message = "is not read under this name"
            issues.append(Issue("DEP001", Level.ERROR, message, folder.name, Location(name), hint))
    return tuple(tests), tuple(sorted(issues, key=lambda issue: issue.order))


def _read_file(path: Path, name: str, folder: Path, kept: Cache) -> tuple[DetectionTest | None, tuple[Issue, ...]]:
    try:
        if path.resolve().is_relative_to(folder.resolve().parents[1]):
            return _parse_unchanged(read_text(path, shown=name, limit=MAX_TEST), name, folder.name, kept)
        hint = "copy it here: a test may hold no file of the machine"
        error = InputError("is a link that leads out of the repository", location=Location(name), hint=hint)
    except InputError as unreadable:
        error = unreadable
    except (OSError, RuntimeError):
        error = InputError("is a link that leads nowhere", location=Location(name), hint="take it out")
    return None, (Issue("DEP001", Level.ERROR, error.message, folder.name, error.location, error.hint),)


def _parse_unchanged(
    text: str, source: str, subject: str, kept: Cache
) -> tuple[DetectionTest | None, tuple[Issue, ...]]:
    """A file's test as it was read before, where the file is still the same; else it is read, and kept if it is one."""
    key = digest((tool_digest(), source.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")))
    if (known := kept.get(key)) is not None:
        with suppress(ValueError):
            return unpack(known, DetectionTest), ()
    test, issues = parse_detection_test(text, source=source, subject=subject)
    if test:
        with suppress(ValueError):
            kept.put(key, pack(test))
    return test, issues


def parse_detection_test(
    text: str, *, source: str, subject: str = ""
) -> tuple[DetectionTest | None, tuple[Issue, ...]]:
    """One test file's text; None where it has issues."""
    document = read_yaml(text, source=source, kind=DetectionTestFile, subject=subject)
    issues = document.issues or tuple(_problems(document, subject))
    return (None, issues) if issues else (_test(document.value, source), ())


def _test(file: DetectionTestFile, source: str) -> DetectionTest:
    return DetectionTest(
        name=file.name,
        source=source,
        index=file.index,
        events=tuple(_event(item, file.templates) for item in file.events),
        catches=tuple(_expectation(item) for item in file.catches),
        ignores=tuple(_expectation(item) for item in file.ignores),
        query=file.query or None,
        lookups={name: tuple(flatten(row) for row in rows) for name, rows in file.lookup.items()},
        run_at=file.run_at or "",
    )


def _event(keys: _EventKeys, templates: Mapping[str, Mapping[str, Json]]) -> Event:
    document: dict[str, Json] = {}
    for name in _names(keys.template):
        document |= flatten(templates[name])
    for field in keys.remove:
        for key in [key for key in document if key == field or key.startswith(f"{field}.")]:
            del document[key]
    document |= flatten(keys.fields)
    return Event(keys.name, document, _age(keys.at), keys.count, _age(keys.every))


def _expectation(keys: _ExpectationKeys) -> Expectation:
    return Expectation(entity_name(keys.entity), dict(keys.entity), keys.reason)


def entity_name(entity: Mapping[str, Json]) -> str:
    """What a verdict calls an entity: its values, in the file's order."""
    return " / ".join(shown(value) for value in entity.values())


def _names(template: str | Sequence[str]) -> Sequence[str]:
    return [template] if isinstance(template, str) else template


def _age(text: str) -> float:
    """Seconds: "1d 12h ago" -> 129600.0, "now" -> 0.0."""
    return 0.0 if text == "now" else float(parse_span(text.removesuffix(" ago")))


def _problems(document: YamlFile[DetectionTestFile], subject: str) -> Iterator[Issue]:
    """What a type cannot say."""

    def issue(message: str, hint: str, *path: str | int) -> Issue:
        return Issue("DEP002", Level.ERROR, message, subject, document.at(*path), hint)

    file = document.value
    templates = list(file.templates)
    for index, event in enumerate(file.events):
        for name in _names(event.template):
            if name not in templates:
                yield issue(
                    f"there is no template {name!r}", did_you_mean(name, templates), "events", index, "template"
                )
        if _age(event.at) + event.count * _age(event.every) > _LONGEST:
            yield issue("these events lie back more than a century", "take a smaller number", "events", index, "at")
    if not (file.catches or file.ignores):
        yield issue("nothing is expected of these events", "say under `catches` or `ignores` what the rule must do")
    caught = [item.entity for item in file.catches]
    for index, item in enumerate(file.ignores):
        if item.entity in caught:
            hint = "an entity stands under one of the two"
            yield issue("the same entity stands under `catches`", hint, "ignores", index, "entity")


# -- a detection test as the file that a person edits: the first event is the template of the others -----------------

_TEMPLATE = "event"


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as the other files here do."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """In quotes where a letter cannot be seen: only there YAML has a written form for it."""
        style = '"' if visible(text, keep="\n") != text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002
        return super().increase_indent(flow=flow, indentless=False)


_Dumper.add_representer(str, _Dumper.represent_text)


def detection_test_as_yaml(test: DetectionTest, comment: str = "", *, schema: str = "") -> str:
    """The file's text; at its head the line that names its `schema`, and `comment`."""
    template = test.events[0].document if len(test.events) > 1 else {}
    document: dict[str, Json] = {"name": test.name}
    if test.query:
        document["query"] = test.query
    document["index"] = test.index
    if test.run_at:
        document["run_at"] = test.run_at
    if test.lookups:
        document["lookup"] = {name: [dict(row) for row in rows] for name, rows in test.lookups.items()}
    if template:
        document["templates"] = {_TEMPLATE: dict(template)}
    document["events"] = [_event_keys(event, template) for event in test.events]
    for side, expected in (("catches", test.catches), ("ignores", test.ignores)):
        if expected:
            document[side] = [_expectation_keys(item) for item in expected]
    head = schema + "".join(f"# {line}\n" for line in visible(comment, keep="\n").splitlines())
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + visible(text, keep="\n")


def _event_keys(event: Event, template: Mapping[str, Json]) -> dict[str, Json]:
    """An event by what tells it from the template."""
    entry: dict[str, Json] = {"name": event.name}
    if template:
        entry["template"] = _TEMPLATE
    entry["at"] = f"{format_span(event.age)} ago" if event.age else "now"
    if event.count > 1:
        entry |= {"count": event.count, "every": format_span(event.every)}
    if missing := [name for name in template if name not in event.document]:
        entry["remove"] = missing
    if own := {name: value for name, value in event.document.items() if _differs(template, name, value)}:
        entry["set"] = own
    return entry


def _differs(template: Mapping[str, Json], name: str, value: Json) -> bool:
    return name not in template or canonical(template[name]) != canonical(value)


def _expectation_keys(item: Expectation) -> dict[str, Json]:
    return {"entity": dict(item.entity)} | ({"reason": item.reason} if item.reason else {})
