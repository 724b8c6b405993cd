"""What a command that finds nothing to do loads: nothing that reads hunts and queries, checks, proves or lays out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_nonsense_everywhere import HUNT

REPOSITORY = Path(__file__).parents[1]
OURS = """
checks compiler.compiler esql.parse esql.tree esql.cache esql.semantics esql.conditions hunts.markdown hunts.toml
plan.preflight plan.engine verify.generate verify.mutate verify.verdict verify.run forecast doctor exchange project
promotion pull coverage overview local reports.layout reports.markdown reports.html reports.page
"""
LIBRARIES = """
esql antlr4 rich markdown_it tomllib tomlkit ruamel jsonschema cryptography jinja2 pygments typer tarfile starlette
uvicorn elasticsearch._async.client elastic_transport._async_transport elasticsearch.helpers
"""
UNCHANGED = [*(f"entra_deployer.{name}" for name in OURS.split()), *LIBRARIES.split()]
READ_BY_CHECK = """
entra_deployer.repository entra_deployer.compiler entra_deployer.hunts entra_deployer.stack entra_deployer.plan
entra_deployer.ledger entra_deployer.reports.document msgspec yaml requests elasticsearch rich tarfile
"""
"""What a check whose answer is kept does not load either."""

COMMANDS = {
    "push": "from entra_deployer.api import PushRequest, push_rules as work",
    "plan": "from entra_deployer.api import PushRequest, plan_rules as work",
    "drift": "from entra_deployer.api import find_drift as work",
}
PROGRAM = """\
import json, sys
from pathlib import Path
from tests.memory_stack import MemoryStack
from entra_deployer.api import Repository
from entra_deployer.reports import render
kept = Path("stack.json")
stack = MemoryStack(**(json.loads(kept.read_text()) if kept.exists() else {{}}))
with stack.connection() as connection:
    {given}
    report = work(Repository(Path(".")), connection, *{more})
from entra_deployer.reports.documents.{document}
print(render(document(report), "text"))
state = {{name: getattr(stack, name) for name in ("rules", "objects", "documents", "_sequence")}}
kept.write_text(json.dumps(state))
print([name for name in {absent!r} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project of three hunts."""
    top = tmp_path_factory.mktemp("unchanged")
    for number in range(3):
        folder = top / "rules" / f"h{number}"
        folder.mkdir(parents=True)
        (folder / "hunt.toml").write_text(HUNT.replace("{number}", str(number)), "utf-8")
    return top


def told(root: Path, program: str) -> list[str]:
    """The lines that a process of its own prints last, with a cache of the project's."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "XDG_CACHE_HOME": str(root / "cache")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


def lines_of(root: Path, command: str) -> list[str]:
    """What a command on the stack that the root holds says, and as its last line what it has loaded in vain."""
    document, more = (
        ("drift import drift_document as document", "()")
        if command == "drift"
        else (f"plan import plan_document\ndocument = plan_document({command!r})", "[PushRequest()]")
    )
    return told(root, PROGRAM.format(given=COMMANDS[command], more=more, document=document, absent=UNCHANGED))


@pytest.fixture(scope="module")
def pushed(root):
    """The project after a push, which has loaded what an unchanged one must not."""
    lines = lines_of(root, "push")
    assert "entra_deployer.checks" in lines[-1]
    return root


@pytest.mark.parametrize("command", COMMANDS)
def test_where_nothing_changed_nothing_is_loaded_that_only_a_change_needs(pushed, command):
    *said, loaded = lines_of(pushed, command)
    assert any("o changes" in line or "o drift" in line for line in said), said
    assert loaded == "[]"


def test_a_check_whose_answer_is_kept_loads_no_hunts(root):
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "run(['check'])\n"
        f"print([name for name in {READ_BY_CHECK.split()!r} if name in sys.modules])\n"
    )
    first, second = told(root, program), told(root, program)
    assert first[:-1] == second[:-1]
    assert "entra_deployer.repository" in first[-1]
    assert second[-1] == "[]"
