"""What is kept of a project's stack between commands: where it answers, its password, and which process it is."""

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from entra_deployer.core.errors import LocalStackError

_CLOCK_TOLERANCE = 2.0
"""Seconds by which the start of one and the same process may seem to differ when the system's clock was set."""
_LOOK_PAUSE = 0.02


@dataclass(frozen=True)
class ProcessId:
    """A process for good: its id, and when it was made (seconds since the epoch), since ids are used again."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """The identity of a process that runs now. Raises psutil.NoSuchProcess."""
        import psutil  # noqa: PLC0415 - the extra may be missing

        return cls(pid, psutil.Process(pid).create_time())

    @property
    def is_running(self) -> bool:
        """Whether this very process is there, and not as a zombie."""
        import psutil  # noqa: PLC0415 - the extra may be missing

        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= _CLOCK_TOLERANCE
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def wait(self, timeout: float) -> bool:
        """Wait until the process is gone, at most `timeout` seconds; whether it is.

        psutil's own wait would also wait until somebody looks after a zombie, which some containers never do.
        """
        deadline = time.monotonic() + timeout
        while self.is_running:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_PAUSE)
        return True


@dataclass(frozen=True)
class StackState:
    """A stack as its file says. `supervisor` and `node` are None where it was stopped in order.

    With `run_rules` its enabled rules run at their interval; with `refresh` ("1s") every write waits for that.
    """

    profile: str
    license: str
    kibana_port: int
    elasticsearch_port: int
    password: str = field(repr=False)
    supervisor: ProcessId | None = None
    node: ProcessId | None = None
    run_rules: bool = False
    refresh: str = ""

    @property
    def is_running(self) -> bool:
        """Whether the supervisor, without which nothing of the stack lives, is there."""
        return self.supervisor is not None and self.supervisor.is_running


@dataclass(frozen=True)
class StackFolder:
    """The folder of one stack of a project: `<root>/.deploy/<name>`."""

    root: Path
    name: str

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.root.resolve() / ".deploy" / self.name

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops the stack; outside the folder, which may be deleted."""
        return self.path.with_name(f".{self.name}.lock")

    @property
    def data(self) -> Path:
        """Elasticsearch's data."""
        return self.path / "data"

    @property
    def logs(self) -> Path:
        """`elasticsearch.log`, and `stack.log` of the supervisor, the local Kibana API and Java itself."""
        return self.path / "logs"

    def read(self) -> StackState | None:
        """The state; None where this stack was never started. Raises LocalStackError for a file that says nothing."""
        path = self.path / "state.json"
        try:
            values = json.loads(path.read_bytes())
            for name in ("supervisor", "node"):
                values[name] = values[name] and ProcessId(**values[name])
            return StackState(**values)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            raise LocalStackError(
                f"{path} does not say where the stack is", hint=f"deploy local reset --name {self.name} makes a new one"
            ) from None

    def make(self) -> None:
        """Make the folder, for the user's own eyes only, and keep git away from it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        ignored = self.path.parent / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")

    def write(self, state: StackState) -> None:
        """Replace the state, for the user's own eyes only."""
        self.make()
        new = self.path / "state.json.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(state), file, indent=2)
        new.replace(self.path / "state.json")
