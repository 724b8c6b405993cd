"""Pipelines: each is read by its CI's own syntax, runs commands that there are, and is what this repository uses."""

import functools
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from entra_deployer.commands.app import app
from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.project.actions import Pins, commit_of
from entra_deployer.project.ci import PATHS, Choices, Provider
from entra_deployer.project.ci import init_pipeline as write_pipeline
from tests.reading import there

ROOT = Path(__file__).parents[2]
SERVERS = "kibana: {url: 'https://k.example'}\nelasticsearch: {url: 'https://e.example'}\n"
NAMES = ("dev", "staging", "production")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INSTALL = f"git+https://git.example.com/o/r@{COMMIT}"


def nobody(_repository, _ref):
    """Says no commit: what git does without a network."""


def init_pipeline(root, provider, names=(), *, action="", install=INSTALL, force=False, ask=nobody):
    choices = Choices(names, action, "" if action else install)
    return write_pipeline(root, provider, choices, force=force, ask=ask)


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
    group = typer.main.get_group(app())
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


@pytest.mark.parametrize(
    "text", ["- a", "text", "auth: [", "auth: {api_key: {variable: 'X: y'}}\n", "auth: {api_key: 3}\n"]
)
def test_a_file_that_is_no_environments_is_told_and_nothing_is_written(project, text):
    (project / "deploy" / "dev.yaml").write_text(text)
    with pytest.raises(InputError) as raised:
        init_pipeline(project, Provider.AZURE)
    assert str(raised.value.location).startswith("deploy/dev.yaml")
    assert not (project / PATHS[Provider.AZURE]).exists()


def test_every_secret_of_an_environment_is_given_to_its_jobs(project):
    more = "auth: {basic: {user: u, password: {variable: DEV_PASSWORD}}}\nelasticsearch: {url: 'https://e.example', "
    text = f"kibana: {{url: 'https://k.example'}}\n{more}auth: {{bearer: {{variable: DEV_TOKEN}}}}}}\n"
    (project / "deploy" / "dev.yaml").write_text(text + "overlay: {meta: {variable: NOT_A_SECRET}}\n")
    pipeline = init_pipeline(project, Provider.GITHUB)
    assert pipeline.stages[0].variables == ("DEV_PASSWORD", "DEV_TOKEN")


def test_an_environment_without_secrets_gives_its_jobs_none(project):
    (project / "deploy" / "dev.yaml").write_text("local: {}\n")
    job = yaml.safe_load(init_pipeline(project, Provider.GITHUB).text)["jobs"]["dev"]
    assert "env" not in job


def test_the_tool_comes_by_pip_or_by_the_action_that_is_named_or_by_its_own(project):
    by_pip = init_pipeline(project, Provider.GITHUB).text
    assert f"- run: pip install 'entra-deployer[local] @ {INSTALL}'\n" in by_pip
    named = init_pipeline(project, Provider.GITHUB, action="o/r@v1", force=True).text
    assert "- uses: o/r@v1\n" in named
    (project / "action.yml").write_text("")  # an action of somebody's own is none of ours
    assert "- uses: ./\n" not in init_pipeline(project, Provider.GITHUB, force=True).text
    (project / "pyproject.toml").write_text('[project]\nname = "entra-deployer"\n')
    assert "- uses: ./\n" in init_pipeline(project, Provider.GITHUB, install="", force=True).text


@pytest.mark.parametrize("provider", list(Provider))
def test_no_pipeline_installs_by_a_name_alone(project, provider):
    text = init_pipeline(project, provider).text
    installs = re.findall(r"pip install (.*)", text)
    assert installs
    assert all(line == f"'entra-deployer[local] @ {INSTALL}'" for line in installs)
    with pytest.raises(UsageError):
        init_pipeline(project, provider, install="entra-deployer==0.1.0", force=True)


def test_a_pipeline_that_is_there_is_not_written_over(project):
    (project / ".gitlab-ci.yml").write_text("mine")
    with pytest.raises(InputError, match="there already"):
        init_pipeline(project, Provider.GITLAB)
    assert (project / ".gitlab-ci.yml").read_text() == "mine"


@pytest.mark.parametrize("names", [["nowhere"], ["dev", "dev"]])
def test_an_environment_that_is_not_there_or_twice_is_wrong_usage(project, names):
    with pytest.raises(UsageError):
        init_pipeline(project, Provider.GITHUB, names)


@pytest.mark.parametrize("name", ["plan", "default", "on", "a b", "a: b", "$(id)", "1st", "é"])
def test_a_name_that_no_job_can_have_is_refused(project, name):
    shutil.copy(project / "deploy" / "dev.yaml", project / "deploy" / f"{name}.yaml")
    with pytest.raises(UsageError, match=re.escape(repr(name))):
        init_pipeline(project, Provider.GITHUB, [name])
    assert not (project / PATHS[Provider.GITHUB]).exists()


