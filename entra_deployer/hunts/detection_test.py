"""Reads the detection tests of a hunt: seeded events, what the rule must catch and what it must leave alone."""

import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import flatten, shown
from entra_deployer.core.text import did_you_mean
from entra_deployer.core.yaml import YamlFile, read_yaml
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation

FOLDER = "tests"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AMOUNT = re.compile(r"(\d+)([smhdw])")


def read_detection_tests(folder: Path, *, source: str) -> tuple[tuple[DetectionTest, ...], tuple[Issue, ...]]:
    """The tests under a hunt's `folder`, by file name, and what is wrong with those that could not be read.

    `source` is the folder as the user would type it. A hunt without tests has none: no issue.
    """
    tests: list[DetectionTest] = []
    issues: list[Issue] = []
    for path in sorted((folder / FOLDER).glob("*.y*ml")):
        shown = f"{source}/{FOLDER}/{path.name}"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
            issues.append(Issue("DEP001", Level.ERROR, message, folder.name, Location(shown, 1, 1), "check the file"))
            continue
        test, found = parse_detection_test(text, source=shown, subject=folder.name)
        tests += [test] if test else []
        issues += found
    return tuple(tests), tuple(sorted(issues, key=lambda issue: issue.order))


def parse_detection_test(
    text: str, *, source: str, subject: str = ""
) -> tuple[DetectionTest | None, tuple[Issue, ...]]:
    """One test file's text; None where it has issues."""
    document = read_yaml(text, source=source, schema="test", subject=subject)
    issues = document.issues or tuple(_problems(document, subject))
    return (None, issues) if issues else (_test(document), ())


def _test(document: YamlFile) -> DetectionTest:
    value = document.value
    templates = value.get("templates") or {}
    return DetectionTest(
        name=value["name"],
        source=document.source,
        index=value["index"],
        events=tuple(_event(item, templates) for item in value["events"]),
        catches=tuple(_expectation(item) for item in value.get("catches") or ()),
        ignores=tuple(_expectation(item) for item in value.get("ignores") or ()),
        query=value.get("query"),
    )


def _event(item: Mapping[str, Json], templates: Mapping[str, Json]) -> Event:
    document: dict[str, Json] = {}
    for name in _names(item.get("template")):
        document |= _flat(templates[name])
    for field in item.get("remove") or ():
        for key in [key for key in document if key == field or key.startswith(f"{field}.")]:
            del document[key]
    document |= _flat(item.get("set") or {})
    return Event(
        name=item["name"],
        document=document,
        age=_age(item["at"]),
        count=item.get("count", 1),
        every=_age(item["every"]) if "every" in item else 1.0,
    )


def _expectation(item: Mapping[str, Json]) -> Expectation:
    return Expectation(entity_name(item["entity"]), dict(item["entity"]), item.get("reason", ""))


def entity_name(entity: Mapping[str, Json]) -> str:
    """What a verdict calls an entity: its values, in the file's order."""
    return " / ".join(shown(value) for value in entity.values())


def _names(template: Json) -> list[str]:
    return [template] if isinstance(template, str) else list(template or ())


def _age(text: str) -> float:
    """Seconds: "1d 12h ago" -> 129600.0, "now" -> 0.0."""
    return float(sum(int(number) * _SECONDS[unit] for number, unit in _AMOUNT.findall(text)))


def _flat(value: Mapping[str, Json]) -> dict[str, Json]:
    """Dotted fields of a document; YAML's own dates become text."""
    return {name: _plain(item) for name, item in flatten(value).items()}


def _plain(value: Json) -> Json:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _problems(document: YamlFile, subject: str) -> Iterator[Issue]:
    """What a schema cannot say."""
    value = document.value
    templates = list(value.get("templates") or {})
    for index, event in enumerate(value["events"]):
        for name in _names(event.get("template")):
            if name not in templates:
                place = document.at("events", index, "template")
                message = f"there is no template {name!r}"
                yield Issue("DEP002", Level.ERROR, message, subject, place, did_you_mean(name, templates))
    if not (value.get("catches") or value.get("ignores")):
        hint = "say under `catches` or `ignores` what the rule must do with them"
        yield Issue("DEP002", Level.ERROR, "nothing is expected of these events", subject, document.at(), hint)
    caught = [item["entity"] for item in value.get("catches") or ()]
    for index, item in enumerate(value.get("ignores") or ()):
        if item["entity"] in caught:
            place = document.at("ignores", index, "entity")
            hint = "an entity stands under one of the two"
            yield Issue("DEP002", Level.ERROR, "the same entity stands under `catches`", subject, place, hint)
