"""The pipeline of a repository of hunts, for the CI that it lives in: made of a template and of its environments."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from msgspec import UNSET

from entra_deployer.core.errors import InputError, Location, UnknownName, UsageError
from entra_deployer.core.files import write_text
from entra_deployer.core.git import answer_of
from entra_deployer.core.text import did_you_mean
from entra_deployer.data import load_text
from entra_deployer.project.actions import AskCommit, Pins, ask_github
from entra_deployer.project.installation import Installation, derived, is_own, own_direct_url, stated
from entra_deployer.stack.addresses import address_variables, secret_variables
from entra_deployer.stack.environments import DEPLOY_FOLDER, LOCAL, environment_file, environments

USUAL_STAGES = ("dev", "staging", "production")
"""The environments that changes go through where nobody says it, as far as the project has them."""


class Provider(StrEnum):
    """The CIs that a pipeline can be written for."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE = "azure"


PATHS = {
    Provider.GITHUB: ".github/workflows/detections.yml",
    Provider.GITLAB: ".gitlab-ci.yml",
    Provider.AZURE: "azure-pipelines.yml",
}
_TAKEN = {
    *("check", "plan", "drift"),  # the other jobs
    *("default", "image", "variables", "cache", "stages", "include", "workflow", "pages"),  # GitLab's own words
    *("true", "false", "yes", "no", "on", "off", "null"),  # YAML's
}
"""Names that no environment's job can have."""
_MARKER = "<!-- entra-deployer plan -->"
"""The first line of a plan's comment, which no reader sees: by it the next run finds the comment again."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
"""Names that shells, YAML and the CIs read as they stand."""


@dataclass(frozen=True)
class Stage:
    """An environment that changes go through. `variables` are those that its file names as secrets.

    `addresses` are those that its servers' addresses are made of;
    `signing` are those that only a promotion to it needs; `mutates` says that its gates ask for mutation scores.
    """

    name: str
    variables: tuple[str, ...] = ()
    signing: tuple[str, ...] = ()
    mutates: bool = False
    addresses: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """The name of its job."""
        return _identifier(self.name)

    @property
    def own_keys(self) -> dict[str, str]:
        """The variables of a job of the environment's own, each with its secret."""
        return {name: name for name in (*self.variables, *self.signing, *self.addresses)}

    @property
    def read_keys(self) -> dict[str, str]:
        """The variables of a job that only looks at the environment, each with a read-only key's secret."""
        return {name: _reading(name) for name in self.variables} | {name: name for name in self.addresses}


@dataclass(frozen=True)
class Choices:
    """What the user says of his pipeline: the environments in the order in which changes go through them.

    Without `stages` they are those of the usual names. `action` is the GitHub Action that makes `deploy` ready,
    `install` what pip installs instead (see `installation.stated`); without both it is what this copy came from.
    """

    stages: Sequence[str] = ()
    action: str = ""
    install: str = ""


@dataclass(frozen=True)
class Pipeline:
    """What was written where, and what is to be set up in the CI's own settings.

    `by_tag` names the actions whose commit nobody could say; `by_commit` says that there are others.
    """

    path: str
    provider: str
    stages: tuple[Stage, ...]
    text: str
    by_commit: bool = False
    by_tag: tuple[str, ...] = ()


def init_pipeline(
    root: Path, provider: Provider, choices: Choices, *, force: bool = False, ask: AskCommit = ask_github
) -> Pipeline:
    """Write the pipeline; with `force` over a file that is there.

    Each action is pinned by the commit that `ask` tells, else by its tag. Raises UsageError for an environment that
    there is not and where nothing vouches for how `deploy` is installed, InputError where a file is there already.
    """
    stages = [_stage(root, name) for name in _chosen(root, choices.stages)]
    path = root / PATHS[provider]
    if path.exists() and not force:
        raise InputError("it is there already", location=Location(PATHS[provider]), hint="`--force` writes over it")
    pins = Pins(ask)
    text = _text(provider, stages, "\n".join(_install(root, provider, choices, pins)), pins)
    write_text(path, text, shown=PATHS[provider])
    return Pipeline(PATHS[provider], provider, tuple(stages), text, pins.by_commit, tuple(pins.by_tag))


