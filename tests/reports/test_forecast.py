"""A forecast as people and programs read it."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.forecast.figures import Figures
from entra_deployer.forecast.forecast import Forecast, RuleForecast, Step, forecast_code
from entra_deployer.reports import render
from entra_deployer.reports.documents.forecast import forecast_document, no_forecast_document, plan_with_forecast
from entra_deployer.reports.documents.plan import plan_document
from tests.reading import part
from tests.reports import test_plan

GOLDEN = Path(__file__).parents[1] / "golden"
FIGURES = Figures(
    alerts=86,
    a_day=12.2857,
    entities=14,
    noisiest=(("user eve", 40), ("user bob", 12)),
    most_rows=9,
    limit=1000,
    max_signals=100,
    full_runs=0,
    runs=672,
    scheduled=672,
    mean_ms=12.4,
    slowest_ms=31,
    documents=200_000,
)
BUSY = replace(FIGURES, alerts=700, a_day=100.0, full_runs=3, most_rows=900, runs=100, slowest_ms=6000)
QUIET = replace(FIGURES, alerts=0, a_day=0.0, entities=0, noisiest=())
RULES = (
    RuleForecast("r1", "Edited rule", Step.UPDATE, "logs-a-*", 5000, FIGURES, BUSY, ("mallory",), ("bob", "eve"), 9),
    RuleForecast(
        "r2", "New rule", Step.CREATE, "logs-b-*", 10, None, replace(FIGURES, alerts=0, a_day=0.0, noisiest=())
    ),
    RuleForecast("r3", "Same rule", Step.NONE, "logs-a-*", 5000, FIGURES, FIGURES),
    RuleForecast("r4", "Without data", Step.CREATE, "logs-c-*"),
    RuleForecast("r6", "Other data", Step.CREATE, "logs-a-*", 5000, lacking=("file.path", "file.name")),
    RuleForecast("r5", "Broken rule", Step.CREATE, "logs-a-*", 5000, error="Elasticsearch refuses the query: line 1"),
)
FORECAST = Forecast("staging", "Kibana 8.19.21", "2026-11-19T12:00:00.000Z", "2026-11-26T12:00:00.000Z", 7, 5.0, RULES)
WELL = replace(FORECAST, rules=(RULES[2],))

FORMS = {
    "forecast.txt": lambda: render(forecast_document(FORECAST), "text", width=90),
    "forecast_narrow.txt": lambda: render(forecast_document(FORECAST), "text", width=50),
    "forecast.json": lambda: render(forecast_document(FORECAST), "json"),
    "forecast.md": lambda: render(forecast_document(FORECAST), "markdown"),
    "forecast.xml": lambda: render(forecast_document(FORECAST), "junit"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_as_in_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


def test_many_rules_are_told_in_a_line_each():
    many = replace(WELL, rules=WELL.rules * 6)
    lines = render(forecast_document(many), "text", width=90).splitlines()
    assert sum("Same rule" in line for line in lines) == 6
    assert not any("noisiest" in line for line in lines)
    assert lines[-1].startswith("6 rules: 6 with data, 6 would fire; 73.7 → 73.7 alerts a day")


@pytest.mark.parametrize(
    ("forecast", "code"),
    [
        (WELL, 0),
        (replace(FORECAST, rules=RULES[:5]), 2),
        (replace(FORECAST, rules=RULES[:5], budget=None), 0),
        (FORECAST, 1),
        (replace(WELL, issues=(Issue("DEP001", Level.ERROR, "unreadable", "x"),)), 1),
    ],
)
def test_the_exit_code_says_what_somebody_has_to_see_to(forecast, code):
    assert forecast_code(forecast) == code


def test_a_plan_holds_the_forecast_of_its_rules():
    document = plan_with_forecast(plan_document("plan")(test_plan.PLANNED), FORECAST)
    text = render(document, "text", width=90)
    assert "Forecast, 2026-11-19 12:00 to 2026-11-26 12:00: 7 days of its own data" in text
    assert "Edited rule  12.3 → 100 alerts a day" in text
    assert part(document.content, "forecast", "rules", 0, "name") == "Edited rule"
    assert not document.is_good


def test_why_there_is_none_is_told():
    issue = Issue("x", Level.ERROR, "no answer", "staging")
    assert "no answer" in render(no_forecast_document("staging", (issue,)), "text")
