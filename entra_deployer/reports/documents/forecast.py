"""Forecast: for each rule what its source holds, how many alerts it makes and would make, for whom, at what cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.forecast.figures import Figures
from entra_deployer.forecast.forecast import Forecast, RuleForecast, Step
from entra_deployer.reports.document import (
    Block,
    Case,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Span,
    Tone,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.words import counted, minute, short

_COLUMNS = ("", "rule", "events", "alerts a day", "entities", "first run", "slowest run")
_SIGNS = {
    Step.CREATE: Span("+ ", Tone.GOOD),
    Step.UPDATE: Span("~ ", Tone.DOUBT),
    Step.NONE: Span("  ", Tone.DIM),
}
_TITLES = {
    "forecast/none": "a rule without a forecast",
    "forecast/budget": "a rule that takes longer than it may",
    "forecast/limit": "a rule that makes as many alerts as it may, or close to it",
}
_INDENT = 4
_SHOWN = 5
_LONGEST = 60
_MOST_SAID = 300
_NEAR = 0.8
"""From this share of a limit on, the next busy day reaches it."""


def forecast_document(forecast: Forecast) -> Document:
    """All rules in their order, in one line each where they are many; what is to be seen to behind them."""
    is_brief = sum(rule.after is not None for rule in forecast.rules) > _SHOWN
    found = tuple(_findings(forecast))
    items = tuple(_item(forecast, rule, is_brief=is_brief) for rule in forecast.rules)
    return Document(
        name="forecast",
        title=forecast.environment,
        stack=forecast.stack,
        about=f"{minute(forecast.start)} to {minute(forecast.end)}: {_days(forecast.days)} of its own data",
        blocks=(
            *((Gap(), Section(items, _COLUMNS)) if items else ()),
            *((Gap(), Issues((*forecast.issues, *found))) if forecast.issues or found else ()),
            Gap(),
        ),
        summary=_summary(forecast),
        summary_tone=Tone.STRONG,
        is_good=not (forecast.issues or found),
        content=forecast_to_json(forecast),
        issues=forecast.issues,
        findings=found,
        titles=_TITLES,
        cases=tuple(_case(rule, found) for rule in forecast.rules)
        or (Case(forecast.environment, "forecast", issue_faults(forecast.issues)),),
    )


def no_forecast_document(environment: str, issues: tuple[Issue, ...]) -> Document:
    """Why there is no forecast."""
    return Document(
        name="forecast",
        title=environment,
        blocks=(Issues(issues),),
        summary="Nothing was forecast.",
        is_good=False,
        content={"environment": environment, "rules": []},
        issues=issues,
        cases=(Case(environment, "forecast", issue_faults(issues)),),
    )


def plan_with_forecast(plan: Document, found: Forecast) -> Document:
    """The document of a plan, with the forecast of its rules in it."""
    forecast = forecast_document(found)
    title = Line(words((f"Forecast, {forecast.about}", Tone.STRONG)))
    summary = Line(words(forecast.summary))
    return replace(
        plan,
        blocks=(*plan.blocks, title, *forecast.blocks, summary, Gap()),
        is_good=plan.is_good and forecast.is_good,
        content={**plan.content, "forecast": forecast.content},
        findings=(*plan.findings, *forecast.findings),
        titles={**plan.titles, **forecast.titles},
        cases=(*plan.cases, *forecast.cases),
    )


# -- one rule ----------------------------------------------------------------------------------------------------------


def _item(forecast: Forecast, rule: RuleForecast, *, is_brief: bool) -> Item:
    sign, after = _SIGNS[rule.step], rule.after
    told = _told(rule)
    return Item(
        name=rule.name,
        line=Line(words(sign, (rule.name, Tone.STRONG), f"  {told}")),
        cells=cells(
            sign.text.strip(),
            rule.name,
            "no index" if rule.events is None else str(rule.events),
            told if after is None else _change(rule, lambda one: f"{one.a_day:.3g}"),
            "" if after is None else _change(rule, lambda one: str(one.entities)),
            "" if after is None or rule.step is Step.NONE else str(rule.flood),
            "" if after is None else f"{after.slowest_ms} ms",
        ),
        body=() if is_brief or after is None else tuple(_details(forecast, rule, after)),
    )


def _told(rule: RuleForecast) -> str:
    """Its alerts in a few words, or why there are none to tell."""
    if rule.error:
        return f"no forecast: {short(rule.error, _LONGEST)}"
    if rule.lacking:
        return f"no data: no event there has {short(', '.join(rule.lacking), _LONGEST)}"
    if rule.events is None:
        return f"no data: there is no index {rule.source}"
    if not rule.events or rule.after is None:
        return "no data: its source has no event in this time"
    return f"{_change(rule, lambda one: f'{one.a_day:.3g}')} alerts a day"


def _change(rule: RuleForecast, value: Callable[[Figures], str]) -> str:
    """A value as it is and as it will be."""
    after = value(rule.after) if rule.after else "-"
    if rule.step is Step.NONE:
        return after
    return f"{value(rule.before) if rule.before else 'none'} → {after}"


def _details(forecast: Forecast, rule: RuleForecast, after: Figures) -> Iterator[Block]:
    total = _change(rule, lambda one: str(one.alerts))
    entities = _change(rule, lambda one: str(one.entities))
    yield _line(f"{total} alerts in {_days(forecast.days)}, {entities} entities; {counted(rule.events or 0, 'event')}")
    if rule.step is not Step.NONE:
        yield _line(f"first run after the push: {counted(rule.flood, 'alert')} at once")
    for title, names in (("new", rule.appear), ("gone", rule.vanish)):
        if names:
            yield _line(f"{title}: {_some(names)}")
    if after.noisiest:
        yield _line("noisiest: " + ", ".join(f"{short(name, _LONGEST)} ({count})" for name, count in after.noisiest))
    yield _line(
        f"most rows of a run: {after.most_rows} of {after.limit}; max_signals {after.max_signals}, "
        f"reached in {counted(after.full_runs, 'run')}"
    )
    budget = f" of {forecast.budget * 1000:g} ms allowed" if forecast.budget is not None else ""
    yield _line(
        f"a run takes {after.mean_ms:.0f} ms, {after.slowest_ms} ms at most{budget}; "
        f"{counted(after.documents, 'document')} read in {counted(after.runs, 'run')}"
    )
    if after.is_sampled:
        yield _line(f"{after.runs} of {after.scheduled} runs were made for lack of time: the numbers are estimates")


def _line(text: str) -> Line:
    return Line(words((text, Tone.DIM)), _INDENT)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(short(name, _LONGEST) for name in names[:_SHOWN]) + more


def _days(days: float) -> str:
    return f"{days:g} day{'s' if days != 1 else ''}"


# -- all of them -------------------------------------------------------------------------------------------------------


def _findings(forecast: Forecast) -> Iterator[Issue]:
    """What somebody has to see to."""
    for rule in forecast.rules:
        if rule.error:
            yield Issue("forecast/none", Level.ERROR, f"no forecast: {short(rule.error, _MOST_SAID)}", rule.name)
        if forecast.over_budget(rule) and rule.after:
            message = f"a run takes up to {rule.after.slowest_ms} ms, over the budget"
            yield Issue("forecast/budget", Level.ERROR, message, rule.name, hint="narrow the query or its range")
        if rule.after and (near := _near(rule.after)):
            hint = "more than that is lost without a word: aggregate, or narrow the query"
            yield Issue("forecast/limit", Level.WARNING, near, rule.name, hint=hint)


def _near(after: Figures) -> str:
    if after.full_runs:
        return f"{counted(after.full_runs, 'run')} made {after.max_signals} alerts, which is max_signals"
    if after.most_rows >= after.limit * _NEAR:
        return f"a run had {after.most_rows} of the {after.limit} rows that its LIMIT allows"
    return ""


def _case(rule: RuleForecast, found: Sequence[Issue]) -> Case:
    mine = [issue for issue in found if issue.subject == rule.name and issue.level is Level.ERROR]
    faults = tuple(Fault(FaultKind.FAILURE, issue.message, issue.hint or "") for issue in mine)
    return Case(rule.rule_id, rule.name, faults, _told(rule))


def _summary(forecast: Forecast) -> str:
    if not forecast.rules:
        return "Nothing was forecast."
    rules = forecast.rules
    with_data = [rule for rule in rules if rule.events and not rule.lacking]
    firing = [rule for rule in with_data if rule.after and rule.after.fires]
    before = sum(rule.before.a_day for rule in rules if rule.before)
    after = sum(rule.after.a_day for rule in rules if rule.after)
    at_once = sum(rule.flood for rule in rules)
    return (
        f"{counted(len(rules), 'rule')}: {len(with_data)} with data, {len(firing)} would fire; "
        f"{before:.3g} → {after:.3g} alerts a day, {at_once} at once after the push."
    )


def forecast_to_json(forecast: Forecast) -> Mapping[str, Json]:
    """All of it for programs."""
    return {
        "environment": forecast.environment,
        "from": forecast.start,
        "to": forecast.end,
        "days": forecast.days,
        "budget_seconds": forecast.budget,
        "rules": [_rule_to_json(forecast, rule) for rule in forecast.rules],
    }


def _rule_to_json(forecast: Forecast, rule: RuleForecast) -> Json:
    return {
        "rule_id": rule.rule_id,
        "name": rule.name,
        "action": rule.step.value,
        "source": rule.source,
        "events": rule.events,
        "before": _figures_to_json(rule.before),
        "after": _figures_to_json(rule.after),
        "new_entities": list(rule.appear),
        "gone_entities": list(rule.vanish),
        "first_run_alerts": rule.flood,
        "lacking_fields": list(rule.lacking),
        "over_budget": forecast.over_budget(rule),
        "error": rule.error or None,
    }


def _figures_to_json(figures: Figures | None) -> Json:
    if figures is None:
        return None
    noisiest = [{"entity": name, "alerts": count} for name, count in figures.noisiest]
    return {**asdict(figures), "noisiest": noisiest, "is_sampled": figures.is_sampled}
