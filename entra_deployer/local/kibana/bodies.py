"""A request's body by its content type, within its limit (records 33-50, 75-77, 640-648), and the lines of a file."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from entra_deployer.core.json import Json
from entra_deployer.local.kibana.errors import core, not_served
from entra_deployer.local.kibana.server import Upload

MEGABYTE: Final = 1_048_576
JSON_TYPES: Final = ("", "application/json", "application/octet-stream")


@dataclass(frozen=True)
class Body:
    """What was sent: a JSON value, or the file of a form."""

    value: Json = None
    upload: Upload | None = None
    is_multipart: bool = False


async def collected(chunks: AsyncIterator[bytes], headers: Headers, limit: int) -> bytes:
    """The bytes of a body; raises the 413 as soon as there are too many."""
    announced = headers.get("content-length", "")
    size, parts = int(announced) if announced.isdigit() else 0, []
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        size = max(size, received)
        if size <= limit:
            parts.append(chunk)
    if size > limit:
        raise core(413, f"Payload content length greater than maximum allowed: {limit}")
    if "content-encoding" in headers:
        raise not_served("bodies are sent as they are")
    return b"".join(parts)


async def parsed(data: bytes, headers: Headers, *, takes_files: bool) -> Body:
    """The body by its content type."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data" and takes_files:
        return await _form(data, headers)
    if takes_files:
        return Body()
    if kind in JSON_TYPES or kind.endswith("+json"):
        return Body(_json(data))
    if kind.startswith("text/"):
        return Body(data.decode("utf-8", "replace"))
    if kind == "application/x-www-form-urlencoded":
        return Body({})
    raise core(415, "Unsupported Media Type")


def _json(data: bytes) -> Json:
    if not data:
        return None
    try:
        value: Json = json.loads(data.decode("utf-8", "replace"), object_pairs_hook=_object, parse_constant=_refuse)
    except ValueError as error:
        raise core(400, "Invalid request payload JSON format") from error
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    found = dict(pairs)
    if "__proto__" in found:
        raise ValueError("forbidden key")
    return found


def _refuse(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


async def _form(data: bytes, headers: Headers) -> Body:
    if "boundary=" not in headers.get("content-type", ""):
        raise core(400, "Invalid content-type header: multipart missing boundary")

    async def stream() -> AsyncIterator[bytes]:
        yield data

    try:
        form = await MultiPartParser(headers, stream(), max_part_size=len(data) + 1).parse()  # type: ignore[arg-type]
    except (MultiPartException, ValueError, KeyError) as error:
        raise core(400, "Invalid multipart payload format") from error
    file = form.get("file")
    upload = Upload(file.filename or "", await file.read()) if isinstance(file, UploadFile) else None
    await form.close()
    return Body(upload=upload, is_multipart=True)


@dataclass(frozen=True)
class Line:
    """One line: its value, or what is wrong with it."""

    value: Json = None
    problem: str | None = None


def extension(upload: Upload) -> str:
    """The extension of the file's name, in lower case, with its dot."""
    return PurePosixPath(upload.name).suffix.lower()


def lines(upload: Upload) -> list[Line]:
    """The lines of a file that are not empty; broken ones in the words of JavaScript (records 602-649, 833)."""
    text = upload.content.decode("utf-8", "replace")
    return [_line(line.strip("\r")) for line in text.split("\n") if line.strip(" \r\t")]


def _line(text: str) -> Line:
    try:
        return Line(json.loads(text))
    except json.JSONDecodeError as error:
        unfinished = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        return Line(
            problem="Unexpected end of JSON input"
            if unfinished
            else f"Unexpected token {text[error.pos]} in JSON at position {error.pos}"
        )
