"""The fields of an ES|QL rule in Kibana's API: what it fills in, what it sets by itself, who owns what, and since when.

Source: Kibana's rule schemas of 8.12 to 9.x, and what a real Kibana 8.12.2 answered to requests that left them out.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from entra_deployer import facts
from entra_deployer.core.json import Json, as_int, canonical, same
from entra_deployer.core.target import StackVersion
from entra_deployer.facts import Since


class Owner(StrEnum):
    """Who decides on a field's value when the two differ."""

    GIT = "git"
    LIVE = "live"


@dataclass(frozen=True)
class RuleField:
    """One field of the payload.

    `default` is what a server makes of a field that was not sent (None: it stays absent); `written` tells which
    versions take it by create and update (None: all), `imported` whether all take it by `_import`.
    """

    name: str
    default: Json = None
    owner: Owner = Owner.GIT
    written: Since | None = None
    imported: bool = False

    def writable(self, version: StackVersion) -> bool:
        """Whether create and update of that version keep the field."""
        return self.written is None or self.written.holds(version)

    def importable(self, version: StackVersion) -> bool:
        """Whether `_import` of that version keeps the field."""
        return self.imported or self.writable(version)


RULE_FIELDS: Mapping[str, RuleField] = {
    field.name: field
    for field in (
        RuleField("rule_id"),
        RuleField("type"),
        RuleField("language"),
        RuleField("name"),
        RuleField("description"),
        RuleField("query"),
        RuleField("severity"),
        RuleField("risk_score"),
        RuleField("enabled", owner=Owner.LIVE),
        RuleField("tags", []),
        RuleField("interval", "5m"),
        RuleField("from", "now-6m"),
        RuleField("to", "now"),
        RuleField("max_signals", 100),
        RuleField("alert_suppression", written=facts.SUPPRESSION),
        RuleField("author", []),
        RuleField("license", ""),
        RuleField("references", []),
        RuleField("false_positives", []),
        RuleField("note", ""),
        RuleField("setup", "", written=facts.SETUP_WRITTEN, imported=True),
        RuleField("threat", []),
        RuleField("related_integrations", [], written=facts.LISTS_WRITTEN, imported=True),
        RuleField("required_fields", [], written=facts.LISTS_WRITTEN, imported=True),
        RuleField("investigation_fields"),
        RuleField("risk_score_mapping", []),
        RuleField("severity_mapping", []),
        RuleField("rule_name_override"),
        RuleField("timestamp_override"),
        RuleField("timestamp_override_fallback_disabled", False),  # noqa: FBT003 - a default, not a switch
        RuleField("timeline_id"),
        RuleField("timeline_title"),
        RuleField("building_block_type"),
        RuleField("output_index", ""),
        RuleField("namespace"),
        RuleField("actions", [], owner=Owner.LIVE),
        RuleField("exceptions_list", [], owner=Owner.LIVE),
        RuleField("response_actions", owner=Owner.LIVE, written=facts.RESPONSE_ACTIONS),
    )
}

REPEATED = ("threat", "required_fields", "investigation_fields", "related_integrations", "tags", "meta", "references")
"""Fields that take the most room, and that a rule has as often as it is held, or many rules have in common."""
SERVER_SET = frozenset(
    {
        "id",
        "immutable",
        "rule_source",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "revision",
        "execution_summary",
        "outcome",
        "alias_target_id",
        "alias_purpose",
    }
)
"""Fields of an answer that no request may set, or that mean nothing in one."""

KEPT_ALWAYS = frozenset({"version", "meta", "throttle"})
"""Fields that the server or its UI keeps for itself: carried along from the live rule, never compared."""

COUNTED = frozenset({"version"})
"""Those of them that the server counts up at each write: what a push left of a rule is without them."""


def is_default(name: str, value: Json) -> bool:
    """Whether a field that holds `value` says no more than one that was never sent."""
    field = RULE_FIELDS.get(name)
    return value is None or (field is not None and same(field.default, value))


def max_signals(payload: Mapping[str, Json]) -> int:
    """How many alerts one run of a rule may make."""
    return as_int(payload.get("max_signals", RULE_FIELDS["max_signals"].default))


WITNESS = "entra_deployer"
"""Our part of a rule's `meta`: the rule_id that it was pushed under, and the digest of the rule as the push left it.

An edit in Kibana's UI drops it, and a copy that is made there bears that of its original.
"""


def is_witnessed(name: str) -> bool:
    """Whether a field is in the digest: one that a push decides on by default. Tags are not, which analysts add."""
    return name in _WITNESSED


_WITNESSED = frozenset(one.name for one in RULE_FIELDS.values() if one.owner is Owner.GIT and one.name != "tags")


def rule_digest(payload: Mapping[str, Json]) -> str:
    """The digest of what a push decides on of a rule: not of what the live stack owns, nor of its tags."""
    ours = {name: value for name, value in payload.items() if is_witnessed(name) and not is_default(name, value)}
    return f"sha256:{hashlib.sha256(canonical(ours).encode()).hexdigest()}"


def with_witness(payload: Mapping[str, Json], digest: str = "") -> dict[str, Json]:
    """The payload with its rule_id and its own digest in `meta`, which is `digest` where that is known."""
    witness = {"rule_id": payload["rule_id"], "digest": digest or rule_digest(payload)}
    return {**payload, "meta": {**_meta(payload), WITNESS: witness}}


def witness_of(payload: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a rule's `meta` says of its last push, {} where it says nothing."""
    found = _meta(payload).get(WITNESS)
    return found if isinstance(found, Mapping) else {}


def is_as_pushed(payload: Mapping[str, Json]) -> bool:
    """Whether a rule bears the digest of what it is: nobody changed it since a push, whoever pushed it from where."""
    return witness_of(payload).get("digest") == rule_digest(payload)


def _meta(payload: Mapping[str, Json]) -> Mapping[str, Json]:
    meta = payload.get("meta")
    return meta if isinstance(meta, Mapping) else {}
