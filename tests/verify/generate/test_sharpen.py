"""Further cases: each mutant of a query that can be told from it is told by some case."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.parse import parse
from entra_deployer.esql.simulation import Row, Simulation
from entra_deployer.esql.types import inferred_types
from entra_deployer.verify.generate.apart import apart
from entra_deployer.verify.generate.cases import Case, Maker
from entra_deployer.verify.generate.documents import Attempt, Document, Fields, TimeRange
from entra_deployer.verify.generate.plan import read_plan
from entra_deployer.verify.generate.sharpen import Example, marked
from entra_deployer.verify.generate.sizes import ONE_EVENT
from entra_deployer.verify.judge import belongs
from entra_deployer.verify.mutate.mutants import mutations
from tests.reading import there

V = StackVersion(8, 19, 21)
NOW = Evaluator({}).now
DAY = TimeRange(86400.0)


def found(tree, case):
    """Whether the result has the case's entity, and whether another one, from the events as they are written down."""
    rows = [
        Row({**event.document, "@timestamp": NOW - timedelta(seconds=event.age)}, event.count) for event in case.events
    ]
    last = Simulation(NOW).stages(tree.commands, rows)[-1]
    columns = {name: nodes.Column(nodes.Span(0, 0), name) for name in case.entity}
    values = [{name: row.at(NOW).value(one, last.scope) for name, one in columns.items()} for row in last.rows]
    matched = [
        all(row[k] == v or (isinstance(row[k], list) and v in row[k]) for k, v in case.entity.items()) for row in values
    ]
    return any(matched), not all(matched)


def survivors(text):
    """The mutants that no case tells, their texts parsed anew."""
    tree = there(parse(text, V).tree)
    known = inferred_types(tree)
    maker = Maker(read_plan(tree), tree, Fields(lambda name: known.get(name, "keyword")), DAY)
    cases = [one for one in maker.make() if isinstance(one, Case)]
    inside = [one for one in cases if all(event.age <= 86400 for event in one.events)]
    assert any(one.fires for one in inside)
    for one in inside:
        assert found(tree, one) == (one.fires, False), one.name
        if any(column in event.document for column in one.entity for event in one.events):
            assert any(belongs(event, one.entity) for event in one.events), one.name
    return {
        f"{one.what}: {one.before(text)}"
        for one in mutations(tree)
        if all(found(parse(one.of(text), V).tree, case) == (case.fires, False) for case in inside)
    }


