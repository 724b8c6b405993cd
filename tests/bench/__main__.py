"""`make bench`: an embedded stack of its own, each command beside its floor, and what made tests are worth.

Variables: BENCH_HUNTS=FOLDER adds the hunts of others, BENCH_OUTCOMES=FILE gets a line for each of their rules,
BENCH_EVERY=8 takes every eighth of them for the made tests,
BENCH_RUNS=5 is how often each command runs, BENCH_ONLY=table,verifying,starting,making,growth or made_tests names
parts, BENCH_SIZES=10,100,1000,10000 the steps of the growth.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

from entra_deployer.core.json import canonical
from entra_deployer.ledger.open import open_connection
from entra_deployer.local import stack as local
from entra_deployer.plan.connection import Connection
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Scheme
from tests.bench import commands
from tests.bench.commands import (
    Place,
    changed_row,
    check_rows,
    make_source,
    new_row,
    place_of,
    start_rows,
    unchanged_rows,
)
from tests.bench.made_tests import measure as measure_tests
from tests.bench.made_tests import reasons, surviving
from tests.bench.made_tests import table as table_of_tests
from tests.bench.measure import HEAD, Row, measure
from tests.bench.proofs import synth_rows, verify_row
from tests.bench.starts import up_row

HUNTS = "BENCH_HUNTS"
"""The variable that names a folder with hunts of others."""
OUTCOMES = "BENCH_OUTCOMES"
"""The variable that names a file for what came of each of their rules, a line of JSON each, written as it goes."""


RUNS = int(os.environ.get("BENCH_RUNS", "5"))
ONLY = os.environ.get("BENCH_ONLY", "").split(",") if os.environ.get("BENCH_ONLY") else []


def main() -> None:
    """Start a stack, run each bench, stop it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # whoever ends it, the stack ends too
    python = ".".join(map(str, sys.version_info[:3]))
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {python}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder)
        (root / "rules").mkdir()
        stack = local.up(root, refresh="1s", progress=lambda *_: None)
        try:
            credentials = Credentials(Scheme.BASIC, stack.password, stack.user)
            kibana, elastic = Endpoint(stack.kibana_url, credentials), Endpoint(stack.elasticsearch_url, credentials)
            with open_connection(Environment("local", kibana, elastic, embedded=True), root) as connection:
                for bench in BENCHES:
                    if not ONLY or bench.__name__ in ONLY:
                        bench(connection, place_of(root, stack))
        finally:
            local.reset(root)


def table(_: Connection, place: Place) -> None:
    """Each command beside its floor."""
    make_source(place)
    _tell(
        chain(
            start_rows(place),
            check_rows(place, _hunts()),
            unchanged_rows(place, 1000),
            (changed_row(place, 1000) for _ in "1"),
            unchanged_rows(place, 100),
            (new_row(place, 100) for _ in "1"),
        ),
        place,
    )


def verifying(_: Connection, place: Place) -> None:
    """A verification of many rules."""
    _tell([verify_row(place)], place)


def starting(_: Connection, place: Place) -> None:
    """A start of the embedded stack."""
    _tell([up_row(place)], place)


def making(_: Connection, place: Place) -> None:
    """Tests made of the hunts of others."""
    if hunts := _hunts():
        _tell(synth_rows(place, hunts), place, runs=1, before=0)  # they take minutes


def _tell(rows: Iterable[Row], place: Place, runs: int = RUNS, before: int = 1) -> None:
    say(f"medians of {runs} runs in turn: seconds on the clock (and of CPU, of the command itself)")
    say(_line(HEAD))
    for row in rows:
        say(_line(measure(row, runs, place.environment, before=before).cells))


def _hunts() -> Path | None:
    return Path(os.environ[HUNTS]).resolve() if os.environ.get(HUNTS) else None


def growth(_: Connection, place: Place) -> None:
    """How the cost grows with the number of rules."""
    sizes = tuple(map(int, os.environ.get("BENCH_SIZES", "10,100,1000").split(",")))
    say("CPU seconds by rules:")
    for rules, found in commands.growth(place, sizes, runs=3):
        say(f"  {rules:>6}: " + ", ".join(f"{name} {value:.2f}" for name, value in found.items()))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace(' | ', '; floor: ') for cell in cells)} |"


def made_tests(connection: Connection, _: Place) -> None:
    """What made tests are worth on the hunts of others, which are not part of this repository."""
    folder = Path(os.environ.get(HUNTS, ""))
    files = sorted(folder.rglob("*.toml"))[:: int(os.environ.get("BENCH_EVERY", "1"))] if os.environ.get(HUNTS) else []
    if not files:
        say(f"made tests: no hunts here; {HUNTS}=FOLDER names a folder of TOML hunts, a folder for each source")
        return
    outcomes = []
    with Path(os.environ.get(OUTCOMES, os.devnull)).open("w", encoding="utf-8") as lines:
        for outcome in measure_tests(folder, files, connection):
            outcomes.append(outcome)
            lines.write(f"{canonical(outcome.record)}\n")
            lines.flush()
            sys.stderr.write(f"{len(outcomes)} rules of {len(files)} hunts\r")
    for line in (*table_of_tests(outcomes), "", *reasons(outcomes), "", "surviving mutants:", *surviving(outcomes)):
        say(line)


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


BENCHES: tuple[Callable[[Connection, Place], None], ...] = (table, verifying, starting, making, growth, made_tests)

if __name__ == "__main__":
    main()
