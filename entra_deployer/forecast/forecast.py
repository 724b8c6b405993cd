"""Forecast: each rule as it stands and as it would stand, run at its own schedule over the last days. Reads only."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import ExitCode, Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.time import format_moment
from entra_deployer.esql.columns import sources
from entra_deployer.forecast.figures import Figures, difference, figures_of, flood, shares
from entra_deployer.forecast.runs import MOST_AT_ONCE, OutOfTime, Runner
from entra_deployer.forecast.trial import Trial, make_trial
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects import KINDS
from entra_deployer.objects.state import RULE
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.report import Report
from entra_deployer.repository import Repository
from entra_deployer.verify.current import read_standing

LEAST_RUNS = 24
_DECIDING = ("query", "from", "to", "interval", "max_signals", "alert_suppression", "timestamp_override",
             "timestamp_override_fallback_disabled")  # fmt: skip


@dataclass(frozen=True)
class ForecastRequest:
    """Which rules, over how many days, and what it may cost.

    The whole takes about `seconds` at most. `budget` is how many seconds one run of a rule may take, None for any.
    `progress` is told how many rules are done, and of how many.
    """

    selection: Selection = ALL
    days: float = 7
    seconds: float = 300
    budget: float | None = None
    progress: Callable[[int, int], None] = lambda _done, _total: None


class Step(StrEnum):
    """What a push would do with a rule."""

    CREATE = "create"
    UPDATE = "update"
    NONE = "none"


@dataclass(frozen=True)
class RuleForecast:
    """One rule. `events` are those that its source has in the days, None where there is no such source.

    `before` is the rule as it stands, None where it does not; `after` as it would. `appear` and `vanish` are entities
    that only one of the two alerts on; `flood` is how many alerts the first run after the push makes at once. `error`
    says why there is no forecast, or none of a part; `lacking` are fields that it reads and no event there has.
    """

    rule_id: str
    name: str
    step: Step
    source: str
    events: int | None = None
    before: Figures | None = None
    after: Figures | None = None
    appear: tuple[str, ...] = ()
    vanish: tuple[str, ...] = ()
    flood: int = 0
    error: str = ""
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """The rules of one space of an environment, in their order, over the days from `start` to `end` (ISO 8601)."""

    environment: str
    stack: str
    start: str
    end: str
    days: float
    budget: float | None
    rules: tuple[RuleForecast, ...]
    issues: tuple[Issue, ...] = ()

    def over_budget(self, rule: RuleForecast) -> bool:
        """Whether a run of the rule takes longer than it may."""
        return self.budget is not None and rule.after is not None and rule.after.slowest_ms > self.budget * 1000


def forecast_code(found: Forecast) -> ExitCode:
    """1 where a rule could not be looked at; 2 where one is over the budget; else 0."""
    if any(issue.level is Level.ERROR for issue in found.issues) or any(rule.error for rule in found.rules):
        return ExitCode.FAILED
    return ExitCode.DIFFERENT if any(map(found.over_budget, found.rules)) else ExitCode.OK


def forecast(
    repository: Repository, connection: Connection, request: ForecastRequest, *, only: Collection[str] | None = None
) -> Forecast:
    """Run both versions of each rule over the environment's own data. Writes nothing.

    With `only` it is the rules with these rule_ids alone.
    """
    environment = connection.environment
    space = environment.spaces[0]
    compilation = repository.compile(connection.target(space), request.selection)
    payloads = {key: live.object.payload for key, live in read_standing(compilation, connection, space).items()}
    now, version = connection.elastic.now(), connection.elastic.version()
    make = partial(make_trial, version=version, now=now, days=request.days, embedded=environment.embedded)
    rules = [rule for rule in compilation.rules if only is None or rule.rule.key in only]
    subjects = [Subject.of(rule, payloads.get(rule.rule.key), make) for rule in rules]
    parallel = min(environment.limits.parallel, MOST_AT_ONCE)
    with Runner(connection.elastic, parallel, time.monotonic() + request.seconds) as runner:
        look_for_data(subjects, runner)
        run_all(subjects, runner, request)
    return Forecast(
        environment=environment.name,
        stack=connection.stack,
        start=format_moment(now - timedelta(days=request.days)),
        end=format_moment(now),
        days=request.days,
        budget=request.budget,
        rules=tuple(subject.told(request.days) for subject in subjects),
        issues=tuple(issue for issue in compilation.issues if issue.level is Level.ERROR),
    )


def forecast_of_plan(repository: Repository, connection: Connection, report: Report) -> Forecast | None:
    """The forecast of the rules that a plan writes; None where it writes none."""
    changes = report.plan.changes if report.plan else ()
    written = {change.key for change in changes if change.kind == RULE and change.desired}
    return forecast(repository, connection, ForecastRequest(), only=written) if written else None


@dataclass
class Subject:
    """A rule as it would stand (`after`), and as it stands: None where it does not, or where it is the same."""

    rule: CompiledRule
    step: Step
    after: Trial | None
    before: Trial | None = None
    events: int | None = None
    error: str = ""

    @classmethod
    def of(
        cls, rule: CompiledRule, standing: Mapping[str, Json] | None, make: Callable[[Mapping[str, Json]], Trial | str]
    ) -> "Subject":
        """A rule and what stands of it, both ready to be run."""
        new = rule.rule.payload
        step = Step.CREATE if standing is None else Step.UPDATE if _differ(standing, new) else Step.NONE
        made = [make(new), *([make(standing)] if standing is not None and step is Step.UPDATE else [])]
        trials = [one for one in made if isinstance(one, Trial)]
        error = "; ".join(one for one in made if isinstance(one, str))
        if error:
            return cls(rule, step, None, error=error)
        return cls(rule, step, trials[0], trials[1] if len(trials) > 1 else None)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """What is to be run: nothing where there is nothing to read."""
        return tuple(one for one in (self.after, self.before) if one) if self.events else ()

    def told(self, days: float) -> RuleForecast:
        """What came of it."""
        after, before = self.after, self.before
        error = self.error or (after.error if after else "") or (before.error if before else "")
        found = RuleForecast(
            rule_id=self.rule.rule.key,
            name=self.rule.rule.name,
            step=self.step,
            source=", ".join(sources(after.query.tree)) if after else "",
            events=self.events,
            error=error,
            lacking=after.lacking if after else (),
        )
        if error or after is None or not after.runs:
            return found
        old = before.version if before else None
        figures = figures_of(after.version, days)
        appear, vanish = difference(old, after.version) if self.step is not Step.NONE else ((), ())
        return replace(
            found,
            after=figures,
            before=figures if self.step is Step.NONE else figures_of(old, days) if old else None,
            appear=appear,
            vanish=vanish,
            flood=flood(old, after.version) if self.step is not Step.NONE else 0,
        )


def _differ(standing: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    """Whether the two find or alert on something else."""
    return any(not KINDS[RULE].same(name, standing.get(name), new.get(name)) for name in _DECIDING)


def look_for_data(subjects: Sequence[Subject], runner: Runner) -> None:
    """How many events there are for each rule."""

    def look(subject: Subject) -> None:
        if subject.after is None:
            return
        try:
            subject.events = subject.after.count(runner)
        except (Refused, OutOfTime) as error:
            subject.error = f"its source cannot be counted: {error or 'there was not enough time'}"

    for _ in runner.each(look, subjects):
        pass


def run_all(subjects: Sequence[Subject], runner: Runner, request: ForecastRequest) -> None:
    """Run each version right now, and by what that costs at as many moments of its schedule as there is time for."""
    trials = [trial for subject in subjects for trial in subject.trials]
    for _ in runner.each(lambda trial: trial.run(trial.scheduled[-1], runner), trials):
        pass
    counts = shares([trial.cost for trial in trials], request.seconds, runner.parallel, least=LEAST_RUNS)
    moments = {id(trial): trial.moments(count)[:-1] for trial, count in zip(trials, counts, strict=True)}
    work = [(subject, trial, at) for subject in subjects for trial in subject.trials for at in moments[id(trial)]]
    last = {id(subject): number for number, (subject, _, _) in enumerate(work)}
    done = len(subjects) - len(last)
    for number, _ in enumerate(runner.each(lambda item: item[1].run(item[2], runner), work)):
        if last[id(work[number][0])] == number:
            done += 1
            request.progress(done, len(subjects))
