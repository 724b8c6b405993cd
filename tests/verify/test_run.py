"""One run: seeded, tried, judged, and gone again, whatever happens."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import read_query
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.stack.search import Column, PreviewResult, QueryResult
from entra_deployer.verify.against_hunt import OwnQuery
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.repeats import seen_by_both
from entra_deployer.verify.run import Bench, RuleUnderTest, verify
from entra_deployer.verify.seeding import STALE, sweep
from entra_deployer.verify.verdict import Status
from tests.reading import part

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUERY = "FROM logs-x* | WHERE event.code == 1 | STATS n = COUNT(*) BY user.name"


class Found:
    def __init__(self, name, created):
        self.name, self.created = name, created.timestamp()


class Server:
    """Keeps what was seeded by alias, and answers each query with the users of that alias whose event.code is 1."""

    def __init__(self, warnings=(), error=None, old=()):
        self.indices, self.aliases, self.deleted, self.asked = {}, {}, [], []
        self.warnings, self.error, self.old = warnings, error, list(old)

    def create_index(self, name, *, mappings=None, settings=None):
        self.indices[name] = []
        self.settings, self.mappings = settings, mappings

    def delete_index(self, name):
        self.deleted.append(name)
        return self.indices.pop(name, None) is not None

    def bulk(self, index, documents, *, routing=None):
        self.indices[index] += zip(documents, routing, strict=True)
        return len(self.indices[index])

    def add_aliases(self, aliases):
        for index, alias, filter_ in aliases:
            self.aliases[alias] = (index, filter_["terms"]["_routing"])

    def find_indices(self, pattern):
        return [Found(name, made) for name, made in self.old]

    def query(self, text, *, filter=None, params=()):  # noqa: A002
        self.asked.append((text, filter))
        if self.error:
            raise self.error
        index, tags = self.aliases[text.split()[1]]
        users = sorted({doc["user.name"] for doc, tag in self.indices[index] if tag in tags and doc["event.code"] == 1})
        return QueryResult((Column("user.name", "keyword"),), tuple((user,) for user in users), tuple(self.warnings))


class Previewer:
    def __init__(self, server, *, repeats=False, **result):
        self.server, self.result, self.repeats, self.previewed = server, result, repeats, []

    def aliases(self, runs):
        return [rule["query"].split()[1] for rule, _, invocations in self.previewed if invocations == runs]

    def preview(self, rule, *, timeframe_end, invocations=1):
        self.previewed.append((rule, timeframe_end, invocations))
        alerts = self.server.query(rule["query"]).records() * (invocations if self.repeats else 1)
        return PreviewResult(**{"alerts": tuple({"user": {"name": a["user.name"]}} for a in alerts)} | self.result)


def a_test(name="t", caught="alice", quiet="bob"):
    events = (
        Event(f"{caught} fails", {"user.name": caught, "event.code": 1}, age=3600, count=2, every=60),
        Event(f"{quiet} succeeds", {"user.name": quiet, "event.code": 0}, age=0),
    )
    catches = (Expectation(caught, {"user.name": caught}),)
    ignores = (Expectation(quiet, {"user.name": quiet}),)
    return DetectionTest(name, f"rules/x/tests/{name}.yaml", "logs-x-default", events, catches, ignores)


def a_rule(tests=None, **payload):
    body: dict[str, Json] = {"query": QUERY, "from": "now-14d", "max_signals": 100, **payload}
    return RuleUnderTest("r1", "Rule one", body, tests if tests is not None else (a_test(),), ("user.name",))


def bench(server, previewer=None, *, embedded=True):
    previewer = previewer or Previewer(server)
    return Bench(server, previewer, StackVersion(8, 19, 21), lambda: NOW, "run1", embedded=embedded, parallel=2)


def test_a_rule_that_catches_what_it_must_and_nothing_else_passes():
    server = Server()
    verdict = verify([a_rule()], bench(server))[0]
    assert (verdict.status, verdict.missed, verdict.false_alarms) == (Status.PASSED, (), ())
    assert (verdict.events, verdict.alerts, verdict.tests) == (3, 1, ("rules/x/tests/t.yaml",))
    assert not server.indices


@pytest.mark.parametrize(("level", "status"), [(Level.ERROR, Status.FAILED), (Level.WARNING, Status.PASSED)])
def test_what_is_known_of_a_rule_before_it_is_tried_counts_by_its_level(level, status):
    issue = Issue("DEP333", level, "a field is text", "Rule one")
    verdict = verify([replace(a_rule(), known=(issue,))], bench(Server()))[0]
    assert verdict.status is status
    assert verdict.problems == ((issue,) if status is Status.FAILED else ())


@pytest.mark.parametrize(("run_at", "moment"), [("11:30", "2026-03-01T11:30:00"), ("sat 13:00", "2026-02-28T13:00:00")])
def test_a_rule_runs_at_the_time_of_the_week_that_its_tests_name(run_at, moment):
    server = Server()
    previewer = Previewer(server)
    verdict = verify([a_rule((replace(a_test(), run_at=run_at),))], bench(server, previewer))[0]
    assert verdict.status is Status.PASSED
    assert {end[:19] for _, end, _ in previewer.previewed} == {moment}
    ranges = [str(within) for _, within in server.asked if within]
    assert ranges
    assert all(moment in within for within in ranges)


def test_tests_of_one_rule_run_at_one_moment_which_is_its_now():
    at_night, by_day = (replace(a_test(name), run_at=at) for name, at in (("t", "03:30"), ("u", "12:00")))
    several = verify([a_rule((at_night, by_day))], bench(Server()))[0]
    assert "run at one moment" in several.error
    clock = "FROM logs-x* | WHERE event.code == 1 | STATS n = MIN(@timestamp) BY user.name | WHERE n > NOW() - 1 day"
    server = Server()
    verify([a_rule((at_night,), query=clock)], bench(server))
    assert 'TO_DATETIME("2026-03-01T03:30:00' in server.asked[0][0]


def test_the_test_index_has_the_types_of_the_source():
    server = Server()
    verify([replace(a_rule(), mapped={"user.name": "text"})], bench(server))
    assert server.mappings["properties"]["user.name"] == {"type": "text"}


def test_events_that_elasticsearch_does_not_take_cost_only_their_own_rule_the_verdict():
    class Picky(Server):
        def bulk(self, index, documents, *, routing=None):
            documents = list(documents)
            if any(document["user.name"] == "eve" for document in documents):
                raise Refused("it did not take document 3", status=400)
            return super().bulk(index, documents, routing=routing)

    server = Picky()
    good, bad = a_rule(), replace(a_rule(tests=(a_test("b", caught="eve"),)), rule_id="r2", name="Rule two")
    first, second = verify([good, bad], bench(server))
    assert (first.status, second.status) == (Status.PASSED, Status.ERROR)
    assert second.error == "rules/x/tests/b.yaml: it did not take document 3"
    assert not server.indices


def test_a_server_that_refuses_for_another_reason_ends_the_run():
    class Full(Server):
        def create_index(self, name, *, mappings=None, settings=None):
            raise Refused("too many requests", status=429)

    with pytest.raises(Refused, match="too many"):
        verify([a_rule()], bench(Full()))


def test_events_are_as_old_as_they_say_and_copies_are_older():
    kept = {}

    class Keeping(Server):
        def delete_index(self, name):
            kept[name] = self.indices[name]

    server = Keeping()
    verify([a_rule()], bench(server))
    stamps = [document["@timestamp"] for document, _ in kept["entra-deployer-verify-run1-0"]]
    assert stamps == ["2026-03-01T11:00:00.000Z", "2026-03-01T10:59:00.000Z", "2026-03-01T12:00:00.000Z"]


@pytest.mark.parametrize(("most", "status"), [(None, Status.PASSED), (3, Status.PASSED), (2, Status.ERROR)])
def test_a_real_cluster_is_spared_tests_with_more_events_than_it_allows(most, status):
    server = Server()
    verdict = verify([a_rule()], replace(bench(server), most_events=most))[0]
    assert verdict.status is status
    if status is Status.ERROR:
        assert verdict.error.startswith("its tests seed 3 events, and limits.test_events allows 2 here")
        assert not server.asked


@pytest.mark.parametrize(
    ("kinds", "indices"), [(("1", "2"), 1), (("1", '"a"'), 2), (("1", '"a"', "2"), 2)], ids=["alike", "two", "three"]
)
def test_rules_that_demand_other_types_of_a_field_have_their_events_apart(kinds, indices):
    class Recording(Server):
        def __init__(self):
            super().__init__()
            self.types = []

        def create_index(self, name, *, mappings=None, settings=None):
            super().create_index(name, mappings=mappings, settings=settings)
            self.types.append(mappings["properties"]["my.own"]["type"])

    server = Recording()
    rules = [a_rule(query=QUERY.replace("| STATS", f"AND my.own != {kind} | STATS")) for kind in kinds]
    verify(rules, bench(server))
    assert len(server.types) == indices
    assert sorted(set(server.types)) == sorted({"keyword" if kind == '"a"' else "long" for kind in kinds})


def test_a_pattern_of_keep_that_no_event_matches_finds_a_field_in_the_mapping():
    class Mapping(Server):
        def create_index(self, name, *, mappings=None, settings=None):
            self.mapped = mappings["properties"]
            super().create_index(name, mappings=mappings, settings=settings)

    server = Mapping()
    verify([a_rule(query=QUERY.replace(" | STATS", " | DROP source.geo.* | STATS", 1))], bench(server))
    assert server.mapped["source.geo.city_name"] == {"type": "keyword", "ignore_above": 1024}


def test_the_events_are_hidden_from_every_wildcard():
    server = Server()
    verify([a_rule()], bench(server))
    assert server.settings["index.hidden"] is True


def test_the_rule_runs_over_the_range_that_kibana_would_give_it():
    server = Server()
    previewer = Previewer(server)
    verify([a_rule()], bench(server, previewer))
    span = server.asked[0][1]["range"]["@timestamp"]
    assert (span["gte"], span["lte"]) == ("2026-03-01T12:00:00.000Z||-14d", "2026-03-01T12:00:00.000Z")
    rule, end, _ = previewer.previewed[0]
    assert end == "2026-03-01T12:00:00.000Z"
    assert rule["query"] == QUERY.replace("logs-x*", "entra-deployer-verify-run1-r0t0")


def test_a_timestamp_override_is_ranged_with_its_fallback():
    both = time_range({"from": "now-5m", "timestamp_override": "event.ingested"}, NOW)
    assert [next(iter(choice)) for choice in part(both, "bool", "should")] == ["range", "bool"]
    one = time_range({"timestamp_override": "event.ingested", "timestamp_override_fallback_disabled": True}, NOW)
    assert len(part(one, "bool", "should")) == 1


def test_the_moment_of_the_run_is_now_for_the_rule_however_long_it_takes():
    server = Server()
    previewer = Previewer(server)
    query = f"{QUERY} | WHERE n > 0 AND NOW() > TO_DATETIME(0)"
    verdict = verify([a_rule(query=query)], bench(server, previewer))[0]
    assert verdict.status is Status.PASSED
    texts = [text for text, _ in server.asked] + [rule["query"] for rule, *_ in previewer.previewed]
    assert all('AND TO_DATETIME("2026-03-01T12:00:00.000Z") > TO_DATETIME(0)' in text for text in texts)
    assert len(texts) > 1


def test_a_missed_entity_and_a_false_alarm_are_named():
    test = a_test()
    swapped = DetectionTest(test.name, test.source, test.index, test.events, test.ignores, test.catches)
    verdict = verify([a_rule((swapped,))], bench(Server()))[0]
    assert (verdict.status, verdict.missed, verdict.false_alarms) == (Status.FAILED, ("bob",), ("alice",))


def test_tests_that_leave_each_other_alone_share_one_preview():
    server = Server()
    previewer = Previewer(server)
    verdict = verify([a_rule((a_test(), a_test("u", "carol", "dave")))], bench(server, previewer))[0]
    assert verdict.status is Status.PASSED
    assert previewer.aliases(1) == ["entra-deployer-verify-run1-r0"]


def test_tests_that_would_disturb_each_other_are_previewed_apart():
    server = Server()
    previewer = Previewer(server)
    verdict = verify([a_rule((a_test(), a_test("u", "bob", "alice")))], bench(server, previewer))[0]
    assert verdict.status is Status.PASSED
    assert sorted(previewer.aliases(1)) == ["entra-deployer-verify-run1-r0t0", "entra-deployer-verify-run1-r0t1"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (RuleUnderTest("r1", "Rule one", None, (a_test(),)), "deploy push"),
        (RuleUnderTest("r1", "Rule one", None, (a_test(),), held_back="DEP331"), "DEP331 keeps it from being pushed"),
        (a_rule(()), "no tests"),
        (replace(a_rule(()), unread="rules/x/tests/t.yaml:3:1: no events"), "cannot be read: rules/x/tests/t.yaml:3:1"),
        (a_rule(query="FROM a | wher b"), "does not parse"),
        (a_rule(query="ROW a = 1"), "no FROM"),
        (a_rule(query="FROM a | STATS c = COUNT(*) BY g = CATEGORIZE(m)"), "needs --on ENV"),
    ],
)
def test_where_no_verdict_is_possible_it_says_why_and_sends_nothing(rule, said):
    server = Server()
    verdict = verify([rule], bench(server))[0]
    assert verdict.status is Status.ERROR
    assert said in verdict.error
    assert server.asked == []


def test_a_misspelt_entity_is_no_pass():
    test = a_test()
    typo = DetectionTest(
        test.name, test.source, test.index, test.events, test.catches, (Expectation("x", {"user.name": "x"}),)
    )
    verdict = verify([a_rule((typo,))], bench(Server()))[0]
    assert verdict.status is Status.ERROR
    assert "misspelt" in verdict.error


def test_a_refused_query_is_that_rules_affair():
    refusing = Server(error=Refused("verification_exception: Unknown column [x]", status=400))
    verdict = verify([a_rule()], bench(refusing))[0]
    assert (verdict.status, verdict.error) == (Status.ERROR, "verification_exception: Unknown column [x]")
    assert not refusing.indices


@pytest.mark.parametrize("error", [Unreachable("gone"), KeyboardInterrupt(), SystemExit(143)])
def test_whatever_stops_a_run_its_events_are_removed(error):
    server = Server(error=error)
    with pytest.raises(type(error)):
        verify([a_rule()], bench(server))
    assert server.deleted == ["entra-deployer-verify-run1-0"]


def test_an_index_that_was_only_half_made_is_removed_too():
    class Dying(Server):
        def create_index(self, name, **_):
            self.indices[name] = []
            raise KeyboardInterrupt

    server = Dying()
    with pytest.raises(KeyboardInterrupt):
        verify([a_rule()], bench(server))
    assert not server.indices


def test_what_earlier_runs_left_behind_is_swept_and_what_runs_now_is_not():
    old = [("entra-deployer-verify-a-0", NOW - STALE * 2), ("entra-deployer-verify-b-0", NOW - timedelta(seconds=9))]
    server = Server(old=old)
    sweep(server, NOW)
    assert server.deleted == ["entra-deployer-verify-a-0"]


def test_a_preview_that_fails_gives_no_verdict():
    server = Server()
    verdict = verify([a_rule()], bench(server, Previewer(server, alerts=(), errors=("no such index",))))[0]
    assert (verdict.status, verdict.error) == (Status.ERROR, "Kibana could not run the rule: no such index")


def test_silent_nulls_and_warnings_of_kibana_fail_a_rule_that_caught_the_right_ones():
    sent = QUERY.replace("logs-x*", "entra-deployer-verify-run1-r0t0")
    where = f"Line 1:{sent.index('event.code') + 1}: "
    warnings = [
        f"{where}evaluation of [event.code == 1] failed, treating result as null. Only first 20 failures recorded.",
        f"{where}java.lang.IllegalArgumentException: single-value function encountered multi-value",
        "No limit defined, adding default limit of [1000]",
    ]
    server = Server(warnings)
    verdict = verify([a_rule()], bench(server, Previewer(server, warnings=("the maximum alert limit",))))[0]
    assert verdict.status is Status.FAILED
    assert [issue.code for issue in verdict.problems] == ["DEP801", "DEP804"]
    assert "`event.code == 1` became null for some events: the field has several values" in verdict.problems[0].message
    assert f"line 1:{QUERY.index('event.code') + 1} " in verdict.problems[0].message


def test_columns_that_the_alerts_lack_and_rows_near_the_limit_fail_a_rule():
    server = Server()
    previewer = Previewer(server, alerts=({"host.name": "x"},))
    verdict = verify([a_rule(max_signals=1)], bench(server, previewer))[0]
    assert sorted(issue.code for issue in verdict.problems) == ["DEP803", "DEP805"]


def test_a_rule_that_alerts_again_for_the_same_events_fails_with_their_number():
    server = Server()
    verdict = verify([a_rule(interval="5m")], bench(server, Previewer(server, repeats=True)))[0]
    assert (verdict.status, verdict.missed, verdict.alerts) == (Status.FAILED, (), 1)
    assert [issue.code for issue in verdict.problems] == ["DEP806"]
    assert "1 of 1 entities, alice first" in verdict.problems[0].message
    assert "12 duplicates an hour" in verdict.problems[0].message


def test_who_accepts_repeats_is_not_told_of_them():
    server = Server()
    rule = replace(a_rule(interval="5m"), repeats_matter=False)
    assert verify([rule], bench(server, Previewer(server, repeats=True)))[0].status is Status.PASSED


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        ({"interval": "5m", "from": "now-14d"}, ("alice",)),
        ({"interval": "1h", "from": "now-14d"}, ()),  # the events are as old as the interval: the first run lacks them
        ({"interval": "5m", "from": "now-1h"}, ()),  # the older copy left the range of the last run
        ({"interval": "14d", "from": "now-14d"}, ()),
        ({"interval": "5m", "from": "now-14d", "to": "now-1h"}, ()),
        ({"interval": "5m", "from": "now/d"}, ()),
        ({}, ()),
    ],
)
def test_only_entities_whose_events_both_runs_see_can_repeat(payload, names):
    assert tuple(item.name for item in seen_by_both(payload, [a_test()])) == names


def test_a_rule_whose_tests_catch_nothing_has_no_verdict():
    test = a_test()
    verdict = verify([a_rule(tests=(replace(test, catches=()),))], bench(Quiet()))[0]
    assert verdict.status is Status.ERROR
    assert "catch nothing" in verdict.error


def test_a_column_that_the_result_does_not_have_is_named():
    test = a_test()
    named = replace(test, catches=(Expectation("alice", {"user.id": "alice", "user.name": "alice"}),))
    verdict = verify([a_rule(tests=(named,))], bench(Server()))[0]
    assert verdict.error == "rules/x/tests/t.yaml: the result of the rule has no column user.id; it has user.name"


class Quiet(Server):
    def query(self, text, *, filter=None, params=()):  # noqa: A002
        return structs.replace(super().query(text, filter=filter), rows=())


def test_a_rule_that_finds_others_than_its_hunt_fails():
    class Narrow(Server):
        """The rule's own query finds nobody but alice; the hunt's finds carol too."""

        def query(self, text, *, filter=None, params=()):  # noqa: A002
            found = super().query(text, filter=filter)
            return structs.replace(found, rows=(*found.rows, ("carol",))) if "hunted" in text else found

    own = OwnQuery(read_query(f"{QUERY} /* hunted */", StackVersion(8, 19)), "rules/x/hunt.md")
    verdict = verify([replace(a_rule(), own=own)], bench(Narrow()))[0]
    assert verdict.status is Status.FAILED
    assert [issue.code for issue in verdict.problems] == ["DEP812"]
    assert "carol" in verdict.problems[0].message


JOINING = "FROM logs-x* | LOOKUP JOIN lk ON user.name | KEEP user.name"


@pytest.mark.parametrize(
    ("query", "lookups", "said"),
    [
        (JOINING, {}, "rules/x/tests/t.yaml: it holds no rows for lk: add `lookup: {lk: [...]}`, with [] for none"),
        (JOINING, {"lk": (), "kl": ()}, "rules/x/tests/t.yaml: no LOOKUP JOIN of the rule reads kl: it reads lk"),
        (QUERY, {"kl": ()}, "rules/x/tests/t.yaml: no LOOKUP JOIN of the rule reads kl: it has none"),
    ],
)
def test_a_test_holds_rows_for_each_lookup_index_and_for_no_other(query, lookups, said):
    server = Server()
    verdict = verify([a_rule((replace(a_test(), lookups=lookups),), query=query)], bench(server))[0]
    assert (verdict.status, verdict.error) == (Status.ERROR, said)
    assert not server.asked


def test_what_the_embedded_server_refuses_for_lack_of_it_is_named():
    server = Server(error=Refused("line 1:18: cannot find enrich policy [pol]", status=400))
    verdict = verify([a_rule()], bench(server))[0]
    assert verdict.error == "needs --on ENV: the embedded Elasticsearch cannot run ENRICH with the policy pol"
    assert verify([a_rule()], bench(server, embedded=False))[0].error == "line 1:18: cannot find enrich policy [pol]"


def test_progress_counts_rules_as_they_are_done_whatever_their_order():
    slow, told = threading.Event(), []

    class Waiting(Server):
        """Answers about the first rule once the others are done."""

        def query(self, text, *, filter=None, params=()):  # noqa: A002
            if "-r0" in text:
                assert slow.wait(30)
            return super().query(text, filter=filter, params=params)

    def progress(done, total):
        told.append((done, total))
        if done == total - 1:
            slow.set()

    rules = [replace(a_rule(), rule_id=f"r{number}", name=f"Rule {number}") for number in range(3)]
    verdicts = verify(rules, replace(bench(Waiting()), progress=progress))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [one.name for one in verdicts] == ["Rule 0", "Rule 1", "Rule 2"]


def test_an_interruption_of_the_clearing_up_leaves_nothing_either():
    class Interrupted(Server):
        def delete_index(self, name):
            if not self.deleted:
                self.deleted.append(name)
                raise KeyboardInterrupt
            return super().delete_index(name)

    other = replace(a_test("u", "carol", "dave"), index="logs-y-default")
    server = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        verify([a_rule((a_test(), other))], bench(server))
    assert server.indices == {}
    assert len(set(server.deleted)) == 2
