"""The laws of a push on each Kibana that the local API speaks like."""

import uuid

import pytest

from entra_deployer.local import stack as local
from tests.fault_proxy import FaultProxy
from tests.integration.conftest import deploy
from tests.integration.projects import FIRST_HUNT, Project, client, environment_file

# The same laws as on the usual profile, with this module's fixtures: pytest finds them here too.
from tests.integration.test_main_job import test_a_second_push_writes_nothing_at_all  # noqa: F401
from tests.integration.test_push_life import (  # noqa: F401
    pushed,
    test_a_write_whose_answer_was_lost_is_read_and_not_repeated,
    test_an_edit_of_an_owned_field_blocks_until_it_is_overwritten_and_comes_back_by_a_rollback,
    test_killed_at_any_write_recover_ends_before_or_after,
    test_two_pushes_at_once_end_in_one_state_without_doubles,
    test_what_left_the_repository_is_removed_only_by_prune,
    test_what_the_live_stack_owns_is_no_change_and_survives_a_push,
)

SETUP = "setup: |\n  {0}\nseverity: {1}\n"


@pytest.fixture(scope="module", params=["8.12", "9.x"])
def other_stack(request, stack, tmp_path_factory):
    root = tmp_path_factory.mktemp("profile") / "project"
    (root / "rules").mkdir(parents=True)
    started = deploy(root, "local", "up", "--name", "other", "--profile", request.param)
    try:
        assert started.returncode == 0, started.stderr
        yield local.find(root, "other")
    finally:
        local.down(root, "other")


@pytest.fixture(scope="module")
def proxy(other_stack):
    with FaultProxy(other_stack.kibana_url) as found:
        yield found


@pytest.fixture
def project(other_stack, proxy, tmp_path, monkeypatch, capsys):
    (tmp_path / "rules").mkdir()
    (tmp_path / "deploy").mkdir()
    kibana = client(other_stack.kibana_url, other_stack.password)
    space = f"test-{uuid.uuid4().hex[:10]}"
    kibana.post("/api/spaces/space", {"id": space, "name": space})
    text = environment_file(proxy.url, other_stack.elasticsearch_url, space)
    (tmp_path / "deploy" / "test.yaml").write_text(text, "utf-8")
    monkeypatch.setenv("TEST_PASSWORD", other_stack.password)
    monkeypatch.chdir(tmp_path)
    proxy.clear()
    return Project(tmp_path, space, kibana, capsys)


def test_the_second_plan_is_empty(project):
    project.add_first_hunt()
    project.add_hunt("alpha", number=1, settings=SETUP.format("First.", "low"))
    assert project.deploy("push", "test") == 0, project.output + project.errors
    code = project.deploy("plan", "test", "--detailed-exit-code")
    assert code == 0, project.output


def test_enabled_is_what_we_said_and_not_the_servers_default(project):
    project.add_hunt("on", number=2, settings="enabled: true\n")
    project.add_hunt("off", number=3, settings="enabled: false\n")
    assert project.deploy("push", "test") == 0
    enabled = {name.split()[0]: rule["enabled"] for name, rule in project.rules().items()}
    assert enabled == {"on": True, "off": False}


def test_an_update_reaches_every_field_and_keeps_the_live_ones(project):
    project.add_hunt("alpha", number=4, settings=SETUP.format("First.", "low"))
    assert project.deploy("push", "test") == 0
    ((name, before),) = project.rules().items()
    project.edit(name, enabled=not before["enabled"])
    project.add_hunt("alpha", number=4, settings=SETUP.format("Second.", "high"))
    assert project.deploy("push", "test") == 0, project.output
    after = project.rules()[name]
    assert after["setup"].strip() == "Second."
    assert after["severity"] == "high"
    assert after["enabled"] is not before["enabled"]
    assert after["id"] == before["id"]
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0, project.output


def test_the_first_hunt_is_proved_here_too(project):
    folder = project.add_first_hunt()
    assert folder.name == FIRST_HUNT
    assert project.deploy("push", "test") == 0, project.output
    assert project.deploy("verify", "--on", "test") == 0, project.output
