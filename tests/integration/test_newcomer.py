"""A newcomer's path: an installed wheel, an empty folder, and from there to a proven rule and a pipeline.

The virtual environments are fresh; their dependencies, which no test may fetch, are those of the tests.
"""

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
QUERY = """\
FROM logs-azure.auditlogs-*
| WHERE @timestamp >= NOW() - 1 hour AND event.action == "Add owner to application"
| STATS added = COUNT(*) BY azure.auditlogs.properties.initiated_by.user.userPrincipalName
| WHERE added >= 3
"""


class Machine:
    """A folder of a user's and a fresh virtual environment with pip, reached by PATH alone."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.bin = folder, home / "bin"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True, timeout=300)
        packages = next((home / "lib").glob("python*/site-packages"))
        (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        self.environment = {**kept, "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "PIP_NO_INDEX": "1"}

    def run(self, line: str, *, code: int = 0) -> str:
        """What a line of a shell prints on stdout; its exit code is `code`."""
        command = ["/bin/sh", "-ec", line]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == code, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if code else "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture
def machine(tmp_path):
    (tmp_path / "detections").mkdir()
    found = Machine(tmp_path / "detections", tmp_path / "venv")
    yield found
    if (found.bin / "deploy").exists():
        found.run("deploy local down")


@pytest.mark.timeout(900)
def test_from_an_installed_wheel_to_a_proven_rule_and_a_pipeline(machine, wheel, tmp_path):
    machine.run(f"pip install --quiet --no-deps {shlex.quote(str(wheel))}")
    where = machine.run("python -c 'import entra_deployer; print(entra_deployer.__file__)'")
    assert Path(where).is_relative_to(tmp_path)

    assert "deploy init" in machine.run("deploy check", code=64)
    assert "created  rules/password_guessing/hunt.md" in machine.run("deploy init")
    (machine.folder / "owners.esql").write_text(QUERY, "utf-8")
    assert "tests/synth.yaml" in machine.run('deploy new "Owners added in a row" --from-query owners.esql')
    assert "0 errors" in machine.run("deploy check")
    assert "0 updated, 0 deleted" in machine.run("deploy push")
    assert "No changes" in machine.run("deploy push")
    assert "2 rules verified: 2 passed" in machine.run("deploy verify")
    assert "No drift" in machine.run("deploy drift")
    status = json.loads(machine.run("deploy status --format json"))
    assert {issue["level"] for issue in status["issues"]} <= {"warning", "note"}  # there is no real data yet
    assert "Owners added in a row" in machine.run("deploy list")
    assert "report.html: 2 rules of 2 hunts: 2 passed." in machine.run("deploy report")
    page = (machine.folder / "report.html").read_text("utf-8")
    assert "<!DOCTYPE html>" in page
    assert "Owners added in a row" in page
    assert "rules.html: 2 rules of 2 hunts" in machine.run("deploy report local --out rules.html")
    assert (machine.folder / "rules.html").is_file()

    pipeline(machine, wheel, tmp_path)


def pipeline(machine: Machine, wheel: Path, tmp_path: Path) -> None:
    """The pipeline never installs by a name; its own step installs the wheel that the repository holds."""
    assert "created  deploy/staging.yaml" in machine.run("deploy init staging")
    assert "--install" in machine.run("deploy ci init github", code=64)
    (machine.folder / "tools").mkdir()
    kept = machine.folder / "tools" / wheel.name
    kept.write_bytes(wheel.read_bytes())
    machine.run(f"deploy ci init github --install tools/{wheel.name}")
    workflow = yaml.safe_load((machine.folder / ".github" / "workflows" / "detections.yml").read_text("utf-8"))
    steps = {
        step["run"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("run", "").startswith("pip install")
    }
    (step,) = steps
    runner = Machine(machine.folder, tmp_path / "runner")
    runner.run(step)
    assert runner.run("deploy --version").startswith("deploy ")
    (check,) = [
        step["run"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("run", "").startswith("deploy check")
    ]
    assert "--engine" in check
    runner.run(check)
