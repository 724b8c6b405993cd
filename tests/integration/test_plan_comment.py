"""The comment with a plan is found again by its first line: the programs of the pipelines against servers of ours."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

from entra_deployer.project.ci import Choices, Provider, init_pipeline
from entra_deployer.project.init import environment_text
from tests.reading import there

MARKER = "<!-- entra-deployer plan -->"
ME, OTHER = 7, 8


class Forge(ThreadingHTTPServer):
    """What both forges keep of a change: GitLab's notes, two a page, and Azure's threads of comments."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.notes = [{"id": number, "author": {"id": OTHER}, "body": f"{MARKER} said another"} for number in (1, 2, 3)]
        self.threads: list[dict[str, Any]] = [
            {"id": 1, "comments": [{"id": 1, "content": "looks good"}]},
            {"id": 2, "comments": []},
        ]
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """The few requests that the programs send."""

    server: Forge
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        """Say nothing."""

    def _answer(self):
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"null")
        self.server.tokens.add(self.headers.get("PRIVATE-TOKEN") or self.headers["Authorization"])
        data = json.dumps(self._found(self.command, self.path, body)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - the names that the library asks for

    def _found(self, method, path, body):
        forge = self.server
        if path == "/user":
            return {"id": ME}
        if method == "GET" and "/notes?" in path:
            page = int(there(re.search(r"page=(\d+)$", path))[1])
            return forge.notes[2 * page - 2 : 2 * page]
        if method == "GET":
            return {"value": forge.threads}
        if method == "POST" and path.endswith("/notes"):
            forge.notes.append({"id": len(forge.notes) + 1, "author": {"id": ME}, "body": body["body"]})
        elif method == "POST":
            comments = [{"id": 1, "content": one["content"]} for one in body["comments"]]
            forge.threads.append({"id": len(forge.threads) + 1, "comments": comments})
        elif method == "PUT":
            forge.notes[int(path.rpartition("/")[2]) - 1]["body"] = body["body"]
        else:
            _, thread, _, comment = path.partition("?")[0].rsplit("/", 3)
            forge.threads[int(thread) - 1]["comments"][int(comment) - 1]["content"] = body["content"]
        return {}


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def texts(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in texts(one)] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize("provider", [Provider.GITLAB, Provider.AZURE])
def test_a_second_run_changes_the_comment_of_the_first(provider, forge, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "staging.yaml").write_text(environment_text("staging"), "utf-8")
    choices = Choices(install=f"git+https://git.example.com/o/r@{'0' * 40}")
    written = init_pipeline(tmp_path, provider, choices, ask=lambda *_: None).text
    (program,) = {
        found[1]
        for text in texts(yaml.safe_load(written))
        for found in re.finditer(r"python -I - <<'PROGRAM'\n(.*?)^PROGRAM$", text, re.MULTILINE | re.DOTALL)
    }
    filled = {"System.CollectionUri": f"{forge.url}/", "System.TeamProjectId": "p", "Build.Repository.ID": "r"}
    program = re.sub(r"\$\(([\w.]+)\)", lambda found: filled.get(found[1], "5"), program)
    variables = {"CI_API_V4_URL": forge.url, "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "5"}
    variables |= {"NOTES_TOKEN": "secret", "SYSTEM_ACCESSTOKEN": "secret"}
    for plan in ("2 to create", "nothing to do"):
        (tmp_path / "plan.md").write_text(plan, "utf-8")
        command = [sys.executable, "-I", "-"]
        environment = {**os.environ, **variables}
        subprocess.run(command, input=program, env=environment, cwd=tmp_path, text=True, timeout=60, check=True)
    notes = [note["body"] for note in forge.notes if note["author"]["id"] == ME]
    comments = [one["content"] for thread in forge.threads for one in thread["comments"] if MARKER in one["content"]]
    assert (notes if provider is Provider.GITLAB else comments) == [f"{MARKER}\nnothing to do"]
    assert forge.notes[0]["body"] == f"{MARKER} said another"
    assert all("secret" in token for token in forge.tokens)
