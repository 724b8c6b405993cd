"""Makes the pictures of the docs: `make screenshots`."""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from entra_deployer.local.invitation import invitation
from entra_deployer.reports.page import draw_page
from tests.browser.stack import ROOT, proved_stack
from tests.reports.overviews import live

IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1000, "height": 760}


def main() -> None:
    """Write docs/images/*.png."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as started, tempfile.TemporaryDirectory() as name:
        browser = started.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_page(viewport=SIZE)
        file = Path(name, "report.html")
        file.write_text(draw_page(live()).replace(f"{ROOT}/", ""), "utf-8")
        page.goto(file.as_uri())
        page.screenshot(path=IMAGES / "report.png")
        rule = page.locator(".rule").first
        rule.locator("summary").click()
        rule.locator(".query").evaluate("query => { query.scrollIntoView(); scrollBy(0, -40); }")
        page.screenshot(path=IMAGES / "report-query.png")
        folder = Path(name, "project")
        folder.mkdir()
        with proved_stack(folder) as (_, stack):
            page.goto(invitation(stack))
            page.locator("#alerts summary").first.click()
            page.screenshot(path=IMAGES / "local.png")
        browser.close()


if __name__ == "__main__":
    main()
