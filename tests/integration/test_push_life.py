"""What an analyst can trust a push with: what is kept, what blocks, what a fault leaves behind."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from entra_deployer.local.stack import LocalStack
from entra_deployer.objects.tag import OWNER_TAG
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from tests.fault_proxy import Fault
from tests.integration.projects import on_a_terminal

pytestmark = pytest.mark.any_stack

IMPORT = "/api/detection_engine/rules/_import"
RULES = "/api/detection_engine/rules"


@pytest.fixture
def pushed(project):
    """A project with two hunts that stand as desired, and the names of their rules."""
    for number, key in enumerate(("alpha", "beta"), 1):
        project.add_hunt(key, number=number)
    assert project.deploy("push", "test") == 0, project.output
    project.names = sorted(project.rules())
    return project


def content(rule):
    """A rule without what the server sets at each write."""
    volatile = {"updated_at", "updated_by", "revision", "execution_summary"}
    return {name: value for name, value in rule.items() if name not in volatile}


def contents(project):
    return {name: content(rule) for name, rule in project.rules().items()}


def changed_fields(document):
    return {c["name"]: [d["path"] for d in c["diffs"]] for c in document["plan"]["changes"]}


def test_an_edit_of_an_owned_field_blocks_until_it_is_overwritten_and_comes_back_by_a_rollback(pushed):
    pushed.edit(pushed.names[0], severity="critical")
    code, document = pushed.document("plan", "test")
    assert code == 1
    assert changed_fields(document) == {pushed.names[0]: ["severity"]}
    pushed.add_hunt("beta", number=2, threshold=9)
    assert pushed.deploy("push", "test") == 1
    assert "edited in Kibana since the last push by elastic" in " ".join(pushed.output.split())
    assert pushed.rules()[pushed.names[0]]["severity"] == "critical"
    assert "failures > 3" in pushed.rules()[pushed.names[1]]["query"]
    assert pushed.deploy("push", "test", "--overwrite") == 0, pushed.output
    assert pushed.rules()[pushed.names[0]]["severity"] == "medium"
    assert pushed.deploy("rollback", "test", "--before", "2") == 0, pushed.output
    assert pushed.rules()[pushed.names[0]]["severity"] == "critical"
    assert "failures > 3" in pushed.rules()[pushed.names[1]]["query"]


def test_a_pull_settles_the_conflict(pushed):
    pushed.edit(pushed.names[0], severity="critical")
    assert pushed.deploy("push", "test") == 1
    assert pushed.deploy("pull", "test") == 0, pushed.output
    assert pushed.deploy("push", "test") == 0, pushed.output
    assert pushed.rules()[pushed.names[0]]["severity"] == "critical"


def test_what_the_live_stack_owns_is_no_change_and_survives_a_push(pushed):
    name = pushed.names[0]
    before = pushed.rules()[name]
    body = {"list_id": "known", "name": "Known", "description": "d", "type": "detection", "namespace_type": "single"}
    made = pushed.kibana.post("/api/exception_lists", body, space=pushed.space)
    exceptions = [{field: made[field] for field in ("id", "list_id", "type", "namespace_type")}]
    pushed.edit(name, enabled=not before["enabled"], exceptions_list=exceptions, tags=[*before["tags"], "analyst"])
    _, document = pushed.document("plan", "test")
    assert document["plan"]["changes"] == []
    pushed.add_hunt("alpha", number=1, threshold=9, settings="setup: Ship the logs.\n")
    code, document = pushed.document("push", "test")
    assert code == 0
    after = pushed.rules()[name]
    assert "failures > 9" in after["query"]
    assert after["enabled"] is not before["enabled"]
    assert after["exceptions_list"] == exceptions
    assert after["tags"][-1] == "analyst"
    assert after["id"] == before["id"]
    kept = {k["path"] for c in document["plan"]["changes"] for k in c["kept"]}
    assert kept >= {"exceptions_list", "tags"}


def test_a_rule_without_our_tag_is_still_ours_by_the_ledger(pushed):
    tags = pushed.rules()[pushed.names[0]]["tags"]
    pushed.edit(pushed.names[0], tags=[tag for tag in tags if tag != OWNER_TAG])
    code, document = pushed.document("push", "test")
    assert code == 0
    assert changed_fields(document) == {pushed.names[0]: ["tags"]}


def test_a_foreign_rule_of_our_name_blocks_everything(project):
    project.add_hunt("alpha", number=1)
    name = f"alpha of {project.space}"
    body = {
        "type": "esql",
        "language": "esql",
        "query": "from x",
        "description": "d",
        "risk_score": 1,
        "severity": "low",
    }
    project.kibana.post(RULES, {**body, "name": name, "rule_id": "theirs"}, space=project.space)
    assert project.deploy("push", "test") == 1
    assert "Blocked by 1 error" in project.output
    assert [rule["rule_id"] for rule in project.rules().values()] == ["theirs"]
    assert project.searches() == {}
    assert project.deploy("push", "test", "--adopt") == 0


def test_what_left_the_repository_is_removed_only_by_prune(pushed):
    for path in (pushed.root / "rules" / "beta").iterdir():
        path.unlink()
    (pushed.root / "rules" / "beta").rmdir()
    assert pushed.deploy("push", "test") == 0
    assert "--prune" in pushed.output
    assert sorted(pushed.rules()) == pushed.names
    assert pushed.deploy("push", "test", "--prune") == 0
    assert sorted(pushed.rules()) == pushed.names[:1]
    assert sorted(pushed.searches()) == pushed.names[:1]
    assert pushed.deploy("plan", "test", "--prune", "--detailed-exit-code") == 0


def test_a_plan_file_is_applied_as_it_is_or_refused(pushed):
    pushed.add_hunt("alpha", number=1, threshold=7)
    assert pushed.deploy("plan", "test", "--out", "plan.json") == 0
    pushed.edit(pushed.names[0], note="edited meanwhile")
    assert pushed.deploy("push", "test", "--plan", "plan.json") == 1
    assert "note" in pushed.output
    assert pushed.deploy("push", "test", "--overwrite") == 0
    pushed.add_hunt("alpha", number=1, threshold=8)
    assert pushed.deploy("push", "test", "--plan", "plan.json") == 1
    told = " ".join(pushed.output.split())
    assert "has changed since, in Kibana or in the repository" in told
    assert "Plan again" in told
    pushed.add_hunt("alpha", number=1, threshold=3)
    assert pushed.deploy("push", "test") == 0, pushed.output
    pushed.edit(pushed.names[0], enabled=True)
    pushed.add_hunt("alpha", number=1, threshold=7)
    assert pushed.deploy("plan", "test", "--out", "plan.json") == 0
    assert pushed.deploy("push", "test", "--plan", "plan.json") == 0
    assert "failures > 7" in pushed.rules()[pushed.names[0]]["query"]


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_a_plan_is_told_in_each_form_and_twice_the_same(pushed, form):
    pushed.add_hunt("alpha", number=1, threshold=7)
    assert pushed.deploy("plan", "test", "--format", form) == 0
    first = pushed.output
    assert pushed.deploy("plan", "test", "--format", form) == 0
    assert pushed.output == first
    assert "7" in first
    assert pushed.names[0] in first


def test_a_write_whose_answer_was_lost_is_read_and_not_repeated(pushed, proxy):
    pushed.add_hunt("alpha", number=1, threshold=5)
    proxy.clear()
    proxy.add(Fault(method="PATCH", path=RULES, cut="after"))
    assert pushed.deploy("push", "test") == 0
    assert [seen.method for seen in proxy.writes()].count("PATCH") == 1
    assert "failures > 5" in pushed.rules()[pushed.names[0]]["query"]


def test_an_import_whose_answer_was_lost_makes_no_second_rule(project, proxy):
    project.add_hunt("alpha", number=1)
    proxy.add(Fault(method="POST", path=IMPORT, cut="after"))
    assert project.deploy("push", "test") == 0
    assert len(project.rules()) == 1


def test_too_many_requests_is_obeyed_and_tried_again(project, proxy):
    project.add_hunt("alpha", number=1)
    proxy.add(Fault(method="POST", path=IMPORT, answer=429, headers={"retry-after": "0"}))
    assert project.deploy("push", "test") == 0
    assert len(project.rules()) == 1


def test_a_partial_failure_is_told_by_object_and_the_next_push_finishes(pushed, proxy):
    pushed.add_hunt("alpha", number=1, threshold=5)
    pushed.add_hunt("beta", number=2, threshold=5)
    proxy.add(Fault(method="PATCH", path=RULES, answer=500, body=b'{"message": "no", "status_code": 500}'))
    code, document = pushed.document("push", "test")
    assert code == 3
    rules = [c for c in document["plan"]["changes"] if c["kind"] == "rule"]
    assert sorted(c["result"] for c in rules) == ["applied", "failed"]
    assert "no" in next(c["error"] for c in rules if c["result"] == "failed")
    code, document = pushed.document("push", "test")
    assert code == 0
    assert [c["result"] for c in document["plan"]["changes"]] == ["applied"]


def test_kibana_gone_in_the_middle_is_told_and_nothing_is_claimed(project, proxy):
    project.add_hunt("alpha", number=1)
    proxy.add(Fault(method="POST", path=IMPORT, cut="before"))
    proxy.add(Fault(method="GET", path="_find", at=3, times=99, cut="before"))
    assert project.deploy("push", "test") in (1, 3)
    proxy.clear()
    assert project.deploy("push", "test") == 0
    assert len(project.rules()) == 1


def push_in_a_process(project) -> subprocess.Popen:
    command = [sys.executable, "-P", "-m", "entra_deployer", "push", "test"]
    return subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at(project, proxy, number):
    """Push in a process that is killed as its write number `number` arrives; False where it made fewer."""
    process = push_in_a_process(project)
    proxy.add(WriteFault(number, process.kill))
    process.communicate(timeout=120)
    return process.returncode == -signal.SIGKILL


class WriteFault(Fault):
    """Strikes at the write with a given number."""

    def __init__(self, number, act):
        super().__init__(act=act)
        self._left = number

    def strikes(self, seen, asked):
        if seen.method in ("GET", "HEAD") or "/_export" in seen.path:
            return False
        self._left -= 1
        return self._left == -1


def threshold_of(project, alpha, beta):
    """The two hunts with these thresholds, in the query and in a field that 8.12 takes by import alone."""
    for number, (key, threshold) in enumerate((("alpha", alpha), ("beta", beta)), 1):
        project.add_hunt(key, number=number, threshold=threshold, settings=f"setup: More than {threshold}.\n")


@pytest.mark.parametrize("direction", [(), ("--undo",)], ids=["finish", "undo"])
def test_killed_at_any_write_recover_ends_before_or_after(pushed, proxy, direction):
    number = 0
    while True:
        threshold_of(pushed, 3, 3)
        assert pushed.deploy("push", "test") == 0, pushed.output
        before = contents(pushed)
        threshold_of(pushed, 100 + number, 200 + number)
        proxy.clear()
        if not kill_at(pushed, proxy, number):
            break
        proxy.clear()
        assert pushed.deploy("recover", "test", *direction) == 0, pushed.output + pushed.errors
        now = contents(pushed)
        if direction:
            assert now == before
        else:
            for name, threshold in zip(pushed.names, (100 + number, 200 + number), strict=True):
                assert f"failures > {threshold}" in now[name]["query"]
                assert now[name]["setup"] == f"More than {threshold}."
            assert pushed.deploy("plan", "test", "--detailed-exit-code") == 0
        assert pushed.deploy("recover", "test") == 0
        assert "no push was interrupted" in pushed.output
        number += 1
    assert number >= 3


def test_two_pushes_at_once_end_in_one_state_without_doubles(project, proxy):
    project.add_hunt("alpha", number=1)
    project.add_hunt("beta", number=2)
    processes = [push_in_a_process(project) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes[0] == 0, outputs
    assert codes[1] in (0, 1), outputs
    rules = project.kibana.get(f"{RULES}/_find", space=project.space, params={"per_page": 100})["data"]
    assert len(rules) == 2
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0


def test_the_second_says_who_holds_the_lease(pushed, proxy, stack: LocalStack):
    pushed.add_hunt("alpha", number=1, threshold=8)
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        leave.wait(60)

    proxy.add(Fault(method="PATCH", path=RULES, act=hold))
    process = push_in_a_process(pushed)
    try:
        assert entered.wait(60)
        assert pushed.deploy("push", "test") == 1
        assert f"process {process.pid} is pushing to the space {pushed.space}" in pushed.errors
    finally:
        leave.set()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert pushed.deploy("push", "test") == 0


def test_interrupted_by_ctrl_c_the_lease_is_given_back(pushed, proxy):
    pushed.add_hunt("alpha", number=1, threshold=8)
    box: dict[str, subprocess.Popen[str]] = {}

    def interrupt():
        os.kill(box["process"].pid, signal.SIGINT)

    proxy.add(Fault(method="PATCH", path=RULES, act=interrupt))
    box["process"] = process = push_in_a_process(pushed)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().endswith("interrupted")
    assert "Traceback" not in errors
    assert pushed.deploy("push", "test") == 0, pushed.output


def test_on_a_terminal_push_and_rollback_show_what_they_would_do_and_ask(pushed):
    pushed.add_hunt("alpha", number=1, threshold=9)
    before = contents(pushed)
    code, shown, _ = on_a_terminal(pushed.root, "n", "push", "test")
    assert (code, contents(pushed)) == (1, before)
    assert "Go on?" in shown
    assert pushed.names[0] in shown
    code, *_ = on_a_terminal(pushed.root, "y", "push", "test")
    assert code == 0
    after = contents(pushed)
    assert after != before
    assert on_a_terminal(pushed.root, "n", "rollback", "test")[0] == 1
    assert contents(pushed) == after
    code, shown, _ = on_a_terminal(pushed.root, "n", "rollback", "test", "--yes")
    assert (code, contents(pushed)) == (0, before)
    assert "Go on?" not in shown


def search_attributes(project):
    return {title: one["attributes"] for title, one in project.searches().items()}


def one_at_a_time(project):
    """Searches are written before rules, so that a push which is killed at its first write leaves something."""
    with (project.root / "deploy" / "test.yaml").open("a", encoding="utf-8") as environment:
        environment.write("limits: {parallel: 1}\n")


@pytest.mark.parametrize("direction", [(), ("--undo",)], ids=["finish", "undo"])
def test_on_a_terminal_recover_shows_what_is_left_to_do_and_asks(pushed, proxy, direction):
    one_at_a_time(pushed)
    before, searches = contents(pushed), search_attributes(pushed)
    for number, key in enumerate(("alpha", "beta"), 1):
        pushed.add_hunt(key, number=number, threshold=8)
    process = push_in_a_process(pushed)
    proxy.add(Fault(method="PATCH", path=RULES, times=9, cut="before", act=process.kill))
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    proxy.settle()
    proxy.clear()
    cut_off = contents(pushed), search_attributes(pushed)
    assert cut_off[0] == before
    assert cut_off[1] != searches
    code, shown, printed = on_a_terminal(pushed.root, "n", "recover", "test", *direction)
    assert (code, (contents(pushed), search_attributes(pushed))) == (1, cut_off)
    assert "Go on?" in shown
    assert any(name in shown for name in pushed.names)
    assert "you said no" in " ".join(printed.split())
    code, *_ = on_a_terminal(pushed.root, "y", "recover", "test", *direction)
    assert code == 0
    now = contents(pushed)
    if direction:
        assert (now, search_attributes(pushed)) == (before, searches)
    else:
        assert all("failures > 8" in rule["query"] for rule in now.values())
        assert pushed.deploy("plan", "test", "--detailed-exit-code") == 0
    code, shown, printed = on_a_terminal(pushed.root, "n", "recover", "test", *direction)
    assert code == 0
    assert "Go on?" not in shown
    assert "no push was interrupted" in printed


def put_search(project, search, **attributes):
    body = {"attributes": attributes}
    project.kibana.put(f"/api/saved_objects/search/{search['id']}", body, space=project.space)


def import_search(project, search, **attributes):
    """As an analyst who exports, changes and imports it again: Kibana then gives it both times anew."""
    line = {name: search[name] for name in ("type", "id", "attributes", "references", "typeMigrationVersion")}
    line["attributes"] = {**line["attributes"], **attributes}
    project.kibana.upload("/api/saved_objects/_import", [line], space=project.space, params={"overwrite": "true"})


def lose_the_ledger(stack, project):
    elastic = connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, "elastic")))
    lost = elastic.search_every("entra-deployer-ledger", query={"term": {"space": project.space}})
    assert lost
    elastic._client.bulk(
        index="entra-deployer-ledger", operations=[{"delete": {"_id": key}} for key in lost], refresh=True
    )
    elastic.close()


@pytest.mark.parametrize("edit", [put_search, import_search])
def test_an_edit_of_a_search_blocks_where_no_ledger_tells_of_it(pushed, stack, edit):
    name, other = pushed.names
    for number, key in enumerate(("alpha", "beta"), 1):
        pushed.add_hunt(key, number=number, threshold=9)
    lose_the_ledger(stack, pushed)
    assert pushed.deploy("push", "test") == 0, pushed.output
    assert "failures > 9" in str(pushed.searches()[other])
    edit(pushed, pushed.searches()[name], title=name, description="mine", columns=["theirs"])
    lose_the_ledger(stack, pushed)
    assert pushed.deploy("push", "test") == 1
    told = " ".join(pushed.output.split())
    assert "edited in Kibana since the last push" in told
    assert 'columns is ["theirs"]' in told
    assert pushed.deploy("pull", "test", "--theirs") == 0, pushed.output
    assert "columns has no place in the files" in " ".join(pushed.output.split())
    assert pushed.searches()[name]["attributes"]["description"] == "mine"
    assert pushed.deploy("push", "test", "--overwrite") == 0, pushed.output
    assert pushed.searches()[name]["attributes"]["description"] != "mine"
    assert pushed.deploy("drift", "test") == 0, pushed.output


def as_a_browser(text):
    return text.replace("\n", "\r\n")


def with_breaks_at_its_end(text):
    return f"{text}\n\n"


@pytest.mark.parametrize("changed", [as_a_browser, with_breaks_at_its_end])
def test_line_ends_and_breaks_at_the_end_of_a_query_are_no_drift_and_nothing_to_pull_or_write(pushed, proxy, changed):
    name = pushed.names[0]
    query = changed(pushed.rules()[name]["query"])
    pushed.edit(name, query=query)
    search = pushed.searches()[name]
    source = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    source["query"]["esql"] = changed(source["query"]["esql"])
    attributes = {"kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)}}
    pushed.kibana.put(f"/api/saved_objects/search/{search['id']}", {"attributes": attributes}, space=pushed.space)
    assert pushed.rules()[name]["query"] == query
    proxy.clear()
    assert pushed.deploy("drift", "test") == 0, pushed.output
    assert pushed.deploy("pull", "test") == 0, pushed.output
    assert "Nothing to pull" in pushed.output
    assert pushed.deploy("push", "test") == 0, pushed.output
    assert "No changes" in pushed.output
    assert proxy.writes() == []
    assert pushed.rules()[name]["query"] == query


def test_line_ends_of_a_note_are_no_drift(project, proxy):
    project.add_hunt("alpha", number=1, settings="setup: |\n  Ship the logs.\n  Then look.\n")
    assert project.deploy("push", "test") == 0, project.output
    ((name, rule),) = project.rules().items()
    texts = {field: as_a_browser(rule[field]) for field in ("note", "setup", "description")}
    assert texts["setup"] != rule["setup"]
    project.edit(name, **texts)
    proxy.clear()
    assert project.deploy("drift", "test") == 0, project.output
    assert project.deploy("push", "test") == 0, project.output
    assert proxy.writes() == []


def test_actions_name_their_connector(project):
    settings = "actions:\n  - connector: SOC\n    params: {message: hello}\n"
    project.add_hunt("alpha", number=1, settings=settings)
    assert project.deploy("push", "test") == 1
    assert "there is no connector 'SOC'" in project.output
    body = {"name": "SOC", "connector_type_id": ".server-log", "config": {}, "secrets": {}}
    connector = project.kibana.post("/api/actions/connector", body, space=project.space)
    assert project.deploy("push", "test") == 0, project.output
    (rule,) = project.rules().values()
    assert [(a["id"], a["params"]) for a in rule["actions"]] == [(connector["id"], {"message": "hello"})]
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0


def test_a_query_that_elasticsearch_refuses_blocks(project):
    folder = project.add_hunt("alpha", number=1)
    text = (folder / "hunt.toml").read_text()
    (folder / "hunt.toml").write_text(text.replace("count(*)", "count(*, 1)"))
    assert project.deploy("push", "test") == 1
    assert project.rules() == {}


def test_the_json_of_an_error_is_a_document_too(project, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", "wrong-password")
    code, document = project.document("push", "test")
    assert code == 1
    assert document["issues"][0]["level"] == "error"
    assert "wrong-password" not in json.dumps(document) + project.errors


def narrow_user(stack, project, *ledger_privileges):
    """A user with all of Kibana and no more of the ledger than is said; `deploy` works as that user from now on."""
    elastic = connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, "elastic")))
    name = f"narrow-{project.space}"
    indices = [{"names": ["logs-*", ".alerts-security*", ".preview*"], "privileges": ["all"]}]
    if ledger_privileges:
        indices.append({"names": ["entra-deployer-ledger"], "privileges": list(ledger_privileges)})
    kibana = {"application": "kibana-.kibana", "privileges": ["all"], "resources": ["*"]}
    put_role = elastic._client.security.put_role
    put_role(name=name, cluster=["monitor"], indices=indices, applications=[kibana])
    elastic._client.security.put_user(username=name, password=stack.password, roles=[name])
    elastic.close()
    path = project.root / "deploy" / "test.yaml"
    path.write_text(path.read_text().replace("user: elastic", f"user: {name}"))


@pytest.mark.parametrize("privileges", [(), ("read",)], ids=["none", "read"])
def test_a_key_that_may_not_write_the_ledger_needs_no_lock_and_keeps_a_journal_here(project, stack, privileges):
    project.add_hunt("alpha", number=1)
    narrow_user(stack, project, *privileges)
    assert project.deploy("push", "test") == 1
    assert "--no-lock" in project.errors
    assert project.rules() == {}
    assert project.deploy("push", "test", "--no-lock") == 0, project.output + project.errors
    assert ".deploy/ledger" in " ".join(project.output.split())
    assert len(project.rules()) == 1
    assert list((project.root / ".deploy" / "ledger").glob("*/push-*.json"))
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0, project.output


def test_a_push_cut_off_is_recovered_from_the_journal_here(project, stack, proxy):
    project.add_hunt("alpha", number=1)
    narrow_user(stack, project)
    one_at_a_time(project)
    assert project.deploy("push", "test", "--no-lock") == 0
    project.add_hunt("alpha", number=1, threshold=77)
    proxy.clear()
    command = [sys.executable, "-P", "-m", "entra_deployer", "push", "test", "--no-lock"]
    process = subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    proxy.add(WriteFault(0, process.kill))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    proxy.settle()
    proxy.clear()
    assert project.deploy("plan", "test") == 0
    assert "was interrupted" in project.output, (project.output, project.errors)
    assert project.deploy("recover", "test", "--no-lock") == 0, project.output + project.errors
    ((_, rule),) = project.rules().items()
    assert "failures > 77" in rule["query"]


def test_an_exception_list_is_found_by_its_name(project):
    project.add_hunt("alpha", number=1, settings="exceptions: [trusted]\n")
    assert project.deploy("push", "test") == 1
    assert "there is no exception list 'trusted'" in " ".join(project.output.split())
    body = {
        "list_id": "trusted",
        "name": "Trusted",
        "description": "d",
        "type": "detection",
        "namespace_type": "single",
    }
    made = project.kibana.post("/api/exception_lists", body, space=project.space)
    assert project.deploy("push", "test") == 0, project.output
    ((_, rule),) = project.rules().items()
    assert [(one["id"], one["list_id"]) for one in rule["exceptions_list"]] == [(made["id"], "trusted")]


def test_several_spaces_are_one_plan(project):
    project.add_hunt("alpha", number=1)
    second = f"{project.space}-two"
    project.kibana.post("/api/spaces/space", {"id": second, "name": second})
    path = project.root / "deploy" / "test.yaml"
    path.write_text(path.read_text().replace(f"spaces: [{project.space}]", f"spaces: [{project.space}, {second}]"))
    code, document = project.document("push", "test")
    assert code == 0
    assert len(document["plan"]["changes"]) == 6
    rule_ids = {c["key"] for c in document["plan"]["changes"] if c["kind"] == "rule"}
    search_ids = {c["key"] for c in document["plan"]["changes"] if c["kind"] == "saved_search"}
    assert (len(rule_ids), len(search_ids)) == (1, 2)
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0
