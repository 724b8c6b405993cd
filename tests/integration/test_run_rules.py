"""A stack that runs its enabled rules at their interval, so that a push can wait for their first run."""

import pytest

from entra_deployer.local import stack as local
from tests.integration.conftest import deploy, make_project
from tests.integration.projects import FIRST_HUNT, REPOSITORY


@pytest.fixture
def root(tmp_path):
    found = make_project(tmp_path / "project")
    hunt = found / "rules" / FIRST_HUNT
    hunt.mkdir()
    for name in ("hunt.md", "rule.yaml"):
        (hunt / name).write_text((REPOSITORY / "rules" / FIRST_HUNT / name).read_text("utf-8"), "utf-8")
    yield found
    local.down(found)


@pytest.mark.usefixtures("stack")
def test_a_push_waits_for_the_first_run_where_rules_run(root):
    assert deploy(root, "local", "up", "--run-rules").returncode == 0
    done = deploy(root, "push", "--wait", "--wait-seconds", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "First runs: 1 warned." in done.stdout
    again = deploy(root, "local", "up", "--no-run-rules")
    assert again.returncode == 1
    assert "runs with run_rules True, not False" in again.stderr