@pytest.mark.parametrize(
    "text",
    [
        'FROM x | WHERE (e == "a" AND o == "1") OR (e == "b" AND o == "2") OR (e == "b" AND o == "3") | KEEP host.id',
        'FROM x | WHERE a == "1" AND NOT (b LIKE "*x*" OR c LIKE "y*") AND NOT d IN ("p", "q") | KEEP host.id',
        'FROM x | WHERE u != "" | STATS d = COUNT_DISTINCT(u) BY DATE_TRUNC(1 hour, @timestamp) | WHERE d >= 4',
        'FROM x | WHERE a == "1" | STATS v = VALUES(u), c = COUNT(*) BY u, h | WHERE c > 2 | KEEP v, c',
        "FROM x | STATS c = COUNT(*) BY u, p = DATE_TRUNC(1 minute, @timestamp) | STATS m = MAX(c) BY u | WHERE m > 4",
        'FROM x | STATS f = COUNT(*) WHERE o == "f", s = COUNT(*) WHERE o == "s" BY u | WHERE f >= 5 AND s >= 1',
        "FROM x | STATS c = COUNT(*) BY u, b = DATE_TRUNC(5 minutes, @timestamp)",
        'FROM x | STATS f = MIN(@timestamp), l = MAX(@timestamp) BY u | WHERE DATE_DIFF("minutes", f, l) <= 6',
        "FROM x | STATS c = COUNT(*), d = COUNT_DISTINCT(i) BY u | WHERE d >= 10 OR (c >= 20 AND d >= 3)",
        "FROM x | STATS c = COUNT(*), m = MAX(size) BY u, h | WHERE c >= 100 OR m >= 1000000",
        "FROM x | STATS c = COUNT(*), d = COUNT_DISTINCT(ip) BY u | WHERE c >= 2 AND d >= 2",
        (
            'FROM x | STATS a = COUNT(*) WHERE t == "1", b = COUNT(*) WHERE t == "2", '
            'c = COUNT_DISTINCT(ip) WHERE t == "3" BY u | WHERE a >= 3 AND (b >= 2 OR c > 4)'
        ),
        "FROM x | WHERE ip IS NOT NULL | STATS c = COUNT(*), d = COUNT_DISTINCT(ip) BY u | WHERE d >= 2",
        (
            "FROM x | STATS d = COUNT_DISTINCT(i), c = COUNT(*), g = COUNT_DISTINCT(a) BY u "
            "| WHERE d >= 5 AND c >= 10 AND (g >= 3 OR d >= 8)"
        ),
        (
            "FROM x | STATS n = COUNT(*), d = COUNT_DISTINCT(i), g = COUNT_DISTINCT(a), h = COUNT_DISTINCT(b), "
            "k = COUNT_DISTINCT(e) BY u | WHERE d >= 6 AND n >= 12 AND (g >= 2 OR h >= 3 OR d >= 9 OR k >= 4)"
        ),
        (
            "FROM x | EVAL t = CASE(h IS NOT NULL, 1, 0) "
            "| STATS d = COUNT_DISTINCT(h), c = COUNT(*), s = SUM(t), g = COUNT_DISTINCT(a) BY u "
            "| EVAL r = s * 1.0 / c "
            "| WHERE (d >= 7 AND c >= 10) OR (c >= 10 AND g >= 5) OR (c >= 4 AND r < 0.5)"
        ),
        (
            'FROM x | WHERE o IN ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o") '
            "| EVAL b = DATE_TRUNC(5 minutes, @timestamp) "
            "| STATS v = VALUES(u), d = COUNT_DISTINCT(o), c = COUNT(*) BY b, u "
            "| KEEP v, d, c | WHERE d >= 2 AND c >= 10"
        ),
        (
            "FROM x | STATS n = COUNT(*) BY u, t | STATS a = MAX(n), b = MIN(n), k = COUNT_DISTINCT(t) BY u "
            "| WHERE k == 2 AND a >= 400 AND b <= 7"
        ),
        'FROM x | WHERE d == "p" AND o == "1" | STATS v = VALUES(w), m = MAX(z) BY u | KEEP u, v',
        (
            'FROM x | WHERE r == "k" OR s >= 40 OR v IN ("m", "h") '
            '| EVAL k = r == "k", o = r != "k" AND (s >= 40 OR v IN ("m", "h")) '
            "| STATS a = SUM(CASE(k, 1, 0)), b = SUM(CASE(o, 1, 0)), w = VALUES(r), z = VALUES(e) BY u "
            "| WHERE a > 0 AND b > 0 | KEEP u, w, z"
        ),
        (
            'FROM x | STATS d = COUNT_DISTINCT(i), e = COUNT(h), v = VALUES(s) BY u | EVAL t = MV_CONCAT(v, ",") '
            '| WHERE d >= 7 OR (e >= 1 AND d >= 3) OR (t LIKE "*Red*" AND d >= 3)'
        ),
        (
            'FROM x | STATS n = COUNT(*) WHERE a == "p", m = COUNT(*) WHERE a == "q", v = VALUES(w) WHERE a == "p" '
            "BY u | WHERE n > 0 AND m > 0 | KEEP u, v"
        ),
        (
            'FROM x | EVAL g = a LIKE "*-bot", o = NOT b IN ("p", "q") '
            "| STATS x = MAX(CASE(g, 1, 0)), y = MAX(CASE(o, 1, 0)) BY u, k | WHERE x == 1 AND y == 1 | KEEP u"
        ),
        'FROM x | WHERE NOT u IN ("root", "admin", "system") | STATS c = COUNT(*) BY u | WHERE c >= 3',
        'FROM x | GROK m "%{WORD:w} from %{IP:ip}" | WHERE w == "failed" AND ip != "10.0.0.1" | KEEP host.id, w',
    ],
)
def test_each_mutant_is_told(text):
    assert survivors(text) == set()


