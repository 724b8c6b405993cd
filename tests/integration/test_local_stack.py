"""The life of a local stack: what is found again, what survives, what is left behind (nothing)."""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local import stack as local
from entra_deployer.local.stack import LocalStack
from entra_deployer.local.state import StackFolder, StackState
from tests.integration.conftest import deploy, make_project
from tests.reading import there


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A project of the test's own; whatever runs of it is stopped at the end."""
    project = make_project(tmp_path / "my project (é)")
    yield project
    local.down(project)


def ask(
    url: str, stack: LocalStack, method: str = "GET", body: object = None, password: str | None = None
) -> tuple[int, Any]:
    """One request as the stack's user; its status and its JSON."""
    token = base64.b64encode(f"{stack.user}:{stack.password if password is None else password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json", "kbn-xsrf": "test"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def remember(stack: LocalStack) -> None:
    status, _ = ask(f"{stack.elasticsearch_url}/notes/_doc/1?refresh=true", stack, "PUT", {"text": "still here"})
    assert status == 201


def remembered(stack: LocalStack) -> bool:
    status, document = ask(f"{stack.elasticsearch_url}/notes/_doc/1", stack)
    return status == 200 and document["_source"] == {"text": "still here"}


def processes_of(root: Path) -> dict[int, str]:
    """The command line of every living process that belongs to the project's stacks, by its id."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if str(root) in command and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = command
    return found


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the condition comes to hold in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
    return False


def test_a_second_up_finds_the_first(stack, stack_root):
    assert local.up(stack_root) == stack
    assert local.find(stack_root) == stack


def test_another_profile_of_a_running_stack_is_refused_with_the_next_step(stack, stack_root):
    with pytest.raises(LocalStackError, match="deploy local down") as caught:
        local.up(stack_root, profile="8.12")
    assert "8.19" in caught.value.message
    assert local.find(stack_root) == stack


@pytest.mark.parametrize("server", ["elasticsearch_url", "kibana_url"])
def test_both_servers_answer_on_loopback_and_only_to_the_password(stack, server):
    url = getattr(stack, server) + ("/_license" if server == "elasticsearch_url" else "/api/spaces/space/default")
    assert url.startswith("http://127.0.0.1:")
    assert ask(url, stack)[0] == 200
    assert ask(url, stack, password="wrong")[0] == 401


def test_it_is_a_real_elasticsearch_with_security_and_a_basic_license(stack):
    url = stack.elasticsearch_url
    assert ask(url, stack)[1]["version"]["number"] == "8.19.21"
    assert ask(f"{url}/_license", stack)[1]["license"]["type"] == "basic"
    assert ask(f"{url}/_security/api_key", stack, "POST", {"name": "a test's", "expiration": "1h"})[0] == 200
    status, result = ask(f"{url}/_query", stack, "POST", {"query": "ROW a = 1 | EVAL b = a + 1"})
    assert (status, result["values"]) == (200, [[1, 2]])


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ('FROM modules | WHERE KQL("host.name: web*") | KEEP host.name', [["web-1"]]),
        ('FROM modules | WHERE MATCH(message, "sign") | STATS n = COUNT(*)', [[2]]),
        ('FROM modules | WHERE release > TO_VERSION("1.9") | KEEP release', [["1.10.0"]]),
        ('FROM modules | WHERE CIDR_MATCH(address, "10.0.0.0/8") | KEEP address', [["10.1.2.3"]]),
        ('ROW a = "2.0" | EVAL v = a::VERSION, i = "10.0.0.1"::IP | KEEP v, i', [["2.0", "10.0.0.1"]]),
    ],
)
def test_what_each_module_brings_is_there(stack, query, values):
    url = stack.elasticsearch_url
    types = {"host.name": "keyword", "message": "text", "release": "version", "address": "ip"}
    mappings = {"properties": {name: {"type": kind} for name, kind in types.items()}}
    ask(f"{url}/modules", stack, "PUT", {"mappings": mappings})
    for number, (host, release, address) in enumerate(
        [("web-1", "1.10.0", "10.1.2.3"), ("db-1", "1.2.0", "192.0.2.1")]
    ):
        document = {"host.name": host, "message": "a sign-in", "release": release, "address": address}
        assert ask(f"{url}/modules/_doc/{number}?refresh=true", stack, "PUT", document)[0] in {200, 201}
    status, result = ask(f"{url}/_query", stack, "POST", {"query": query})
    assert (status, result.get("values")) == (200, values)


def test_env_is_for_eval(stack, stack_root):
    variables = '"$KIBANA_URL" "$ELASTICSEARCH_URL" "$ELASTIC_PASSWORD"'
    shell = f'eval "$("$0" -P -m entra_deployer local env)"; printf "%s\\n" {variables}'
    result = subprocess.run(
        ["sh", "-c", shell, sys.executable], cwd=stack_root, capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.splitlines() == [stack.kibana_url, stack.elasticsearch_url, stack.password]


def test_status_and_logs_say_where_to_look(stack, stack_root):
    status = deploy(stack_root, "local", "status")
    assert status.returncode == 0
    for text in ("local is running", stack.kibana_url, stack.elasticsearch_url, str(stack.pid), "elastic"):
        assert text in status.stdout
    assert stack.password not in status.stdout
    logs = deploy(stack_root, "local", "logs", "--lines", "3")
    assert [line for line in logs.stdout.splitlines() if line.startswith("==>")] == [
        f"==> {path} <==" for path in local.logs(stack_root)
    ]


def test_a_stack_that_does_not_run_is_told_on_every_command(root):
    assert deploy(root, "local", "status").stdout == "local is not running\n"
    assert deploy(root, "local", "down").stdout == "local was not running\n"
    assert deploy(root, "local", "reset", "--yes").stdout == "local does not exist\n"
    env = deploy(root, "local", "env", "--name", "other")
    assert (env.returncode, env.stdout) == (1, "")
    assert env.stderr.splitlines() == ["error: the stack other is not running (deploy local up --name other)"]
    assert not (root / ".deploy").exists()


def test_neither_log_nor_command_line_shows_the_password(stack, stack_root):
    for path in local.logs(stack_root):
        assert stack.password not in path.read_text(encoding="utf-8")
    running = processes_of(stack_root)
    assert len(running) == 2
    for pid, command in running.items():
        assert stack.password not in command
        assert stack.password not in " ".join(psutil.Process(pid).environ().values())
    assert (StackFolder(stack_root, "local").path / "state.json").stat().st_mode & 0o077 == 0


def test_down_leaves_no_process_and_keeps_the_data_and_reset_takes_it(root):
    first = local.up(root)
    remember(first)
    assert processes_of(root)
    assert local.down(root)
    assert processes_of(root) == {}
    assert local.find(root) is None
    assert not local.down(root)

    second = local.up(root)
    assert (second.kibana_url, second.elasticsearch_url) == (first.kibana_url, first.elasticsearch_url)
    assert second.password == first.password
    assert remembered(second)

    (StackFolder(root, "local").path / "state.json").unlink()  # its process is found all the same
    asked = subprocess.run(
        [sys.executable, "-P", "-m", "entra_deployer", "local", "reset"],
        cwd=root,
        input="n\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode != 0
    assert processes_of(root)
    assert deploy(root, "local", "reset", "--yes").stdout == "local is deleted\n"
    assert processes_of(root) == {}
    assert not StackFolder(root, "local").path.exists()


def test_data_survives_a_kill_of_the_supervisor_which_takes_the_node_with_it(root):
    first = local.up(root)
    remember(first)
    os.kill(first.pid, signal.SIGKILL)
    assert eventually(lambda: local.find(root) is None)  # a stale pid is no trap
    second = local.up(root)
    assert second.pid != first.pid
    assert remembered(second)
    state = there(StackFolder(root, "local").read())
    assert set(processes_of(root)) == {there(state.supervisor).pid, there(state.node).pid}


def test_a_dead_node_takes_the_supervisor_with_it(root):
    local.up(root)
    node = there(there(StackFolder(root, "local").read()).node)
    os.kill(node.pid, signal.SIGKILL)
    assert eventually(lambda: not processes_of(root) and local.find(root) is None)
    assert "ended by itself" in (StackFolder(root, "local").logs / "stack.log").read_text(encoding="utf-8")


def test_other_ports_are_chosen_where_the_kept_ones_are_taken(root):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        taken: tuple[int, int] = (one.getsockname()[1], other.getsockname()[1])
        StackFolder(root, "local").write(StackState("8.12", "basic", taken[0], taken[1], password="kept"))
        found = local.up(root)
        ports = [int(url.rpartition(":")[2]) for url in (found.kibana_url, found.elasticsearch_url)]
        assert not set(ports) & set(taken)
        assert (found.profile, found.license, found.password) == ("8.12", "basic", "kept")
    shutil.rmtree(StackFolder(root, "local").path)
    assert eventually(lambda: not processes_of(root))  # a stack without a folder has no reason to live


def test_two_ups_at_once_start_one_stack(root):
    results = []
    threads = [threading.Thread(target=lambda: results.append(deploy(root, "local", "up"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.returncode for result in results] == [0, 0]
    assert results[0].stdout == results[1].stdout
    assert str(there(local.find(root)).pid) in results[0].stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_up_leaves_nothing_half_running(root, number):
    command = [sys.executable, "-P", "-m", "entra_deployer", "local", "up"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert eventually(lambda: any("EmbeddedNode" in command for command in processes_of(root).values()))
        process.send_signal(number)
        assert process.wait(timeout=30) == (-number if number == signal.SIGKILL else 128 + number)
    assert eventually(lambda: not processes_of(root))
    assert local.find(root) is None
