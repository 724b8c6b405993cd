"""A detection test as the file that a person edits: the first event is the template of the others."""

from collections.abc import Mapping
from typing import Any

import yaml

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.core.text import visible
from entra_deployer.core.time import format_span
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation

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
    if template:
        document["templates"] = {_TEMPLATE: dict(template)}
    document["events"] = [_event(event, template) for event in test.events]
    for side, expected in (("catches", test.catches), ("ignores", test.ignores)):
        if expected:
            document[side] = [_expectation(item) for item in expected]
    head = schema + "".join(f"# {line}\n" for line in visible(comment, keep="\n").splitlines())
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + visible(text, keep="\n")


def _event(event: Event, template: Mapping[str, Json]) -> dict[str, Json]:
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


def _expectation(item: Expectation) -> dict[str, Json]:
    return {"entity": dict(item.entity)} | ({"reason": item.reason} if item.reason else {})
