"""Small objects for tests, each with just what a test says of it."""

from entra_deployer.objects import order_of
from entra_deployer.objects.state import RULE, SAVED_SEARCH, LiveObject, State, StateObject


def rule(key="r1", name="Rule one", **fields):
    payload = {
        "rule_id": key,
        "name": name,
        "type": "esql",
        "language": "esql",
        "query": "FROM logs | LIMIT 1",
        "description": "What it finds.",
        "severity": "low",
        "risk_score": 21,
        "enabled": True,
        "tags": ["Managed: entra-deployer"],
        **fields,
    }
    return StateObject(RULE, key, name, {k: v for k, v in payload.items() if v is not None})


def search(key="s1", title="Search one", references=(), **attributes):
    return StateObject(
        SAVED_SEARCH,
        key,
        title,
        {"attributes": {"title": title, "columns": [], **attributes}, "references": list(references)},
    )


def live(one, object_id=None, revision="0", **facts):
    return LiveObject(one, object_id or f"id-{one.key}", revision, **facts)


def state(*objects, space="default"):
    return State(space, tuple(sorted(objects, key=order_of)))
