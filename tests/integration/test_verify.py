"""`deploy verify` on the embedded stack: the project's own hunts, and what happens when something is off."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json
from entra_deployer.core.time import format_moment
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.hunts.hunt import Query
from entra_deployer.hunts.selection import Selection
from entra_deployer.local.stack import LocalStack
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.repository import Repository
from entra_deployer.verify.live import lost_on_live_data
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.run import RuleUnderTest, verify
from entra_deployer.verify.seeding import PREFIX, Batch, Run, seeded
from entra_deployer.verify.verdict import Status, Verdict, VerifyReport
from entra_deployer.verify.verify_rules import VerifyRequest, make_bench, rules_under_test, verify_code, verify_rules
from tests.reading import there

pytestmark = pytest.mark.any_stack

RULES = Path(__file__).parents[2] / "rules"
SEED = "entra_unusual_client_app_auth_request_on_behalf_of_user"


@dataclass(frozen=True)
class Project:
    """A copy of the project's rules, pushed, whose tests may be edited."""

    root: Path
    connection: Connection

    def edit(self, old: str, new: str, file: str = f"{SEED}/tests/failed_sign_ins.yaml") -> None:
        path = self.root / "rules" / file
        text = path.read_text()
        assert text.count(old) >= 1, old
        path.write_text(text.replace(old, new, 1))

    def verify(self, *names: str) -> VerifyReport:
        return verify_rules(Repository(self.root), self.connection, VerifyRequest(Selection(names)))

    def verdict(self, name: str = SEED) -> Verdict:
        return self.verify(name).verdicts[0]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory, connection: Connection) -> Path:
    root = tmp_path_factory.mktemp("verify")
    shutil.copytree(RULES, root / "rules")
    report = push_rules(Repository(root), connection, PushRequest())
    assert not report.errors, report.errors
    return root


@pytest.fixture
def project(tmp_path: Path, pushed: Path, connection: Connection) -> Iterator[Project]:
    shutil.copytree(pushed / "rules", tmp_path / "rules")
    yield Project(tmp_path, connection)
    assert connection.elastic.find_indices(f"{PREFIX}-*") == (), "nothing is left behind"


def test_every_rule_of_the_project_passes(project: Project):
    report = project.verify()
    assert [(verdict.name, verdict.missed, verdict.false_alarms, verdict.error, verdict.problems)
            for verdict in report.verdicts if verdict.status is not Status.PASSED] == []  # fmt: skip
    assert verify_code(report) == 0
    assert {verdict.status for verdict in report.verdicts} == {Status.PASSED}


def test_the_tests_of_the_projects_rules_notice_every_small_change(project: Project):
    report = verify_rules(Repository(project.root), project.connection, VerifyRequest(mutate=True))
    survivors = {verdict.name: verdict.mutation.survivors for verdict in report.verdicts if verdict.mutation}
    assert survivors == {verdict.name: () for verdict in report.verdicts}
    assert sum(verdict.mutation.killed for verdict in report.verdicts if verdict.mutation) > 100


def test_a_survivor_is_told_with_its_place_and_fails_a_rule_that_demands_more(project: Project):
    file = "entra_refresh_token_replay_across_countries/tests/replays.yaml"
    text = (project.root / "rules" / file).read_text()
    lines = [line for line in text.splitlines(keepends=True) if "onas" not in line and "a minute more" not in line]
    (project.root / "rules" / file).write_text("".join(lines))
    verdict = project.verdict("entra_refresh_token_replay_across_countries")
    survivors = there(verdict.mutation).survivors
    assert [(one.what, one.before, one.after) for one in survivors] == [("one more", "60", "61")]
    place = there(there(verdict.mutation).survivors[0].location)
    assert (Path(place.path).name, place.line, place.column) == ("hunt.toml", 40, 39)
    assert there(verdict.mutation).survivors[0].killer == "not: minutes <= 60"
    assert verdict.status is Status.FAILED
    assert [issue.code for issue in verdict.problems] == ["DEP809"]


