"""A new project and new environments: what is made, and that nothing is ever overwritten."""

import json
import tomllib
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.commands.app import COMMANDS
from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.core.yaml import read_yaml
from entra_deployer.project.init import environment_text, init_project, variable_of
from entra_deployer.project.schemas import SCHEMAS
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.stack.environment import Credentials, Scheme
from entra_deployer.stack.environment_file import EnvironmentFile
from entra_deployer.stack.environments import LocalServers, load_environment

ID = UUID("11111111-2222-4333-8444-555555555555")
NOWHERE = LocalServers("", "", Credentials(Scheme.BASIC, ""))
FIRST = [
    "rules/password_guessing/hunt.md",
    "rules/password_guessing/rule.yaml",
    "rules/password_guessing/tests/password_guessing.yaml",
    ".gitignore",
    ".pre-commit-config.yaml",
    ".vscode/settings.json",
    ".taplo.toml",
    *(f"deploy/schemas/{name}.schema.json" for name in ("approvals", "environment", "hunt", "rule", "test")),
]


def made(project):
    return [file.name for file in project.files if file.created]


def contents(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_empty_folder_becomes_a_project_with_a_first_hunt(tmp_path):
    project = init_project(tmp_path, None, ID)
    assert made(project) == FIRST
    assert project.is_new
    assert (tmp_path / ".gitignore").read_text() == "/.deploy/\n"
    assert str(ID) in (tmp_path / FIRST[0]).read_text("utf-8")


def test_the_first_hunt_compiles_without_a_complaint(tmp_path):
    init_project(tmp_path, None, ID)
    compilation = Repository(tmp_path).compile(OFFLINE)
    (rule,) = compilation.rules
    assert [issue for issue in compilation.issues if issue.level != "note"] == []
    assert rule.rule.payload["severity"] == "medium"
    assert rule.key_columns == ("azure.signinlogs.properties.user_principal_name",)


def test_editors_find_a_schema_for_each_kind_of_file(tmp_path):
    init_project(tmp_path, "staging", ID)
    settings = json.loads((tmp_path / ".vscode" / "settings.json").read_text())["yaml.schemas"]
    assert {Path(name).name.partition(".")[0] for name in settings} == set(SCHEMAS) - {"hunt"}
    assert all((tmp_path / name).is_file() for name in settings)
    matched = {path for pattern in settings.values() for path in tmp_path.glob(pattern)}
    assert {path.name for path in matched} == {"rule.yaml", "password_guessing.yaml", "staging.yaml"}
    (rule,) = tomllib.loads((tmp_path / ".taplo.toml").read_text())["rule"]
    assert (tmp_path / rule["schema"]["path"]).is_file()


def test_the_hook_of_a_new_project_runs_a_command_that_there_is(tmp_path):
    init_project(tmp_path, None, ID)
    (repository,) = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    program, command = hook["entry"].split()
    assert (program, command in COMMANDS) == ("deploy", True)


def test_a_second_time_nothing_is_made(tmp_path):
    init_project(tmp_path, "staging", ID)
    before = contents(tmp_path)
    project = init_project(tmp_path, "staging", UUID(int=0))
    assert made(project) == []
    assert not project.is_new
    assert contents(tmp_path) == before


def test_a_project_with_hunts_gets_no_other(tmp_path):
    (tmp_path / "rules" / "mine").mkdir(parents=True)
    assert init_project(tmp_path, None, ID).files == ()


def test_a_project_is_found_from_below(tmp_path):
    below = tmp_path / "rules" / "mine"
    below.mkdir(parents=True)
    project = init_project(below, "staging", ID)
    assert project.root == tmp_path
    assert (tmp_path / "deploy" / "staging.yaml").is_file()


def test_an_empty_folder_of_rules_gets_a_first_hunt(tmp_path):
    (tmp_path / "rules").mkdir()
    assert made(init_project(tmp_path, None, ID)) == FIRST


@pytest.mark.parametrize(
    ("lines", "note"), [("node_modules/\n", "add the line /.deploy/ to it"), ("a\n/.deploy/\n", ""), (".deploy\n", "")]
)
def test_a_gitignore_that_is_there_stays_and_is_told_what_it_lacks(tmp_path, lines, note):
    (tmp_path / ".gitignore").write_text(lines)
    project = init_project(tmp_path, None, ID)
    (ignored,) = [file for file in project.files if file.name == ".gitignore"]
    assert (ignored.created, ignored.note) == (False, note)
    assert (tmp_path / ".gitignore").read_text() == lines


@pytest.mark.parametrize("name", ["local", "../staging", "a/b", "", "Staging", "docker-compose", "-x", "a b", "a.b"])
def test_a_name_that_cannot_be_one_is_wrong_usage_and_makes_nothing(tmp_path, name):
    with pytest.raises(UsageError):
        init_project(tmp_path, name, ID)
    assert contents(tmp_path) == {}


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True))
def test_the_file_of_any_environment_fits_its_schema(name):
    document = read_yaml(environment_text(name), source="x", kind=EnvironmentFile)
    assert document.issues == ()
    auth = document.value.auth
    assert auth
    assert auth.api_key
    assert auth.api_key.variable == variable_of(name)


def test_the_new_file_is_read_with_the_variable_that_is_told(tmp_path):
    project = init_project(tmp_path, "eu-1", ID)
    assert (project.environment, project.variable) == ("eu-1", "EU_1_API_KEY")
    environment = load_environment(tmp_path, "eu-1", {"EU_1_API_KEY": "k"}, lambda _: NOWHERE)
    assert environment.kibana.url == "https://kibana.eu-1.example.com"
    assert environment.spaces == ("default",)
    assert not environment.enabled


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "deploy").write_text("")
    (tmp_path / "rules").mkdir()
    with pytest.raises(InputError, match=r"deploy/[\w./]+: cannot be written"):
        init_project(tmp_path, "staging", ID)
