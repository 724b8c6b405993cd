"""What may stand in `deploy/<environment>.yaml`, and in a file of approvals: types that are the files' schemas too."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from entra_deployer.core.json import Json
from entra_deployer.core.time import DURATION
from entra_deployer.stack.environment import Limits

type _Key[T] = T | UnsetType
"""A key that need not be there."""

_ONE_OF = {"minProperties": 1, "maxProperties": 1}


class _ExactlyOne(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of which exactly one key is there."""

    def __post_init__(self) -> None:
        """Which a schema says by a number of properties."""
        if sum(getattr(self, name) is not UNSET for name in self.__struct_fields__) != 1:
            raise ValueError("must have exactly one of these keys")


class SecretKeys(_ExactlyOne, frozen=True, forbid_unknown_fields=True):
    """Where a secret is found."""

    variable: _Key[
        Annotated[
            str,
            Meta(
                pattern="^[A-Za-z_][A-Za-z0-9_]*$(?!\\n)",
                description="the NAME of an environment variable, not the secret itself",
                extra_json_schema={"writeOnly": True},
            ),
        ]
    ] = UNSET
    file: _Key[Annotated[str, Meta(description="a file that holds the secret alone")]] = UNSET


_WHERE = "{variable: NAME} or {file: PATH}: where the secret is found, not the secret itself"
type _Secret = Annotated[SecretKeys, Meta(description=_WHERE, extra_json_schema={"writeOnly": True, **_ONE_OF})]


class BasicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user and where the password is found."""

    user: str
    password: _Secret


class AuthKeys(_ExactlyOne, frozen=True, forbid_unknown_fields=True):
    """Who we are."""

    api_key: _Key[_Secret] = UNSET
    bearer: _Key[_Secret] = UNSET
    basic: _Key[BasicKeys] = UNSET


type _Auth = Annotated[AuthKeys, Meta(description="api_key, bearer or basic", extra_json_schema=_ONE_OF)]


class ServerKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A server."""

    url: _Key[
        Annotated[
            str,
            Meta(
                pattern="^(https?://[^/ ]+|\\$\\{[A-Za-z_][A-Za-z0-9_]*\\})",
                description="like https://kibana.example.com:5601; ${NAME} stands for a variable of the shell",
            ),
        ]
    ] = UNSET
    auth: _Key[_Auth] = UNSET


class LocalKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A local stack."""

    name: _Key[
        Annotated[
            str,
            Meta(
                pattern="^[a-z0-9][a-z0-9_-]{0,63}$(?!\\n)",
                description="which local stack of the project; without it the environment's own name",
            ),
        ]
    ] = UNSET
    profile: _Key[
        Annotated[Literal["8.12", "8.19", "9.x"], Meta(description="the Kibana that its API speaks like (in quotes)")]
    ] = UNSET
    license: _Key[Annotated[Literal["basic", "platinum"], Meta(description="what its features are licensed for")]] = (
        UNSET
    )


class LimitKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a server is asked to bear at once, and what a push may not exceed."""

    parallel: Annotated[int, Meta(ge=1, le=32)] = Limits.parallel
    batch: Annotated[int, Meta(ge=1, le=1000)] = Limits.batch
    prune_count: Annotated[int, Meta(ge=0)] = Limits.prune_count
    prune_percent: Annotated[float, Meta(ge=0, le=100)] = Limits.prune_percent
    test_events: Annotated[int, Meta(ge=1)] = Limits.test_events


class ApprovalKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which approvals a promotion asks for."""

    file: Annotated[str, Meta(min_length=1, description="the file of approvals, from the project's folder on")]
    count: Annotated[int, Meta(ge=1, description="how many people have to approve")]


class GateKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a promotion to here demands."""

    verdicts: Annotated[
        bool, Meta(description="whether each rule needs a passed verdict, as it does where nothing is said")
    ] = True
    minimum_mutation_score: _Key[
        Annotated[
            float,
            Meta(
                ge=0,
                le=1,
                description="the least share of mutants that the tests tell, from 0 to 1 (deploy verify --mutate)",
            ),
        ]
    ] = UNSET
    verdict_age: _Key[Annotated[str, Meta(pattern=DURATION, description="how old a verdict may be, e.g. 7d")]] = UNSET
    soak: _Key[
        Annotated[
            str,
            Meta(
                pattern=DURATION,
                description="how long a rule must have stood in the environment before without a failing run, e.g. 24h",
            ),
        ]
    ] = UNSET
    approvals: _Key[Annotated[ApprovalKeys, Meta(description="approvals by a file of the repository")]] = UNSET
    signed: Annotated[bool, Meta(description="whether the attestation must be signed")] = False


