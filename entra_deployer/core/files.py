"""Files: the one bounded reader and the one atomic writer.

Whatever is wrong with a file or the disk is an InputError with the file's place; no other exception leaves here.
"""

import codecs
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from entra_deployer.core.errors import InputError, Location, UsageError

RULES_FOLDER = "rules"
SCHEMA_FOLDER = "deploy/schemas"
"""Where a project keeps the JSON Schemas of its files, for editors."""

MAX_TEXT = 1 << 20
"""How many bytes a file that people write may have: a hunt, rule.yaml, a test, an environment, approvals."""

MAX_DOCUMENT = 64 << 20
"""How many bytes a document that this tool wrote may have: a plan, a journal, a ledger's entry, an attestation."""

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
"""How a file begins that gzip packed."""
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def read_text(path: Path, *, shown: str | None = None, limit: int = MAX_TEXT) -> str:
    """The text of a file, without its byte-order mark; line ends are as they stand.

    `shown` is the file as the user would type it. Raises InputError where it cannot be read, is no regular file, is
    larger than `limit` bytes, is not UTF-8, or holds a character that is no text: a control character other than tab
    and line ends.
    """
    source = str(path) if shown is None else shown
    data = read_bytes(path, shown=source, limit=limit)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        place = Location(source, line, column)
        raise InputError("the file is not UTF-8", location=place, hint="save it as UTF-8") from error
    check_text(text, source)
    return text


def read_bytes(path: Path | str, *, shown: str | None = None, limit: int = MAX_DOCUMENT) -> bytes:
    """The bytes of a regular file, at most `limit`. Raises InputError as `read_text` does."""

    def problem(what: str, hint: str) -> InputError:
        return InputError(what, location=Location(str(path) if shown is None else shown), hint=hint)

    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not block
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
                raise problem("is not a regular file", "a file is expected here")
            data = _read(file, status.st_size, limit)
        finally:
            os.close(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"  # a name with a NUL
        raise problem(f"cannot be read: {reason}", "check the path") from error
    if len(data) > limit:
        raise problem(f"is larger than {say_size(limit)}", "is this the right file?")
    return data


def read_lines(path: Path, *, shown: str | None = None, longest: int = MAX_TEXT) -> Iterator[tuple[int, bytes]]:
    """The lines of a regular file that hold something, each at most `longest` bytes, with their 1-based numbers.

    The file may be of any size, and packed by gzip: it is read as it is asked for, without its byte-order mark. Raises
    InputError as `read_text` does.
    """
    import gzip  # noqa: PLC0415 - most commands read no such file
    import zlib  # noqa: PLC0415 - as above

    source = str(path) if shown is None else shown
    hint = "a file of lines is expected here"
    number = 0
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError("is not a regular file", location=Location(source), hint=hint)
            unpacked = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == _GZIP else file
            while line := unpacked.readline(longest + 1):
                number += 1
                if len(line) > longest:
                    reason = f"the line is longer than {say_size(longest)}"
                    raise InputError(reason, location=Location(source, number), hint=hint)
                content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if content.strip():
                    yield number, content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = "is cut off, or no longer what gzip packed"
        raise InputError(reason, location=Location(source, number + 1), hint="copy the file again") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise InputError(f"cannot be read: {reason}", location=Location(source), hint="check the path") from error


def _read(file: int, size: int, limit: int) -> bytes:
    """What a file holds, or one byte more than `limit`. It may be longer than its size says, or grow."""
    data = os.read(file, min(size, limit) + 1)
    if 0 < len(data) == size:
        return data  # one byte more was asked for: this is its end
    while len(data) <= limit and (more := os.read(file, min(limit + 1 - len(data), _CHUNK))):
        data += more
    return data


def check_text(text: str, source: str) -> None:
    """Raises InputError with the place of the first character that is no text."""
    if found := _NOT_TEXT.search(text):
        before = text[: found.start()]
        place = Location(source, before.count("\n") + 1, found.start() - before.rfind("\n"))
        raise InputError(say_character(found[0]), location=place, hint="take it out")


def bad_character(text: str) -> str | None:
    """What is said of the first character of a value that is no text; None where all are."""
    found = _NOT_TEXT.search(text)
    return say_character(found[0]) if found else None


def say_character(character: str) -> str:
    """The complaint about a character that no file may hold."""
    return f"the character U+{ord(character):04X} is not text"


def say_size(count: int) -> str:
    """`1 MiB`, `900 KiB`."""
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"


def write_text(path: Path, text: str, *, shown: str | None = None, new: bool = False, private: bool = False) -> None:
    """Write a file whole or not at all, in UTF-8, with the line ends that `text` has; on the disk when this returns.

    Folders on the way are made. A link is followed, so that it stays one; a file keeps its mode. `shown` is the file as
    the user would type it; `new` refuses to write over a file, `private` lets only its owner read it. Raises InputError
    where it cannot be written.
    """
    source = str(path) if shown is None else shown
    try:
        if new and os.path.lexists(path):
            raise InputError("the file is there already", location=Location(source))
        _write(path.resolve(), text.encode("utf-8"), new=new, private=private)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a name of a file, or not text"
        raise InputError(f"cannot be written: {reason}", location=Location(source), hint="check the path") from error


def _write(path: Path, data: bytes, *, new: bool, private: bool) -> None:
    if not new and path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to replace
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.partial")
    if new:
        path.touch(exist_ok=False)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if not (new or private):
                _keep_mode(path, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        for leftover in (partial, path) if new else (partial,):
            leftover.unlink(missing_ok=True)
        raise


def _keep_mode(path: Path, handle: int) -> None:
    """Give the new file the mode of the one that it replaces."""
    with suppress(FileNotFoundError):
        os.fchmod(handle, stat.S_IMODE(path.stat().st_mode))


def find_root(start: Path) -> Path:
    """The project's top folder: the nearest one from `start` upwards that holds `rules/`."""
    for folder in (start, *start.parents):
        if (folder / RULES_FOLDER).is_dir():
            return folder
    raise UsageError(
        f"no {RULES_FOLDER}/ folder in {start.name or start} or above it",
        hint="run this inside a project, or `deploy init`",
    )


def schema_line(root: Path, name: str, *, above: int) -> str:
    """The first line of a file, `above` folders below the project's, that names its schema; "" where none is there."""
    path = f"{SCHEMA_FOLDER}/{name}.schema.json"
    return f"# yaml-language-server: $schema={'../' * above}{path}\n" if (root / path).is_file() else ""
