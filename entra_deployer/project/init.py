"""A new project, or a new environment of one: files are made where there are none, and never overwritten.

A new project has a first hunt, what git and pre-commit need, and the schemas by which editors complete its files.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from uuid import UUID

from entra_deployer.core.errors import UsageError
from entra_deployer.core.files import RULES_FOLDER, find_root, write_text
from entra_deployer.data import load_text
from entra_deployer.project.new_project import NewFile, NewProject
from entra_deployer.project.schemas import EDITOR_FILES, schema_files
from entra_deployer.stack.environments import DEPLOY_FOLDER, LOCAL

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FIRST_HUNT = f"{RULES_FOLDER}/password_guessing"
_IGNORED = "/.deploy/"
_API_KEY = "_API_KEY"


def init_project(start: Path, environment: str | None, uuid: UUID) -> NewProject:
    """Make what a project lacks: a first hunt, a .gitignore and, where one is named, the environment's file.

    The project is the one that `start` lies in, else a new one there. `uuid` becomes the first hunt's. Raises
    UsageError for a name that no file can have, InputError where a file cannot be written.
    """
    if environment is not None:
        _check_name(environment)
    root, is_new = _root(start)
    files = [_write(root, path, text) for path, text in _wanted(root, environment, uuid, is_new=is_new)]
    return NewProject(root, is_new, tuple(files), environment or "", variable_of(environment) if environment else "")


def variable_of(environment: str) -> str:
    """The variable that holds an environment's API key."""
    name = environment.replace("-", "_").upper() + _API_KEY
    return f"_{name}" if name[0].isdecimal() else name


def environment_text(environment: str) -> str:
    """The commented file of a new environment: every key, in words."""
    key = variable_of(environment)
    signing = f"{key.removesuffix(_API_KEY)}_SIGNING_KEY"
    return _filled("environment.yaml", {"name": environment, "variable": key, "signing": signing})


def _check_name(environment: str) -> None:
    if environment == LOCAL:
        hint = (
            f"{DEPLOY_FOLDER}/{LOCAL}.yaml may overlay it: see `enabled`, `overlay` and `owners` in another one's file"
        )
        raise UsageError(f"the environment {LOCAL} is built in and needs no file", hint=hint)
    if not _NAME.fullmatch(environment) or environment.startswith("docker-compose"):
        raise UsageError(
            f"{environment!r} cannot be the name of an environment",
            hint="lower-case letters, digits, _ and -; not docker-compose",
        )


def _root(start: Path) -> tuple[Path, bool]:
    """The project's folder, and whether it is a new one."""
    try:
        return find_root(start), False
    except UsageError:
        return start, True


def _wanted(root: Path, environment: str | None, uuid: UUID, *, is_new: bool) -> Iterator[tuple[str, str]]:
    rules = root / RULES_FOLDER
    if is_new or not any(rules.iterdir()):
        yield f"{_FIRST_HUNT}/hunt.md", _filled("hunt.md", {"uuid": str(uuid)})
        yield f"{_FIRST_HUNT}/rule.yaml", _filled("rule.yaml", {})
        yield f"{_FIRST_HUNT}/tests/password_guessing.yaml", _filled("test.yaml", {})
        yield ".gitignore", f"{_IGNORED}\n"
        yield ".pre-commit-config.yaml", load_text("templates/editor/pre-commit.yaml")
        for name, template in EDITOR_FILES.items():
            yield name, load_text(f"templates/{template}")
        yield from schema_files().items()
    if environment:
        yield f"{DEPLOY_FOLDER}/{environment}.yaml", environment_text(environment)


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template(load_text(f"templates/{template}")).substitute(values)


def _write(root: Path, name: str, text: str) -> NewFile:
    path = root / name
    if path.exists():
        return NewFile(name, created=False, note=_note(path))
    write_text(path, text, shown=name, new=True)
    return NewFile(name, created=True)


def _note(path: Path) -> str:
    """What a file that is there already lacks."""
    if path.name != ".gitignore":
        return ""
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
    return "" if _IGNORED in lines or _IGNORED.strip("/") in lines else f"add the line {_IGNORED} to it"
