"""What a key must be allowed so that rules can be pushed with it and run afterwards: one table, by version.

Sources: the feature registrations of Kibana 8.12 to 9.4 (ids, and that an older id goes on granting what its successor
does); Elastic's pages on the privileges of detections; what a real Elasticsearch refused to a key without them. A rule
runs with the privileges of the key that pushed it, so the key needs what the rules need.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.facts import FEATURES, SEARCHES_FEATURE, TAGS_FEATURE

APPLICATION = "kibana-.kibana"
"""What Kibana is called among the applications of Elasticsearch's privileges, unless `kibana.index` was changed."""

SOURCE_PRIVILEGES = ("read", "view_index_metadata")
"""What a rule needs of every index that its query reads."""

LEDGER = "entra-deployer-ledger"
LEDGER_PRIVILEGES = ("create_index", "read", "view_index_metadata", "write")

VERIFY = "entra-deployer-verify-*"
VERIFY_PRIVILEGES = ("manage", "read", "write")
"""What `deploy verify --on ENV` needs of the indices that it makes for its events and removes again."""

ALERTS_PRIVILEGES = ("maintenance", "read", "view_index_metadata", "write")
PREVIEW_PRIVILEGES = ("read",)

CLUSTER_PRIVILEGES = ("monitor",)
"""To ask Elasticsearch for its version and license."""

ENRICH_PRIVILEGE = "monitor_enrich"
"""For the queries that use an ENRICH policy. Source: Elastic's page on the privileges of ES|QL."""


MANAGEMENT = "feature_savedObjectsManagement.all"
"""Grants saved searches and tags as well."""

CONNECTORS = "feature_actions.read"
"""To name connectors in a rule's actions."""


def wanted(version: StackVersion, *, actions: bool) -> dict[str, tuple[str, ...]]:
    """What must be allowed in Kibana, and the privileges of which one is enough."""
    found = {feature.about: feature.granting(version) for feature in FEATURES}
    for feature in (SEARCHES_FEATURE, TAGS_FEATURE):
        found[feature.about] += (MANAGEMENT,)
    if actions:
        found["connectors"] = (CONNECTORS, "feature_actions.all")
    return found


def alerts_indices(space: str) -> tuple[str, ...]:
    """Where the alerts of a space's rules are."""
    return (f".alerts-security.alerts-{space}", f".internal.alerts-security.alerts-{space}-*")


def preview_indices(space: str) -> tuple[str, ...]:
    """Where Kibana's rule preview of a space writes."""
    return (f".preview.alerts-security.alerts-{space}", f".internal.preview.alerts-security.alerts-{space}-*")


class Reads(Struct, frozen=True):
    """What rules read, as a role names it, sorted and each once.

    `local` are patterns of this cluster, `remote` those of others by their aliases, `joined` the indices of LOOKUP
    JOIN; `enriches` says whether a query uses an ENRICH policy.
    """

    local: tuple[str, ...] = ()
    remote: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    enriches: bool = False


def read_by(sources: Iterable[str], joined: Iterable[str] = (), *, enriches: bool = False) -> Reads:
    """What is read by queries whose FROM name these `sources`.

    An exclusion (`-logs-x`) is not read. Date math (`<logs-{now/d}>`) stands for names that change: a pattern with `*`
    does in a role. A selector (`logs::data`) is no part of a name.
    """
    by_cluster: dict[str, set[str]] = {}
    for source in sources:
        cluster, name = _split(source)
        if not name.startswith("-"):
            by_cluster.setdefault(cluster, set()).add(_DATE_MATH.sub("*", name.strip("<>")).partition("::")[0])
    local = tuple(sorted(by_cluster.pop("", ())))
    remote = {cluster: tuple(sorted(names)) for cluster, names in sorted(by_cluster.items())}
    return Reads(local, remote, tuple(sorted(set(joined))), enriches)


_DATE_MATH = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)?\}")
_REMOTE = re.compile(r"^([^:<>]+):(?!:)(.+)$")


def _split(source: str) -> tuple[str, str]:
    """The alias of the cluster that a source is on, "" for this one, and its name there."""
    found = _REMOTE.match(source)
    return (found[1], found[2]) if found else ("", source)


def least_role(version: StackVersion, spaces: Sequence[str], reads: Reads, *, actions: bool) -> Mapping[str, Json]:
    """The least role for pushing and verifying: the body of `POST /_security/role/<name>`.

    The same stands under a name of its own in an API key's `role_descriptors`. `reads` is what the rules read.
    """
    features = [name for feature in FEATURES for name in feature.for_role(version)]
    here = (*reads.local, *reads.joined)
    indices: list[tuple[Sequence[str], Sequence[str]]] = [(here, SOURCE_PRIVILEGES)] if here else []
    for space in spaces:
        indices.append((alerts_indices(space), ALERTS_PRIVILEGES))
        indices.append((preview_indices(space), PREVIEW_PRIVILEGES))
    indices += [((LEDGER,), LEDGER_PRIVILEGES), ((VERIFY,), VERIFY_PRIVILEGES)]
    elsewhere = {
        "remote_indices": [
            {"clusters": [cluster], "names": list(names), "privileges": list(SOURCE_PRIVILEGES)}
            for cluster, names in reads.remote.items()
        ]
    }
    return {
        "cluster": [*CLUSTER_PRIVILEGES, *([ENRICH_PRIVILEGE] if reads.enriches else [])],
        "indices": [{"names": list(names), "privileges": list(wanted)} for names, wanted in indices],
        "applications": [
            {
                "application": APPLICATION,
                "privileges": features + ([CONNECTORS] if actions else []),
                "resources": [f"space:{space}" for space in spaces],
            }
        ],
        **(elsewhere if reads.remote else {}),
    }
