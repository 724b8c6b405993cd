"""The tutorial as a reader would follow it, its two environments being spaces of the shared stack."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.projects import environment_file

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
STEP = re.compile(
    r"^```(?P<language>\w+)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$|^<!-- in Kibana: (?P<change>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)
RULE = "Owners added in a row"


def steps():
    return list(STEP.finditer(TUTORIAL.read_text("utf-8")))


def run_line(project, line):
    """One line of a shell: `deploy` in this process, anything else by a shell."""
    command, _, comment = line.partition("#")
    expected = int(found[1]) if (found := re.search(r"exit (\d+)", comment)) else 0
    if command.startswith("deploy "):
        code = project.deploy(*shlex.split(command)[1:])
    else:
        code = subprocess.run(["/bin/sh", "-ec", command], cwd=project.root, timeout=60, check=False).returncode
    assert code == expected, f"{line}\n{project.output}\n{project.errors}"


@pytest.fixture
def follower(project, proxy, stack):
    """A project without anything, and the files of its environments: a space each."""
    other = f"{project.space}-production"
    project.kibana.post("/api/spaces/space", {"id": other, "name": other})
    (project.root / "deploy" / "test.yaml").unlink()
    (project.root / "deploy").rmdir()
    (project.root / "rules").rmdir()
    spaces = {"deploy/dev.yaml": project.space, "deploy/production.yaml": other}
    return project, {
        name: environment_file(proxy.url, stack.elasticsearch_url, space) for name, space in spaces.items()
    }


def test_the_tutorial_works_as_it_is_written(follower):
    project, environments = follower
    for step in steps():
        if step["change"]:
            project.edit(RULE, **json.loads(step["change"]))
        elif step["file"]:
            path = project.root / step["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(environments.get(step["file"], step["text"]), "utf-8")
        else:
            for line in step["text"].splitlines():
                run_line(project, line)
    assert project.rules()[RULE]["severity"] == "high"
    (live,) = [
        rule
        for rule in project.kibana.get(
            "/api/detection_engine/rules/_find", space=f"{project.space}-production", params={"per_page": 100}
        )["data"]
        if rule["name"] == RULE
    ]
    assert live["severity"] == "high"


def test_the_example_of_the_python_api_works(project, proxy, stack):
    text = (TUTORIAL.parent / "python-api.md").read_text("utf-8")
    _, example = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    file = environment_file(proxy.url, stack.elasticsearch_url, project.space)
    (project.root / "deploy" / "staging.yaml").write_text(file, "utf-8")
    project.add_hunt("alpha", number=1)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["report"].plan is not None
    assert list(project.rules()) == [f"alpha of {project.space}"]
