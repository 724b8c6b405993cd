"""Edits of a YAML text at one place, and of the settings of a rule.yaml: what is not meant stays byte for byte."""

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import yaml

from entra_deployer.core.json import Json, canonical

if TYPE_CHECKING:
    from ruamel.yaml import YAML

type Path = Sequence[str]
type KeyPath = tuple[str, ...]
type Root = MutableMapping[str, Json]
"""A YAML document as a library reads it, to be changed in place."""
type Write = Callable[[Json, Json], Json]
"""(the new value, the old one) -> what is put in its place."""

_ANY_WIDTH = 1_000_000


def set_in_yaml(text: str, path: Path, value: Json) -> str:
    """The text with `value` at `path`; mappings on the way there are made. ValueError where that cannot be done."""
    return _edited(text, partial(_set, path=path, value=value))


def remove_from_yaml(text: str, path: Path) -> str:
    """The text without what stands at `path`, and without mappings that are left empty. KeyError where nothing is."""
    return _edited(text, partial(_remove, path=path))


def look_up(text: str, path: Path) -> Json:
    """What stands at `path` of a YAML text, None where nothing does."""
    value: Json = yaml.safe_load(text)
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def _edited(text: str, change: Callable[[Root, Write], None]) -> str:
    """Both the libraries' views of the text are changed; the written one has to be read as the other."""
    wanted = yaml.safe_load(text) or {}
    change(wanted, lambda value, _: value)
    for candidate in _candidates(text, change):
        with suppress(yaml.YAMLError):
            if yaml.safe_load(candidate) == wanted:
                return candidate
    raise ValueError("the edit cannot be written into this file")


def _candidates(text: str, change: Callable[[Root, Write], None]) -> Iterator[str]:
    """The text with the edit alone, and as the library writes it, which may set other lines another way.

    At last without the comment behind the place: the library does not set that right in front of every list.
    """
    writer = _writer(text)
    root = writer.load(text)
    if root is None:  # nothing but comments
        root = {}
        change(root, _write)
        yield text + ("" if not text or text.endswith("\n") else "\n") + _dump(writer, root)
        return
    before = _dump(writer, root)
    change(root, _write)
    after = _dump(writer, root)
    merged = merge_lines(before, text, after)
    yield from [after] if merged is None else [merged, after]
    bare = writer.load(text)
    change(bare, _write_bare)
    yield _dump(writer, bare)


def _writer(text: str) -> "YAML":
    from ruamel.yaml import YAML  # noqa: PLC0415 - heavy, and only an edit needs it
    from ruamel.yaml.util import load_yaml_guess_indent  # noqa: PLC0415 - the same

    _, sequence, offset = load_yaml_guess_indent(text)
    if offset is None:  # there is no list to take the form of
        sequence, offset = 4, 2
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = _ANY_WIDTH
    writer.indent(mapping=2, sequence=sequence, offset=offset)
    return writer


def _dump(writer: "YAML", root: Root) -> str:
    out = StringIO()
    writer.dump(root, out)
    return out.getvalue()


def _set(root: Root, write: Write, *, path: Path, value: Json) -> None:
    for key in path[:-1]:
        inside = root.get(key)
        if not isinstance(inside, MutableMapping):
            inside = root[key] = {}
        root = inside
    if write is _write_bare and hasattr(root, "ca"):
        root.ca.items.pop(path[-1], None)
    root[path[-1]] = write(value, root.get(path[-1]))


def _remove(root: Root, write: Write, *, path: Path) -> None:
    if len(path) > 1:
        inside = root[path[0]]
        if not isinstance(inside, MutableMapping):
            raise KeyError(path[1])
        _remove(inside, write, path=path[1:])
        if inside:
            return
    del root[path[0]]


def _write(value: Json, old: Json) -> Json:
    """A list takes the place of a list item by item: the library keeps what stands behind it at its last item."""
    new = _styled(value)
    if not (isinstance(new, list) and isinstance(old, list) and new and old):
        return new
    behind = old.ca.items.pop(len(old) - 1, None)  # type: ignore[attr-defined]
    old[:] = new[: len(old)]
    for item in new[len(old) :]:
        old.append(item)
    if behind:
        old.ca.items[len(old) - 1] = behind  # type: ignore[attr-defined]
    return old