_Space = Annotated[str, Meta(pattern="^[a-z0-9_-]+$(?!\\n)")]


class EnvironmentFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `deploy` knows of an environment."""

    local: _Key[
        Annotated[LocalKeys, Meta(description="a local stack in place of servers: no kibana, elasticsearch and auth")]
    ] = UNSET
    kibana: _Key[Annotated[ServerKeys, Meta(description="where Kibana answers")]] = UNSET
    elasticsearch: _Key[Annotated[ServerKeys, Meta(description="where Elasticsearch answers")]] = UNSET
    cloud_id: _Key[
        Annotated[
            str,
            Meta(min_length=1, description="the Cloud ID of an Elastic Cloud deployment, in place of the two urls"),
        ]
    ] = UNSET
    auth: _Key[_Auth] = UNSET
    version: _Key[
        Annotated[
            str,
            Meta(
                pattern="^[0-9]{1,4}\\.[0-9]{1,4}(\\.[0-9]{1,4})?$(?!\\n)",
                description="the stack's version, like 8.19, for `deploy check`, which asks no server; "
                "write it in quotes",
            ),
        ]
    ] = UNSET
    spaces: Annotated[
        tuple[_Space, ...],
        Meta(
            min_length=1,
            description="the Kibana spaces to push to, by their ids (lower-case letters, digits, _ and -)",
            extra_json_schema={"uniqueItems": True},
        ),
    ] = ("default",)
    enabled: _Key[Annotated[bool, Meta(description="whether a new rule that says nothing of it starts enabled")]] = (
        UNSET
    )
    ca: _Key[Annotated[str, Meta(description="a PEM file with the certificate authority of both servers")]] = UNSET
    certificate: _Key[Annotated[str, Meta(description="a PEM file with our client certificate")]] = UNSET
    key: _Key[Annotated[str, Meta(description="a PEM file with the key of the client certificate")]] = UNSET
    verify: Annotated[bool, Meta(description="false switches the check of certificates off; every run then warns")] = (
        True
    )
    proxy: _Key[
        Annotated[
            str,
            Meta(
                pattern="^https?://[^/ ]+$(?!\\n)",
                description="the URL of an HTTP proxy, like http://proxy.example.com:3128",
            ),
        ]
    ] = UNSET
    timeout: Annotated[float, Meta(gt=0, le=86400, description="seconds that one request may take")] = 60
    limits: LimitKeys = LimitKeys()
    overlay: Annotated[
        Mapping[str, Json], Meta(description="a merge patch on every rule, in Kibana's field names")
    ] = {}
    overlays: Annotated[
        Mapping[str, Mapping[str, Json]],
        Meta(description="merge patches by hunt folder or rule name, in Kibana's field names"),
    ] = {}
    owners: Annotated[
        Mapping[str, Literal["git", "live"]], Meta(description="who decides on a field of a rule: git or live")
    ] = {}
    connectors: Annotated[
        Mapping[str, str], Meta(description="the name a rule.yaml uses: the connector's name here")
    ] = {}
    gates: Annotated[GateKeys, Meta(description="what a promotion to here demands")] = GateKeys()
    signing_key: _Key[
        Annotated[
            _Secret,
            Meta(
                description="the Ed25519 private key, in PEM, that signs verdicts reached here and promotions to here"
            ),
        ]
    ] = UNSET
    trusted_keys: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="PEM files of Ed25519 public keys: a promotion to here wants one of them under each verdict, "
            "and promote --verify under an attestation"
        ),
    ] = ()
    retire_after: Annotated[
        str,
        Meta(pattern=DURATION, description="how long a retired rule stays, switched off, before a prune deletes it"),
    ] = "30d"
    lock: Annotated[bool, Meta(description="false pushes without the lock that keeps two pushes apart")] = True

    def __post_init__(self) -> None:
        """No space twice."""
        if len(set(self.spaces)) < len(self.spaces):
            raise ValueError("spaces: must not name one thing twice")


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One approval."""

    rule: Annotated[str, Meta(min_length=1, description="the folder of the hunt")]
    digest: Annotated[
        str,
        Meta(
            pattern="^sha256:[0-9a-f]{64}$(?!\\n)",
            description="the digest of the hunt, its rule.yaml and its tests, as `deploy promote --dry-run` shows it",
        ),
    ]
    by: Annotated[str, Meta(min_length=1, description="who approves")]
    note: str = ""


class ApprovalsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who approves of which content."""

    approvals: Annotated[tuple[Approval, ...], Meta(description="who approves of which content")]
