"""The pipeline of a repository of hunts, for the CI that it lives in: made of templates and of its environments."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import yaml

from entra_deployer import __version__
from entra_deployer.core.errors import InputError, Location, UsageError
from entra_deployer.core.json import Json
from entra_deployer.data import load_text
from entra_deployer.project.pipeline import Pipeline, Stage
from entra_deployer.stack.environments import DEPLOY_FOLDER, LOCAL, environments

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
_TAKEN = ("check", "plan", "drift")
"""Jobs of every pipeline, which no environment can be called by there."""
_MARK = re.compile(r"^( *)<<([a-z_]+)>>\n|<<([a-z_]+)>>", re.MULTILINE)


def init_pipeline(
    root: Path, provider: Provider, names: Sequence[str] = (), *, action: str = "", force: bool = False
) -> Pipeline:
    """Write the pipeline. `names` are the environments in the order in which changes go through them.

    `action` is the GitHub Action that makes `deploy` ready; without it the project's own, else an installation by pip.
    Raises UsageError for an environment that there is not, InputError where a file is there already.
    """
    stages = [_stage(root, name) for name in _chosen(root, names)]
    path = root / PATHS[provider]
    if path.exists() and not force:
        raise InputError("it is there already", location=Location(PATHS[provider]), hint="`--force` writes over it")
    text = _Writer(provider, stages, tuple(_install(root, provider, action))).text()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        reason = error.strerror or "I/O error"
        raise InputError(f"cannot be written: {reason}", location=Location(PATHS[provider])) from error
    return Pipeline(PATHS[provider], provider, tuple(stages), text)


def _chosen(root: Path, names: Sequence[str]) -> list[str]:
    known = [name for name in environments(root) if name != LOCAL]
    chosen = list(names) or [name for name in USUAL_STAGES if name in known]
    if not chosen:
        hint = "deploy init staging makes one, or name yours by --stage"
        raise UsageError(f"{DEPLOY_FOLDER}/ has none of {', '.join(USUAL_STAGES)}", hint=hint)
    for name in chosen:
        if name not in known:
            raise UsageError(f"there is no environment {name!r}", hint=f"known: {', '.join(known)}")
        if name in _TAKEN:
            raise UsageError(f"an environment {name!r} cannot be a job beside that of this name")
    if len(set(chosen)) < len(chosen):
        raise UsageError("an environment stands there twice")
    return chosen


def _stage(root: Path, name: str) -> Stage:
    path = root / DEPLOY_FOLDER / f"{name}.yaml"
    try:
        value = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        hint = f"deploy doctor {name} tells more"
        raise InputError("cannot be read", location=Location(f"{DEPLOY_FOLDER}/{name}.yaml"), hint=hint) from error
    signing = tuple(_variables(value.pop("signing_key", {})))
    gates = value.get("gates") or {}
    return Stage(name, tuple(sorted(set(_variables(value)))), signing, "minimum_mutation_score" in gates)


def _variables(value: Json) -> Iterator[str]:
    """The names of the variables that hold secrets."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "variable" and isinstance(inner, str):
                yield inner
            else:
                yield from _variables(inner)


def _install(root: Path, provider: Provider, action: str) -> Iterator[str]:
    """The steps that make `deploy` ready, without indentation."""
    if provider is Provider.GITHUB and (action or (root / "action.yml").is_file()):
        yield f"- uses: {action or './'}"
        return
    package = f"'entra-deployer[local]=={__version__}'"
    match provider:
        case Provider.GITHUB:
            yield from ("- uses: actions/setup-python@v5", '  with: {python-version: "3.13"}')
            yield f"- run: pip install {package}"
        case Provider.GITLAB:
            yield f"- pip install {package}"
        case Provider.AZURE:
            yield from ("- task: UsePythonVersion@0", '  inputs: {versionSpec: "3.13"}')
            yield f"- script: pip install {package}"


