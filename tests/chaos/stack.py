"""Two servers in memory of which one request meets a fault, and a repository with something to push and to prune."""

import shutil
from dataclasses import dataclass, field, replace

import requests

from entra_deployer.ledger.lock import Machine, Process, SpaceLocks
from entra_deployer.ledger.store import INDEX, IndexStore
from entra_deployer.plan.push import PushRequest, push_rules
from tests.memory_stack import MemoryStack
from tests.stack.script import response
from tests.test_nonsense_everywhere import HUNT

DEAD = replace(Process.here(), pid=2**22 + 1, started="1")
"""A process of this machine that is no more: what holds the lock of a run that was killed."""


class Killed(BaseException):
    """The process is gone at this very request."""


@dataclass
class ChaosStack(MemoryStack):
    """The request number `at` (from 0) meets `fault`; `dead` servers answer nothing any more."""

    at: int = -1
    fault: object = None
    dead: bool = False
    edits: list = field(default_factory=list)
    clock: float = 0.0

    def send(self, request, **_):
        if self.dead:
            raise requests.exceptions.ConnectionError("it is gone")
        if len(self.asked) == self.at:
            self.at = -1
            return self.fault(self, request)
        return super().send(request)

    def healed(self):
        """The same state without a fault."""
        plain = self.copy()
        return ChaosStack(plain.rules, plain.objects, plain.documents, _sequence=self._sequence, edits=[*self.edits])

    def killable(self, root):
        """A connection of a process that the next one finds dead; its lock counts by `clock`."""
        connection = self.connection(root)
        index = IndexStore(connection.elastic)
        machine = Machine(DEAD, lambda: self.clock)
        locks = SpaceLocks(index, connection.environment.spaces, "memory", machine=machine)
        return replace(connection, locks=locks)

    def ledger(self, type_):
        """The documents of the ledger that are of a type."""
        found = [one["_source"] for one in self.documents.get(INDEX, {}).values()]
        return [one for one in found if one["type"] == type_]

    def edit(self, what, **fields):
        """An analyst changes a rule, whatever else goes on."""
        for key, rule in self.rules.items():
            if rule["name"] == what:
                self.rules[key] = {**rule, **fields, "updated_by": "ute"}
                self.edits.append((what, fields))


# -- faults: each is given the stack and the request that it strikes -------------------------------------------------


def _refused(_stack, _request):
    raise requests.exceptions.ConnectionError("refused")


def _cut_before(_stack, _request):
    raise requests.exceptions.ConnectionError(("Connection aborted.", ConnectionResetError(104, "reset")))


def _cut_after(stack, request):
    stack.send(request)
    raise requests.exceptions.ConnectionError(("Connection aborted.", ConnectionResetError(104, "reset")))


def _silent(_stack, _request):
    raise requests.exceptions.ReadTimeout("too long")


def _answers(status, body=b"{}", **headers):
    return lambda _stack, request: response(request, status, body, {"content-type": "application/json", **headers})


def _killed(stack, _request):
    stack.dead = True
    raise Killed


def _killed_after(stack, request):
    stack.send(request)
    stack.dead = True
    raise Killed


def _interrupted(_stack, _request):
    raise KeyboardInterrupt


def _gone_for_good(stack, _request):
    stack.dead = True
    raise requests.exceptions.ConnectionError("refused")


def _slept(stack, request):
    """The process stands still past its lock's time; another one took the lock meanwhile, and gave it back."""
    stack.clock += 1000
    stack.documents.get(INDEX, {}).pop("lease:space:default", None)
    return stack.send(request)


def _edit(what, **fields):
    def strike(stack, request):
        stack.edit(what, **fields)
        return stack.send(request)

    return strike


HTML = b"<!DOCTYPE html><html><title>Log in</title></html>"
FAULTS = {
    "refused": _refused,
    "cut before the write": _cut_before,
    "cut after the write": _cut_after,
    "silence": _silent,
    "gone for good": _gone_for_good,
    **{str(status): _answers(status) for status in (401, 403, 409, 413, 500, 503)},
    "404 in HTML": _answers(404, HTML, **{"content-type": "text/html"}),
    "502 in HTML": _answers(502, HTML, **{"content-type": "text/html"}),
    "429": _answers(429, **{"retry-after": "0"}),
    "429 for an hour": _answers(429, **{"retry-after": "3600"}),
    "200 with HTML": _answers(200, HTML, **{"content-type": "text/html"}),
    "half a JSON": _answers(200, b'{"data": [{"id": "x'),
    "null": _answers(200, b"null"),
    "a list": _answers(200, b"[1, 2]"),
    "a redirect": _answers(307, b"", location="https://elsewhere.example/"),
    "SIGINT": _interrupted,
    "kill -9 before the write": _killed,
    "kill -9 after the write": _killed_after,
    "asleep past the lock": _slept,
    "edit of a changed field": _edit("Failures 2", severity="critical"),
    "edit of another field": _edit("Failures 2", note="An analyst's."),
    "switched off": _edit("Failures 2", enabled=False),
    "exceptions, actions": _edit("Failures 2", exceptions_list=[{"id": "x"}], actions=[{"id": "a", "params": {}}]),
    "a tag": _edit("Failures 2", tags=["Managed: entra-deployer", "analyst"]),
    "edit of what is pruned": _edit("Failures 3", note="An analyst's."),
}


# -- the repository --------------------------------------------------------------------------------------------------


def write_hunt(root, number, *, severity="low"):
    folder = root / "rules" / f"failures_{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hunt.toml").write_text(HUNT.replace("{number}", str(number)), "utf-8")
    (folder / "rule.yaml").write_text(f"severity: {severity}\n", "utf-8")


def first_version(root):
    """Three hunts."""
    for number in (1, 2, 3):
        write_hunt(root, number)


def second_version(root):
    """One is new, one changed, one gone."""
    write_hunt(root, 2, severity="high")
    write_hunt(root, 4)
    shutil.rmtree(root / "rules" / "failures_3", ignore_errors=True)


def push(stack, root, **options):
    """A push of all, what left the repository included."""
    with stack.connection(root) as connection:
        return push_rules(root, connection, PushRequest(prune=True, **options))
