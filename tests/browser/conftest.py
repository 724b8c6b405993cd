"""Pages in a headless Chromium: `make test-browser`. Without CHROMIUM, the browser's path, there is nothing here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

BROWSER = os.environ.get("CHROMIUM", "")
HERE = Path(__file__).parent
collect_ignore_glob = [] if BROWSER else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it is there for `make test-browser` alone

    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield found
        found.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    """A page without a network but this machine, whose console has to stay silent."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    found, complaints = context.new_page(), []
    found.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("request", lambda request: complaints.append(request.url) if is_strange(request.url) else None)
    yield found
    context.close()
    assert complaints == []


def is_strange(url: str) -> bool:
    return not url.startswith(("file://", "http://127.0.0.1:"))


def violations(page) -> list[str]:
    """What axe-core finds serious."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - as above

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
    ]
