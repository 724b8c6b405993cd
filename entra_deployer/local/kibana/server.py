"""What a handler is given and gives back: the server's parts, one call, its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from entra_deployer.core.json import Json
from entra_deployer.local.kibana.auth import User
from entra_deployer.local.kibana.elastic import Elastic
from entra_deployer.local.kibana.errors import Fault
from entra_deployer.local.kibana.profiles import License, Profile
from entra_deployer.local.kibana.sessions import Sessions
from entra_deployer.local.kibana.store import Store


@dataclass(frozen=True)
class Kibana:
    """The server: where it keeps things, and which Kibana it speaks like.

    `making` names the indices of alerts that are being made right now.
    """

    elastic: Elastic
    store: Store
    profile: Profile
    license: License
    clock: Callable[[], datetime]
    making: dict[str, object] = field(default_factory=dict)
    sessions: Sessions = field(default_factory=Sessions)


@dataclass(frozen=True)
class Upload:
    """A file of a multipart request."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """One request: in which space, by whom, what is in its path, its query string and its body."""

    method: str
    path: str
    space: str
    user: User
    params: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Json = None
    upload: Upload | None = None
    is_multipart: bool = False
    rights: frozenset[str] = frozenset()

    @property
    def fields(self) -> Mapping[str, Json]:
        """The body as an object; an empty one for any other value."""
        return self.body if isinstance(self.body, Mapping) else {}

    def must(self, right: str, fault: Fault) -> None:
        """Raise the fault for a caller without a right."""
        if right not in self.rights:
            raise fault

    def one(self, name: str) -> str | None:
        """The last value of a query parameter, or None."""
        values = self.query.get(name)
        return values[-1] if values else None


@dataclass(frozen=True)
class Answer:
    """What is sent back: a JSON value, or text of some other type."""

    body: Json = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def text_of(values: Mapping[str, Json], name: str) -> str | None:
    """A value as a text, None where there is none."""
    value = values.get(name)
    return None if value is None else str(value)


type Handler = Callable[[Kibana, Call], Answer]
