"""What a report of 1,000 rules costs, made and opened: `python -m tests.bench.report_page`.

CPU seconds of one process each; opening is the browser's main thread until the page has loaded, and needs what
`make test-browser` installs, and CHROMIUM.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from entra_deployer.overview import look_over
from entra_deployer.reports.page import draw_page
from entra_deployer.repository import OFFLINE, Repository
from tests.bench.projects import add_hunt

RULES = 1000


def main() -> None:
    """Print each figure."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        root = Path(name)
        for number in range(RULES):
            add_hunt(root, number)
        for line in measured(root):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def measured(root: Path) -> Iterator[str]:
    """The figures, as lines."""
    for what in ("for the first time", "again", "again"):
        yield f"deploy report of {RULES} rules {what}: {_command(root):.2f} s"
    overview = look_over(Repository(root), OFFLINE, lambda: datetime.now(UTC))
    draw_page(overview)
    began = time.process_time()
    page = draw_page(overview)
    yield f"  the page alone: {time.process_time() - began:.2f} s, {len(page) / 1e6:.1f} MB"
    if os.environ.get("CHROMIUM"):
        yield f"  opened in a browser: {_opened(root / 'report.html'):.2f} s"


def _command(root: Path) -> float:
    """CPU seconds of the command as a user types it: an installation keeps its modules compiled."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-m", "entra_deployer", "report"]
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _opened(file: Path) -> float:
    """Seconds of the browser's main thread until the page has loaded."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it is there for `make test-browser` alone

    with sync_playwright() as started:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = started.chromium.launch(executable_path=os.environ["CHROMIUM"], args=arguments)
        page = browser.new_page()
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(file.as_uri(), wait_until="load")
        found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        browser.close()
    return float(found["TaskDuration"])


if __name__ == "__main__":
    main()
