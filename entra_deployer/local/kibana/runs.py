"""Executions of rules: previews (records 664-734), deployed ones by a route of our own, or by a clock where asked for.

The real one runs a deployed rule by an API key of whoever changed it last. Here the route's caller stands in for that,
and the server's own account where the clock runs it.
"""

import threading
import time
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from entra_deployer.core.json import Json
from entra_deployer.local.kibana import rule_routes, rules, things
from entra_deployer.local.kibana.alerts import Book, Run
from entra_deployer.local.kibana.auth import RULES_ALL
from entra_deployer.local.kibana.datemath import duration, iso, parse
from entra_deployer.local.kibana.errors import ElasticsearchDown, core, detection, unauthorized
from entra_deployer.local.kibana.executor import Outcome, execute
from entra_deployer.local.kibana.rule_schema import rule_body
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import Kind, number, text
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import RULES, Conflict, Stored

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
    things.require_space(kibana, call.space)
    call.must(RULES_ALL, detection(403, {"errors": [rule_routes.NO_LIST]}))
    count = msgspec.convert(body["invocationCount"], float)
    if count < 1:
        return _not_run("Invalid invocation count")
    if not _may_read(kibana, call):
        return _not_run(UNREADABLE)
    end, step = _schedule(body)
    preview_id = str(uuid.uuid4())
    made = rules.made(body, kibana.profile, call.user.name, kibana.clock())
    rule = {**made, "id": preview_id, "enabled": True}
    logs: list[Json] = []
    aborted, began = False, time.monotonic()
    for place in reversed(range(int(count))):
        started_at = end - step * place
        log, outcome = _run_once(kibana, call, rule, started_at)
        logs.append(log)
        aborted = time.monotonic() - began > TIME_OUT
        if outcome.errors or aborted:
            break
    return Answer({"previewId": preview_id, "logs": logs, "isAborted": aborted})


def _run_once(kibana: Kibana, call: Call, rule: Rule, started_at: datetime) -> tuple[Json, Outcome]:
    began = time.monotonic()
    book = Book.of(call.space, preview=True)
    outcome = execute(kibana, Run(rule, call.space, book, started_at, call.user.authorization))
    log: dict[str, Json] = {
        "errors": outcome.errors,
        "warnings": outcome.warnings,
        "startedAt": iso(started_at),
        "duration": int((time.monotonic() - began) * 1000),
    }
    return log, outcome


def _schedule(body: Rule) -> tuple[datetime, timedelta]:
    end = parse(str(body["timeframeEnd"]))
    if end is None:
        raise detection(500, {"errors": ["forceNow must be a valid Date"]})
    interval = str(body.get("interval", "5m"))
    step = duration(interval)
    if step is None:
        form = "Durations must be of the form {number}x. Example: 5s, 5m, 5h or 5d"
        raise detection(500, {"errors": [f'Invalid duration "{interval}". {form}"']})
    return end, step


class _Asked(msgspec.Struct, frozen=True):
    has_all_requested: bool


def _may_read(kibana: Kibana, call: Call) -> bool:
    book = Book.of(call.space, preview=True)
    names = [book.alias, book.index.removesuffix("000001") + "*"]
    wanted = {"index": [{"names": names, "privileges": ["read"]}]}
    reply = kibana.elastic.call("POST", "/_security/user/_has_privileges", wanted, caller=call.user.authorization)
    return reply.ok and reply.read(_Asked).has_all_requested


def _not_run(error: str) -> Answer:
    return Answer({"logs": [{"errors": [error], "warnings": [], "duration": 0}]})


ORDER: Final = {"succeeded": 0, "running": 15, "partial failure": 20, "failed": 30}
TICK: Final = 1.0  # seconds between two looks for rules that are due


def run_rule(kibana: Kibana, call: Call) -> Answer:
    """POST /local/rules/run {rule_id, at}: run a rule as if it were `at` (ISO 8601; now without it)."""
    body = call.fields
    asked = body.get("at")
    at = parse(asked) if isinstance(asked, str) else kibana.clock()
    if at is None or not isinstance(body.get("rule_id"), str):
        raise core(400, "[request body]: expected {rule_id, at}, at being an ISO date")
    stored = rule_routes.existing(kibana, call, body)
    call.must(RULES_ALL, unauthorized("runSoon"))
    outcome = run(kibana, call.space, stored, at, call.user.authorization)
    told = {"status": _status(outcome), "errors": outcome.errors, "warnings": outcome.warnings}
    return Answer({**told, "created": outcome.created})


def run(kibana: Kibana, space: str, stored: Stored, at: datetime, caller: str | None) -> Outcome:
    """Run a rule once, write its alerts and note in the rule how it went."""
    rule = stored.part("rule")
    _note(kibana, stored.id, _running(at))
    outcome = execute(kibana, Run(rule, space, Book.of(space, preview=False), at, caller))
    _note(kibana, stored.id, _summary(outcome, at))
    return outcome


def _note(kibana: Kibana, object_id: str, summary: Json) -> None:
    """Let a rule, which may be changed or deleted meanwhile, say how its last execution stands."""
    while now := kibana.store.get(RULES, object_id):
        with suppress(Conflict):
            kibana.store.note(RULES, now.id, {**now.source, "summary": summary}, now)
            return


def _status(outcome: Outcome) -> str:
    return "failed" if outcome.errors else "partial failure" if outcome.warnings else "succeeded"


def _running(at: datetime) -> Json:
    """What a rule says while it runs."""
    return {"date": iso(at), "status": "running", "status_order": ORDER["running"], "message": "", "metrics": {}}


def _summary(outcome: Outcome, at: datetime) -> Json:
    status = _status(outcome)
    said = outcome.errors or list(dict.fromkeys(outcome.warnings)) or ["Rule execution completed successfully"]
    times = {"total_search_duration_ms": outcome.search_ms, "total_indexing_duration_ms": outcome.indexing_ms}
    metrics = times if outcome.searched else {}
    return {
        "date": iso(at),
        "status": status,
        "status_order": ORDER[status],
        "message": "\n\n".join(said),
        "metrics": metrics,
    }


class Scheduler:
    """Runs enabled rules at their interval, in a thread of its own."""

    def __init__(self, kibana: Kibana) -> None:
        self._kibana = kibana
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="rules", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the rule that is running."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(TICK):
            try:
                run_due(self._kibana)
            except ElasticsearchDown:
                continue  # the next look may find it again


def run_due(kibana: Kibana) -> int:
    """Run every enabled rule that is new, was switched on, or whose interval has passed; how many."""
    now, count = kibana.clock(), 0
    names = ["default", *(str(stored.part("body")["id"]) for stored in things.every(kibana, things.SPACE))]
    for space in names:
        for stored in rules.every(kibana, space, "alert.attributes.enabled: true"):
            if _is_due(stored, now):
                run(kibana, space, stored, now, None)
                count += 1
    return count


def _is_due(stored: Stored, now: datetime) -> bool:
    summary, step = stored.part("summary"), duration(str(stored.part("rule")["interval"]))
    last, switched_on = parse(str(summary.get("date"))), parse(str(stored.source.get("switched_on")))
    if last is None or (switched_on and last < switched_on):
        return True
    return step is not None and last + step <= now
