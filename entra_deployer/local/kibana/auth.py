"""Who is calling, and what he may do: both are asked of the Elasticsearch underneath, as the real one does."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from entra_deployer.local.kibana.elastic import Elastic, reason
from entra_deployer.local.kibana.errors import core

APPLICATION: Final = "kibana-.kibana"
RULES_READ: Final = "rules:read"
RULES_ALL: Final = "rules:all"
OBJECTS_READ: Final = "objects:read"
OBJECTS_ALL: Final = "objects:all"
SPACES_ALL: Final = "spaces:all"
EVERYTHING: Final = (RULES_READ, RULES_ALL, OBJECTS_READ, OBJECTS_ALL, SPACES_ALL)
# Saved searches and tags are two features of Kibana; here whoever has one of them has both.
FEATURES: Final = {
    **dict.fromkeys(("siem", "siemV2", "siemV3", "siemV4"), (RULES_READ, RULES_ALL)),
    **dict.fromkeys(("securitySolutionRulesV1", "securitySolutionRulesV2"), (RULES_READ, RULES_ALL)),
    "securitySolutionRulesV3": (RULES_READ, RULES_ALL),
    **dict.fromkeys(("discover", "discover_v2", "savedObjectsManagement"), (OBJECTS_READ, OBJECTS_ALL)),
}


def register(elastic: Elastic) -> None:
    """Tell Elasticsearch what the privileges are."""
    known: dict[str, tuple[str, ...]] = {"all": EVERYTHING, "read": (RULES_READ, OBJECTS_READ)}
    for feature, (read, whole) in FEATURES.items():
        known |= {f"feature_{feature}.read": (read,), f"feature_{feature}.all": (read, whole)}
    body = {APPLICATION: {name: {"actions": list(actions)} for name, actions in known.items()}}
    elastic.call("PUT", "/_security/privilege", body)


def held(elastic: Elastic, authorization: str, space: str) -> frozenset[str]:
    """What the holder of some credentials may do in a space.

    For a superuser it is all, registered or not; so the privileges are registered when somebody else comes.
    """
    found = _held(elastic, authorization, space)
    if len(found) < len(EVERYTHING):
        register(elastic)
        found = _held(elastic, authorization, space)
    return found


class _Privileges(msgspec.Struct, frozen=True):
    application: dict[str, dict[str, dict[str, bool]]]


def _held(elastic: Elastic, authorization: str, space: str) -> frozenset[str]:
    resource = f"space:{space}"
    wanted = [{"application": APPLICATION, "resources": [resource], "privileges": list(EVERYTHING)}]
    reply = elastic.call("POST", "/_security/user/_has_privileges", {"application": wanted}, caller=authorization)
    if not reply.ok:
        return frozenset()
    rights = reply.read(_Privileges).application[APPLICATION][resource]
    return frozenset(name for name, has in rights.items() if has)


REMEMBERED: Final = 5.0  # seconds; a changed password or a deleted key is noticed this late
MOST: Final = 1000


@dataclass(frozen=True)
class User:
    """A caller that Elasticsearch knows, and the header by which to act for it."""

    name: str
    authorization: str


type _Answers[T] = dict[bytes, tuple[float, T]]
"""Until when an answer is good, and what it is, by a digest of the question."""


class _Authenticated(msgspec.Struct, frozen=True):
    username: str


class Gate:
    """Lets callers in by their Authorization header; keeps what Elasticsearch said for a few seconds."""

    def __init__(self, elastic: Elastic, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._elastic = elastic
        self._monotonic = monotonic
        self._names: _Answers[str] = {}
        self._rights: _Answers[frozenset[str]] = {}

    def user(self, authorization: str | None) -> User:
        """The user of a header; raises the 401 of Kibana for anybody else."""
        if not authorization:
            raise core(401, "Unauthorized")
        name = self._recall(self._names, authorization, lambda: self._authenticated(authorization))
        return User(name, authorization)

    def rights(self, user: User, space: str) -> frozenset[str]:
        """What a user may do in a space."""
        header = user.authorization
        return self._recall(self._rights, f"{space} {header}", lambda: held(self._elastic, header, space))

    def forget(self) -> None:
        """Ask about everybody again."""
        self._names.clear()
        self._rights.clear()

    def _recall[T](self, known: "_Answers[T]", question: str, ask: Callable[[], T]) -> T:
        key = hashlib.sha256(question.encode()).digest()
        now = self._monotonic()
        kept = known.get(key)
        if kept and now < kept[0]:
            return kept[1]
        answer = ask()
        if len(known) >= MOST:
            known.clear()
        known[key] = (now + REMEMBERED, answer)
        return answer

    def _authenticated(self, authorization: str) -> str:
        reply = self._elastic.call("GET", "/_security/_authenticate", caller=authorization)
        if not reply.ok:
            raise core(401, f"[{reason(reply.error)}]: {reply.error.reason}")
        return reply.read(_Authenticated).username
