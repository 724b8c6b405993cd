"""What the composite action runs, and what it says to the steps behind it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

ACTION = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text("utf-8"))


def step():
    (found,) = [one for one in ACTION["runs"]["steps"] if one.get("id") == "run"]
    return found["run"]


def run_action(project, tmp_path, line):
    """The exit code of the action's last step, and its outputs."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "deploy").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m entra_deployer "$@"\n')
    (programs / "deploy").chmod(0o755)
    output = tmp_path / "output"
    output.write_text("")
    given = {"DEPLOY_RUN": line, "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)}
    python = Path(sys.executable).parent
    environment = {**os.environ, **given, "PATH": f"{programs}{os.pathsep}{python}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-e", "-c", step()]
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, timeout=300, check=False)
    return done.returncode, dict(row.split("=", 1) for row in output.read_text().splitlines())


def test_the_outputs_say_what_changed_and_what_drifted(project, tmp_path):
    project.add_hunt("alpha", number=1)
    code, outputs = run_action(project, tmp_path, "plan test")
    assert (code, outputs["changed"], outputs["drift"]) == (0, "true", "false")
    assert project.deploy("push", "test") == 0
    code, outputs = run_action(project, tmp_path, "plan test")
    assert (code, outputs["changed"]) == (0, "false")
    project.edit(f"alpha of {project.space}", severity="critical")
    code, outputs = run_action(project, tmp_path, "drift test")
    assert (code, outputs["drift"]) == (2, "true")
    assert Path(outputs["report"]).is_file()


def test_the_action_says_what_its_steps_do():
    assert {one["value"] for one in ACTION["outputs"].values()} == {
        f"${{{{ steps.run.outputs.{name} }}}}" for name in ("changed", "drift", "report")
    }
    assert all("requirements.lock" not in str(one) for one in ACTION["runs"]["steps"])
