"""What every hunt format has in common: which fields a hunt has, and how raw values become a `Hunt`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from uuid import UUID

from msgspec import Struct

from entra_deployer.core.errors import InputError, Location
from entra_deployer.hunts.hunt import Hunt, Query

TEXTS = ("name", "author", "description", "uuid", "license")
LISTS = ("integration", "language", "notes", "mitre", "references")
REQUIRED = ("name", "description", "uuid", "language", "query")


class Format(Struct, frozen=True):
    """A way to write hunts in a file.

    `read` takes the file's text and its path for messages, and raises InputError for what is no hunt. `replace` takes
    the text, one of its queries, that query's index and another query: it gives the text with that one in its place,
    and nothing else changed (line feeds end the lines); ValueError where the query does not stand there. `near` are
    suffixes that people give to such a file, and under which it is not read.
    """

    read: Callable[[str, str], Hunt]
    replace: Callable[[str, Query, int, str], str]
    near: tuple[str, ...] = ()


def late(name: str, *near: str) -> Format:
    """The FORMAT of a module of this room, which is loaded when it is first used; `near` as in `Format`."""

    def form() -> Format:
        found: Format = import_module(f"entra_deployer.hunts.{name}").FORMAT
        return found

    return Format(
        lambda text, source: form().read(text, source),
        lambda text, query, index, new: form().replace(text, query, index, new),
        near,
    )


NOT_THERE = "the query does not stand where it was read"


class FaultyHunt(InputError):
    """What is wrong with a hunt's file, all that one reading finds. As an error of its own it is the first of them."""

    def __init__(self, faults: Sequence[InputError]) -> None:
        first = faults[0]
        super().__init__(first.message, location=first.location, hint=first.hint)
        self.faults = tuple(faults)


@dataclass
class RawHunt:
    """The fields of a hunt while a reader collects them, with the faults that it meets; `places` as in `Hunt`."""

    source: str
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    _faults: list[InputError] = field(default_factory=list)
    _faulty: set[str] = field(default_factory=set)

    def fault(self, message: str, hint: str, *, about: Sequence[str] = (), line: int = 1, column: int = 1) -> None:
        """Keep a fault. The fields that it is `about` are then not told to be missing as well."""
        self._faults.append(InputError(message, location=Location(self.source, line, column), hint=hint))
        self._faulty.update(about)

    def finish(self, forms: Mapping[str, str]) -> Hunt:
        """Check what every hunt must have and freeze it. `forms` tells by field how the format writes it.

        Raises FaultyHunt with all faults, in the order of their places.
        """
        self._describe()
        for name in REQUIRED:
            if not (self.texts.get(name) or self.lists.get(name) or (name == "query" and self.queries)):
                self._missing(name, forms[name])
        uuid = self.texts.get("uuid", "")
        if uuid and not _is_uuid(uuid):
            hint = "every id of the rule is made from it: make one with `python3 -m uuid`"
            self.fault(f"{uuid!r} is not a UUID", hint, line=self.places.get("uuid", 1))
        if self._faults:
            raise FaultyHunt(sorted(self._faults, key=lambda one: one.location or Location(self.source)))
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

    def _missing(self, name: str, form: str) -> None:
        if name not in self._faulty:
            self.fault(f"the hunt has no {name}", f"add {form}", line=self.places.get(name, 1))

    def _describe(self) -> None:
        """Older hunts have no description, and a first note that is one."""
        first = next(iter(self.lists.get("notes", ())), "")
        if "description" not in self.texts and first.startswith("This hunt "):
            self.texts["description"] = first
            self.places["description"] = self.places.get("notes", 1)


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


def names_in(text: str) -> list[str]:
    """The names in "`[ES|QL, EQL]`" or "a, b"."""
    return [name for part in text.strip("`[] ").split(",") if (name := part.strip("` "))]