def test_the_verdict_names_every_event(project: Project):
    verdict = project.verdict()
    named = {
        event.rpartition(" x")[0] if " x" in event[-4:] else event for one in verdict.outcomes for event in one.events
    }
    tests = Repository(project.root).compile(project.connection.target("default"), Selection((SEED,))).sources[0].tests
    assert named == {event.name for test in tests for event in test.events}


def test_an_error_code_off_the_list_is_a_miss(project: Project):
    project.edit("status.error_code: 50053", "status.error_code: 50076")
    report = project.verify(SEED)
    verdict = report.verdicts[0]
    assert verdict.missed == ("carol@contoso.example / Microsoft Azure CLI",)
    assert verdict.false_alarms == ()
    assert verify_code(report) == 2


def test_a_near_miss_with_a_failure_less_is_a_false_alarm(project: Project):
    project.edit("count: 4", "count: 3")
    report = project.verify(SEED)
    assert report.verdicts[0].false_alarms == ("hana@contoso.example",)
    assert report.verdicts[0].missed == ()
    assert verify_code(report) == 2


def test_an_entity_that_no_test_mentions_is_a_false_alarm(project: Project):
    project.edit("count: 4", "count: 3")
    project.edit(
        "  - entity:\n      azure.signinlogs.properties.user_principal_name: hana@contoso.example\n"
        "    reason: four failures, one too many to be rare\n",
        "",
    )
    hana = "hana@contoso.example / Microsoft Azure CLI / 04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    assert project.verdict().false_alarms == (hana,)


def test_a_misspelt_entity_gives_no_verdict(project: Project):
    project.edit(
        "user_principal_name: hana@contoso.example\n    reason",
        "user_principal_name: hanna@contoso.example\n    reason",
    )
    report = project.verify(SEED)
    assert "misspelt" in report.verdicts[0].error
    assert verify_code(report) == 1


def test_several_values_where_the_query_wants_one_are_told(project: Project):
    project.edit("event.category: [iam]", "event.category: [iam, authentication]")
    verdict = project.verdict()
    assert verdict.status is Status.FAILED
    assert [issue.code for issue in verdict.problems] == ["DEP801"]
    assert '`event.category == "authentication"` became null' in verdict.problems[0].message
    assert str(verdict.problems[0].location).endswith(f"rules/{SEED}/hunt.md:35:9")


def test_a_rule_that_is_not_deployed_has_no_verdict(project: Project):
    hunt = project.root / "rules" / SEED / "hunt.md"
    hunt.write_text(
        hunt.read_text().replace("ce47ec2c-fe13-11ef-9ee5-f661ea17fbcd", "00000000-0000-4000-8000-000000000001")
    )
    report = verify_rules(
        Repository(project.root), project.connection, VerifyRequest(Selection((SEED,)), as_deployed=True)
    )
    assert "deploy push" in report.verdicts[0].error
    assert verify_code(report) == 1


def test_fourteen_days_counted_anew_every_five_minutes_are_told_as_duplicates(project: Project):
    compilation = Repository(project.root).compile(project.connection.target("default"), Selection((SEED,)))
    bench = make_bench(project.connection, "default")
    rule = rules_under_test(compilation, project.connection, "default")[0]
    assert verify([rule], bench)[0].problems == (), "as compiled, each entity alerts once"
    assert rule.payload
    payload = {**rule.payload, "interval": "5m", "from": "now-14d"}
    payload.pop("alert_suppression", None)
    problem = verify([replace(rule, payload=payload)], bench)[0].problems[0]
    assert problem.code == "DEP806"
    assert "10 of 10 entities" in problem.message
    assert "12 duplicates an hour" in problem.message