class _Writer:
    """Fills the templates of one provider: a mark `<<name>>` stands for a text, or alone on a line for lines."""

    def __init__(self, provider: Provider, stages: Sequence[Stage], install: Sequence[str]) -> None:
        self._provider = provider
        self._stages = stages
        self._install = install

    def text(self) -> str:
        """The whole pipeline."""
        first = self._stages[0]
        watched = self._stages[1:] if len(self._stages) > 2 else self._stages  # nobody minds what drifts in dev
        pairs = list(zip(self._stages, self._stages[1:], strict=False))
        values: dict[str, str | Sequence[str]] = {
            "first": first.name,
            "first_stage": _identifier(first.name),
            "stages": _listed(stage.name for stage in self._stages),
            "environments": _listed(stage.name for stage in self._stages),
            "secrets": _listed(name for stage in self._stages for name in (*stage.variables, *stage.signing)),
            "read_secrets": _listed(_reading(name) for stage in self._stages for name in stage.variables),
            "read_env": self._env(_reads(self._stages), inside=self._provider is Provider.AZURE),
            "plans": list(self._plans()),
            "first_env": self._own_env(first),
            "first_proof": self._proof(first),
            "promotions": [line for pair in pairs for line in ("", *self._promotion(*pair))],
            "watched": _listed(stage.name for stage in watched),
            "drifts": [line for stage in watched for line in self._drift(stage)],
        }
        return self._filled(self._provider, values)

    def _promotion(self, source: Stage, target: Stage) -> list[str]:
        values: dict[str, str | Sequence[str]] = {
            "source": source.name,
            "target": target.name,
            "source_stage": _identifier(source.name),
            "target_stage": _identifier(target.name),
            "env": self._own_env(target, _reads([source])),
            "proof": self._proof(target),
        }
        return self._filled(f"{self._provider}_promotion", values).splitlines()

    def _drift(self, stage: Stage) -> list[str]:
        if self._provider is Provider.GITHUB:  # one job with a matrix
            return []
        values: dict[str, str | Sequence[str]] = {
            "target": stage.name,
            "target_stage": _identifier(stage.name),
            "env": self._env(_reads([stage])),
        }
        return ["", *self._filled(f"{self._provider}_drift", values).splitlines()]

    def _plans(self) -> Iterator[str]:
        dash = "- " if self._provider is Provider.GITLAB else ""
        for stage in self._stages:
            arrow = ">" if stage is self._stages[0] else ">>"
            yield f"{dash}deploy plan {stage.name} --format markdown {arrow} plan.md"

    def _proof(self, stage: Stage) -> list[str]:
        """Verdicts for what is to be promoted from here; the last one of the environments needs none."""
        position = self._stages.index(stage) + 1
        if position == len(self._stages):
            return []
        dash = {Provider.GITHUB: "- run: ", Provider.GITLAB: "- ", Provider.AZURE: ""}[self._provider]
        return [f"{dash}deploy verify --on {stage.name}{' --mutate' if self._stages[position].mutates else ''}"]

    def _own_env(self, stage: Stage, further: Mapping[str, str] | None = None) -> list[str]:
        """The variables of a job of the environment's own. (GitLab gives it these by itself.)"""
        own = {} if self._provider is Provider.GITLAB else {name: name for name in (*stage.variables, *stage.signing)}
        return self._env({**(further or {}), **own})

    def _env(self, names: Mapping[str, str], *, inside: bool = False) -> list[str]:
        """The lines that give variables their secrets; `inside` of a mapping that is there already."""
        lines = [f"{name}: {self._secret(secret)}" for name, secret in names.items()]
        if inside or not lines:
            return lines
        word = "variables" if self._provider is Provider.GITLAB else "env"
        return [f"{word}:", *(f"  {line}" for line in lines)]

    def _secret(self, name: str) -> str:
        match self._provider:
            case Provider.GITHUB:
                return f"${{{{ secrets.{name} }}}}"
            case Provider.GITLAB:
                return f"${name}"
            case Provider.AZURE:
                return f"$({name})"

    def _filled(self, template: str, values: Mapping[str, str | Sequence[str]]) -> str:
        known: dict[str, str | Sequence[str]] = {**values, "install": self._install}

        def fill(found: re.Match[str]) -> str:
            if found[3]:
                return str(known[found[3]])
            lines = known[found[2]]
            some = [lines] if isinstance(lines, str) else lines
            return "".join(f"{found[1] if line else ''}{line}\n" for line in some)

        return _MARK.sub(fill, load_text(f"templates/ci/{template}.yml"))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _reads(stages: Sequence[Stage]) -> dict[str, str]:
    """The variables of environments, each with the secret of a key that may only read."""
    return {name: _reading(name) for stage in stages for name in stage.variables}


def _reading(variable: str) -> str:
    """The secret of the key that may only read: STAGING_API_KEY has STAGING_READ_API_KEY beside it."""
    for end in ("_API_KEY", "_PASSWORD", "_TOKEN"):
        if variable.endswith(end):
            return f"{variable.removesuffix(end)}_READ{end}"
    return f"{variable}_READ_ONLY"


def _identifier(name: str) -> str:
    """The name where only letters, digits and _ may stand."""
    return re.sub(r"\W", "_", name)
