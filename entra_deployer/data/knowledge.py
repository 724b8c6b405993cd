"""What the project knows beyond the hunts: ATT&CK, the fields of sources, the versions of integration packages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from entra_deployer.data.attack import Attack
from entra_deployer.data.integrations import Stream


def _no_streams() -> Mapping[str, Stream]:
    return {}


@dataclass(frozen=True)
class Knowledge:
    """`ecs` maps each ECS field to its Elasticsearch type; `arrays` are those of them that hold several values.

    `mappings` maps an index pattern to the fields of it that are not ECS, as documents show them; `streams` gives what
    is known of the data streams of integrations; `packages` maps an integration's package to the range of its versions
    that is known to bring the fields; `templates` each package that has several policy templates to its data streams,
    and these to their templates. `later` gives the versions of ATT&CK after `attack`.
    """

    attack: Attack
    ecs: Mapping[str, str] = field(default_factory=dict)
    arrays: frozenset[str] = frozenset()
    mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    streams: Callable[[], Mapping[str, Stream]] = _no_streams
    later: Callable[[], Sequence[Attack]] = tuple
    _known: dict[tuple[str, tuple[str, ...]], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Answers about sources: hundreds of hunts read the same few."""

    def _once[T](self, question: str, sources: Sequence[str], answer: Callable[[], T]) -> T:
        key = (question, tuple(sources))
        if key not in self._known:
            self._known[key] = answer()
        found: T = self._known[key]
        return found

    @cached_property
    def ecs_groups(self) -> frozenset[str]:
        """The names in ECS that hold fields and are none themselves."""
        inside = [name for name in self.ecs if "." in name]
        return frozenset(name.rpartition(".")[0] for name in self.ecs) | {name.partition(".")[0] for name in inside}

    def attack_for(self, *, nineteen: bool) -> Attack:
        """The version of ATT&CK that the rules of a stack carry: 19 or 18."""
        if not nineteen:
            return self.attack
        return next((one for one in self.later() if one.version.startswith("19.")), self.attack)

    def streams_of(self, sources: Sequence[str]) -> tuple[Stream, ...] | None:
        """The data streams that the sources read from; None where any of them is a source that is not known."""
        return self._once("streams", sources, lambda: self._find_streams(sources))

    def _find_streams(self, sources: Sequence[str]) -> tuple[Stream, ...] | None:
        found: dict[str, Stream] = {}
        for source in _included(sources):
            known = [stream for stream in self.streams().values() if _within(source, stream.index)]
            known = known or self._of_package(source)
            if not known:
                return None
            found |= {stream.name: stream for stream in known}
        return tuple(found.values()) or None

    def _of_package(self, source: str) -> list[Stream]:
        """The streams that a pattern over several names: known only of a package whose streams are all listed."""
        name = _plain(source)
        if not name.startswith("logs-endpoint."):
            return []
        return [one for one in self.streams().values() if fnmatchcase(one.index.replace("*", "default"), name)]

    def field_types(self, sources: Sequence[str]) -> Mapping[str, str] | None:
        """All fields of the sources with their types; None where any of them is a source that is not known.

        A field that has different types in them is left out.
        """
        return self._once("types", sources, lambda: self._find_types(sources))

    def _find_types(self, sources: Sequence[str]) -> Mapping[str, str] | None:
        found: dict[str, str] = {}
        differ: set[str] = set()
        for source in _included(sources):
            layers = self._layers(source)
            if not layers:
                return None
            for fields in layers:
                differ |= {name for name, kind in fields.items() if found.get(name, kind) != kind}
                found.update(fields)
        if not found:
            return None
        return {name: kind for name, kind in {**self.ecs, **found}.items() if name not in differ}

    def _layers(self, source: str) -> list[Mapping[str, str]]:
        """The fields of each stream that a source reads from, as its package lists them and documents show them."""
        return self._once("layers", (source,), lambda: self._find_layers(source))

    def _find_layers(self, source: str) -> list[Mapping[str, str]]:
        shown: dict[str, str] = {}
        for pattern, fields in self.mappings.items():
            if _within(source, pattern):
                shown |= fields
        listed = [stream.fields for stream in self.streams_of([source]) or ()]
        return [{**fields, **shown} for fields in listed] or ([shown] if shown else [])

    def has_everywhere(self, name: str, sources: Sequence[str]) -> bool:
        """Whether every index of the sources is known to have a field."""
        known = self.streams_of(sources)
        return bool(known) and all(name in stream.always or name in stream.fields for stream in known or ())

    def is_closed(self, sources: Sequence[str]) -> bool:
        """Whether a field that is not listed cannot be searched in any of the sources."""
        known = self.streams_of(sources)
        return bool(known) and all(stream.closed and stream.complete for stream in known or ())

    def type_of(self, name: str, sources: Sequence[str]) -> str | None:
        """The type of a field, as far as it is known."""
        for source in _included(sources):
            for fields in self._layers(source):
                if name in fields:
                    return fields[name]
        return self.ecs.get(name)


def _included(sources: Sequence[str]) -> list[str]:
    """The sources without exclusions (`-logs-x-*`)."""
    return [source for source in sources if not source.startswith("-")]


def _plain(source: str) -> str:
    """A pattern without its cluster, its quotes and a suffix such as `::data`."""
    return source.strip('"').partition("::")[0].rpartition(":")[2]


def _within(source: str, pattern: str) -> bool:
    """Whether all that the index pattern `source` reads from is described by `pattern`, written "logs-a.b-*"."""
    bare = _plain(source).rstrip("*").rstrip("-")
    return fnmatchcase(f"{bare}-", pattern) or fnmatchcase(bare, pattern)
