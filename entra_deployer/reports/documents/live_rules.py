"""The rules of ours that are live, and the first runs of those that were pushed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from entra_deployer.core.json import Json
from entra_deployer.plan.live_rule import FAILED, OVER, SUCCEEDED, FirstRun, Inventory, LiveRule, RunState
from entra_deployer.reports.document import (
    Block,
    Case,
    Cell,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Line,
    Span,
    Table,
    Tone,
    issue_faults,
    words,
)
from entra_deployer.reports.words import counted

_NARROW = 90
_WORD_WIDTH = 12
_STATES = {RunState.MISSING: "none yet", RunState.NOT_DUE: "not due yet", RunState.OFF: "switched off"}
_TONES = {SUCCEEDED: Tone.GOOD, FAILED: Tone.VERY_BAD}
_INDENT = 4


def live_rules_document(inventory: Inventory) -> Document:
    """A table, or two lines a rule; what a rule said when it went wrong; the counts."""
    return Document(
        name="list",
        title=inventory.environment,
        stack=inventory.stack,
        blocks=tuple(_blocks(inventory)),
        summary=_summary(inventory),
        summary_tone=None if inventory.rules else Tone.STRONG,
        is_good=not any(rule.enabled and rule.has_failed for rule in inventory.rules),
        content={
            "environment": inventory.environment,
            "rules": [live_rule_to_json(rule) for rule in inventory.rules],
        },
        issues=inventory.issues,
        cases=(*_cases(inventory),),
    )


def live_rule_to_json(rule: LiveRule) -> dict[str, Json]:
    """One rule; times are ISO 8601, `last_run` is null before the first."""
    run = rule.last_run
    return {
        "space": rule.space,
        "rule_id": rule.rule_id,
        "name": rule.name,
        "enabled": rule.enabled,
        "severity": rule.severity,
        "interval": rule.interval,
        "revision": rule.revision,
        "changed_at": rule.changed_at.isoformat() if rule.changed_at else None,
        "changed_by": rule.changed_by or None,
        "last_run": {"at": run.at.isoformat(), "status": run.status, "message": run.message} if run else None,
    }


def run_lines(runs: Sequence[FirstRun], environment: str) -> Iterator[Line]:
    """How the first run of each pushed rule went, and the counts."""
    for run in runs:
        sign, word, tone = _first_run(run)
        about = ""
        if run.state in (RunState.MISSING, RunState.NOT_DUE):
            due = f", due {run.rule.due:%Y-%m-%d %H:%M} UTC" if run.rule.due else ""
            about = f"  every {run.rule.interval}{due}"
        lead = (Span(sign, tone), Span(f"{word:<{_WORD_WIDTH}}", tone))
        yield Line(words(run.rule.name, (about, Tone.DIM)), lead=lead)
        if run.state is RunState.RAN and run.rule.last_run and run.rule.last_run.status != SUCCEEDED:
            yield Line(words(run.rule.last_run.message), _INDENT)
    yield Line(())
    counts = Counter(_first_run(run)[1] for run in runs)
    told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    bad = {FAILED, _STATES[RunState.MISSING], _STATES[RunState.OFF]}.intersection(counts)
    yield Line(words((f"First runs: {told}.", Tone.VERY_BAD if bad else Tone.VERY_GOOD)))
    if any(run.state is RunState.MISSING for run in runs):
        hint = f"`deploy list {environment}` tells later; a Kibana that runs no rules never will."
        yield Line(words((hint, Tone.DIM)))


def outcome(rule: LiveRule) -> str:
    """How the last run went, in a word or two."""
    if rule.last_run is None:
        return "never ran"
    status = rule.last_run.status
    return status if status in (SUCCEEDED, FAILED) or status not in OVER else "warned"


def ago(at: datetime, now: datetime) -> str:
    """How long before `now`: "3 min ago"; the date where it is more than a month."""
    seconds = max(0.0, (now - at).total_seconds())
    for unit, size, limit in (("s", 1, 100), ("min", 60, 6000), ("h", 3600, 172800), ("days", 86400, 31 * 86400)):
        if seconds < limit:
            return f"{int(seconds // size)} {unit} ago"
    return f"on {at:%Y-%m-%d}"


def _first_run(run: FirstRun) -> tuple[str, str, Tone]:
    """A sign, a word and a tone for the run after the push."""
    if run.state is not RunState.RAN:
        return "·", _STATES[run.state], Tone.DOUBT if run.state is RunState.MISSING else Tone.DIM
    word = outcome(run.rule)
    return {SUCCEEDED: "✓", FAILED: "✗"}.get(word, "!"), word, _TONES.get(word, Tone.DOUBT)


def _blocks(inventory: Inventory) -> Iterator[Block]:
    if inventory.rules:
        yield Gap()
        yield _table(inventory)
        yield from _complaints(inventory)
    if inventory.issues:
        yield Issues(inventory.issues)
    yield Gap()


def _table(inventory: Inventory) -> Table:
    spaces = len({rule.space for rule in inventory.rules}) > 1
    columns = ("", "rule", *(("space",) if spaces else ()), "severity", "last run", "revision", "changed by")
    rows = []
    for rule in inventory.rules:
        row = [words(_switch(rule)), words((rule.name, Tone.PLAIN if rule.enabled else Tone.DIM))]
        row += [words(rule.space)] if spaces else []
        row += [words(rule.severity), words(_run(rule, inventory.at))]
        row += [words("" if rule.revision is None else str(rule.revision)), words((rule.changed_by, Tone.DIM))]
        rows.append(tuple(map(Cell, row)))
    return Table(tuple(rows), columns, wide=1, narrow=_NARROW, instead=tuple(_stacked(inventory)))


def _stacked(inventory: Inventory) -> Iterator[Line]:
    for rule in inventory.rules:
        name = (f" {rule.name}", Tone.PLAIN if rule.enabled else Tone.DIM)
        yield Line(words(_switch(rule), name))
        more = [f"revision {rule.revision}"] if rule.revision is not None else []
        more += [f"space {rule.space}"] if rule.space != "default" else []
        more += [f"by {rule.changed_by}"] if rule.changed_by else []
        rest = "".join(f", {text}" for text in more)
        yield Line(words((f"{rule.severity}, ", Tone.DIM), _run(rule, inventory.at), (rest, Tone.DIM)), _INDENT)


def _complaints(inventory: Inventory) -> Iterator[Block]:
    """What went wrong in the last runs, each text once, with the rules that it is of."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for rule in inventory.rules:
        run = rule.last_run
        if rule.enabled and run and run.status != SUCCEEDED and run.message:
            names.setdefault((run.status, outcome(rule), run.message), []).append(rule.name)
    for (status, word, message), rules in names.items():
        yield Gap()
        yield Line(words((f"{', '.join(rules)} {word}:", _TONES.get(status, Tone.DOUBT))))
        yield Line(words(message), _INDENT)


