"""The files of this repository that nobody runs in a test: environments, their documentation, compose, the pipeline."""

import json
import re
from pathlib import Path

import pytest
import typer
import yaml

from entra_deployer.commands.app import app
from entra_deployer.core.errors import UsageError
from entra_deployer.core.json import merge_patch
from entra_deployer.core.yaml import read_yaml
from entra_deployer.data import load_text
from entra_deployer.project.init import environment_text
from entra_deployer.stack.environment import Credentials, Scheme
from entra_deployer.stack.environment_file import EnvironmentFile
from entra_deployer.stack.environments import LOCAL, LocalServers, environments, load_environment

ROOT = Path(__file__).parents[1]
PIPELINE = ROOT / ".github" / "workflows" / "detections.yml"
NOWHERE = LocalServers("", "", Credentials(Scheme.BASIC, ""))
NAMES = [name for name in environments(ROOT) if name != LOCAL]


class AnySecret(dict):
    def get(self, key, default=None):
        return f"value of {key}"


@pytest.mark.parametrize("name", NAMES)
def test_every_environment_of_the_repository_reads(name):
    environment = load_environment(ROOT, name, AnySecret(), lambda _: NOWHERE)
    assert environment.kibana.credentials.secret.startswith("value of ")


def test_the_examples_are_there():
    assert {"docker", "production", "staging"} <= set(NAMES)


# -- the commented file of `deploy init` and its documentation ------------------------------------------------------


def blocks():
    """Each commented-out key of the new file, as the YAML that it would be."""
    found = re.findall(r"^# ([a-z_]+:.*(?:\n#   .*)*)", environment_text("staging"), re.MULTILINE)
    return [block.replace("\n# ", "\n") for block in found]


def test_the_new_file_shows_every_key():
    schema = json.loads(load_text("schemas/environment.schema.json"))
    shown = {key for text in (environment_text("staging"), *blocks()) for key in yaml.safe_load(text)}
    assert shown == set(schema["properties"])


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.partition(":")[0])
def test_each_commented_key_of_the_new_file_is_right(block):
    value = merge_patch(yaml.safe_load(environment_text("staging")), yaml.safe_load(block))
    if block.startswith("auth:"):
        value["auth"] = yaml.safe_load(block)["auth"]
    document = read_yaml(yaml.safe_dump(value), source="x", kind=EnvironmentFile)
    assert document.issues == ()


def test_the_values_that_hold_without_a_key_are_those_that_are_shown(tmp_path):
    (tmp_path / "deploy").mkdir()
    for name, text in (("bare", environment_text("bare")), ("shown", with_defaults("shown"))):
        (tmp_path / "deploy" / f"{name}.yaml").write_text(text, "utf-8")
    bare, shown = (load_environment(tmp_path, name, AnySecret(), lambda _: NOWHERE) for name in ("bare", "shown"))
    for field in ("spaces", "enabled", "limits", "lock"):
        assert getattr(bare, field) == getattr(shown, field)
    assert (bare.kibana.timeout, bare.kibana.verify) == (shown.kibana.timeout, shown.kibana.verify)


def with_defaults(name):
    """The new file with all the keys that it shows by their defaults."""
    keys = ("spaces", "timeout", "verify", "enabled", "limits", "lock")
    return re.sub(rf"^# ((?:{'|'.join(keys)}):)", r"\1", environment_text(name), flags=re.MULTILINE)


def test_the_file_that_the_documentation_shows_is_the_new_one_without_its_comments():
    text = (ROOT / "docs" / "environments.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert yaml.safe_load(block) == yaml.safe_load(environment_text("staging"))


# -- the stack in Docker --------------------------------------------------------------------------------------------


def test_the_stack_in_docker_is_this_machines_alone_and_holds_no_password():
    text = (ROOT / "deploy" / "docker-compose.yml").read_text("utf-8")
    services = yaml.safe_load(text)["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    images = {service["image"].partition(":")[2] for service in services.values()}
    assert len(images) == 1
    secrets = [
        value
        for service in services.values()
        for name, value in service["environment"].items()
        if re.search("PASSWORD|KEY", name)
    ]
    assert all(re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", value) for value in secrets)


# -- the pipeline ---------------------------------------------------------------------------------------------------


def pipeline():
    return yaml.safe_load(PIPELINE.read_text("utf-8"))


def commands():
    """Every `deploy …` of the pipeline with the variables of its job."""
    for name, job in pipeline()["jobs"].items():
        matrix = job.get("strategy", {}).get("matrix", {}).get("environment", [""])
        for step in job["steps"]:
            variables = {*job.get("env", {}), *step.get("env", {})}
            for line in re.findall(r"^ *deploy (.*)", step.get("run", ""), re.MULTILINE):
                for environment in matrix:
                    typed = line.replace("${{ matrix.environment }}", environment)
                    words = re.split(r" *>>? ", typed)[0].split()
                    yield pytest.param(words, variables, id=f"{name}: {' '.join(words)}")


@pytest.mark.parametrize(("words", "variables"), list(commands()))
def test_each_command_of_the_pipeline_is_one_of_ours(words, variables):
    group = typer.main.get_group(app())
    command = group.commands[words[0]]
    context = command.make_context(words[0], words[1:])
    environment = context.params.get("env", LOCAL)
    assert environment in environments(ROOT)
    if environment != LOCAL:
        load_environment(ROOT, environment, dict.fromkeys(variables, "x"), lambda _: NOWHERE)


def test_a_command_with_a_wrong_option_would_be_noticed():
    group = typer.main.get_group(app())
    with pytest.raises(UsageError):
        group.commands["push"].make_context("push", ["staging", "--wiat"])


def test_the_pipeline_may_only_read_where_it_only_reads():
    jobs = pipeline()["jobs"]
    for name in ("check", "plan", "drift"):
        assert "env" not in jobs[name]
        keys = [step["env"] for step in jobs[name]["steps"] if any("_API_KEY" in key for key in step.get("env", {}))]
        assert len(keys) == (name != "check")
        assert all("_READ_" in value for variables in keys for value in variables.values())
        assert "environment" not in jobs[name]
    for name in ("staging", "production"):
        assert jobs[name]["environment"] == name
    assert jobs["production"]["needs"] == "staging"


def test_what_the_pipeline_uses_of_the_repository_is_there():
    uses = {step["uses"] for job in pipeline()["jobs"].values() for step in job["steps"] if "uses" in step}
    own = [use for use in uses if use.startswith("./")]
    assert own
    for use in own:
        action = yaml.safe_load((ROOT / use / "action.yml").read_text("utf-8"))
        assert action["runs"]["using"] == "composite"
    hashed = re.findall(r"hashFiles\('([^']+)'\)", (ROOT / own[0] / "action.yml").read_text("utf-8"))
    assert all((ROOT / file).is_file() for file in hashed)
