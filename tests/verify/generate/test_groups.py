"""Groups that are searched for: sums, values, several STATS, no keys, times."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.parse import parse
from entra_deployer.esql.types import inferred_types
from entra_deployer.verify.generate.cases import Case, Maker
from entra_deployer.verify.generate.documents import Fields, TimeRange
from entra_deployer.verify.generate.plan import read_plan
from tests.reading import there

V = StackVersion(8, 19, 21)


DAY = TimeRange(86400.0)


def cases_of(text, looked_at=DAY):
    tree = there(parse(text, V).tree)
    known = inferred_types(tree)
    maker = Maker(read_plan(tree), tree, Fields(lambda name: known.get(name, "keyword")), looked_at)
    return [one for one in maker.make() if isinstance(one, Case)]


def total(case):
    return sum(event.count for event in case.events)


QUERIES = [
    'FROM x | EVAL sev = CASE(a == "p", 3, a == "q", 2, 0) | STATS s = SUM(sev) BY u | WHERE s >= 6',
    "FROM x | STATS n = COUNT(*) BY u, source.ip | STATS ips = COUNT(*), t = SUM(n) BY u | WHERE ips >= 3",
    (
        "FROM x | EVAL m = DATE_TRUNC(1 minute, @timestamp) | STATS c = COUNT(*) BY u, m "
        "| STATS p = MAX(c) BY u | WHERE p > 100"
    ),
    'FROM x | WHERE code IN ("1", "2", "3") | STATS v = VALUES(code) BY u | WHERE MV_COUNT(v) >= 3',
    "FROM x | STATS c = COUNT(*) | WHERE c > 5",
    "FROM x | STATS d = COUNT_DISTINCT(f) BY u | WHERE d > 500",
    "FROM x | STATS c = COUNT(*) BY u | WHERE c >= 20000",
    "FROM x | WHERE port < 32768 | STATS d = COUNT_DISTINCT(port) BY u | WHERE d > 100",
    "FROM x | STATS d = COUNT_DISTINCT(TO_IP(ip)) BY u | WHERE d > 300",
    "FROM x | STATS i = MIN(COALESCE(event.ingested, @timestamp)) BY u | WHERE i >= NOW() - 10 minutes",
    (
        "FROM x | STATS c = COUNT(*), a = MIN(@timestamp), b = MAX(@timestamp) BY u "
        "| EVAL h = TO_INT((TO_DOUBLE(b) - TO_DOUBLE(a)) / 3600000), r = c / h | WHERE r >= 12 AND h >= 4"
    ),
    "FROM x | STATS c = COUNT(*) BY ip, u | STATS k = COUNT(*), t = SUM(c), m = MAX(c) BY ip | WHERE t >= 9 AND m <= 2",
    'FROM x | STATS f = MIN(@timestamp) BY u | EVAL r = DATE_DIFF("minute", f, NOW()) | WHERE r <= 10',
    "FROM x | STATS b = SUM(bytes), c = COUNT(*) BY u | EVAL mean = b / c | WHERE mean > 5000 AND c > 2",
    (
        "FROM x | STATS users = COUNT_DISTINCT(u), n = COUNT(*), ips = COUNT_DISTINCT(ip) BY s "
        '| EVAL kind = CASE(users >= 5 AND n >= 10 AND ips <= 2, "spray", users == 1 AND n >= 20, "guess", "other") '
        '| WHERE kind != "other"'
    ),
    "FROM x | STATS lo = MIN(b), hi = MAX(b), n = COUNT(*) BY u | WHERE hi - lo > 1000 AND n >= 2",
    "FROM x | STATS s = STD_DEV(b), n = COUNT(*) BY u | WHERE s > 5 AND n >= 2",
    'FROM x | STATS t = TOP(d, 3, "desc"), n = COUNT(*) BY u | WHERE MV_COUNT(t) == 3 AND n > 5',
    'FROM x | STATS r = ROUND(AVG(score), 1), n = COUNT(*) WHERE o == "bad" BY u | WHERE r > 7 AND n >= 2',
]


@pytest.mark.parametrize("text", QUERIES)
def test_a_group_that_fires_is_found_with_near_misses(text):
    cases = cases_of(text)
    assert cases[0].fires
    assert any(case.name.startswith("not:") for case in cases)
    assert all(case.entity for case in cases)


@pytest.mark.parametrize("text", QUERIES)
def test_what_is_found_holds_when_it_is_simulated(text):
    tree = there(parse(text, V).tree)
    known = inferred_types(tree)
    maker = Maker(read_plan(tree), tree, Fields(lambda name: known.get(name, "keyword")), TimeRange(86400.0))
    found = maker._found_group()
    assert found
    search, recipe = found
    groups = search.groups
    assert groups.outcome(groups.documents(recipe, "y")).distance == 0
    for goal in groups.goals:
        if missed := search.search(recipe, goal.span):
            assert groups.outcome(groups.documents(missed, "y")).rows == ()


def test_thresholds_are_met_exactly_and_missed_by_one():
    cases = {case.name: case for case in cases_of(QUERIES[4])}
    assert total(cases["all conditions hold"]) == 6
    assert total(cases["not: c > 5"]) == 5
    assert cases["all conditions hold"].entity == {"c": 6}
    assert all(case.alone for case in cases.values()), "without keys all events of a test are one group"


def test_a_large_threshold_takes_events_by_their_number():
    case = cases_of(QUERIES[6])[0]
    assert (total(case), len(case.events)) == (20000, 1)


def test_lost_keys_take_different_values_and_kept_ones_do_not():
    case = cases_of(QUERIES[1])[0]
    assert len({event.document["source.ip"] for event in case.events}) == 3
    assert {event.document["u"] for event in case.events} == {case.entity["u"]}


@pytest.mark.parametrize(
    ("looked_at", "ages"),
    [
        (TimeRange(90.0), (0, 90)),
        (TimeRange(7776000.0, 86400.0), (86400, 7776000)),
        (TimeRange(None), (0, 3600)),
    ],
)
def test_what_fires_lies_in_the_range_of_the_rule(looked_at, ages):
    for case in cases_of("FROM x | WHERE a == 1 | STATS n = COUNT(*) BY u | WHERE n >= 5", looked_at):
        if case.fires:
            assert all(ages[0] < event.age < ages[1] for event in case.events), case.name


def test_a_near_miss_differs_in_one_condition_not_in_its_time():
    cases = cases_of('FROM x | WHERE a == 1 AND b == "y" | STATS n = COUNT(*) BY u', TimeRange(90.0))
    outside = [case.name for case in cases if any(event.age >= 90 for event in case.events)]
    assert outside == ["older than the rule looks"]


def test_the_end_of_the_range_has_a_near_miss_too():
    names = {case.name for case in cases_of("FROM x | WHERE a == 1 | KEEP u", TimeRange(7200.0, 3600.0))}
    assert {"older than the rule looks", "younger than the rule looks"} <= names


def test_a_condition_on_time_of_the_query_keeps_old_events_out():
    text = "FROM x | STATS began = MIN(@timestamp), n = COUNT(*) BY u | WHERE began > NOW() - 1 hour AND n > 1"
    for case in cases_of(text):
        if case.fires:
            assert all(event.age < 3600 for event in case.events), case.name


def test_an_entity_has_only_columns_that_the_result_shows():
    text = "FROM x | STATS c = COUNT(*) BY agent, ip | WHERE c >= 3 | KEEP ip, c"
    assert {column for case in cases_of(text) for column in case.entity} == {"ip"}


@pytest.mark.parametrize(
    ("predicate", "good"),
    [
        ('KQL("code : 7 and not user : (a or b)")', {"code": "7"}),
        ('KQL("""tags : "Higher Order" """)', {"tags": "Higher Order"}),
        ('QSTR("code: x*")', {"code": "x1"}),
        ('CONTAINS(code, "mid")', {"code": "1mid1"}),
    ],
)
def test_other_languages_are_conditions_too(predicate, good):
    text = f"FROM x | WHERE {predicate} AND k IS NOT NULL | KEEP k"
    tree = there(parse(text, StackVersion(9, 2)).tree)
    maker = Maker(read_plan(tree), tree, Fields(lambda _: "keyword"))
    case = next(one for one in maker.make() if isinstance(one, Case))
    assert {name: case.events[0].document.get(name) for name in good} == good


@pytest.mark.parametrize(
    "predicate",
    [
        'LENGTH(t) - LENGTH(REPLACE(t, "[+]", "")) >= 12 AND t LIKE "*`*"',
        'LENGTH(t) > 300 AND LENGTH(REPLACE(t, "[^$]", "")) * 100 / LENGTH(t) >= 25',
        'LENGTH(t) - LENGTH(REPLACE(t, " ", "")) > 20 AND NOT t LIKE "*good*"',
    ],
)
def test_a_text_that_no_inverse_gives_is_tried_out(predicate):
    cases = cases_of(f'FROM x | WHERE code == "1" AND {predicate} | KEEP host, t, code')
    assert cases[0].fires
    assert any(not case.fires and "LENGTH" in case.name for case in cases)


def test_a_group_is_split_over_another_value_of_each_key():
    cases = {case.name: case for case in cases_of("FROM x | STATS n = COUNT(*) BY u, ip | WHERE n >= 10")}
    for key in ("u", "ip"):
        split = cases[f"half of it under another {key}"]
        assert [event.count for event in split.events] == [5, 5]
        assert len({event.document[key] for event in split.events}) == 2
        assert not split.fires
    whole = cases_of("FROM x | STATS n = COUNT(*) BY u, ip | WHERE n >= 1")
    assert not [case.name for case in whole if case.name.startswith("half")]


def test_a_near_miss_of_a_sum_is_as_near_as_it_can_be():
    cases = {case.name: case for case in cases_of(QUERIES[0])}
    points = {"p": 3, "q": 2}
    near = sum(points.get(event.document.get("a"), 0) * event.count for event in cases["not: s >= 6"].events)
    assert near == 5


def test_an_event_is_told_by_what_keep_keeps_by_a_star():
    cases = cases_of('FROM x METADATA _id | WHERE a.code IN ("1", "2") | KEEP _id, @timestamp, a.*, user.*')
    assert all(case.entity.get("user.name") for case in cases)
    assert len({case.entity["user.name"] for case in cases}) == len(cases)


def test_several_values_are_made_where_their_number_is_asked_for():
    cases = {case.name: case for case in cases_of("FROM x | WHERE MV_COUNT(tags) > 1 AND a == 1 | KEEP host, tags")}
    assert len(cases["all conditions hold"].events[0].document["tags"]) == 2
    assert isinstance(cases["not: MV_COUNT(tags) > 1"].events[0].document["tags"], str)
