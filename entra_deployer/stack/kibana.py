"""Kibana: what is asked of it over HTTP, and what its answers are."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import quote, urlencode

from requests.adapters import BaseAdapter

from entra_deployer import facts
from entra_deployer.core.errors import Refused, UnsupportedVersion
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.stack.answers import (
    Connector,
    DetectionPrivileges,
    ExceptionList,
    KibanaStatus,
    LicensingInfo,
    Space,
    decode,
    decode_lines,
)
from entra_deployer.stack.diagnosis import Answer, Product
from entra_deployer.stack.environment import Endpoint
from entra_deployer.stack.search import License
from entra_deployer.stack.server import Pauses, ServerSession

_API_VERSION = "2023-10-31"
_DATE_LENGTH = len("Wed, 25 Nov 2026 00:20:47 GMT")
"""A gateway may add a second Date behind the first."""
_NOT_TOLD = frozenset({404, 501})
"""What a Kibana says that does not serve a question at all."""

type Params = Mapping[str, str | int]


class KibanaClient:
    """A session with one Kibana. Reads are tried again; of writes only those that cannot have happened are.

    Every method raises Unreachable where there is no answer or none of Kibana's, AnswerLost where a write may have
    happened all the same, and Refused with Kibana's own message where the answer is no.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        transport: BaseAdapter | None = None,
        pauses: Pauses = Pauses(),  # noqa: B008 - it is frozen
    ) -> None:
        """`transport` takes the place of the network; tests bring their own."""
        self._server = ServerSession(Product.KIBANA, endpoint, transport, pauses)
        self._server.set_headers({"kbn-xsrf": "entra-deployer", "elastic-api-version": _API_VERSION})
        self._spaces: dict[str, bool | None] = {"default": True}

    @property
    def url(self) -> str:
        """Where it answers, fit to be shown."""
        return self._server.url

    def __enter__(self) -> Self:
        """Use the client in a with block; the connections are closed at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._server.close()

    # -- requests of any kind: `into` is the type of the endpoint's answer ------------

    def get[T](self, path: str, into: type[T], *, space: str = "default", params: Params | None = None) -> T:
        """GET, and the answer as `into`."""
        return self._decoded(self._send("GET", path, space, params), into)

    def post[T](
        self, path: str, body: Json, into: type[T], *, space: str = "default", params: Params | None = None
    ) -> T:
        """POST JSON, and the answer as `into`."""
        return self._decoded(self._send("POST", path, space, params, json=body), into)

    def put[T](self, path: str, body: Json, into: type[T], *, space: str = "default") -> T:
        """PUT JSON, and the answer as `into`."""
        return self._decoded(self._send("PUT", path, space, json=body), into)

    def patch[T](self, path: str, body: Json, into: type[T], *, space: str = "default") -> T:
        """PATCH JSON, and the answer as `into`."""
        return self._decoded(self._send("PATCH", path, space, json=body), into)

    def delete[T](self, path: str, into: type[T], *, space: str = "default", params: Params | None = None) -> T:
        """DELETE, and the answer as `into`."""
        return self._decoded(self._send("DELETE", path, space, params), into)

    def upload[T](
        self, path: str, lines: Iterable[Json], into: type[T], *, space: str = "default", params: Params | None = None
    ) -> T:
        """POST objects as an .ndjson file, the form that Kibana's imports take, and the answer as `into`."""
        text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
        files = {"file": ("import.ndjson", text.encode(), "application/ndjson")}
        return self._decoded(self._send("POST", path, space, params, files=files), into)

    def export[T](self, path: str, body: Json, into: type[T], *, space: str = "default") -> list[T]:
        """POST to one of Kibana's exports, and its lines, each as `into`."""
        return decode_lines(self._send("POST", path, space, json=body), into, self._server.diagnosis)

    # -- the server -------------------------------------------------------------------------------------------------

    def version(self) -> StackVersion:
        """The version of the stack. UnsupportedVersion below the oldest that we know."""
        answer = self._send("GET", "/api/status")
        told = self._decoded(answer, KibanaStatus).version
        if told is None:
            self._send("GET", "/api/spaces/space")  # says why it does not know us
            message = f"Kibana at {self.url} tells its version only to those it knows: the credentials are not valid"
            raise Refused(message, status=401, hint="check the user, password or API key of this environment")
        try:
            version = StackVersion.parse(told.number)
        except ValueError:
            raise self._server.diagnosis.unexpected(answer, "a version") from None
        if version < facts.OLDEST:
            raise UnsupportedVersion(
                f"Kibana at {self.url} is version {version}", hint=f"ES|QL rules need {facts.OLDEST} or newer"
            )
        return version

    def clock(self) -> datetime | None:
        """Kibana's clock, to the second, by the Date header of an answer; None where a proxy took it out."""
        answer = self._send("GET", "/api/status")
        self._decoded(answer, KibanaStatus)
        told = answer.headers.get("date", "")
        try:
            found = parsedate_to_datetime(told[:_DATE_LENGTH])
        except ValueError:
            return None
        return found if found.tzinfo else None

    def license(self) -> License | None:
        """The license that Kibana works under, None where this Kibana does not tell."""
        try:
            told = self.get("/api/licensing/info", LicensingInfo).license
        except Refused as error:
            if error.status not in _NOT_TOLD:
                raise
            return None
        until = told.expiry_date_in_millis
        return License(told.type, told.status == "active", datetime.fromtimestamp(until / 1000, UTC) if until else None)

    def has_encryption_key(self) -> bool | None:
        """Whether Kibana has the key without which it makes no rules; None where this Kibana does not tell."""
        try:
            return self.get("/api/detection_engine/privileges", DetectionPrivileges).has_encryption_key
        except Refused as error:
            if error.status not in _NOT_TOLD:
                raise
            return None

    # -- spaces and what stands in them -----------------------------------------------------------------------------

    def spaces(self) -> list[str]:
        """The ids of the spaces that we may see."""
        return sorted(space.id for space in self.get("/api/spaces/space", list[Space]))

    def connectors(self, space: str) -> dict[str, Connector]:
        """The connectors of a space by their names."""
        return {item.name: item for item in self.get("/api/actions/connectors", list[Connector], space=space)}

    def exception_list(self, space: str, list_id: str) -> ExceptionList | None:
        """A shared exception list by its list_id, None where there is none."""
        params = {"list_id": list_id, "namespace_type": "single"}
        try:
            return self.get("/api/exception_lists", ExceptionList, space=space, params=params)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def _send(
        self,
        method: str,
        path: str,
        space: str = "default",
        params: Params | None = None,
        **request: Json,
    ) -> Answer:
        prefix = "" if space == "default" else f"/s/{quote(space, safe='')}"
        query = f"?{urlencode(params)}" if params else ""
        answer = self._server.ask(method, f"{prefix}{path}{query}", **request)
        if answer.ok:
            return answer
        refusal = self._server.refusal(answer)
        if isinstance(refusal, Refused) and refusal.status == 403 and self._is_missing(space):
            raise Refused(
                f"there is no space {space} in Kibana at {self.url}",
                status=403,
                hint="create it in Kibana, or correct `spaces` in the environment's file; spaces go by their ids",
            )
        raise refusal

    def _is_missing(self, space: str) -> bool:
        """Whether a space does not exist: Kibana says 403 to a question in one, as it does to a lack of rights."""
        if space not in self._spaces:
            status = self._server.ask("GET", f"/api/spaces/space/{quote(space, safe='')}").status
            self._spaces[space] = {200: True, 404: False}.get(status)
        return self._spaces[space] is False

    def _decoded[T](self, answer: Answer, into: type[T]) -> T:
        return decode(answer, into, self._server.diagnosis)
