"""The pushes as one JSON document (docs/life-of-a-rule.md tells its shape)."""

import json

from entra_deployer.model.history import History, NumberedPush
from entra_deployer.model.plan import ChangeResult
from entra_deployer.model.serial import issue_to_json
from entra_deployer.model.values import Json

FORMAT_VERSION = 1


def history_as_json(history: History) -> str:
    """The document, indented, keys in a fixed order, one newline at its end."""
    document = {
        "format_version": FORMAT_VERSION,
        "environment": history.environment,
        "rule": history.rule or None,
        "pushes": [_push(push) for push in history.pushes],
        "older": history.older,
        "issues": [issue_to_json(issue) for issue in history.issues],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


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
