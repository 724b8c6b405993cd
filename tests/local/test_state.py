"""What is kept of a stack, and which process it is: an id alone says nothing, ids are used again."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from entra_deployer.core.errors import LocalStackError, UsageError
from entra_deployer.local import stack as local
from entra_deployer.local.state import ProcessId, StackFolder, StackState
from tests.reading import there

STATE = StackState("8.19", "platinum", 5601, 9200, password="s3cret of the stack")


@pytest.fixture
def folder(tmp_path):
    return StackFolder(tmp_path, "local")


@pytest.fixture
def finished() -> int:
    """The id of a process that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_what_was_written_is_read(folder):
    me = ProcessId.of(os.getpid())
    state = replace(STATE, supervisor=me, node=ProcessId(1, 2.5))
    folder.write(state)
    assert folder.read() == state


def test_a_stack_that_was_never_started_has_no_state(folder):
    assert folder.read() is None


def test_only_the_user_may_read_it_and_git_does_not_see_it(folder):
    folder.write(STATE)
    folder.write(STATE)
    assert (folder.path / "state.json").stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o077 == 0
    assert (folder.path.parent / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in folder.path.iterdir()) == ["logs", "state.json"]


def test_the_password_is_in_no_repr():
    assert STATE.password not in repr(STATE)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"profile": "8.19"}', '{"supervisor": 7, "node": null}'])
def test_a_state_that_says_nothing_is_told_with_the_way_out(folder, text):
    folder.write(STATE)
    (folder.path / "state.json").write_text(text)
    with pytest.raises(LocalStackError, match=r"state\.json") as caught:
        folder.read()
    assert "deploy local reset" in there(caught.value.hint)


def test_this_process_is_running():
    assert ProcessId.of(os.getpid()).is_running


def test_the_same_id_of_another_time_is_another_process():
    me = ProcessId.of(os.getpid())
    assert not ProcessId(me.pid, me.created - 3600).is_running


def test_a_process_that_is_gone_is_not_running(finished):
    assert not ProcessId(finished, psutil.boot_time()).is_running
    assert ProcessId(finished, psutil.boot_time()).wait(0)


def test_a_zombie_is_not_running():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        identity = ProcessId.of(process.pid)
        there(process.stdout).read()  # it has closed everything: all that is missing is somebody who asks for its code
        assert identity.wait(10)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE


def test_waiting_for_what_does_not_end_ends():
    assert not ProcessId.of(os.getpid()).wait(0)


def test_a_stale_state_finds_no_stack(folder, finished):
    folder.write(replace(STATE, supervisor=ProcessId(finished, psutil.boot_time())))
    assert local.find(folder.root) is None
    folder.write(replace(STATE, supervisor=ProcessId(os.getpid(), 1.0)))
    assert local.find(folder.root) is None


def test_a_running_one_is_found_as_its_state_says(folder):
    folder.write(replace(STATE, supervisor=ProcessId.of(os.getpid())))
    found = there(local.find(folder.root))
    assert (found.kibana_url, found.elasticsearch_url) == (
        "http://127.0.0.1:5601",
        "http://127.0.0.1:9200",
    )
    assert (found.user, found.password, found.pid) == ("elastic", STATE.password, os.getpid())
    assert found.password not in repr(found)


@pytest.mark.parametrize(
    "asked", [{"profile": "9.x"}, {"license": "platinum"}, {"profile": "8.12", "license": "basic"}]
)
def test_a_running_one_with_another_profile_or_license_is_not_silently_taken(folder, asked):
    folder.write(replace(STATE, license="basic", supervisor=ProcessId.of(os.getpid())))
    assert local.up(folder.root, license="basic").license == "basic"
    with pytest.raises(LocalStackError, match="deploy local down"):
        local.up(folder.root, **asked)


def test_down_forgets_a_process_that_is_gone_and_keeps_the_rest(folder, finished):
    folder.write(replace(STATE, supervisor=ProcessId(finished, 1.0), node=ProcessId(finished, 1.0)))
    assert not local.down(folder.root)
    assert json.loads((folder.path / "state.json").read_text())["password"] == STATE.password
    assert folder.read() == STATE


def test_reset_takes_all_of_it_even_a_broken_state(folder):
    folder.write(STATE)
    (folder.path / "state.json").write_text("{")
    assert local.reset(folder.root)
    assert not folder.path.exists()
    assert not local.reset(folder.root)


@pytest.mark.parametrize("call", [local.find, local.down, local.reset, local.logs, local.up])
@pytest.mark.parametrize("name", ["", "..", "a/b", "Local", ".hidden", "x" * 65])
def test_a_name_that_could_lead_elsewhere_is_wrong_usage(tmp_path, call, name):
    with pytest.raises(UsageError, match="no name for a stack"):
        call(tmp_path, name)


@pytest.mark.parametrize("asked", [{"profile": "7.17"}, {"license": "gold"}])
def test_an_unknown_profile_or_license_is_wrong_usage(tmp_path, asked):
    with pytest.raises(UsageError, match="one of"):
        local.up(tmp_path, **asked)


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path):
    (tmp_path / ".deploy").write_text("a file where a folder should be")
    with pytest.raises(LocalStackError, match=r"\.deploy"):
        local.up(tmp_path)


def test_logs_and_their_ends(folder):
    assert local.logs(folder.root) == ()
    folder.make()
    (folder.logs / "stack.log").write_text("one\ntwo\nthree\n")
    (folder.logs / "elasticsearch.log").write_text("")
    elasticsearch, stack = local.logs(folder.root)
    assert (elasticsearch.name, stack.name) == ("elasticsearch.log", "stack.log")
    assert local.tail(stack, 2) == ["two", "three"]
    assert local.tail(stack, 0) == []
    assert local.tail(elasticsearch, 5) == []