def _write_bare(value: Json, _: Json) -> Json:
    """In place of whatever stood there, and of the comment behind it."""
    return _styled(value)


def _styled(value: Json) -> Json:
    """A value as people write it: several lines as a block, and quotes where YAML would read something else."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString  # noqa: PLC0415 - see above

    if isinstance(value, Mapping):
        return {key: _styled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_styled(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if "\n" in value and all(line == line.rstrip() for line in value.split("\n")) and not value.startswith((" ", "\n")):
        block: str = LiteralScalarString(value)
        return block
    return value if "\n" not in value and _is_plain(value) else DoubleQuotedScalarString(value)


def _is_plain(text: str) -> bool:
    """Whether the text means itself without quotes, to readers of YAML 1.1 too (`yes`, `2026-01-01`)."""
    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False


# -- three-way merges: two edits of one text, where they touch different parts of it ---------------------------------

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class _Hunk:
    """`base[start:end]` is replaced by `new`."""

    start: int
    end: int
    new: tuple[str, ...]

    def clashes(self, other: "_Hunk") -> bool:
        """Whether both change the same place, which for two insertions is the same point."""
        if self.start == other.start:
            return True
        return max(self.start, other.start) < min(self.end, other.end)


def merge_lines(base: str, ours: str, theirs: str) -> str | None:
    """`ours` with what `theirs` changed of `base`, line by line; None where both changed the same lines."""
    return _merge(*(text.splitlines(keepends=True) for text in (base, ours, theirs)))


def merge_words(base: str, ours: str, theirs: str) -> str | None:
    """The same word by word, for edits within one line."""
    return _merge(*(_TOKEN.findall(text) for text in (base, ours, theirs)))


def _merge(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> str | None:
    mine = _hunks(base, ours)
    hunks = list(mine)
    for hunk in _hunks(base, theirs):
        if hunk in mine:
            continue
        if any(hunk.clashes(other) for other in mine):
            return None
        hunks.append(hunk)
    merged = list(base)
    for hunk in sorted(hunks, key=lambda hunk: (hunk.start, hunk.end), reverse=True):
        merged[hunk.start : hunk.end] = hunk.new
    return "".join(merged)


def _hunks(base: Sequence[str], changed: Sequence[str]) -> list[_Hunk]:
    codes = SequenceMatcher(None, base, changed, autojunk=False).get_opcodes()
    return [_Hunk(start, end, tuple(changed[first:last])) for tag, start, end, first, last in codes if tag != "equal"]


# -- settings of one query in the text of its rule.yaml, set and removed where they are in force ---------------------


def set_setting(text: str, queries: Sequence[str], query: str, path: KeyPath, value: Json) -> str:
    """The text with a setting of one query. `queries` are the keys of all of the hunt's queries, in its order.

    A hunt with several queries gets a section for each, under the keys that they have anyhow, so that no id changes.
    """
    home = _home(text, queries, query, path)
    if home and not look_up(text, ["queries"]):
        for key in queries:
            text = set_in_yaml(text, ["queries", key], {})
    if home and len(path) > 1 and look_up(text, [*home, path[0]]) is None and (shared := look_up(text, path[:1])):
        text = set_in_yaml(text, [*home, path[0]], shared)  # a query's own section takes the whole place of the shared
    return set_in_yaml(text, [*home, *path], value)


def remove_setting(text: str, queries: Sequence[str], query: str, path: KeyPath) -> str:
    """The text without a setting of one query. KeyError where it is not set."""
    return remove_from_yaml(text, [*_home(text, queries, query, path), *path])


def patches(path: KeyPath, before: Json, after: Json) -> Iterator[tuple[KeyPath, Json]]:
    """The entries of a merge patch that makes `after` of `before`, each at its path; None removes."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield path, after
        return
    for key in sorted({*before, *after}):
        if key not in after:
            yield (*path, key), None
        elif canonical(before.get(key)) != canonical(after[key]):
            yield from patches((*path, key), before.get(key), after[key])


def _home(text: str, queries: Sequence[str], query: str, path: KeyPath) -> KeyPath:
    """Where the setting belongs: among the query's own, or at the top where the hunt has this query alone."""
    if len(queries) == 1 and look_up(text, ["queries", query, path[0]]) is None:
        return ()
    return ("queries", query)
