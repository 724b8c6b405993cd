"""Which rows become alerts: the same as an enumeration by hand, for any runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.json import Json
from entra_deployer.forecast.alerts import Alert, Memory, Row, Run, Scheme, alerts_of, row_of, scheme_of

START = datetime(2026, 11, 20, tzinfo=UTC)
ROWS = st.builds(
    lambda document, group: Row(document, group, group or document or "x"),
    st.sampled_from(["", "d1", "d2", "d3"]),
    st.sampled_from(["", "g1", "g2"]),
)
RUNS = st.lists(st.lists(ROWS, max_size=5).map(tuple), max_size=6).map(
    lambda parts: [Run(START + number * timedelta(minutes=5), rows) for number, rows in enumerate(parts)]
)
SCHEMES = st.builds(
    Scheme, most=st.integers(1, 4), period=st.sampled_from([None, timedelta(minutes=5), timedelta(minutes=11)])
)


def by_hand(runs, scheme):
    """Looks through all earlier alerts each time."""
    made: list[tuple[datetime, Row]] = []
    for run in runs:
        of_run = 0
        for row in run.rows:
            same_document = row.document and any(one.document == row.document for _, one in made)
            times = [at for at, one in made if row.group and one.group == row.group]
            period = scheme.period or timedelta(0)
            if same_document or any(at >= run.at - period for at in times) or of_run == scheme.most:
                continue
            made.append((run.at, row))
            of_run += 1
    return [Alert(at, row.entity) for at, row in made]


@given(RUNS, SCHEMES)
def test_alerts_are_those_that_an_enumeration_finds(runs, scheme):
    assert alerts_of(runs, scheme, Memory()) == by_hand(runs, scheme)


@given(RUNS, SCHEMES, st.integers(0, 6))
def test_what_is_remembered_stands_for_the_runs_before(runs, scheme, cut):
    memory = Memory()
    parts = alerts_of(runs[:cut], scheme, memory) + alerts_of(runs[cut:], scheme, memory)
    assert parts == alerts_of(runs, scheme, Memory())


@given(RUNS, SCHEMES)
def test_no_run_makes_more_than_it_may_and_a_longer_period_never_makes_more(runs, scheme):
    alerts = alerts_of(runs, scheme, Memory())
    assert all(sum(one.at == run.at for one in alerts) <= scheme.most for run in runs)
    runs = [replace(run, rows=tuple(replace(row, document="") for row in run.rows)) for run in runs]
    wide = Scheme(most=100, period=scheme.period)
    longer = Scheme(most=100, period=(scheme.period or timedelta(0)) + timedelta(days=1))
    assert len(alerts_of(runs, longer, Memory())) <= len(alerts_of(runs, wide, Memory()))


SUPPRESSION: dict[str, Json] = {
    "group_by": ["user.name"],
    "duration": {"value": 6, "unit": "h"},
    "missing_fields_strategy": "doNotSuppress",
}


def test_a_scheme_is_what_the_payload_says():
    payload: dict[str, Json] = {"max_signals": 7, "alert_suppression": SUPPRESSION}
    assert scheme_of(payload, ("host.name",)) == Scheme(7, ("user.name",), timedelta(hours=6), True, ("host.name",))
    assert scheme_of({}, ()) == Scheme()


@pytest.mark.parametrize(
    ("scheme", "record", "row"),
    [
        (Scheme(), {"_id": "a", "_index": "i", "user.name": "eve"}, Row("i/a", "", "eve")),
        (Scheme(), {"_id": "a", "message": "x"}, Row("/a", "", "a")),
        (Scheme(), {"failures": 3}, Row("", "", "all events together")),
        (Scheme(names=("user.name",)), {"user.name": "eve", "n": 2}, Row("", "", "eve")),
        (Scheme(group_by=("user.name",)), {"_id": "a", "user.name": "eve"}, Row("/a", '["eve"]', "eve")),
        (Scheme(group_by=("user.name",), apart=True), {"_id": "a"}, Row("/a", "", "a")),
        (Scheme(group_by=("user.name",)), {"_id": "a"}, Row("/a", "[null]", "a")),
    ],
)
def test_a_row_is_known_by_its_document_its_group_and_its_name(scheme, record, row):
    assert row_of(record, scheme) == row
