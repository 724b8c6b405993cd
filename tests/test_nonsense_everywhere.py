"""Every request of push, verify, drift and doctor is answered with every kind of nonsense, in turn.

Nothing but our own errors may leave, and what is told always names the address of the server. The suite runs a part
of the pairs, each kind and each request among them; `make nonsense` runs them all.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from entra_deployer.core.errors import DeployError
from entra_deployer.doctor.examine import examine
from entra_deployer.plan.drift import find_drift
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.repository import Repository
from entra_deployer.verify.verify_rules import VerifyRequest, verify_rules
from tests.memory_stack import ELASTIC_URL, KIBANA_URL, MemoryStack
from tests.stack.nonsense import NONSENSE

ALL = bool(os.environ.get("DEPLOY_TEST_ALL_NONSENSE"))
EVERY = 1 if ALL else 13
"""Of how many pairs one is run."""

HUNT = '''\
[hunt]
author = "Tests"
description = "Finds users with many failures."
integration = ["azure"]
uuid = "00000000-0000-4000-8000-00000000000{number}"
name = "Failures {number}"
language = ["ES|QL"]
license = "Apache-2.0"
notes = ["Look at `user.name`."]
mitre = ["T1078.004"]
query = ["""
from logs-tests-*
| where @timestamp > now() - 1 day and event.outcome == "failure"
| stats failures = count(*) by user.name
| where failures > {number}
"""]
'''
TEST = """\
name: Many failures
index: logs-tests-one
events:
  - name: Mallory fails
    at: 5m ago
    count: 5
    every: 10s
    set: {user.name: mallory, event.outcome: failure}
catches:
  - entity: {user.name: mallory}
    reason: five failures
"""


def clock():
    return datetime(2026, 11, 25, 12, tzinfo=UTC)


COMMANDS = {
    "push": lambda root, connection: push_rules(Repository(root), connection, PushRequest(prune=True)),
    "verify": lambda root, connection: verify_rules(Repository(root), connection, VerifyRequest(), clock),
    "drift": lambda root, connection: find_drift(Repository(root), connection),
    "doctor": lambda root, connection: examine(Repository(root), connection, clock),
}
"""What each command does; all that it tells is in the report that it gives, or in the error that it raises."""


def told(command, root, stack):
    """All that a command says, of whatever kind."""
    with stack.connection() as connection:
        try:
            said = repr(command(root, connection))
        except DeployError as error:
            said = str(error)
    return "\n".join([said, *stack.told])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository with two hunts and a test of one."""
    top = tmp_path_factory.mktemp("repository")
    for number in (1, 2):
        add_hunt(top, number)
    return top


def add_hunt(top: Path, number):
    folder = top / "rules" / f"failures_{number}"
    (folder / "tests").mkdir(parents=True)
    (folder / "hunt.toml").write_text(HUNT.replace("{number}", str(number)), "utf-8")
    (folder / "tests" / "seeded.yaml").write_text(TEST, "utf-8")


@pytest.fixture(scope="module")
def pushed(root):
    """The stack after a push of one hunt more, and of another wording of the second: there is something to do."""
    stack = MemoryStack()
    add_hunt(root, 3)
    hunt = root / "rules" / "failures_2" / "hunt.toml"
    text = hunt.read_text("utf-8")
    hunt.write_text(text.replace("many", "very many"), "utf-8")
    said = told(COMMANDS["push"], root, stack)
    assert len(stack.rules) == 3, said
    hunt.write_text(text, "utf-8")
    shutil.rmtree(root / "rules" / "failures_3")
    add_hunt(root, 4)
    return stack


@pytest.fixture(scope="module")
def requests_of(root, pushed):
    """By command, the requests of a run in which all goes well."""
    found = {}
    for name, command in COMMANDS.items():
        stack = pushed.copy()
        told(command, root, stack)
        found[name] = stack.asked
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_a_run_without_nonsense_asks_both_servers(name, root, pushed, requests_of):
    assert len(requests_of[name]) > 5
    assert {url[: len(KIBANA_URL)].startswith(KIBANA_URL) for _, url in requests_of[name]} == {True, False}


def is_its_status(method, kind):
    """Whether an answer is none of nonsense: one to HEAD has no body, so that it is its status."""
    return method == "HEAD" and NONSENSE[kind][0] == 200


@pytest.mark.timeout(3600 if ALL else 300)
@pytest.mark.parametrize("name", COMMANDS)
def test_nonsense_at_any_request_is_an_error_of_ours_with_the_url(name, root, pushed, requests_of):
    pairs = [(number, kind) for number in range(len(requests_of[name])) for kind in NONSENSE]
    wrong = []
    for number, kind in pairs[::EVERY]:
        stack = pushed.copy()
        stack.nonsense = (number, NONSENSE[kind])
        said = told(COMMANDS[name], root, stack)
        method, url = stack.asked[number]
        server = KIBANA_URL if url.startswith(KIBANA_URL) else ELASTIC_URL
        if server not in said and not is_its_status(method, kind):
            wrong.append(f"{kind} at {number}, {method} {url}: {said[:300]!r}")
    assert not wrong, f"{len(wrong)} of {len(pairs[::EVERY])}:\n" + "\n".join(wrong[:40])
