"""The recorded answers of a real Kibana 8.12.2 (tests/data/kibana-8.12.2), and another server held to them."""

import base64
import http.client
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FOLDER = Path(__file__).parents[1] / "data" / "kibana-8.12.2"
INDEX = "logs-azure.signinlogs-default"
"""Where the documents lie that the previews ran on."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Step:
    """One recorded request with the answer to it."""

    seq: int
    group: str
    name: str
    setup: bool
    login: bool
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    response: Any


@dataclass(frozen=True)
class Alerts:
    """What a preview wrote; `preview` is the `seq` of its request."""

    name: str
    preview: int
    total: dict[str, Any]
    alerts: list[dict[str, Any]]


def steps() -> list[Step]:
    """All recorded requests in their order."""
    return [Step(**line) for line in _lines("requests.ndjson.xz")]


def alerts() -> list[Alerts]:
    """The recorded alerts of previews."""
    return [Alerts(**line) for line in _lines("alerts.ndjson.xz")]


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with lzma.open(FOLDER / name, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


@dataclass
class Comparison:
    """What came of a replay: counts, and a line for each answer that differs."""

    asked: int = 0
    same_status: int = 0
    same_shape: int = 0
    differing: list[str] = field(default_factory=list)

    def count(self, step: Step, status: int, body: Any) -> None:
        """Compare one answer with the recorded one."""
        codes = status == step.status
        shapes = codes and (step.response is None or shape(step.response) == shape(body))
        self.asked += 1
        self.same_status += codes
        self.same_shape += shapes
        if not shapes:
            request = f"{step.seq} {step.name}: {step.method} {step.path[:80]}"
            self.differing.append(f"{request}: {step.status} {_short(step.response)} but {status} {_short(body)}")


def replay(url: str, user: str, password: str) -> Comparison:
    """Ask a server all that the real one was asked, in the same order; a 501 (not served) is not counted."""
    auth = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    ids: dict[str, str] = {}
    result = Comparison()
    for step in steps():
        status, body = _send(url, step, ids, auth)
        _learn(step.response, body, ids)
        if not step.setup and status != 501:
            result.count(step, status, body)
    return result


def shape(value: Any) -> Any:
    """The keys and types of a JSON value; a list by its first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def _send(url: str, step: Step, ids: dict[str, str], auth: str) -> tuple[int, Any]:
    def now(text: str) -> str:
        """A text with this server's ids in place of the recorded ones."""
        return _UUID.sub(lambda found: ids.get(found[0], found[0]), text)

    headers = {**step.headers, "Authorization": auth} if step.login else step.headers
    text = step.body if isinstance(step.body, str) else json.dumps(step.body)
    data = None if step.body is None else now(text).encode()
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
    try:
        connection.request(step.method, now(step.path), data, headers)
        answer = connection.getresponse()
        raw = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, json.loads(raw)
    except ValueError:
        return answer.status, raw.decode("utf-8", "replace")


def _learn(recorded: Any, actual: Any, ids: dict[str, str]) -> None:
    """Note which id of this server stands for which recorded one."""
    match recorded, actual:
        case dict(), dict():
            for key in recorded.keys() & actual.keys():
                _learn(recorded[key], actual[key], ids)
        case list(), list():
            for one, other in zip(recorded, actual, strict=False):
                _learn(one, other, ids)
        case str(), str() if _UUID.fullmatch(recorded) and _UUID.fullmatch(actual):
            ids.setdefault(recorded, actual)


def _short(body: Any) -> str:
    return str(body)[:160]


# -- the documents that the previews ran on -------------------------------------------------------------------------

KEYWORD = {"type": "keyword"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"properties": properties}


_STATUS = _object(error_code={"type": "long"})
_SIGN_IN = _object(
    app_display_name=KEYWORD,
    app_id=KEYWORD,
    user_principal_name=KEYWORD,
    authentication_protocol=KEYWORD,
    status=_STATUS,
)
_SYSTEM = _object(number={"type": "long"}, organization=_object(name=KEYWORD))
_PLACE = _object(country_iso_code=KEYWORD, location={"type": "geo_point"})
_SOURCE = {"ip": {"type": "ip"}, "address": KEYWORD, "port": {"type": "long"}, "as": _SYSTEM, "geo": _PLACE}
MAPPINGS = {
    "properties": {
        "@timestamp": {"type": "date"},
        "event": _object(
            dataset=KEYWORD, category=KEYWORD, outcome=KEYWORD, ingested={"type": "date"}, kind=KEYWORD, action=KEYWORD
        ),
        "azure": _object(signinlogs=_object(category=KEYWORD, properties=_SIGN_IN)),
        "source": {"properties": _SOURCE},
        "user": _object(name=KEYWORD, id=KEYWORD),
        "host": _object(name=KEYWORD, ip={"type": "ip"}),
        "message": {"type": "text"},
        "tags": KEYWORD,
        "labels": _object(n={"type": "long"}, b={"type": "boolean"}, d={"type": "double"}),
    }
}


def documents(now: datetime) -> list[dict[str, Any]]:
    """Forty sign-ins of three users, the last one at `now`, one every ninety seconds."""
    return [_document(number, now - timedelta(seconds=90 * number)) for number in range(40)]


def _document(number: int, at: datetime) -> dict[str, Any]:
    user = ("alice", "bob", "carol")[number % 3]
    app = "Custom App" if number >= 30 else ("Azure CLI", "Office 365")[number % 2]
    host = "EXAMPLE-HOSTING" if number % 5 else "MICROSOFT-CORP-MSN-AS-BLOCK"
    address = f"203.0.113.{number % 7 + 1}"
    properties = {
        "app_display_name": app,
        "app_id": f"app-{number % 5}",
        "user_principal_name": f"{user}@example.com",
        "authentication_protocol": "none",
        "status": {"error_code": (50126, 50053, 50055, 0)[number % 4]},
    }
    return {
        "@timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "event": {
            "dataset": "azure.signinlogs",
            "category": ["authentication"],
            "outcome": "failure" if number % 4 else "success",
            "kind": "event",
            "ingested": at.astimezone(UTC).isoformat(timespec="seconds"),
        },
        "azure": {"signinlogs": {"category": "NonInteractiveUserSignInLogs", "properties": properties}},
        "source": {
            "ip": address,
            "address": address,
            "as": {"number": 64500, "organization": {"name": host}},
            "geo": {"country_iso_code": "NL", "location": {"lat": 52.0, "lon": 5.0}},
        },
        "user": {"name": user, "id": f"u{number % 3}"},
        "host": {"name": f"h{number % 2}"},
        "message": f"sign-in {number}",
        "tags": ["seed", f"n{number}"],
        "labels": {"n": number, "b": number % 2 == 0, "d": number / 4},
    }