def _switch(rule: LiveRule) -> Span:
    return Span("on ", Tone.GOOD) if rule.enabled else Span("off", Tone.DIM)


def _run(rule: LiveRule, now: datetime) -> Span:
    if rule.last_run is None:
        return Span(outcome(rule), Tone.DIM)
    tone = _TONES.get(rule.last_run.status, Tone.DOUBT) if rule.enabled else Tone.DIM
    return Span(f"{outcome(rule)} {ago(rule.last_run.at, now)}", tone)


def _summary(inventory: Inventory) -> str:
    rules = inventory.rules
    if not rules:
        return f"No rule of ours is in {inventory.environment}: `deploy push` brings them there."
    on = [rule for rule in rules if rule.enabled]
    failed = sum(rule.has_failed for rule in on)
    silent = sum(rule.last_run is None for rule in on)
    parts = [f"{len(on)} on", f"{len(rules) - len(on)} off"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{silent} never ran"] if silent else []
    return f"{counted(len(rules), 'rule')}: {', '.join(parts)}."


def _cases(inventory: Inventory) -> Iterator[Case]:
    if inventory.issues:
        yield Case(inventory.environment, "read", issue_faults(inventory.issues))
    for rule in inventory.rules:
        message = rule.last_run.message if rule.last_run else ""
        failed = rule.enabled and rule.has_failed
        faults = (Fault(FaultKind.FAILURE, outcome(rule), message),) if failed else ()
        yield Case(rule.rule_id, rule.name, faults, "" if failed else " ".join((outcome(rule), message)).strip())
