"""One environment: where its Kibana and its Elasticsearch answer, as whom we ask, and what is special there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from entra_deployer.core.json import Json

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names of this very machine."""


class Scheme(StrEnum):
    """How we say who we are."""

    API_KEY = "api_key"
    BASIC = "basic"
    BEARER = "bearer"


@dataclass(frozen=True)
class Credentials:
    """Who we are. `secret` is the API key, the password or the token; it never appears in a repr or a message."""

    scheme: Scheme
    secret: str = field(repr=False)
    user: str = ""


@dataclass(frozen=True)
class Endpoint:
    """A server and how to reach it.

    `ca` and `certificate`/`key` are paths of PEM files; `verify` is False only where the file says so; `timeout` is
    how many seconds any one request may take.
    """

    url: str
    credentials: Credentials
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True
    proxy: str | None = None
    timeout: float = 60.0

    @property
    def host(self) -> str:
        """The name of the server's machine."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this very machine."""
        return self.host in LOOPBACK

    @property
    def is_readable_on_the_way(self) -> bool:
        """Whether what is sent there crosses a network in plain text."""
        return self.url.startswith("http:") and not self.is_loopback


@dataclass(frozen=True)
class Limits:
    """What a server is asked to bear at once, and what a push may not exceed without being told to.

    `parallel` requests of a kind at a time (1: one after the other); `batch` objects an import; `prune_count` and
    `prune_percent` bound deletions; `test_events` is how many events the tests of one rule may seed, which does not
    bound the embedded stack.
    """

    parallel: int = 16
    batch: int = 100
    prune_count: int = 10
    prune_percent: float = 30.0
    test_events: int = 10_000


@dataclass(frozen=True)
class Gates:
    """What a promotion to an environment demands, times in seconds; None and 0 demand nothing.

    `verdicts` asks for a passed verdict of each rule, at least `minimum_mutation_score`, not older than `verdict_age`.
    `soak` is how long a rule must have stood in the environment before without a failing run. `approvals` is how many
    people have to stand in `approvals_file`. `signed` asks for a signature under the attestation.
    """

    verdicts: bool = True
    minimum_mutation_score: float | None = None
    verdict_age: int | None = None
    soak: int = 0
    approvals: int = 0
    approvals_file: str = ""
    signed: bool = False


@dataclass(frozen=True)
class Environment:
    """A named environment of `deploy/<name>.yaml`, resolved: secrets read, defaults filled in.

    `overlay` is a merge patch on every rule's payload, `overlays` further ones by folder or rule name; `enabled` is
    what a new rule gets that says nothing of it; `owners` maps a payload field to "git" or "live". `connectors` maps
    the name that a rule.yaml uses to the connector's name here. `embedded` says that it is a local stack of ours.
    `signing_key` signs verdicts that are reached here and promotions to here: an Ed25519 private key in PEM, None where
    none is configured, "" where the one that is was not found. `trusted_keys` are public ones, in PEM, of which a
    promotion to here wants one under each verdict; () takes verdicts as the ledger holds them. `retire_after` are the
    seconds that a retired rule stays, switched off, before a prune may delete it.
    """

    name: str
    kibana: Endpoint
    elasticsearch: Endpoint
    spaces: tuple[str, ...] = ("default",)
    enabled: bool = False
    limits: Limits = field(default_factory=Limits)
    overlay: Mapping[str, Json] = field(default_factory=dict)
    overlays: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    connectors: Mapping[str, str] = field(default_factory=dict)
    gates: Gates = field(default_factory=Gates)
    lock: bool = True
    embedded: bool = False
    signing_key: str | None = field(default=None, repr=False)
    trusted_keys: tuple[str, ...] = ()
    retire_after: int = 30 * 86_400

    @property
    def address(self) -> str:
        """Where its Kibana is, and the spaces: "kibana.example:5601, space default"."""
        parts = urlsplit(self.kibana.url)
        place = f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        return f"{place}, space{'s' if len(self.spaces) > 1 else ''} {', '.join(self.spaces)}"
