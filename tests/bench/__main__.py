"""`make bench`: an embedded stack of its own, and what verifying costs and made tests are worth on it."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from entra_deployer.ledger.open import open_connection
from entra_deployer.local import stack as local
from entra_deployer.plan.connection import Connection
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Scheme
from tests.bench.made_tests import measure, reasons, surviving, table
from tests.bench.verifying import RULES, TESTS, time_verify

HUNTS = "BENCH_HUNTS"
"""The variable that names a folder with hunts of others."""


def main() -> None:
    """Start a stack, run each bench, stop it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder)
        (root / "rules").mkdir()
        stack = local.up(root, progress=lambda *_: None)
        try:
            credentials = Credentials(Scheme.BASIC, stack.password, stack.user)
            kibana, elastic = Endpoint(stack.kibana_url, credentials), Endpoint(stack.elasticsearch_url, credentials)
            with open_connection(Environment("local", kibana, elastic, embedded=True), root) as connection:
                for bench in BENCHES:
                    bench(connection)
        finally:
            local.reset(root)


def verifying(connection: Connection) -> None:
    """How the time of a verification grows with the rules."""
    one, all_ = time_verify(connection, rules=1), time_verify(connection)
    size = f"{RULES} rules with {TESTS} tests each"
    say(f"verify {size}: {all_.seconds:.1f} s, {all_.events} events, {all_.passed} passed")
    say(f"  {all_.seconds / one.seconds:.1f} times as long as 1 rule with {TESTS} tests ({one.seconds:.2f} s)")


def made_tests(connection: Connection) -> None:
    """What made tests are worth on the hunts of others, which are not part of this repository."""
    folder = Path(os.environ.get(HUNTS, ""))
    files = sorted(folder.rglob("*.toml")) if os.environ.get(HUNTS) else []
    if not files:
        say(f"made tests: no hunts here; {HUNTS}=FOLDER names a folder of TOML hunts, a folder for each source")
        return
    outcomes = list(measure(folder, files, connection))
    for line in (*table(outcomes), "", *reasons(outcomes), "", "surviving mutants:", *surviving(outcomes)):
        say(line)


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


BENCHES: tuple[Callable[[Connection], None], ...] = (verifying, made_tests)

if __name__ == "__main__":
    main()
