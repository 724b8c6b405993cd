"""The pushes as one JSON document (docs/life-of-a-rule.md tells its shape)."""

from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.entry import History, NumberedPush
from entra_deployer.plan.plan import ChangeResult
from entra_deployer.reports.json_document import json_document


def history_as_json(history: History) -> str:
    """The document."""
    content = {
        "environment": history.environment,
        "rule": history.rule or None,
        "pushes": [_push(push) for push in history.pushes],
        "older": history.older,
    }
    return json_document(content, history.issues)


def _push(push: NumberedPush) -> Json:
    entry = push.entry
    return {
        "number": push.number,
        "at": entry.at,
        "by": entry.by,
        "commit": entry.commit or None,
        "note": entry.note or None,
        "state": entry.state.value,
        "changes": [_change(result) for result in entry.results],
    }


def _change(result: ChangeResult) -> Json:
    change = result.change
    return {
        "action": change.action.value,
        "object": change.kind.value,
        "space": change.space,
        "key": change.key,
        "name": change.name,
        "result": result.outcome.value,
        "error": result.error or None,
        "diffs": [{"path": diff.path, "before": diff.existing, "after": diff.desired} for diff in change.diffs],
    }
