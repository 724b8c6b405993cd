"""What every hunt format has in common: which fields a hunt has, and how raw values become a `Hunt`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from uuid import UUID

from entra_deployer.errors import InputError, Location
from entra_deployer.model.hunt import Hunt, Query

TEXTS = ("name", "author", "description", "uuid", "license")
LISTS = ("integration", "language", "notes", "mitre", "references")
REQUIRED = ("name", "description", "uuid", "language")
_MOST_TOLD = 12


@dataclass
class RawHunt:
    """The fields of a hunt while a reader collects them; `places` as in `Hunt`."""

    source: str
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def fail(self, message: str, hint: str, *, line: int = 1, column: int = 1) -> InputError:
        """The error to raise for this file."""
        return InputError(message, location=Location(self.source, line, column), hint=hint)

    def finish(self, forms: Mapping[str, str]) -> Hunt:
        """Check what every hunt must have and freeze it. `forms` tells by field how the format writes it.

        Raises InputError with the place.
        """
        for name in REQUIRED:
            if not (self.texts.get(name) or self.lists.get(name)):
                raise self.fail(f"the hunt has no {name}", f"add {forms[name]}", line=self.places.get(name, 1))
        if not self.queries:
            raise self.fail("the hunt has no query", f"add {forms['query']}", line=self.places.get("query", 1))
        uuid = self.texts["uuid"]
        if not _is_uuid(uuid):
            hint = "every id of the rule is made from it: make one with `python3 -m uuid`"
            raise self.fail(f"{uuid!r} is not a UUID", hint, line=self.places.get("uuid", 1))
        return Hunt(
            name=self.texts["name"],
            author=self.texts.get("author", ""),
            description=self.texts["description"],
            uuid=uuid,
            integrations=tuple(self.lists.get("integration", ())),
            languages=tuple(self.lists["language"]),
            queries=tuple(self.queries),
            notes=tuple(self.lists.get("notes", ())),
            mitre=tuple(self.lists.get("mitre", ())),
            references=tuple(self.lists.get("references", ())),
            license=self.texts.get("license", ""),
            source=self.source,
            places=dict(self.places),
        )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def trim_blank_lines(text: str) -> tuple[str, int]:
    """`text` without the blank lines around it, and how many lines were taken off its front."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    last = next((number for number in range(len(lines), 0, -1) if lines[number - 1].strip()), 0)
    return "\n".join(lines[first:last]), first


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint for an unknown word: the one that is like it, else the first few of those that there are."""
    if close := get_close_matches(word, known, n=1):
        return f"did you mean {close[0]!r}?"
    rest = f" and {len(known) - _MOST_TOLD} more" if len(known) > _MOST_TOLD else ""
    return f"known: {', '.join(known[:_MOST_TOLD])}{rest}"


def one_line(text: str) -> str:
    """A foreign message on one line."""
    return re.sub(r"\s+", " ", text).strip()
