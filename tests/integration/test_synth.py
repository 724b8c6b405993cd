"""Made tests on a real Elasticsearch: what must fire fires, and every near miss stays quiet."""

import json
import shutil
from pathlib import Path

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.rule_query import read_query
from entra_deployer.hunts.hunt import Query
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.repository import Repository
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import Made
from entra_deployer.verify.generate_tests import make_cases, synthesise, write_tests
from entra_deployer.verify.seeding import Run
from entra_deployer.verify.try_cases import CaseTrial
from entra_deployer.verify.verdict import Status
from entra_deployer.verify.verify_rules import VerifyRequest, verify_rules
from tests.bench.hunts import Tally, behave, outcome_of
from tests.esql.computed import COMPUTED
from tests.shapes import REFUSED, TOML, TOO_NEW

RULES = Path(__file__).parents[2] / "rules"


@pytest.fixture
def made(tmp_path: Path, connection: Connection) -> Path:
    """The project's rules, pushed, with made tests in place of their own."""
    shutil.copytree(RULES, tmp_path / "rules", ignore=shutil.ignore_patterns("tests"))
    for found in synthesise(Repository(tmp_path)):
        write_tests(tmp_path, found)
    assert not push_rules(Repository(tmp_path), connection, PushRequest()).errors
    return tmp_path


def test_made_tests_of_the_projects_rules_pass_and_notice_every_small_change(made: Path, connection: Connection):
    verdicts = verify_rules(Repository(made), connection, VerifyRequest(mutate=True)).verdicts
    assert {verdict.name: (verdict.status, verdict.error, verdict.problems) for verdict in verdicts} == {
        verdict.name: (Status.PASSED, "", ()) for verdict in verdicts
    }
    assert {verdict.name: verdict.mutation.survivors for verdict in verdicts if verdict.mutation} == {
        verdict.name: () for verdict in verdicts
    }


def test_made_tests_of_every_shape_of_hunt_behave(connection: Connection):
    tally = Tally()
    for outcome in behave(connection.elastic, [path for path in TOML if path.stem not in TOO_NEW]):
        tally.add(outcome)
    assert tally.parsable == len(TOML) - len(REFUSED) - len(TOO_NEW)
    assert tally.strange == []
    assert tally.behaving >= 0.9 * tally.parsable


@pytest.mark.parametrize(
    "text",
    [
        (
            'GROK message "user %{USERNAME:u} from %{IP:ip} port %{NUMBER:p:int}" | WHERE p > 1024 AND u != "root" '
            'AND NOT CIDR_MATCH(TO_IP(ip), "10.0.0.0/8") | STATS n = COUNT(*) BY u'
        ),
        'GROK m "(?<k>[a-z]+)=%{GREEDYDATA:v}" | WHERE k == "cmd" AND v LIKE "*curl*" | KEEP host.name, v',
        (
            'GROK m "%{TIMESTAMP_ISO8601:t} %{LOGLEVEL:level} %{DATA}id=%{UUID:id}" | WHERE level == "ERROR" '
            "| STATS n = COUNT_DISTINCT(id) BY host.name | WHERE n > 2"
        ),
        'GROK process.command_line """%{WINPATH:dir} /x %{QS:arg}""" | WHERE arg IS NOT NULL | KEEP host.id',
        'DISSECT m "%{a}=%{b}" | WHERE b IS NOT NULL | STATS n = COUNT(*) BY host.name',
        'WHERE user.name.caseless == "root" AND user.name != "root" | STATS n = COUNT(*) BY user.name.caseless',
        (
            'EVAL f = CASE(o == "bad", source.ip, null), s = CASE(o == "good", source.ip, null) | STATS cf = COUNT(f), '
            "cs = COUNT(s), u = COUNT_DISTINCT(user.name) BY source.ip | WHERE cf >= 3 AND cs <= 1 AND u >= 2"
        ),
        "STATS a = COUNT(*) WHERE code IN (1, 2), b = COUNT(*) WHERE code == 1 BY host.name | WHERE a > 4 AND b > 1",
        'EVAL p = REPLACE(TO_LOWER(file.path), "[0-9]+", "") | STATS h = COUNT_DISTINCT(host.id) BY p | WHERE h > 1',
        'WHERE FROM_BASE64(data) LIKE "*http*" AND event.code IS NOT NULL | KEEP host.id',
        'MV_EXPAND user.roles | WHERE user.roles IN ("admin", "owner") | STATS n = COUNT(*) BY user.name',
    ],
)
def test_what_a_query_makes_of_its_fields_is_as_elasticsearch_makes_it(connection: Connection, text: str):
    outcome = outcome_of(connection.elastic, "pattern", Query(f"FROM logs-x* | {text}", 1), len(text))
    assert (outcome.unsolved, outcome.strange) == (0, ())
    assert outcome.fires >= 1
    assert outcome.near_misses >= 1


def test_a_case_that_would_fail_a_verdict_is_dropped(connection: Connection):
    text = (
        "FROM logs-x* | STATS c = COUNT(*), a = MIN(@timestamp), b = MAX(@timestamp) BY user.name "
        '| EVAL h = DATE_DIFF("hours", a, b), r = c / h | WHERE c >= 3 AND (r IS NULL OR r > 0)'
    )
    payload = {"from": "now-2d", "to": "now", "query": text}
    query = read_query(text, StackVersion(8, 19, 21))
    cases = tuple(one for one in make_cases(query.tree, payload) if isinstance(one, Case))
    made = Made(cases, "made", "logs-x-default", "made.yaml", None, payload)
    run = Run("dropped", connection.elastic.now(), embedded=True)
    _, dropped = CaseTrial(connection.elastic, run, query).sort(made)
    assert dropped
    assert all("tried on Elasticsearch, `c / h` became null for some events: / by zero" in one.why for one in dropped)


def test_functions_are_computed_as_elasticsearch_does(connection: Connection):
    calls = [
        f"v{n} = {name}({', '.join(map(json.dumps, arguments))})" for n, (name, arguments, _) in enumerate(COMPUTED)
    ]
    (row,) = connection.elastic.query(f"ROW x = 1 | EVAL {', '.join(calls)} | DROP x").records()
    assert {f"v{n}": value for n, (_, _, value) in enumerate(COMPUTED)} == row


PATTERNS = [
    "^a$",
    "a.+*b",
    "a++",
    '"a.b"c',
    r"\.\d[a-z]+",
    "(a|b){2,3}",
    "[^a-z].",
    "a.?c",
    "[cC]:.*",
    "a|bc",
    "x{2}y+",
    "[a[]b",
    "(?i)ac",
    "a@",
    "(?:a)",
    "a}]",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_read_as_elasticsearch_does(connection: Connection, pattern: str):
    texts = [
        "?iac",
        "?:a",
        "a}]",
        "a",
        "^a$",
        "axb",
        "ab",
        "aa",
        "a.bc",
        "axbc",
        ".5x",
        "aba",
        "A1",
        "ac",
        "C:/x",
        "bc",
        "xxyy",
        "xxyxy",
    ]
    columns = ", ".join(f"v{n} = {json.dumps(text)}" for n, text in enumerate(texts))
    tests = ", ".join(f"r{n} = v{n} RLIKE {json.dumps(pattern)}" for n in range(len(texts)))
    (row,) = connection.elastic.query(f"ROW {columns} | EVAL {tests} | KEEP r*").records()
    assert [row[f"r{n}"] for n in range(len(texts))] == [
        regex.matches(regex.from_lucene(pattern), text) for text in texts
    ]
