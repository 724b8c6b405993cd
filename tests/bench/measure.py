"""Processes, their seconds and their memory, and two commands measured in turn."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, seconds of CPU (of its own processes, not of the servers), and the most memory, in MB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Command:
    """A command line in a folder, and the exit codes that are right."""

    words: Sequence[str]
    folder: Path
    codes: tuple[int, ...] = (0,)


type Prepared = Callable[[int], Command]
"""Makes ready for the run of a number, and gives its command; what it does is not measured."""


def always(command: Command) -> Prepared:
    """The same command for every run."""
    return lambda _: command


@dataclass(frozen=True)
class Row:
    """A command, its floor, and the goal: how many times as long it may take, or seconds ("30 s").

    Without a floor it is told alone.
    """

    what: str
    ours: Prepared
    floor: Prepared | None = None
    goal: str = ""


@dataclass(frozen=True)
class Measured:
    """The medians of several runs."""

    row: Row
    ours: Spent
    floor: Spent | None

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table says of it."""
        own = f"{self.ours.wall:.2f} s ({self.ours.cpu:.2f})"
        if self.floor is None:
            return (self.row.what, "", own, "", self.row.goal, f"{self.ours.memory:.0f} MB")
        ratios = f"{self.ours.wall / self.floor.wall:.2f} ({self.ours.cpu / self.floor.cpu:.2f})"
        floor = f"{self.floor.wall:.2f} s ({self.floor.cpu:.2f})"
        return (self.row.what, floor, own, ratios, self.row.goal, f"{self.ours.memory:.0f} MB")


HEAD = ("what", "floor", "deploy", "times", "goal", "memory")


def measure(row: Row, runs: int, environment: Mapping[str, str], *, before: int = 1) -> Measured:
    """Run the floor and the command in turn, so that both meet the same machine; the runs before are not counted."""
    floors: list[Spent] = []
    ours: list[Spent] = []
    for number in range(before + runs):
        if row.floor:
            floors.append(run(row.floor(number), environment))
        ours.append(run(row.ours(number), environment))
    return Measured(row, _medians(ours[before:]), _medians(floors[before:]) if floors else None)


def _medians(spent: Sequence[Spent]) -> Spent:
    return Spent(*(median(getattr(one, name) for one in spent) for name in ("wall", "cpu", "memory")))


_LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
_, status, used = os.wait4(os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ), 0)
spent = (time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
os.write(int(sys.argv[1]), json.dumps([os.waitstatus_to_exitcode(status), *spent]).encode())
"""
"""Linux counts the memory of who starts a process as that process's own: this one has little."""


def run(command: Command, environment: Mapping[str, str]) -> Spent:
    """Run a command to its end. Raises RuntimeError with what it said where it ends wrong."""
    said = command.folder / "bench.log"
    ours, theirs = os.pipe()
    launcher = (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(theirs), *command.words)
    with said.open("wb") as out, os.fdopen(ours, "rb") as told:
        process = subprocess.Popen(
            launcher,
            cwd=command.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=[theirs],
        )
        os.close(theirs)
        line = told.read()
        process.wait()
    code, *spent = json.loads(line or b"[null, 0, 0, 0]")
    if code not in command.codes:
        tail = said.read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{' '.join(command.words)}: exit code {code}\n{tail}")
    return Spent(*spent)
