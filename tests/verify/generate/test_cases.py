"""Cases from queries: which are made, and what their events hold."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.parse import parse
from entra_deployer.esql.types import inferred_types
from entra_deployer.verify.generate.cases import Case, Maker, Unsolvable
from entra_deployer.verify.generate.constraints import Unsolved
from entra_deployer.verify.generate.documents import Fields, TimeRange
from entra_deployer.verify.generate.pick import typed
from entra_deployer.verify.generate.plan import read_plan
from entra_deployer.verify.generate_tests import make_cases
from tests.reading import there

V = StackVersion(8, 19, 21)


def make(text, lookback=None, newest=0.0, types=None, lists=()):
    tree = there(parse(text, V).tree)
    known = inferred_types(tree) | (types or {})
    fields = Fields(lambda name: known.get(name, "keyword"), lambda name: name in lists)
    found = list(Maker(read_plan(tree), tree, fields, TimeRange(lookback, newest)).make())
    cases = {one.name: one for one in found if isinstance(one, Case)}
    return cases, {one.name: one.why for one in found if isinstance(one, Unsolvable)}


def fields(case):
    return case.events[0].document


def test_a_condition_gives_an_event_that_fires_and_one_that_does_not():
    cases, unsolved = make('FROM x | WHERE event.outcome == "success" AND user.name IS NOT NULL')
    assert unsolved == {}
    assert fields(cases["all conditions hold"]) == {"event.outcome": "success", "user.name": "name-1"}
    assert fields(cases['not: event.outcome == "success"'])["event.outcome"] != "success"
    assert "user.name" not in fields(cases["not: user.name IS NOT NULL"])
    assert [case.fires for case in cases.values()] == [True, False, False]


@pytest.mark.parametrize(
    ("predicate", "types", "good", "bad"),
    [
        ("n > 3", {}, 4, 3),
        ("n <= 3", {}, 3, 4),
        ("3 < n", {}, 4, 3),
        ("n == -1", {}, -1, 0),
        ("n / 1000 > 5", {}, 6000, 5999),
        ("n + 2 >= 10", {}, 8, 7),
        ("TO_INTEGER(n) > 3", {"n": "keyword"}, "4", "3"),
        ("n", {"n": "boolean"}, True, False),
        ("NOT n", {"n": "boolean"}, False, True),
        ('n LIKE "a*"', {}, "a1", "n-2"),
        ('n RLIKE "a.*"', {}, "a1", "n-2"),
        ('STARTS_WITH(n, "i-")', {}, "i-1", "n-2"),
        ('ENDS_WITH(n, ".exe")', {}, "1.exe", "n-2"),
        ('TO_LOWER(n) LIKE "*bad*"', {}, "1bad1", "n-2"),
        ('COALESCE(n, m) == "x"', {}, "x", "n-2"),
        ('n::STRING == "x"', {}, "x", "n-2"),
        ('CASE(m > 1, n, "none") == "x"', {}, "x", "n-2"),
        ('n : "x"', {}, "x", "n-2"),
        ('CIDR_MATCH(n, "10.0.0.0/8")', {}, "10.0.0.50", "203.0.113.51"),
        ('NOT CIDR_MATCH(n, "203.0.113.0/24")', {}, "198.51.100.50", "203.0.113.51"),
    ],
)
def test_each_kind_of_condition_is_solved_both_ways(predicate, types, good, bad):
    cases, unsolved = make(f"FROM x | WHERE {predicate} | KEEP n, k", types=types)
    assert unsolved == {}
    assert fields(cases["all conditions hold"])["n"] == good
    assert fields(cases[f"not: {predicate}"])["n"] == bad


def test_each_side_of_or_and_each_member_of_in_fires_by_itself():
    cases, _ = make('FROM x | WHERE (a == "1" OR b == "2") AND c IN ("3", "4")')
    assert [
        (fields(case).get("a"), fields(case).get("b"), fields(case).get("c")) for case in cases.values() if case.fires
    ] == [
        ("1", "b-1", "3"),
        ("a-2", "2", "3"),
        ("1", "b-3", "4"),
    ]
    both = fields(cases['not: (a == "1" OR b == "2")'.replace("(", "").replace(")", "")])
    assert (both["a"], both["b"]) == ("a-4", "b-4")


def test_a_threshold_is_met_and_missed_by_one():
    cases, _ = make("FROM x | STATS n = COUNT(*) BY user.name | WHERE n >= 10")
    assert cases["all conditions hold"].events[0].count == 10
    assert cases["not: n >= 10"].events[0].count == 9
    assert cases["not: n >= 10"].entity == {"user.name": "name-2"}


def test_the_edge_of_a_threshold_fires():
    cases, _ = make("FROM x | STATS n = COUNT(*) BY user.name | WHERE n <= 3", lookback=1000)
    counts = {name: (case.events[0].count, case.events[0].age, case.fires) for name, case in cases.items()}
    assert counts == {
        "all conditions hold": (1, 300, True),
        "just: n <= 3": (3, 300, True),
        "as old as the rule looks": (1, 900, True),
        "not: n <= 3": (4, 300, False),
        "older than the rule looks": (1, 1100, False),
    }


def test_different_values_are_made_where_they_are_counted():
    cases, unsolved = make("FROM x | STATS d = COUNT_DISTINCT(ip), n = COUNT(*) BY user.name | WHERE d >= 3 AND n >= 5")
    case = cases["all conditions hold"]
    assert [event.count for event in case.events] == [3, 1, 1]
    assert len({event.document["ip"] for event in case.events}) == 3
    assert len({event.document["user.name"] for event in case.events}) == 1
    assert len(cases["not: d >= 3"].events) == 2
    assert unsolved == {}


def test_a_condition_that_the_others_imply_is_named():
    _, unsolved = make("FROM x | STATS n = COUNT(*) BY u | WHERE n >= 3 AND n >= 2")
    assert unsolved == {"not: n >= 2": "the other conditions on groups imply it"}


def test_one_event_with_several_values_is_made_where_they_are_counted():
    cases, unsolved = make("FROM x | STATS d = COUNT_DISTINCT(h), n = COUNT(*) BY u | WHERE d >= 3 AND n >= 3")
    few = cases["not: n >= 3"]
    mine = [event for event in few.events if event.document["u"] == few.entity["u"]]
    assert sum(event.count for event in mine) == 2
    assert any(isinstance(event.document["h"], list) for event in few.events)
    assert (few.fires, unsolved) == (False, {})


def test_a_value_of_the_events_is_reached_through_its_aggregate():
    cases, _ = make("FROM x | EVAL s = ms / 1000 | STATS slow = MAX(s), n = COUNT(*) BY u | WHERE slow > 5 AND n > 1")
    assert (fields(cases["all conditions hold"])["ms"], cases["all conditions hold"].events[0].count) == (6000, 2)
    assert fields(cases["not: slow > 5"])["ms"] == 5999


def test_the_two_sides_of_an_or_can_be_the_counted_values():
    cases, _ = make(
        'FROM x | WHERE a == "1" OR (a == "2" AND b LIKE "*z*") | STATS d = COUNT_DISTINCT(a) BY u | WHERE d == 2'
    )
    assert sorted(event.document["a"] for event in cases["all conditions hold"].events) == ["1", "2"]


def test_spans_of_time_are_counted_by_events_of_different_ages():
    cases, _ = make(
        "FROM x | EVAL w = DATE_TRUNC(7 days, @timestamp) | STATS d = COUNT_DISTINCT(w) BY u | WHERE d >= 2"
    )
    assert [event.age for event in cases["all conditions hold"].events] == [300, 300 + 7 * 86400]


def test_ages_follow_the_window():
    cases, _ = make("FROM x | WHERE @timestamp > NOW() - 4 minutes AND u IS NOT NULL", lookback=600)
    assert cases["all conditions hold"].events[0].age == 120
    assert cases["not: @timestamp > NOW() - 4 minutes"].events[0].age > 240
    assert cases["older than the rule looks"].events[0].age == 660


def test_a_dissected_text_holds_what_is_wanted_of_its_parts():
    cases, _ = make(
        'FROM x | WHERE r RLIKE ".*min.*" | DISSECT r "{%{?k}=%{name}, min=%{low}}"'
        ' | WHERE name == "bob" AND low > "3" | KEEP r, name'
    )
    assert fields(cases["all conditions hold"])["r"].startswith("{k=bob, min=")
    assert "bob" not in fields(cases['not: name == "bob"'])["r"]


def test_lists_are_lists():
    cases, _ = make('FROM x | WHERE event.category == "iam" AND u == "a"', lists={"event.category"})
    assert fields(cases["all conditions hold"])["event.category"] == ["iam"]


@pytest.mark.parametrize("text", ["FROM x | ENRICH p ON a", 'FROM x | GROK m "%{CISCOTAG:w}"'])
def test_a_command_that_is_not_known_is_named(text):
    with pytest.raises(Unsolved, match=r"ENRICH|GROK"):
        make(text)


@pytest.mark.parametrize(
    ("predicate", "why"),
    [('CATEGORIZE(n) == "a"', "CATEGORIZE"), ('a == "1" AND a == "2"', "no value"), ("_score > 3", "metadata")],
)
def test_a_condition_that_is_not_solved_is_named(predicate, why):
    _, unsolved = make(f"FROM x METADATA _score | WHERE {predicate} AND k IS NOT NULL")
    assert any(why in reason for reason in unsolved.values())


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("STATS n = COUNT(*) BY kibana.alert.rule.name, host.id, event.kind", {"host.id"}),
        ("WHERE kibana.alert.rule.name IS NOT NULL | KEEP kibana.alert.rule.name, host.id", {"host.id"}),
    ],
)
def test_no_entity_is_told_by_what_its_alert_has_of_its_own(text, entity):
    cases, _ = make(f"FROM x | WHERE host.id IS NOT NULL | {text}")
    assert set(cases["all conditions hold"].entity) == entity


GROK = 'FROM x | GROK message "user %{USERNAME:u} from %{IP:ip} port %{NUMBER:p:int}" '


def test_a_grokked_text_holds_what_is_wanted_of_its_parts():
    cases, unsolved = make(
        GROK + '| WHERE p > 1024 AND NOT CIDR_MATCH(TO_IP(ip), "10.0.0.0/8") | STATS n = COUNT(*) BY u'
    )
    assert unsolved == {}
    firing = cases["all conditions hold"]
    assert firing.events[0].document["message"] == "user user-1 from 203.0.113.50 port 1025"
    assert firing.entity == {"u": "user-1"}
    assert fields(cases["not: p > 1024"])["message"].endswith(" port 1024")
    assert " from 10.0.0.5" in fields(cases['not: NOT CIDR_MATCH(TO_IP(ip), "10.0.0.0/8")'])["message"]


@pytest.mark.parametrize("command", ['DISSECT m "%{a}=%{b}"', 'GROK m "%{WORD:a}=%{WORD:b}"'])
def test_a_text_that_a_pattern_does_not_match_leaves_its_columns_empty(command):
    cases, unsolved = make(f"FROM x | {command} | WHERE b IS NOT NULL | STATS n = COUNT(*) BY k")
    assert unsolved == {}
    assert "=" in fields(cases["all conditions hold"])["m"]
    assert "=" not in fields(cases["not: b IS NOT NULL"])["m"]
    _, unsolved = make(f'FROM x | {command} | WHERE b IS NOT NULL AND a == "1" | KEEP a, k')
    assert unsolved == {"not: b IS NOT NULL": "a has a value where another column of its pattern has none"}


def test_values_of_a_list_are_events_of_their_own_to_mv_expand():
    cases, unsolved = make(
        'FROM x | MV_EXPAND user.roles | WHERE user.roles == "admin" | STATS n = COUNT(*) BY user.name'
    )
    assert unsolved == {}
    assert fields(cases["all conditions hold"])["user.roles"] == "admin"


# -- what a query makes of the fields before it compares, counts or groups ---------------------------------------------


@pytest.mark.parametrize(
    ("predicate", "good", "bad"),
    [
        ('TO_LOWER(n) == "admin"', "admin", "n-2"),
        ('TO_UPPER(n) == "ADMIN"', "ADMIN", "n-2"),
        ('REPLACE(n, "[0-9]+", "") == "ab"', "ab", "n-2"),
        ('SUBSTRING(n, 1, 2) == "ab"', "ab", "n-2"),
        ("LENGTH(n) > 20", "n-1xxxxxxxxxxxxxxxxxx", "n-2"),
        ('FROM_BASE64(n) LIKE "*http*"', "MWh0dHAx", "bi0y"),
        ('n.caseless == "admin"', "admin", "n-2"),
    ],
)
def test_a_function_of_one_field_is_solved(predicate, good, bad):
    cases, unsolved = make(f"FROM x | WHERE {predicate} | KEEP k, n")
    assert unsolved == {}
    assert fields(cases["all conditions hold"])["n"] == good
    near_miss = fields(cases[f"not: {predicate}"])
    assert near_miss["n"] == bad
    assert "n.caseless" not in near_miss


def test_what_a_function_can_never_give_is_named():
    _, unsolved = make('FROM x | WHERE TO_LOWER(n) == "Admin" | KEEP k')
    assert "all conditions hold" in unsolved


def test_a_key_that_a_function_makes_tells_the_entity():
    path = 'REPLACE(TO_LOWER(process.executable), "[0-9.-]{2,}", "")'
    query = f"FROM x | EVAL p = {path} | STATS n = COUNT(*) BY p | WHERE n < 3"
    cases, unsolved = make(query)
    assert unsolved == {}
    keys = [case.entity["p"] for case in cases.values()]
    assert len(set(keys)) == len(keys), "each case has its own, though the digits are gone"


def test_a_key_of_several_fields_tells_the_entity():
    query = (
        "FROM x | EVAL folder = SUBSTRING(dll.path, 1, LENGTH(dll.path) - (LENGTH(dll.name) + 1)) "
        "| STATS n = COUNT(folder) BY folder | WHERE n >= 2"
    )
    cases, unsolved = make(query)
    assert unsolved == {}
    assert cases["all conditions hold"].entity == {"folder": "/srv/1"}


CONDITIONAL = [
    'EVAL f = CASE(o == "bad", ip, null), s = CASE(o == "good", ip, null) | STATS cf = COUNT(f), cs = COUNT(s) BY ip',
    'STATS cf = COUNT(*) WHERE o == "bad", cs = COUNT(*) WHERE o == "good" BY ip',
    'STATS cf = SUM(CASE(o == "bad", 1, 0)), cs = SUM(CASE(o == "good", 1, 0)) BY ip',
]


@pytest.mark.parametrize("stats", CONDITIONAL)
def test_counters_of_some_events_take_events_of_several_kinds(stats):
    cases, unsolved = make(f"FROM x | {stats} | WHERE cf >= 3 AND cs == 1")
    assert unsolved == {}

    def kinds(name):
        return {event.document.get("o"): event.count for event in cases[name].events}

    assert kinds("all conditions hold") == {"bad": 3, "good": 1}
    assert kinds("not: cf >= 3") == {"bad": 2, "good": 1}
    assert kinds("not: cs == 1") in ({"bad": 3, "good": 2}, {"bad": 3})
    assert len({event.document["ip"] for event in cases["all conditions hold"].events}) == 1


def test_different_values_are_counted_over_all_kinds_of_events():
    query = (
        'FROM x | STATS bad = COUNT(*) WHERE o == "bad", users = COUNT_DISTINCT(user.name), n = COUNT(*) BY ip '
        "| WHERE bad >= 2 AND users >= 4 AND n >= 5"
    )
    cases, unsolved = make(query)
    assert unsolved == {}
    events = cases["all conditions hold"].events
    assert sum(event.count for event in events) >= 5
    assert sum(event.count for event in events if event.document.get("o") == "bad") >= 2
    assert len({event.document["user.name"] for event in events}) >= 4


def test_many_aggregates_that_no_condition_names_cost_nothing():
    counters = ", ".join(f"d{number} = COUNT_DISTINCT(f{number})" for number in range(30))
    cases, unsolved = make(f"FROM x | STATS n = COUNT(*), {counters} BY host.name | WHERE n >= 10 AND d0 >= 3")
    assert unsolved == {}
    assert sum(event.count for event in cases["all conditions hold"].events) == 10


def test_a_counter_that_nothing_can_fill_is_named():
    counted = "EVAL s = CASE(port == 389, ip, null) | STATS n = COUNT(s) BY host.name"
    query = f"FROM x | WHERE port == 445 | {counted} | WHERE n >= 1"
    cases, unsolved = make(query)
    assert not any(case.fires for case in cases.values())
    assert unsolved["all conditions hold"].endswith("no group was found for which it holds with all others")


def test_too_many_combinations_are_given_up():
    likes = " OR ".join(f'p LIKE "/{number}/*"' for number in range(18))
    query = f"FROM x | WHERE ({likes}) | STATS n = COUNT(CASE({likes}, a, null)) BY p | WHERE n > 0 AND n < 9"
    cases, _ = make(query)
    assert cases["all conditions hold"].events[0].document["p"].startswith("/0/")


def test_each_side_and_each_member_within_a_negation_is_a_near_miss():
    cases, unsolved = make('FROM x | WHERE NOT (a == "1" OR b IN ("2", "3") OR (c == "4" AND d == "5")) | KEEP k')
    assert unsolved == {}
    near_misses = [case for case in cases.values() if not case.fires]
    met = [
        tuple(fields(case).get(name) == value for name, value in (("a", "1"), ("b", "2"), ("b", "3"), ("c", "4")))
        for case in near_misses
    ]
    assert met == [tuple(place == position for place in range(4)) for position in range(4)], "each by itself"


def test_an_event_that_nothing_counts_is_a_near_miss_too():
    counted = 'EVAL p = CASE(path LIKE "/etc/*", process.name, null) | STATS n = COUNT(p) BY host.name'
    cases, unsolved = make(f'FROM x | WHERE path LIKE "/etc/*" | {counted} | WHERE n > 1')
    assert unsolved == {}
    assert not fields(cases['not: path LIKE "/etc/*"'])["path"].startswith("/etc/")


SEVERAL = [
    ("process.name == process.parent.name", ()),
    ("process.name != process.parent.name", ()),
    ('CONCAT(user.domain, "/", user.name) == "CORP/admin"', ()),
    ('CONCAT(user.name, "@", user.domain) LIKE "*@evil.example"', ()),
    ('CONCAT(process.name, " ", user.name) == process.title', ()),
    ("STARTS_WITH(process.executable, process.parent.executable)", ()),
    ("NOT ENDS_WITH(process.executable, process.name)", ()),
    ("LENGTH(command) > LENGTH(parent) + 20", ()),
    ('LEFT(file.path, LENGTH(file.path) - LENGTH(file.name)) == "/tmp/"', ()),
    ('SUBSTRING(file.name, LENGTH(file.name) - 3, 4) == ".exe"', ()),
    (
        "LEFT(a.path, LENGTH(a.path) - LENGTH(a.name)) == LEFT(b.path, LENGTH(b.path) - LENGTH(b.name))",
        (),
    ),
    ('true IN (STARTS_WITH(n, "a"), ENDS_WITH(n, "b"))', ()),
    ('NOT (false IN (STARTS_WITH(n, "a"), ENDS_WITH(n, "b")))', ()),
    ('TO_LOWER(n) IN (title, "z") AND n LIKE "*x*"', ()),
    ("sent > got * 2 AND got > 10", {"sent": "long", "got": "long"}),
    ("source.ip != target.ip", {"source.ip": "ip", "target.ip": "ip"}),
    ("created > started", {"created": "date", "started": "date"}),
    ('DATE_DIFF("seconds", started, ended) > 30', {"started": "date", "ended": "date"}),
    ('n : "denied" AND NOT n : "retry" AND n LIKE "*a*b*"', {"n": "text"}),
    ('MATCH_PHRASE(n, "access denied")', {"n": "match_only_text"}),
    ('KQL("n: denied and not user.name: root")', {"n": "text"}),
]


@pytest.mark.parametrize(("predicate", "types"), SEVERAL)
def test_fields_that_are_compared_with_each_other_hold_values_that_fit(predicate, types):
    text = f"FROM x | WHERE {predicate} | KEEP host.name"
    cases, unsolved = make(text, types=dict(types))
    assert "all conditions hold" in cases, unsolved
    assert any(not case.fires for case in cases.values())
    goal = read_plan(there(parse(text, V).tree)).goals[0]
    for case in cases.values():
        kinds = {name: typed(value, dict(types).get(name, "keyword")) for name, value in fields(case).items()}
        assert bool(Evaluator(kinds).truth(goal.predicate, goal.scope)) or not case.fires


EXTRACTED = [
    ('DISSECT m "%{a} %{b}" | DISSECT b "%{c}=%{d}"', 'd == "x"', {"m": "a-1 c-1=x"}),
    ('EVAL l = TO_LOWER(m) | GROK l "user=%{USERNAME:u}"', 'u == "root"', {"m": "user=root"}),
    ('EVAL l = REPLACE(m, "\\\\\\\\", "") | DISSECT l "%{}<%{u}>%{}"', 'u == "root"', {"m": "<root>x"}),
    ('EVAL l = COALESCE(o, m) | DISSECT l "%{k}:%{v}"', 'v LIKE "bad*"', {"o": "k-1:bad1"}),
    ('GROK m "%{WORD:a} %{GREEDYDATA:r}" | GROK r "id=%{INT:n:int}"', 'a == "GET" AND n > 5', {"m": "GET id=6"}),
    ('GROK m "(?m)^a=(?<a>[^\\n]+)$" | GROK m "(?m)^b=(?<b>[^\\n]+)$"', "a == b", {"m": "a=same-1\nb=same-1"}),
    ('GROK m ":(?<a>[0-9]{4}):" | GROK o "f:(?<b>[0-9]{4})"', "a != b", {"m": ":0050:", "o": "f:0000"}),
]


@pytest.mark.parametrize(("commands", "predicate", "expected"), EXTRACTED)
def test_patterns_read_what_the_query_makes(commands, predicate, expected):
    cases, unsolved = make(f"FROM x | {commands} | WHERE {predicate} | KEEP m")
    assert "all conditions hold" in cases, unsolved
    assert fields(cases["all conditions hold"]).items() >= expected.items()


def test_a_part_of_the_clock_is_named_as_what_a_test_cannot_hold():
    _, unsolved = make('FROM x | WHERE DATE_EXTRACT("day_of_month", @timestamp) > 20 | KEEP host.name')
    assert "DATE_EXTRACT of @timestamp, which no age" in unsolved["all conditions hold"]


def test_a_group_has_one_value_where_a_condition_compares_one():
    cases, unsolved = make(
        "FROM x | STATS d = COUNT_DISTINCT(m), s = COUNT_DISTINCT(risk), r = VALUES(risk) BY user.name "
        "| WHERE d >= 2 AND (s >= 2 OR r == 73 OR r == 99)"
    )
    assert "all conditions hold" in cases, unsolved
    assert {event.document["risk"] for event in cases["all conditions hold"].events} in ({73}, {99})


def test_of_what_or_joins_behind_a_stats_one_side_is_enough():
    cases, unsolved = make(
        "FROM x | STATS d = COUNT_DISTINCT(rule), p = COUNT_DISTINCT(path), r = VALUES(rule), n = COUNT(*) BY host "
        '| WHERE (d >= 9 AND n < 4) OR (p >= 3 AND r == "External")'
    )
    assert "all conditions hold" in cases, unsolved
    events = cases["all conditions hold"].events
    assert {event.document["rule"] for event in events} == {"External"}
    assert len({event.document["path"] for event in events}) >= 3


@pytest.mark.parametrize("predicate", ['_index LIKE ".ds-metrics-*"', '_id == "a"'])
def test_where_an_event_lies_is_no_test_to_choose(predicate):
    _, unsolved = make(f"FROM x METADATA _index, _id | WHERE {predicate} | KEEP host.name")
    assert "which a test cannot choose" in unsolved["all conditions hold"]
    counted = f"FROM x METADATA _index, _id | STATS n = COUNT(*) WHERE {predicate} BY host.name | WHERE n > 1"
    _, unsolved = make(counted)
    assert "`n > 1`" in unsolved["all conditions hold"]
    assert "which a test cannot choose" in unsolved["all conditions hold"]


def test_what_elasticsearch_derives_is_told_by_what_it_is_made_of():
    cases, _ = make('FROM x | WHERE ENDS_WITH(process.name.caseless, "/Assist")')
    assert list(cases["all conditions hold"].entity) == ["process.name"]


def test_an_event_that_one_counter_counts_is_no_event_of_the_other_where_that_can_be():
    cases, unsolved = make(
        'FROM x | WHERE alert == "a" OR (action == "login" AND user IS NOT NULL) '
        '| EVAL a = CASE(alert == "a", @timestamp, null), l = CASE(action == "login", @timestamp, null) '
        '| STATS late = MAX(a), early = MIN(l) BY user | EVAL m = DATE_DIFF("minute", late, early) '
        "| WHERE late < early AND m <= 180",
        lookback=86400.0,
    )
    assert "all conditions hold" in cases, unsolved


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("FROM x | STATS n = MEDIAN_ABSOLUTE_DEVIATION(a) BY u | WHERE n > 7.123", "`n > 7.123`: n cannot be computed"),
        ("FROM x | STATS n = COUNT(*) BY u | WHERE NO_SUCH(n) > 1", "`NO_SUCH(n) > 1`: NO_SUCH cannot be computed"),
        ('FROM x | STATS n = COUNT(*) BY u | WHERE CONCAT(u, TO_STRING(n)) == "a5"', "`CONCAT(u, TO_STRING(n)) == "),
    ],
)
def test_a_rule_without_a_case_names_its_condition(query, why):
    cases, unsolved = make(query)
    assert not any(case.fires for case in cases.values())
    assert unsolved["all conditions hold"].startswith(why)


def test_a_rule_of_which_nothing_can_be_made_names_a_place():
    query = "FROM x | ENRICH p ON u | WHERE z == 1"
    (one,) = make_cases(there(parse(query, V).tree), {"query": query, "from": "now-1h", "interval": "5m"})
    assert isinstance(one, Unsolvable)
    assert one.at == query.index("ENRICH")


def test_a_rule_whose_alerts_lose_a_column_has_no_test_that_could_pass():
    query = "FROM x | EVAL process = process.name | STATS n = COUNT(*) BY process | WHERE n > 3"
    (one,) = make_cases(there(parse(query, V).tree), {"query": query, "from": "now-1h", "interval": "5m"})
    assert isinstance(one, Unsolvable)
    assert (one.why, one.at) == ("its alerts lose the column process (DEP021)", query.index("n > 3"))


@pytest.mark.parametrize(
    "query",
    [
        "FROM x | STATS n = COUNT(*) BY t | WHERE n >= 3",
        "FROM x | STATS n = COUNT_DISTINCT(t), one = COUNT(*) BY u | WHERE n >= 3 AND one < 2",
        'FROM x | WHERE MATCH(t, "denied") AND MV_COUNT(t) > 1 | KEEP t, u',
    ],
)
@pytest.mark.parametrize("lists", [(), ("t",)])
def test_a_file_can_hold_what_is_made_of_text_fields(query, lists):
    cases, _ = make(query, types={"t": "text"}, lists=lists)
    held = [value for case in cases.values() for event in case.events for value in event.document.values()]
    held += [value for case in cases.values() for value in case.entity.values()]
    plain = [one for value in held for one in (value if isinstance(value, list) else [value])]
    assert {type(one) for one in plain} <= {str, int, float, bool, type(None)}
