"""Replay: what a rule would have done in the past, on an environment's own data."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from entra_deployer.core.errors import ExitCode, InputError, UsageError
from entra_deployer.core.issue import Level
from entra_deployer.core.time import format_moment, parse_duration, parse_moment, parse_span
from entra_deployer.hunts.selection import Selection
from entra_deployer.plan.connection import Connection
from entra_deployer.repository import Repository
from entra_deployer.verify.repeats import schedule
from entra_deployer.verify.replay import Journey
from entra_deployer.verify.replay import replay as run_replay
from entra_deployer.verify.replayed import Replay
from entra_deployer.verify.run import RuleUnderTest
from entra_deployer.verify.verify_rules import make_bench, rules_under_test


@dataclass(frozen=True)
class ReplayRequest:
    """What the user asked for, as typed: times ISO 8601 or like "7d ago"; `every` like 1h, None for the rule's own."""

    name: str
    start: str
    end: str = "now"
    every: str | None = None


def replay_rule(repository: Repository, connection: Connection, request: ReplayRequest) -> Replay:
    """Run one rule at each tick of its schedule. A rule that is not deployed yet is taken as it would be."""
    space = connection.environment.spaces[0]
    bench = make_bench(connection, space)
    now = bench.clock()
    rule = _rule(repository, connection, request.name, space)
    interval, _ = schedule(rule.payload or {})
    every = _step(request.every) if request.every else timedelta(seconds=interval)
    journey = Journey(parse_time(request.start, now), parse_time(request.end, now), every)
    return Replay(
        environment=connection.environment.name,
        rule_id=rule.rule_id,
        name=rule.name,
        start=format_moment(journey.start),
        end=format_moment(journey.end),
        every=every.total_seconds(),
        key_columns=rule.key_columns,
        ticks=run_replay(rule, bench, journey),
    )


def replay_code(_: Replay) -> ExitCode:
    """0: whatever it found, the replay was done."""
    return ExitCode.OK


def _rule(repository: Repository, connection: Connection, name: str, space: str) -> RuleUnderTest:
    compilation = repository.compile(connection.target(space), Selection((name,)))
    desired = {compiled.rule.key: compiled.rule.payload for compiled in compilation.rules}
    found = rules_under_test(compilation, connection, space)
    named = [rule for rule in found if rule.name == name] or found
    if not named:
        first = next(issue for issue in compilation.issues if issue.level is Level.ERROR)
        raise InputError(first.message, location=first.location, hint=first.hint)
    if len(named) > 1:
        names = ", ".join(repr(rule.name) for rule in named)
        raise UsageError(f"{name} holds {len(named)} rules", hint=f"name one of {names}")
    rule = named[0]
    return rule if rule.payload is not None else replace(rule, payload=desired[rule.rule_id])


def parse_time(text: str, now: datetime) -> datetime:
    """A moment: ISO 8601 (UTC where no zone is given), "now", or "7d ago". Raises UsageError for anything else."""
    if text == "now":
        return now
    if text.endswith(" ago"):
        with suppress(ValueError):
            return now - timedelta(seconds=parse_span(text.removesuffix(" ago")))
    if moment := parse_moment(text):
        return moment
    raise UsageError(f"{text!r} is no time", hint='like 2026-11-24, 2026-11-24T10:00Z, or "7d ago"')


def _step(text: str) -> timedelta:
    try:
        return timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no step", hint="like 5m, 1h or 1d") from None
