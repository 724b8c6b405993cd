"""Who is calling: credentials are checked against the Elasticsearch underneath, as the real one does."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from entra_deployer.local.kibana import privileges
from entra_deployer.local.kibana.elastic import Elastic, reason
from entra_deployer.local.kibana.errors import core

REMEMBERED: Final = 5.0  # seconds; a changed password or a deleted key is noticed this late
MOST: Final = 1000


@dataclass(frozen=True)
class User:
    """A caller that Elasticsearch knows, and the header by which to act for it."""

    name: str
    authorization: str


class Gate:
    """Lets callers in by their Authorization header; keeps what Elasticsearch said for a few seconds."""

    def __init__(self, elastic: Elastic, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._elastic = elastic
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[float, Any]] = {}

    def user(self, authorization: str | None) -> User:
        """The user of a header; raises the 401 of Kibana for anybody else."""
        if not authorization:
            raise core(401, "Unauthorized")
        return User(self._recall(authorization, lambda: self._authenticated(authorization)), authorization)

    def rights(self, user: User, space: str) -> frozenset[str]:
        """What a user may do in a space."""
        header = user.authorization
        rights: frozenset[str] = self._recall(
            f"{space} {header}", lambda: privileges.held(self._elastic, header, space)
        )
        return rights

    def forget(self) -> None:
        """Ask about everybody again."""
        self._known.clear()

    def _recall(self, question: str, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 -- what `ask` gives
        key = hashlib.sha256(question.encode()).digest()
        now = self._monotonic()
        until, answer = self._known.get(key, (now, None))
        if now >= until:
            answer = ask()
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (now + REMEMBERED, answer)
        return answer

    def _authenticated(self, authorization: str) -> str:
        reply = self._elastic.call("GET", "/_security/_authenticate", caller=authorization)
        if not reply.ok:
            error = reply.body["error"]
            raise core(401, f"[{reason(error)}]: {error['reason']}")
        return str(reply.body["username"])
