"""The rules that are live: for a person at a terminal, and as one JSON document."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from entra_deployer.core.json import Untyped as Json
from entra_deployer.plan.live_rule import FAILED, OVER, SUCCEEDED, FirstRun, Inventory, LiveRule, RunState
from entra_deployer.plan.report import Report
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.issue_lines import issue_lines
from entra_deployer.reports.json_document import json_document
from entra_deployer.reports.words import counted

_NARROW = 90
_WORD_WIDTH = 12
_STATES = {RunState.MISSING: "none yet", RunState.NOT_DUE: "not due yet", RunState.OFF: "switched off"}
_STYLES = {SUCCEEDED: "green", FAILED: "bold red"}
_INDENT = (0, 0, 0, 4)


def live_rules_as_json(inventory: Inventory) -> str:
    """The document."""
    content = {
        "environment": inventory.environment,
        "rules": [live_rule_to_json(rule) for rule in inventory.rules],
    }
    return json_document(content, inventory.issues)


def live_rule_to_json(rule: LiveRule) -> Json:
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


def live_rules_as_text(inventory: Inventory, *, width: int = 100, colour: bool = False) -> str:
    """A table, on a narrow terminal two lines a rule; what a rule said when it went wrong; the counts at the end."""
    return draw(_lines(inventory, narrow=width < _NARROW), width=width, colour=colour)


def runs_as_text(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """How the first run of each pushed rule went; "" where no enabled rule was pushed."""
    return draw(_run_lines(report.runs, report.environment), width=width, colour=colour) if report.runs else ""


def _run_lines(runs: Sequence[FirstRun], environment: str) -> Iterator[RenderableType]:
    for run in runs:
        sign, word, style = _first_run(run)
        line = Table.grid("", "", Column(overflow="fold"), padding=(0, 1))
        name = Text(run.rule.name)
        if run.state in (RunState.MISSING, RunState.NOT_DUE):
            due = f", due {run.rule.due:%Y-%m-%d %H:%M} UTC" if run.rule.due else ""
            name.append(f"  every {run.rule.interval}{due}", "dim")
        line.add_row(Text(sign, style), Text(f"{word:<{_WORD_WIDTH}}", style), name)
        yield line
        if run.state is RunState.RAN and run.rule.last_run and run.rule.last_run.status != SUCCEEDED:
            yield Padding(Text(run.rule.last_run.message), _INDENT)
    yield Text()
    counts = Counter(_first_run(run)[1] for run in runs)
    told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    bad = {FAILED, _STATES[RunState.MISSING], _STATES[RunState.OFF]}.intersection(counts)
    yield Text(f"First runs: {told}.", "bold red" if bad else "bold green")
    if any(run.state is RunState.MISSING for run in runs):
        yield Text(f"`deploy list {environment}` tells later; a Kibana that runs no rules never will.", "dim")


def _first_run(run: FirstRun) -> tuple[str, str, str]:
    """A sign, a word and a style for the run after the push."""
    if run.state is not RunState.RAN:
        return "·", _STATES[run.state], "yellow" if run.state is RunState.MISSING else "dim"
    word = outcome(run.rule)
    return {SUCCEEDED: "✓", FAILED: "✗"}.get(word, "!"), word, _STYLES.get(word, "yellow")


def _lines(inventory: Inventory, *, narrow: bool) -> Iterator[RenderableType]:
    head = Text(inventory.environment, "bold")
    head.append(f"  {inventory.stack}" if inventory.stack else "", "dim")
    yield head
    if inventory.rules:
        yield Text()
        yield from _stacked(inventory) if narrow else [_table(inventory)]
        yield from _complaints(inventory)
    for issue in inventory.issues:
        yield from issue_lines(issue)
    yield Text()
    yield _closing(inventory)


def _table(inventory: Inventory) -> Table:
    spaces = len({rule.space for rule in inventory.rules}) > 1
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    table.add_column("")
    table.add_column("rule", ratio=1, overflow="fold")
    for title in (*(["space"] if spaces else []), "severity", "last run", "revision", "changed by"):
        table.add_column(title, no_wrap=title != "changed by")
    for rule in inventory.rules:
        table.add_row(
            _switch(rule),
            Text(rule.name, "" if rule.enabled else "dim"),
            *([rule.space] if spaces else []),
            rule.severity,
            _run(rule, inventory.at),
            "" if rule.revision is None else str(rule.revision),
            Text(rule.changed_by, "dim"),
        )
    return table


def _stacked(inventory: Inventory) -> Iterator[RenderableType]:
    for rule in inventory.rules:
        line = _switch(rule)
        line.append(f" {rule.name}", "" if rule.enabled else "dim")
        yield line
        facts = Text()
        facts.append(f"{rule.severity}, ", "dim")
        facts.append_text(_run(rule, inventory.at))
        more = [f"revision {rule.revision}"] if rule.revision is not None else []
        more += [f"space {rule.space}"] if rule.space != "default" else []
        more += [f"by {rule.changed_by}"] if rule.changed_by else []
        facts.append("".join(f", {text}" for text in more), "dim")
        yield Padding(facts, _INDENT)


def _complaints(inventory: Inventory) -> Iterator[RenderableType]:
    """What went wrong in the last runs, each text once, with the rules that it is of."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for rule in inventory.rules:
        run = rule.last_run
        if rule.enabled and run and run.status != SUCCEEDED and run.message:
            names.setdefault((run.status, outcome(rule), run.message), []).append(rule.name)
    for (status, word, message), rules in names.items():
        yield Text()
        yield Text(f"{', '.join(rules)} {word}:", _STYLES.get(status, "yellow"))
        yield Padding(Text(message), _INDENT)


def _switch(rule: LiveRule) -> Text:
    return Text("on ", "green") if rule.enabled else Text("off", "dim")


def outcome(rule: LiveRule) -> str:
    """How the last run went, in a word or two."""
    if rule.last_run is None:
        return "never ran"
    status = rule.last_run.status
    return status if status in (SUCCEEDED, FAILED) or status not in OVER else "warned"


def _run(rule: LiveRule, now: datetime) -> Text:
    if rule.last_run is None:
        return Text(outcome(rule), "dim")
    style = _STYLES.get(rule.last_run.status, "yellow") if rule.enabled else "dim"
    return Text(f"{outcome(rule)} {ago(rule.last_run.at, now)}", style)


def ago(at: datetime, now: datetime) -> str:
    """How long before `now`: "3 min ago"; the date where it is more than a month."""
    seconds = max(0.0, (now - at).total_seconds())
    for unit, size, limit in (("s", 1, 100), ("min", 60, 6000), ("h", 3600, 172800), ("days", 86400, 31 * 86400)):
        if seconds < limit:
            return f"{int(seconds // size)} {unit} ago"
    return f"on {at:%Y-%m-%d}"


def _closing(inventory: Inventory) -> Text:
    rules = inventory.rules
    if not rules:
        return Text(f"No rule of ours is in {inventory.environment}: `deploy push` brings them there.", "bold")
    on = [rule for rule in rules if rule.enabled]
    failed = sum(rule.has_failed for rule in on)
    silent = sum(rule.last_run is None for rule in on)
    parts = [f"{len(on)} on", f"{len(rules) - len(on)} off"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{silent} never ran"] if silent else []
    return Text(f"{counted(len(rules), 'rule')}: {', '.join(parts)}.", "bold red" if failed else "bold green")
