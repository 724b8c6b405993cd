"""POST /api/detection_engine/rules/preview (records 664-734)."""

import time
import uuid
from datetime import datetime, timedelta
from typing import Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana import rule_routes, rules, spaces
from entra_deployer.local.kibana.alerts import Book, Run
from entra_deployer.local.kibana.datemath import duration, iso, parse
from entra_deployer.local.kibana.errors import detection
from entra_deployer.local.kibana.executor import Outcome, execute
from entra_deployer.local.kibana.privileges import RULES_ALL
from entra_deployer.local.kibana.rule_schema import rule_body
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import Kind, number, text
from entra_deployer.local.kibana.server import Answer, Call, Kibana

TIME_OUT: Final = 60.0
UNREADABLE: Final = (
    'Missing "read" privileges for the ".preview.alerts-security.alerts" or ".internal.preview.alerts-security.alerts" '
    "indices. Without these privileges you cannot use the Rule Preview feature."
)


def preview(kibana: Kibana, call: Call) -> Answer:
    """The route: a rule that is not deployed runs for some consecutive schedules; bad queries are in the log."""
    more: dict[str, Kind] = {"invocationCount": number(integer=False), "timeframeEnd": text()}
    body = rules.validated(rule_body(kibana.profile, more=more), call.body)
    problems = rules.pair_problems(body)
    if problems:
        raise detection(400, {"errors": problems})
    spaces.require(kibana, call.space)
    call.must(RULES_ALL, detection(403, {"errors": [rule_routes.NO_LIST]}))
    if body["invocationCount"] < 1:
        return _not_run("Invalid invocation count")
    if not _may_read(kibana, call):
        return _not_run(UNREADABLE)
    end, step = _schedule(body)
    preview_id = str(uuid.uuid4())
    rule = rules.made(body, kibana.profile, call.user.name, kibana.clock())
    rule |= {"id": preview_id, "enabled": True}
    logs: list[Json] = []
    aborted, began = False, time.monotonic()
    for place in range(int(body["invocationCount"])):
        started_at = end - step * (int(body["invocationCount"]) - 1 - place)
        log, outcome = _run(kibana, call, rule, started_at)
        logs.append(log)
        aborted = time.monotonic() - began > TIME_OUT
        if outcome.errors or aborted:
            break
    return Answer({"previewId": preview_id, "logs": logs, "isAborted": aborted})


def _run(kibana: Kibana, call: Call, rule: Rule, started_at: datetime) -> tuple[Json, Outcome]:
    began = time.monotonic()
    book = Book.of(call.space, preview=True)
    outcome = execute(kibana, Run(rule, call.space, book, started_at, call.user.authorization))
    log = {
        "errors": outcome.errors,
        "warnings": outcome.warnings,
        "startedAt": iso(started_at),
        "duration": int((time.monotonic() - began) * 1000),
    }
    return log, outcome


def _schedule(body: Rule) -> tuple[datetime, timedelta]:
    end = parse(body["timeframeEnd"])
    if end is None:
        raise detection(500, {"errors": ["forceNow must be a valid Date"]})
    interval = body.get("interval", "5m")
    step = duration(interval)
    if step is None:
        form = "Durations must be of the form {number}x. Example: 5s, 5m, 5h or 5d"
        raise detection(500, {"errors": [f'Invalid duration "{interval}". {form}"']})
    return end, step


def _may_read(kibana: Kibana, call: Call) -> bool:
    book = Book.of(call.space, preview=True)
    names = [book.alias, book.index.removesuffix("000001") + "*"]
    wanted = {"index": [{"names": names, "privileges": ["read"]}]}
    reply = kibana.elastic.call("POST", "/_security/user/_has_privileges", wanted, caller=call.user.authorization)
    return bool(reply.ok and reply.body["has_all_requested"])


def _not_run(error: str) -> Answer:
    return Answer({"logs": [{"errors": [error], "warnings": [], "duration": 0}]})
