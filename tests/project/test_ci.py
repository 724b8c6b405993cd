"""Pipelines: each is read by its CI's own syntax, runs commands that there are, and is what this repository uses."""

import re
import shutil
from pathlib import Path

import pytest
import typer
import yaml

from entra_deployer.commands.app import app
from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.project.ci import PATHS, Provider, init_pipeline

ROOT = Path(__file__).parents[2]
SERVERS = "kibana: {url: 'https://k.example'}\nelasticsearch: {url: 'https://e.example'}\n"
NAMES = ("dev", "staging", "production")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "deploy").mkdir()
    for name in NAMES:
        auth = f"auth: {{api_key: {{variable: {name.upper()}_API_KEY}}}}\n"
        (tmp_path / "deploy" / f"{name}.yaml").write_text(SERVERS + auth)
    more = "gates: {minimum_mutation_score: 0.9}\nsigning_key: {variable: SIGNING_KEY}\n"
    with (tmp_path / "deploy" / "production.yaml").open("a") as file:
        file.write(more)
    return tmp_path


def strings(value):
    """Every text in a YAML document."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def commands(document):
    """Every `deploy …` that a pipeline runs."""
    for text in strings(document):
        for line in re.split(r"\n|\|\| \(", text):
            if found := re.match(r"\s*(deploy [a-z][^>;|)]*)", line):
                yield found[1].replace("${{ matrix.environment }}", "staging").split()[1:]


@pytest.mark.parametrize("provider", list(Provider))
def test_every_command_of_a_pipeline_is_one_of_ours(project, provider):
    written = yaml.safe_load(init_pipeline(project, provider).text)
    assert yaml.safe_load((project / PATHS[provider]).read_text()) == written
    group = typer.main.get_command(app)
    lines = list(commands(written))
    for words in lines:
        group.commands[words[0]].make_context(words[0], list(words[1:]))
    assert {words[0] for words in lines} == {"check", "plan", "push", "verify", "doctor", "promote", "drift"}


@pytest.mark.parametrize("provider", list(Provider))
def test_changes_go_from_one_environment_to_the_next(project, provider):
    lines = [" ".join(words) for words in commands(yaml.safe_load(init_pipeline(project, provider).text))]
    steps = [line for line in lines if re.match(r"(push|promote|verify) (?!--format)", line)]
    assert steps == [
        "push dev --wait --wait-lock 300",
        "verify --on dev",
        "promote dev staging --out attestation.json",
        "verify --on staging --mutate",
        "promote staging production --out attestation.json",
    ]
    assert {line.split()[1] for line in lines if line.startswith("drift")} >= {"staging"}


@pytest.mark.parametrize("provider", list(Provider))
def test_plans_and_drift_have_keys_that_may_only_read(project, provider):
    text = init_pipeline(project, provider).text
    assert "SIGNING_KEY" in text
    given = re.findall(r"STAGING_API_KEY: (.*)", text)
    assert given
    assert sum("STAGING_READ_API_KEY" not in value for value in given) <= 1  # staging's own job


def test_github_asks_for_the_rights_of_a_comment_alone(project):
    jobs = yaml.safe_load(init_pipeline(project, Provider.GITHUB).text)
    assert jobs["permissions"] == {"contents": "read"}
    wider = {name for name, job in jobs["jobs"].items() if "permissions" in job}
    assert wider == {"plan"}
    for name in NAMES:
        assert jobs["jobs"][name]["environment"] == name
    assert jobs["jobs"]["drift"]["strategy"]["matrix"]["environment"] == ["staging", "production"]


def test_gitlab_waits_for_somebody_before_each_promotion(project):
    jobs = yaml.safe_load(init_pipeline(project, Provider.GITLAB).text)
    assert [jobs[name]["rules"][0].get("when") for name in NAMES] == [None, "manual", "manual"]
    assert jobs["stages"] == ["check", *NAMES, "drift"]


def test_azure_stops_a_script_at_its_first_failure(project):
    text = init_pipeline(project, Provider.AZURE).text
    scripts = re.findall(r"script: \|\n\s*(.*)", text)
    assert scripts
    assert set(scripts) == {"set -e"}


def test_one_environment_is_a_pipeline_too(project):
    jobs = yaml.safe_load(init_pipeline(project, Provider.GITHUB, ["production"]).text)["jobs"]
    assert list(jobs) == ["check", "plan", "production", "drift"]


def test_an_environment_without_secrets_gives_its_jobs_none(project):
    (project / "deploy" / "dev.yaml").write_text("local: {}\n")
    job = yaml.safe_load(init_pipeline(project, Provider.GITHUB).text)["jobs"]["dev"]
    assert "env" not in job


def test_the_action_is_the_projects_own_or_the_one_that_is_named_or_pip(project):
    by_pip = init_pipeline(project, Provider.GITHUB).text
    assert "pip install" in by_pip
    named = init_pipeline(project, Provider.GITHUB, action="o/r@v1", force=True).text
    assert "- uses: o/r@v1\n" in named
    (project / "action.yml").write_text("")
    assert "- uses: ./\n" in init_pipeline(project, Provider.GITHUB, force=True).text


def test_a_pipeline_that_is_there_is_not_written_over(project):
    (project / ".gitlab-ci.yml").write_text("mine")
    with pytest.raises(InputError, match="there already"):
        init_pipeline(project, Provider.GITLAB)
    assert (project / ".gitlab-ci.yml").read_text() == "mine"


@pytest.mark.parametrize("names", [["nowhere"], ["dev", "dev"]])
def test_an_environment_that_is_not_there_or_twice_is_wrong_usage(project, names):
    with pytest.raises(UsageError):
        init_pipeline(project, Provider.GITHUB, names)


def test_a_job_of_every_pipeline_is_no_environments_name(project):
    shutil.copy(project / "deploy" / "dev.yaml", project / "deploy" / "plan.yaml")
    with pytest.raises(UsageError, match="'plan'"):
        init_pipeline(project, Provider.GITHUB, ["plan"])


def test_a_project_without_environments_is_told_how_to_make_one(tmp_path):
    (tmp_path / "rules").mkdir()
    with pytest.raises(UsageError) as raised:
        init_pipeline(tmp_path, Provider.GITHUB)
    assert "deploy init" in raised.value.hint


def test_the_pipeline_of_this_repository_is_the_one_that_is_written(project):
    shutil.rmtree(project / "deploy")
    shutil.copytree(ROOT / "deploy", project / "deploy")
    shutil.copy(ROOT / "action.yml", project / "action.yml")
    written = init_pipeline(project, Provider.GITHUB).text
    assert written == (ROOT / PATHS[Provider.GITHUB]).read_text("utf-8")


def test_the_action_names_files_that_there_are():
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    assert action["runs"]["using"] == "composite"
    named = set(re.findall(r"[\w./]+\.(?:lock|tsv)|\.python-version", (ROOT / "action.yml").read_text("utf-8")))
    files = {name.lstrip("/") for name in named}
    assert files == {"requirements.lock", "entra_deployer/local/embedded/artifacts.tsv", ".python-version"}
    assert all((ROOT / name).is_file() for name in files)
