"""A project in a folder of its own, pushed to a space of its own on the shared stack."""

import json
import os
import pty
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from entra_deployer.__main__ import run
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.stack.kibana import KibanaClient


class AnalystsKibana(KibanaClient):
    """Asks for anything, as somebody in Kibana might; whatever JSON comes is the answer."""

    def get(self, path, into=Any, **more):
        return super().get(path, into, **more)

    def post(self, path, body=None, into=Any, **more):
        return super().post(path, body, into, **more)

    def put(self, path, body, into=Any, **more):
        return super().put(path, body, into, **more)

    def patch(self, path, body, into=Any, **more):
        return super().patch(path, body, into, **more)

    def delete(self, path, into=Any, **more):
        return super().delete(path, into, **more)

    def upload(self, path, lines, into=Any, **more):
        return super().upload(path, lines, into, **more)


REPOSITORY = Path(__file__).parents[2]
FIRST_HUNT = "entra_unusual_client_app_auth_request_on_behalf_of_user"
SIMPLE_HUNT = '''\
[hunt]
author = "Tests"
description = "Finds what the tests seed: {name}."
integration = ["azure"]
uuid = "{uuid}"
name = "{name}"
language = ["ES|QL"]
license = "Apache-2.0"
notes = ["Look at `user.name`."]
mitre = ["T1078.004"]
query = ["""
from logs-tests-{key}*
| where @timestamp > now() - 1 day
| stats failures = count(*) by user.name
| where failures > {threshold}
"""]
'''


@dataclass
class Project:
    """The folder, the environment `test` in it, and how to run `deploy` there."""

    root: Path
    space: str
    kibana: AnalystsKibana
    capsys: pytest.CaptureFixture[str]
    output: str = field(default="")
    errors: str = field(default="")

    def deploy(self, *arguments: str) -> int:
        """Run the command in this process; its output is in `output` and `errors`."""
        self.capsys.readouterr()
        code = run(list(arguments))
        self.output, self.errors = self.capsys.readouterr()
        return code

    def document(self, *arguments: str):
        """The JSON document of a command, with its exit code."""
        code = self.deploy(*arguments, "--format", "json")
        return code, json.loads(self.output)

    def add_first_hunt(self) -> Path:
        """The mission's own hunt, as it stands in the repository."""
        return Path(shutil.copytree(REPOSITORY / "rules" / FIRST_HUNT, self.root / "rules" / FIRST_HUNT))

    def add_hunt(self, key: str, *, number: int = 0, threshold: int = 3, settings: str = "") -> Path:
        """A small hunt with a name of its own in this space."""
        folder = self.root / "rules" / key
        folder.mkdir(exist_ok=True)
        name = f"{key} of {self.space}"
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        text = SIMPLE_HUNT.format(key=key, name=name, uuid=uuid, threshold=threshold)
        (folder / "hunt.toml").write_text(text, "utf-8")
        if settings:
            (folder / "rule.yaml").write_text(settings, "utf-8")
        return folder

    def rules(self):
        """All rules of the space, by name, as Kibana tells them."""
        answer = self.kibana.get("/api/detection_engine/rules/_find", space=self.space, params={"per_page": 2000})
        return {rule["name"]: rule for rule in answer["data"]}

    def searches(self):
        """All saved searches of the space, by title."""
        params = {"type": "search", "per_page": 2000}
        answer = self.kibana.get("/api/saved_objects/_find", space=self.space, params=params)
        return {one["attributes"]["title"]: one for one in answer["saved_objects"]}

    def edit(self, name: str, **fields: object) -> None:
        """Change a rule as somebody would in Kibana."""
        rule_id = self.rules()[name]["rule_id"]
        self.kibana.patch("/api/detection_engine/rules", {"rule_id": rule_id, **fields}, space=self.space)


def on_a_terminal(root: Path, answer: str, *words: str) -> tuple[int, str, str]:
    """The exit code of a command that is answered on a terminal, what the terminal showed, and what it printed."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "entra_deployer", *words]
    with subprocess.Popen(command, cwd=root, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = _read_terminal(ours)
        os.close(ours)
        printed, _ = process.communicate(timeout=60)
    return process.returncode, shown, printed.decode()


def _read_terminal(descriptor: int) -> str:
    """All that is written to a terminal until nobody holds its other end."""
    shown = b""
    try:
        while part := os.read(descriptor, 65_536):
            shown += part
    except OSError:
        pass  # the other end is closed: the command is over
    return shown.decode()


def environment_file(kibana_url: str, elasticsearch_url: str, space: str, more: str = "") -> str:
    """deploy/test.yaml of a project."""
    return (
        f"kibana: {{url: '{kibana_url}'}}\nelasticsearch: {{url: '{elasticsearch_url}'}}\n"
        "auth: {basic: {user: elastic, password: {variable: TEST_PASSWORD}}}\n"
        f"spaces: [{space}]\n{more}"
    )


def client(url: str, password: str) -> AnalystsKibana:
    """A client of the stack, past any proxy."""
    return AnalystsKibana(Endpoint(url, Credentials(Scheme.BASIC, password, "elastic")))