def _chosen(root: Path, names: Sequence[str]) -> list[str]:
    known = [name for name in environments(root) if name != LOCAL]
    chosen = list(names) or [name for name in USUAL_STAGES if name in known]
    if not chosen:
        hint = "deploy init staging makes one, or name yours by --stage"
        raise UsageError(f"{DEPLOY_FOLDER}/ has none of {', '.join(USUAL_STAGES)}", hint=hint)
    for name in chosen:
        if name not in known:
            raise UnknownName("environment", name, f"there is no environment {name!r}", hint=did_you_mean(name, known))
        if name.lower() in _TAKEN:
            raise UsageError(f"an environment {name!r} cannot be a job: the name is taken there")
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"an environment {name!r} cannot be a job", hint="letters, digits, . _ and -, a letter first"
            )
    if len({_identifier(name) for name in chosen}) < len(chosen):
        raise UsageError("an environment stands there twice, or two names differ by a sign that no job can have")
    return chosen


def _stage(root: Path, name: str) -> Stage:
    file = environment_file(root, name)
    signing = (file.signing_key.variable,) if file.signing_key and file.signing_key.variable else ()
    mutates = file.gates.minimum_mutation_score is not UNSET
    return Stage(name, secret_variables(file), signing, mutates, address_variables(file))


def _install(root: Path, provider: Provider, choices: Choices, pins: Pins) -> Iterator[str]:
    """The steps that make `deploy` ready, without indentation."""
    on_github = provider is Provider.GITHUB
    if on_github and choices.action:
        yield f"- uses: {pins.uses(choices.action)}"
        return
    if on_github and not choices.install and is_own(root):
        yield "- uses: ./"
        return
    found = _installation(root, choices.install)
    if on_github and found.action and not choices.install:
        yield f"- uses: {pins.uses(found.action)}"
        return
    pip = f"pip install {found.arguments}"
    match provider:
        case Provider.GITHUB:
            yield from (f"- uses: {pins.uses('actions/setup-python@v5')}", '  with: {python-version: "3.13"}')
            yield f"- run: {pip}"
        case Provider.GITLAB:
            yield f"- {pip}"
        case Provider.AZURE:
            yield from ("- task: UsePythonVersion@0", '  inputs: {versionSpec: "3.13"}')
            yield f"- script: {pip}"


def _installation(root: Path, spec: str) -> Installation:
    return stated(root, spec) if spec else derived(root, own_direct_url(), answer_of)


def _text(provider: Provider, stages: Sequence[Stage], install: str, pins: Pins) -> str:
    """The whole pipeline; `install` are the lines of the steps that make `deploy` ready."""

    def proof(stage: Stage) -> str:
        """Makes verdicts for what is to be promoted from here; the last one of the environments needs none."""
        following = stages[stages.index(stage) + 1 :]
        return f"deploy verify --on {stage.name}{' --mutate' if following[0].mutates else ''}" if following else ""

    def promotion_keys(source: Stage, target: Stage) -> dict[str, str]:
        return {**source.read_keys, **target.own_keys}

    templates = Environment(  # noqa: S701 -- YAML, not HTML: what is filled in was checked to be plain words
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<{",
        variable_end_string="}>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    return templates.from_string(load_text(f"templates/ci/{provider}.yml")).render(
        first=stages[0],
        stages=stages,
        promotions=list(pairwise(stages)),
        watched=stages[1:] if len(stages) > 2 else stages,  # nobody minds what drifts in dev
        own_secrets=_listed(secret for stage in stages for secret in stage.own_keys.values()),
        read_secrets=_listed(secret for stage in stages for secret in stage.read_keys.values()),
        read_keys={name: secret for stage in stages for name, secret in stage.read_keys.items()},
        proof=proof,
        promotion_keys=promotion_keys,
        install=install,
        uses=pins.uses,
        marker=_MARKER,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _identifier(name: str) -> str:
    """The name where only letters, digits and _ may stand."""
    return re.sub(r"\W", "_", name)


def _reading(variable: str) -> str:
    """The secret of the key that may only read: STAGING_API_KEY has STAGING_READ_API_KEY beside it."""
    for end in ("_API_KEY", "_PASSWORD", "_TOKEN"):
        if variable.endswith(end):
            return f"{variable.removesuffix(end)}_READ{end}"
    return f"{variable}_READ_ONLY"
