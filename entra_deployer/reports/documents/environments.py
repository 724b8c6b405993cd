"""Environments at a glance, and the settings of one with their sources."""

import json
from collections.abc import Sequence

from entra_deployer.core.json import Json
from entra_deployer.reports.document import Cell, Document, Gap, Line, Table, Tone, cells, words
from entra_deployer.reports.words import counted
from entra_deployer.stack.settings import ListedEnvironment, Setting

_ENVIRONMENTS = ("environment", "Kibana", "spaces", "version", "not set")
_SETTINGS = ("key", "value", "from")


def environments_document(listed: Sequence[ListedEnvironment]) -> Document:
    """A row for each environment; what is wrong below."""
    rows = tuple((*cells(one.name, one.kibana, ", ".join(one.spaces), one.version), _doubt(one)) for one in listed)
    return Document(
        name="env list",
        blocks=(
            Table(rows, _ENVIRONMENTS, wide=1),
            *(Line(words((f"{one.name}: {one.problem}", Tone.BAD))) for one in listed if one.problem),
        ),
        content={
            "environments": [
                {
                    "name": one.name,
                    "kibana": one.kibana or None,
                    "spaces": list(one.spaces),
                    "version": one.version or None,
                    "variables": list(one.variables),
                    "unset": list(one.unset),
                    "problem": one.problem or None,
                }
                for one in listed
            ]
        },
    )


def settings_document(name: str, settings: Sequence[Setting]) -> Document:
    """A row for each key; what is wrong with one, below."""
    problems = [one for one in settings if one.problem]
    rows = tuple((*cells(one.key, _shown(one.value)), Cell(words((one.source, Tone.DIM)))) for one in settings)
    return Document(
        name="config show",
        title=name,
        blocks=(
            Table(rows, _SETTINGS, wide=1),
            *((Gap(),) if problems else ()),
            *(Line(words((f"{one.key}: {one.problem}", Tone.DOUBT))) for one in problems),
        ),
        content={
            "environment": name,
            "settings": {
                one.key: {"value": one.value, "from": one.source, "problem": one.problem or None} for one in settings
            },
        },
        summary="" if not problems else f"{counted(len(problems), 'key')} cannot be used as it stands here.",
        is_good=not problems,
    )


def _doubt(one: ListedEnvironment) -> Cell:
    return Cell(words((", ".join(one.unset), Tone.DOUBT)))


def _shown(value: Json) -> str:
    """As YAML would have it on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