@pytest.mark.parametrize("pattern", ["*", "*,-x", "logs-*", "logs-azure.signinlogs*", "*verify*", "entra-*"])
def test_no_pattern_of_a_rule_sees_test_events(project: Project, pattern: str):
    elastic = project.connection.elastic
    compiled = Repository(project.root).compile(project.connection.target("default"), Selection((SEED,)))
    tests = compiled.sources[0].tests
    run = Run("blind", elastic.now(), embedded=True)
    users = [test.events[0].document["azure.signinlogs.properties.user_principal_name"] for test in tests]
    count = sum(event.count for test in tests for event in test.events)
    with seeded(elastic, [Batch(run.name("r0"), tests)], run) as failures:
        assert failures == {}
        assert count > 0
        assert elastic.query(f"FROM {run.name('r0')} | STATS n = COUNT(*)").rows == ((count,),)
        query = {"terms": {"azure.signinlogs.properties.user_principal_name": users}}
        assert elastic.search(pattern, query=query) == []


TIERS = """FROM logs-tiers* | RENAME source.ip AS address | LOOKUP JOIN lk-hosts ON address
| LOOKUP JOIN lk-owners ON owner | WHERE tier >= 2 | KEEP user.name, owner, team"""


def a_tier_test(name: str, tier: int) -> DetectionTest:
    events = tuple(
        Event(f"{user} from {ip}", {"user.name": user, "source.ip": ip}, age=60.0)
        for user, ip in (("mallory", "10.0.0.1"), ("bob", "10.0.0.2"))
    )
    hosts: tuple[dict[str, Json], ...] = (
        {"address": "10.0.0.1", "owner": name, "tier": tier},
        {"address": "10.0.0.2", "owner": name, "tier": 1},
    )
    return DetectionTest(
        name=name,
        source=f"{name}.yaml",
        index="logs-tiers-default",
        events=events,
        catches=(Expectation("mallory", {"user.name": "mallory", "team": "t"}),) if tier > 1 else (),
        ignores=tuple(Expectation(one, {"user.name": one}) for one in ("bob", "mallory")[: 1 if tier > 1 else 2]),
        lookups={"lk-hosts": hosts, "lk-owners": ({"owner": name, "team": "t"},)},
    )


def test_rows_of_lookup_indices_are_seeded_for_each_test_by_itself(project: Project):
    compilation = Repository(project.root).compile(project.connection.target("default"), Selection((SEED,)))
    rule = rules_under_test(compilation, project.connection, "default")[0]
    payload = {name: value for name, value in there(rule.payload).items() if name != "alert_suppression"}
    tests = (a_tier_test("one", 2), a_tier_test("two", 1))
    rule = replace(rule, payload={**payload, "query": TIERS}, tests=tests, key_columns=(), own=None, origin=None)
    verdict = verify([rule], replace(make_bench(project.connection, "default"), mutate=True))[0]
    assert (verdict.status, verdict.error, verdict.missed, verdict.false_alarms) == (Status.PASSED, "", (), ())
    assert [one.caught for one in verdict.outcomes] == [True, False, False, False]
    assert there(verdict.mutation).killed >= 3
    assert not project.connection.elastic.index_exists("lk-hosts")


