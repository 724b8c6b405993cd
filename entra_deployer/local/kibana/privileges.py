"""What a caller may do: Kibana's privileges are application privileges of Elasticsearch, which it registers there.

The actions are our own and coarse; the names of the privileges are Kibana's, so that a role or an API key that is made
for a real stack has the same reach here (API facts, 6).
"""

from typing import Final

from entra_deployer.local.kibana.elastic import Elastic

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


def _held(elastic: Elastic, authorization: str, space: str) -> frozenset[str]:
    resource = f"space:{space}"
    wanted = [{"application": APPLICATION, "resources": [resource], "privileges": list(EVERYTHING)}]
    reply = elastic.call("POST", "/_security/user/_has_privileges", {"application": wanted}, caller=authorization)
    if not reply.ok:
        return frozenset()
    rights = reply.body["application"][APPLICATION][resource]
    return frozenset(name for name, has in rights.items() if has)
