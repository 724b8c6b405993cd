"""Two servers in memory of which one request meets a fault, and a repository with something to push and to prune."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from entra_deployer.ledger.lock import Machine, Process, SpaceLocks
from entra_deployer.ledger.store import IndexStore
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.repository import Repository
from entra_deployer.stack.privileges import LEDGER as INDEX
from tests.memory_stack import ELASTIC_URL, MemoryStack
from tests.stack.script import response
from tests.test_nonsense_everywhere import HUNT, TEST

HERE = Process.here()
DEAD = replace(HERE, pid=2**22 + 1, started="1")
"""A process of this machine that is no more: what holds the lock of a run that was killed."""


class Killed(BaseException):
    """The process is gone at this very request."""


@dataclass
class ChaosStack(MemoryStack):
    """The request number `at` (from 0) meets `fault`, those of a source of promotions among them.

    `lasting` answers all further requests, or none where it gives None; `closed` refuses the ledger's index.
    """

    at: int = -1
    fault: Callable[..., Any] | None = None
    lasting: Callable[..., Any] | None = None
    closed: bool = False
    source: MemoryStack | None = None
    edits: list = field(default_factory=list)
    clock: float = 0.0
    count: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def send(self, request, *_, **__):
        return self.struck(request, super().send)

    def struck(self, request, serve):
        """Serve a request, or let the fault strike it."""
        if self.closed and request.url.startswith(f"{ELASTIC_URL}/{INDEX}"):
            return response(request, 403, CLOSED, {"content-type": "application/json"})
        with self._counting:
            strikes = self.count == self.at
            self.count += 1
            self.at = -1 if strikes else self.at
        if self.lasting and (answer := self.lasting(request)):
            return answer
        return self.fault(self, request, serve) if strikes and self.fault else serve(request)

    def healed(self):
        """The same state without a fault."""
        plain = self.copy()
        found = ChaosStack(plain.rules, plain.objects, plain.documents, _sequence=self._sequence)
        found.edits, found.closed = [*self.edits], self.closed
        if self.source:
            other = self.source.copy()
            found.source = Source(other.rules, other.objects, other.documents, _sequence=other._sequence, target=found)
        return found

    def connected(self, root, process=DEAD, name="memory", **settings):
        """A connection of a process whose lock counts by `clock`; that of DEAD is found dead by the next one."""
        connection = self.connection(root, **settings)
        connection = replace(connection, environment=replace(connection.environment, name=name))
        index = IndexStore(connection.elastic)
        machine = Machine(process, lambda: self.clock)
        locks = SpaceLocks(index, connection.environment.spaces, name, pause=self._wait, machine=machine)
        return replace(connection, locks=locks)

    def _wait(self, _holder):
        """A second goes by."""
        self.clock += 1

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


@dataclass
class Source(MemoryStack):
    """The environment that a promotion comes from: its requests are counted, and struck, among the target's."""

    target: ChaosStack | None = None

    def send(self, request, *_, **__):
        assert self.target
        return self.target.struck(request, super().send)


CLOSED = {"error": {"type": "security_exception", "reason": "not for this key"}, "status": 403}


def gone(_request):
    """Nobody answers."""
    raise requests.exceptions.ConnectionError("refused")


# -- the repository --------------------------------------------------------------------------------------------------


def write_hunt(root, number, *, severity="low"):
    folder = root / "rules" / f"failures_{number}"
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    text = HUNT.replace("00000000000{number}", f"{number:012d}").replace("{number}", str(number))
    (folder / "hunt.toml").write_text(text, "utf-8")
    (folder / "rule.yaml").write_text(f"severity: {severity}\n", "utf-8")
    (folder / "tests" / "many.yaml").write_text(TEST, "utf-8")


@dataclass(frozen=True)
class Hunts:
    """What a version of the repository holds: the severities of its rules by number."""

    severities: dict

    def write(self, root):
        """Make the folder hold this and nothing else."""
        shutil.rmtree(root / "rules", ignore_errors=True)
        for number, severity in self.severities.items():
            write_hunt(root, number, severity=severity)
        return root

    @property
    def rules(self):
        """The rules that it makes: their severities by name."""
        return {f"Failures {number}": severity for number, severity in self.severities.items()}


FIRST = Hunts(dict.fromkeys((1, 2, 3), "low"))
SECOND = Hunts({1: "low", 2: "high", 4: "low"})
"""One is new, one changed, one gone."""
THIRD = Hunts({1: "low", 2: "critical", 4: "low"})
"""Newer than the second."""
LARGE_FIRST = Hunts(dict.fromkeys(range(1, 13), "low"))
LARGE_SECOND = Hunts(dict.fromkeys((1, 8, 9, 10, *range(21, 41)), "low") | dict.fromkeys((2, 4, 5, 6, 7), "high"))
"""20 are new, 5 changed, 3 gone."""


def first_version(root):
    """Three hunts."""
    FIRST.write(root)


def second_version(root):
    """One is new, one changed, one gone."""
    SECOND.write(root)


def push(stack, root, **options):
    """A push of all, what left the repository included."""
    with stack.connection(root) as connection:
        return push_rules(Repository(root), connection, PushRequest(prune=True, lock=not stack.closed, **options))