def test_two_names_of_one_job_are_refused(project):
    for name in ("a-b", "a.b"):
        shutil.copy(project / "deploy" / "dev.yaml", project / "deploy" / f"{name}.yaml")
    with pytest.raises(UsageError, match="two names"):
        init_pipeline(project, Provider.AZURE, ["a-b", "a.b"])


def test_a_project_without_environments_is_told_how_to_make_one(tmp_path):
    (tmp_path / "rules").mkdir()
    with pytest.raises(UsageError) as raised:
        init_pipeline(tmp_path, Provider.GITHUB)
    assert "deploy init" in there(raised.value.hint)


def test_the_pipeline_of_this_repository_is_the_one_that_is_written(project):
    shutil.rmtree(project / "deploy")
    shutil.copytree(ROOT / "deploy", project / "deploy")
    shutil.copy(ROOT / "pyproject.toml", project / "pyproject.toml")
    here = (ROOT / PATHS[Provider.GITHUB]).read_text("utf-8")
    pins = {(action, ref): commit for action, commit, ref in re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (\S+)", here)}
    written = init_pipeline(project, Provider.GITHUB, install="", ask=lambda *action: pins.get(action)).text
    assert written == here


# -- a key goes to no server that a pull request names --------------------------------------------------------------


def plan_steps(provider, document):
    """The steps of the plan's job in their order: each the text that it runs, and its variables."""
    match provider:
        case Provider.GITHUB:
            job = document["jobs"]["plan"]
            assert "env" not in job
            return [(str(step.get("run") or step.get("with")), step.get("env", {})) for step in job["steps"]]
        case Provider.GITLAB:
            job = document["plan"]
            return [(text, job["variables"]) for text in (*job["before_script"], *job["script"])]
        case Provider.AZURE:
            (job,) = (job for job in document["stages"][0]["jobs"] if job["job"] == "plan")
            assert "variables" not in job
            return [(str(step.get("script") or step), step.get("env", {})) for step in job["steps"]]


BASES = {
    Provider.GITHUB: "pull_request.base.sha",
    Provider.GITLAB: "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    Provider.AZURE: "$SYSTEM_PULLREQUEST_TARGETBRANCH",
}


@pytest.mark.parametrize("provider", list(Provider))
def test_a_plan_takes_all_but_the_rules_from_the_base_branch(project, provider):
    steps = plan_steps(provider, yaml.safe_load(init_pipeline(project, provider).text))
    texts = [text for text, _ in steps]
    (base,) = (number for number, text in enumerate(texts) if BASES[provider] in text)
    (plan,) = (number for number, text in enumerate(texts) if "deploy plan" in text)
    taken = [path for text in texts for path in re.findall(r"git checkout .* -- (.*)", text)]
    assert taken == ["rules"]
    assert base < plan
    with_keys = [number for number, (_, variables) in enumerate(steps) if "STAGING_API_KEY" in variables]
    if provider is not Provider.GITLAB:  # a job there has its variables from its start
        assert with_keys == [plan]


@pytest.mark.parametrize("provider", list(Provider))
def test_what_a_plan_runs_beside_deploy_reads_no_code_of_the_repository(project, provider):
    text = init_pipeline(project, provider).text
    assert re.findall(r"\bpython (?!-I )-", text) == []


@pytest.mark.parametrize("provider", list(Provider))
def test_the_files_of_a_plan_are_the_bases_with_the_rules_of_the_branch(project, provider, tmp_path_factory):
    folder = tmp_path_factory.mktemp("git")
    origin, clone = folder / "origin", folder / "clone"
    git = functools.partial(run_git, folder)
    for command in ("init -q -b main origin", "-C origin config uploadpack.allowAnySHA1InWant true"):
        git(*command.split())
    put(
        origin, {"deploy/staging.yaml": "good", "deploy/ca.pem": "good", "rules/a/hunt.md": "a", "rules/b/hunt.md": "b"}
    )
    commit_all(git)
    base = git("-C", "origin", "rev-parse", "HEAD")
    git("-C", "origin", "checkout", "-q", "-b", "change")
    put(
        origin,
        {"deploy/staging.yaml": "evil", "deploy/new.yaml": "evil", "rules/a/hunt.md": "changed", "json.py": "evil"},
    )
    (origin / "rules" / "b" / "hunt.md").unlink()
    commit_all(git)
    head = git("-C", "origin", "rev-parse", "HEAD")
    git("-C", "origin", "checkout", "-q", "main")
    git("clone", "-q", "origin", "clone")
    git("-C", "clone", "checkout", "-q", base if provider is Provider.GITHUB else head)
    steps = plan_steps(provider, yaml.safe_load(init_pipeline(project, provider).text))
    lines = [text for text, _ in steps if re.match(r"(set -e\s+)?(git|rm) ", text)]
    target = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"}
    variables = dict.fromkeys(("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION"), head) | target
    script = "set -e\n" + "\n".join(lines)
    subprocess.run(["sh", "-c", script], cwd=clone, env={**os.environ, **variables}, check=True, timeout=60)
    files = {
        str(path.relative_to(clone)): path.read_text("utf-8")
        for path in clone.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    assert files == {"deploy/staging.yaml": "good", "deploy/ca.pem": "good", "rules/a/hunt.md": "changed"}


def run_git(folder, *words):
    who = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


def put(root, texts):
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def commit_all(git):
    git("-C", "origin", "add", "--all")
    git("-C", "origin", "commit", "-q", "-m", "a change")


# -- actions by commit ----------------------------------------------------------------------------------------------


def test_an_action_is_pinned_by_the_commit_that_its_tag_stands_for(project):
    asked = []

    def ask(repository, ref):
        asked.append((repository, ref))
        return COMMIT

    pipeline = init_pipeline(project, Provider.GITHUB, ask=ask, action="o/r/folder@v1")
    used = set(re.findall(r"uses: (.*)", pipeline.text))
    assert f"o/r/folder@{COMMIT} # v1" in used
    assert f"actions/checkout@{COMMIT} # v4" in used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+", use) for use in used)
    assert sorted(asked) == [("actions/checkout", "v4"), ("actions/upload-artifact", "v4"), ("o/r", "v1")]
    assert (pipeline.by_commit, pipeline.by_tag) == (True, ())


def test_an_action_whose_commit_nobody_says_keeps_its_tag_and_is_told(project):
    asked = []
    pipeline = init_pipeline(project, Provider.GITHUB, ask=lambda *action: asked.append(action))
    assert len(asked) == 1  # where one gets no answer, the next would wait for nothing
    used = set(re.findall(r"uses: (.*)", pipeline.text))
    assert used == set(pipeline.by_tag)
    assert not pipeline.by_commit


def test_a_pipeline_without_actions_asks_nobody(project):
    for provider in (Provider.GITLAB, Provider.AZURE):
        pipeline = init_pipeline(project, provider, ask=lambda *_: pytest.fail("asked"))
        assert (pipeline.by_commit, pipeline.by_tag) == (False, ())


@pytest.mark.parametrize("action", [f"o/r@{COMMIT}", "./", "./tools/deploy"])
def test_what_is_pinned_already_or_lies_in_the_repository_stays(action):
    pins = Pins(lambda *_: pytest.fail("asked"))
    assert pins.uses(action) == action
    assert not pins.by_tag


@pytest.mark.parametrize("action", ["o/r", "o@v1", "o/r@", "o/r@v1\n- run: x", "o/r@v1 # x", "../x", ""])
def test_what_is_no_action_is_wrong_usage(action):
    with pytest.raises(UsageError):
        Pins(nobody).uses(action)


def test_a_tag_with_a_message_is_pinned_by_its_commit_not_by_the_tag():
    names = ["refs/tags/v4^{}", "refs/tags/v4", "refs/heads/v4"]
    lines = [f"{'a' * 40}\trefs/heads/v4", f"{'b' * 40}\trefs/tags/v4", f"{'c' * 40}\trefs/tags/v4^{{}}"]
    assert commit_of("\n".join(lines), names) == "c" * 40
    assert commit_of("\n".join(lines[:2]), names) == "b" * 40
    assert commit_of("\n".join(lines[:1]), names) == "a" * 40
    assert commit_of("not what git says", names) is None


def test_the_action_names_files_that_there_are():
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    assert action["runs"]["using"] == "composite"
    named = set(re.findall(r"[\w./-]+\.(?:lock|tsv)", (ROOT / "action.yml").read_text("utf-8")))
    files = {name.lstrip("/") for name in named}
    assert files == {"requirements-run.lock", "entra_deployer/local/embedded/artifacts.tsv"}
    assert all((ROOT / name).is_file() for name in files)


def test_the_pins_for_pipelines_are_among_those_that_are_tested():
    def pins(name):
        text = (ROOT / name).read_text("utf-8")
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))

    runs, tested = pins("requirements-run.lock"), pins("requirements.lock")
    assert runs.items() <= tested.items()
    assert not {"pytest", "ruff", "mypy", "sphinx", "hypothesis"} & runs.keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *extras["local"], *extras["sigma"]]
    assert {there(re.search(r"^[\w.-]+", one))[0].lower().replace(".", "-") for one in named} <= runs.keys()


def test_the_hook_runs_a_command_that_there_is():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    program, command = hook["entry"].split()
    assert program == "deploy"
    assert command in typer.main.get_group(app()).commands


def test_the_container_takes_files_that_there_are_and_no_rights():
    text = (ROOT / "Containerfile").read_text("utf-8")
    assert (ROOT / "requirements-run.lock").is_file()
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["10001"]
    assert "HEALTHCHECK" in text
    assert "!requirements-run.lock" in (ROOT / ".containerignore").read_text("utf-8")
