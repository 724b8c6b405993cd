"""A form is one module and one entry; a command is one file and one entry, and has every form."""

import json
from pathlib import Path
from typing import Annotated

import pytest
import typer

import entra_deployer
from entra_deployer.__main__ import run
from entra_deployer.commands.app import COMMANDS, app
from entra_deployer.commands.options import FormatOption
from entra_deployer.commands.terminal import show
from entra_deployer.commands.usage import Command
from entra_deployer.core.errors import ExitCode, InputError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports import FORMS, TEXT
from entra_deployer.reports.document import Case, Document, Item, Line, Section, cells, words

PACKAGE = Path(entra_deployer.__file__).parent
OTHER_RESULTS = {"export", "init", "synth"}
"""Commands whose result is files."""


def test_a_form_is_a_module_with_a_render_and_one_entry():
    modules = {path.stem for path in (PACKAGE / "reports").glob("*.py") if "\ndef render(" in path.read_text("utf-8")}
    assert modules - {"__init__"} == set(FORMS)


@pytest.mark.parametrize("form", ["sarif", "junit", "html"])
def test_no_command_and_no_document_knows_a_form_by_name(form):
    named = {path for path in PACKAGE.rglob("*.py") if f'"{form}"' in path.read_text("utf-8")}
    assert named - {PACKAGE / "reports" / "markdown.py"} == {PACKAGE / "reports" / "__init__.py"}


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - OTHER_RESULTS))
def test_every_command_takes_every_form(name):
    command = typer.main.get_group(app()).commands[name]
    [option] = [param for param in command.params if "--format" in param.opts]
    needed = {"RULE": "x", "NAME": "x", "FROM": "a", "TO": "b"}
    required = [param for param in command.params if param.param_type_name == "argument" and param.required]
    given = [needed[param.metavar or ""] for param in required]
    start = ["--from", "1d"] if name == "replay" else []
    for form in FORMS:
        context = command.make_context(name, [*given, *start, "--format", form])
        assert context.params[option.name] == form


def test_every_command_has_a_file_of_its_name():
    files = {path.stem for path in (PACKAGE / "commands").glob("*.py")}
    assert {name for name in COMMANDS if name not in files and f"{name}_rules" not in files} == set()


def greet(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom to greet.")] = "world", form: FormatOption = TEXT
) -> None:
    """Say hello."""

    def work():
        if name == "nobody":
            raise InputError("nobody is there")
        return name

    def document(found):
        item = Item(found, Line(words(f"hello {found}")), cells("hello", found))
        case = Case("greeting", found)
        return Document("greet", "here", blocks=(Section((item,), ("", "who")),), summary="Greeted.", cases=(case,))

    def unable(issues: tuple[Issue, ...]) -> Document:
        return Document("greet", "here", issues=issues, content={"greeted": False})

    show(form, work, document, lambda _: ExitCode.OK, unable)


@pytest.fixture
def greeting():
    own = typer.Typer()
    own.command("greet", cls=Command)(greet)
    return typer.main.get_command(own)


@pytest.mark.parametrize("form", FORMS)
def test_a_new_command_is_a_function_and_has_every_form(form, greeting, capsys):
    assert greeting.main(["--format", form], prog_name="greet", standalone_mode=False) == ExitCode.OK
    assert capsys.readouterr().out.endswith("\n")


def test_programs_get_a_document_where_the_work_could_not_be_done(greeting, capsys):
    with pytest.raises(InputError):
        greeting.main(["nobody", "--format", "json"], prog_name="greet", standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert found["greeted"] is False
    assert [(issue["code"], issue["level"]) for issue in found["issues"]] == [("DEP000", Level.ERROR)]


def test_a_name_from_outside_reaches_the_terminal_without_its_controls(tmp_path, monkeypatch, capsys):
    hunt = (Path(__file__).parents[1] / "data" / "hunts" / "sound" / "hunt.md").read_text("utf-8")
    folder = tmp_path / "rules" / "odd\x1b[2J\u202e"
    folder.mkdir(parents=True)
    (folder / "hunt.md").write_text(hunt.replace("# A hunt", "# A \u202ehunt\u2066 @team <b>"), "utf-8")
    monkeypatch.chdir(tmp_path)
    for command, forms in (("check --notes", FORMS), ("compile --explain", FORMS), ("compile", [*FORMS, "ndjson"])):
        for form in forms:
            run([*command.split(), "--format", form])
            told = capsys.readouterr()
            assert not set("\x1b\u202e\u2066") & set(told.out + told.err), (command, form)