def test_a_group_reaches_into_the_older_half_of_the_range_where_one_of_its_events_has_to_be_new():
    text = (
        'FROM x | STATS a = MAX(CASE(k == "a", 1, 0)), b = MAX(CASE(k == "b", 1, 0)), '
        'l = MAX(CASE(k == "b", @timestamp, NULL)) BY u | WHERE a == 1 AND b == 1 AND l >= NOW() - 1 hour'
    )
    tree = there(parse(text, V).tree)
    cases = Maker(read_plan(tree), tree, Fields(lambda _: "keyword"), DAY).make()
    old = [one for one in cases if isinstance(one, Case) and one.fires and max(e.age for e in one.events) > 43200]
    assert [sorted(event.age > 43200 for event in one.events) for one in old] == [[False, True]]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8, unique=True), st.integers(1, 30), st.integers(31, 99))
def test_a_mark_of_its_own_keeps_values_apart(places, old, new):
    texts = [f"id-{old}", *(f"id-{old}-{place}" for place in places), f"id{old}-x", f"{old}"]
    documents = tuple(Document({"i": one}, {"i": one}, 0.0) for one in texts)
    example = Example(Attempt((), ONE_EVENT), documents, {"i": texts[0]}, fires=True, mark=str(old))
    made = marked(example, str(new))
    assert len({one.fields["i"] for one in made.documents}) == len(texts)
    assert made.entity == {"i": f"id-{new}"}
    assert marked(made, str(old)) == example


def test_no_case_rests_on_several_values_where_the_query_asks_for_one():
    text = (
        'FROM x | WHERE s > 20 AND NOT r IN ("a", "b") | STATS d = COUNT_DISTINCT(s), v = VALUES(s) BY u '
        "| WHERE d >= 2 OR v == 99"
    )
    tree = there(parse(text, V).tree)
    known = inferred_types(tree)
    builder = Maker(read_plan(tree), tree, Fields(lambda name: known.get(name, "keyword")), DAY)
    further = [one for one in builder.make() if isinstance(one, Case) and "its own" in one.name]
    assert not further


def test_a_mutant_that_is_the_same_for_every_event_is_left():
    assert survivors('FROM x | WHERE LENGTH(u) > 2 AND u != "" | KEEP host.id') == {'dropped: u != ""'}


@pytest.mark.parametrize(
    ("predicate", "mutant", "true", "false"),
    [
        ("a > 1 AND b > 2", "a > 1 AND b > 3", ["b > 2", "a > 1"], ["b > 3"]),
        ("a > 1 OR b > 2 OR c", "a > 1 OR b > 3 OR c", ["b > 2"], ["b > 3", "a > 1", "c"]),
        ("NOT (a > 1 OR b > 2)", "NOT (a > 1 OR b > 3)", ["b > 3"], ["b > 2", "a > 1"]),
    ],
)
def test_two_conditions_are_held_apart_where_they_differ(predicate, mutant, true, false):
    text = f"FROM x | WHERE {predicate}"
    tree = there(parse(text, V).tree)
    changed = next(one for one in mutations(tree) if one.of(text) == f"FROM x | WHERE {mutant}").command
    where = tree.commands[1]
    assert isinstance(where, nodes.Where)
    assert isinstance(changed, nodes.Where)
    parts = apart(where.predicate, changed.predicate)
    shown = [(node.span.of(text) if node.span.of(text) != "b > 2" else _said(node), truth) for node, truth in parts]
    assert sorted(node for node, truth in shown if truth) == sorted(true)
    assert sorted(node for node, truth in shown if not truth) == sorted(false)


def _said(node):
    return f"{node.left.name} {node.operator} {node.right.value}"


def test_a_group_of_hundreds_of_different_events_misses_each_condition_by_a_change_of_all_of_them():
    others = " OR ".join(f'p LIKE "/{letter}/*/run"' for letter in "cdefghk")
    text = (
        f'FROM x | WHERE o == "linux" AND t == "s" AND a == "c" AND NOT (p IN ("/a", "/b", "/l", "/n") OR {others}) '
        "| STATS d = COUNT_DISTINCT(i), h = COUNT_DISTINCT(g) BY p | WHERE d > 250 AND h == 1"
    )
    assert survivors(text) == set()
