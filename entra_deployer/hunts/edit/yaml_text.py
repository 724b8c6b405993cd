"""Edits of a YAML text at one place: what is not meant stays as it is, byte for byte where that can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import yaml

from entra_deployer.core.json import Untyped as Json
from entra_deployer.hunts.edit.merge import merge_lines

if TYPE_CHECKING:
    from ruamel.yaml import YAML

type Path = Sequence[str]
type Write = Callable[[Json, Json], Json]
"""(the new value, the old one) -> what is put in its place."""

_ANY_WIDTH = 1_000_000


def set_in_yaml(text: str, path: Path, value: Json) -> str:
    """The text with `value` at `path`; mappings on the way there are made. ValueError where that cannot be done."""
    return _edited(text, partial(_set, path=path, value=value))


def remove_from_yaml(text: str, path: Path) -> str:
    """The text without what stands at `path`, and without mappings that are left empty. KeyError where nothing is."""
    return _edited(text, partial(_remove, path=path))


def look_up(text: str, path: Path, default: Json = None) -> Json:
    """What stands at `path` of a YAML text."""
    value: Json = yaml.safe_load(text)
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return default
        value = value[key]
    return value


def _edited(text: str, change: Callable[[Json, Write], None]) -> str:
    """Both the libraries' views of the text are changed; the written one has to be read as the other."""
    wanted = yaml.safe_load(text) or {}
    change(wanted, lambda value, _: value)
    for candidate in _candidates(text, change):
        with suppress(yaml.YAMLError):
            if yaml.safe_load(candidate) == wanted:
                return candidate
    raise ValueError("the edit cannot be written into this file")


def _candidates(text: str, change: Callable[[Json, Write], None]) -> Iterator[str]:
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


def _dump(writer: "YAML", root: Json) -> str:
    out = StringIO()
    writer.dump(root, out)
    return out.getvalue()


def _set(root: Json, write: Write, *, path: Path, value: Json) -> None:
    for key in path[:-1]:
        if not isinstance(root.get(key), Mapping):
            root[key] = {}
        root = root[key]
    if write is _write_bare and hasattr(root, "ca"):
        root.ca.items.pop(path[-1], None)
    root[path[-1]] = write(value, root.get(path[-1]))


def _remove(root: Json, write: Write, *, path: Path) -> None:
    if len(path) > 1:
        _remove(root[path[0]], write, path=path[1:])
        if root[path[0]]:
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
        return LiteralScalarString(value)
    return value if "\n" not in value and _is_plain(value) else DoubleQuotedScalarString(value)


def _is_plain(text: str) -> bool:
    """Whether the text means itself without quotes, to readers of YAML 1.1 too (`yes`, `2026-01-01`)."""
    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False