def test_an_interrupted_run_leaves_nothing_behind(project: Project):
    class Interrupted:
        def preview(self, rule, *, timeframe_end, invocations=1):
            assert project.connection.elastic.find_indices(f"{PREFIX}-*")
            raise KeyboardInterrupt

    compilation = Repository(project.root).compile(project.connection.target("default"), Selection((SEED,)))
    bench = make_bench(project.connection, "default", previewer=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        verify(rules_under_test(compilation, project.connection, "default"), bench)


def test_what_conditions_lose_on_live_data_is_counted(connection: Connection):
    elastic = connection.elastic
    mappings = {"properties": {name: {"type": "keyword"} for name in ("user.name", "event.category", "host.name")}}
    elastic.create_index("live-data-x", mappings=mappings | {"date_detection": True})
    try:
        now = format_moment(elastic.now())
        whole = {"@timestamp": now, "user.name": "x", "host.name": "h"}
        documents: list[dict[str, Json]] = [{**whole, "event.category": "a"}] * 6
        documents += [{**whole, "event.category": ["a", "b"]}] * 3
        documents += [{"@timestamp": now, "event.category": "a"}]
        elastic.bulk("live-data-x", documents)
        text = 'FROM live-data-* | WHERE event.category == "a" AND NOT user.name IN ("y") // why\n'
        text += '| WHERE host.name LIKE "h*" | STATS n = COUNT(*)'
        origin = Origin("rules/x/hunt.md", Query(text, 7))
        rule = RuleUnderTest("r", "Rule", {"query": text, "from": "now-1h"}, (), origin=origin)
        found = {str(issue.location): issue for issue in lost_on_live_data(rule, make_bench(connection, "default"))}
    finally:
        elastic.delete_index("live-data-x")
    assert {place: issue.level for place, issue in found.items()} == {
        "rules/x/hunt.md:7:26": Level.WARNING,
        "rules/x/hunt.md:7:56": Level.WARNING,
    }
    assert "is null for 30.0% of 10 events, 3 of which have several values" in found["rules/x/hunt.md:7:26"].message
    assert "is null for 10.0% of 10 events, which lack the field" in found["rules/x/hunt.md:7:56"].message


@pytest.fixture
def command(project: Project, stack: LocalStack, monkeypatch: pytest.MonkeyPatch):
    """The command line in a project whose environment `shared` is the shared stack."""
    (project.root / "deploy").mkdir()
    (project.root / "deploy" / "shared.yaml").write_text(
        f"kibana: {{url: {stack.kibana_url}}}\nelasticsearch: {{url: {stack.elasticsearch_url}}}\n"
        f"auth: {{basic: {{user: {stack.user}, password: {{variable: SHARED_PASSWORD}}}}}}\n"
    )
    monkeypatch.setenv("SHARED_PASSWORD", stack.password)
    return [sys.executable, "-P", "-m", "entra_deployer", "verify", SEED, "--on", "shared"]


def run(command, project, *arguments):
    return subprocess.run(
        [*command, *arguments], cwd=project.root, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_prints_one_json_document_and_its_exit_code(command, project: Project):
    done = run(command, project, "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["environment"], document["plan"]) == ("shared", {"changes": []})
    assert [one["code"] for one in document["issues"]] == ["DEP330"], "there are no sign-ins to read there"
    verdict = document["verdicts"][0]
    assert (verdict["status"], verdict["missed"], verdict["false_alarms"]) == ("passed", [], [])
    assert verdict["events"] == 39
    project.edit("count: 4", "count: 3")
    done = run(command, project, "--format", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["verdicts"][0]["false_alarms"] == ["hana@contoso.example"]


def test_the_command_speaks_text_and_junit(command, project: Project):
    done = run(command, project)
    assert done.stdout.splitlines()[-1] == "1 rule verified: 1 passed."
    suite = ET.fromstring(run(command, project, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("20", "0", "0")


def test_a_broken_test_file_is_named_and_no_verdict_is_given(command, project: Project):
    project.edit("count: 4", "cuont: 4")
    done = run(command, project, "--format", "json")
    assert done.returncode == 1
    (issue,) = [one for one in json.loads(done.stdout)["issues"] if one["level"] == "error"]
    assert issue["message"] == "unknown key 'cuont'"
    assert (issue["path"].endswith("failed_sign_ins.yaml"), issue["line"]) == (True, 130)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_removes_the_events(command, project: Project, number: signal.Signals, code: int):
    project.edit("count: 4", "count: 9000")  # long enough in the seeding for the signal to arrive
    with subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not project.connection.elastic.find_indices(f"{PREFIX}-*"):
            assert process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert b"Traceback" not in errors
