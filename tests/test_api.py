"""What Python users call is what the commands call, and costs nothing before it is called."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest

from entra_deployer import api
from entra_deployer.core.errors import UsageError
from entra_deployer.project.init import init_project

SOURCE = Path(api.__file__)
COMMANDS = SOURCE.parent / "commands"
ROOT = Path(__file__).parent.parent


def test_what_is_told_to_type_checkers_is_what_there_is():
    block = next(node for node in ast.parse(SOURCE.read_text("utf-8")).body if isinstance(node, ast.If))
    told = {
        node.module.removeprefix("entra_deployer."): {alias.asname for alias in node.names}
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert told == {module: set(names.split()) for module, names in api.ROOMS.items()}


@pytest.mark.parametrize("name", dir(api))
def test_a_name_is_the_object_of_its_room_and_says_what_it_is(name):
    module = next(module for module, names in api.ROOMS.items() if name in names.split())
    assert getattr(api, name) is getattr(import_module(f"entra_deployer.{module}"), name)


def test_a_name_that_is_not_there_is_told_as_python_does():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = api.nothing


def test_importing_it_imports_no_room():
    code = "import sys, entra_deployer.api; print([name for name in sys.modules if name.startswith('entra_deployer.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "['entra_deployer.api']"


BELOW = {
    "plan",
    "verify",
    "ledger",
    "live",
    "pull",
    "promotion",
    "doctor",
    "project",
    "repository",
    "checks",
    "coverage",
}


@pytest.mark.parametrize("path", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_a_command_takes_what_it_does_from_here(path):
    """But for the data of its documents: a command is its options, one call and its Document."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("entra_deployer."):
            room = node.module.split(".")[1]
            functions = [alias.name for alias in node.names if alias.name.islower()]
            assert room not in BELOW or not functions or path.stem == "project", f"{node.module}: {functions}"


def test_hunts_are_named_by_folder_by_name_or_by_pattern():
    repository = api.Repository(ROOT)
    everything = repository.catalog().sources
    some = repository.catalog(api.Selection(("entra_r*",))).sources
    assert [one.folder for one in some] == [one.folder for one in everything if one.folder.startswith("entra_r")]
    assert len(some) > 1
    [one] = repository.catalog(api.Selection((everything[0].hunt.name,))).sources
    assert one == everything[0]
    assert repository.catalog(api.Selection(("*", one.folder))).sources == everything


def test_a_pattern_that_means_no_hunt_is_wrong_usage():
    with pytest.raises(UsageError):
        api.Repository(ROOT).catalog(api.Selection(("gcp_*",)))


EXAMPLES = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "python-api.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)


def test_the_example_without_a_server_works(tmp_path, monkeypatch, capsys):
    init_project(tmp_path, None, UUID(int=1))
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLES[0], {})
    assert capsys.readouterr().out.startswith("Entra Password Guessing Against One Account 1h now-1d\n")


def test_the_page_names_what_there_is():
    text = (ROOT / "docs" / "python-api.md").read_text("utf-8")
    rows = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)[`(]", row)}
    assert named <= set(dir(api))
    assert len(named) > 20
