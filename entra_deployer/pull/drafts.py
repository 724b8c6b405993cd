"""The files of one hunt as they would be after an edit, and what they would compile to: nothing is written to try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.errors import InputError
from entra_deployer.core.files import read_bytes, read_text, write_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, as_mapping
from entra_deployer.core.target import Target
from entra_deployer.data import load_knowledge
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.edit import look_up
from entra_deployer.hunts.folder import QuerySettings, RuleSource
from entra_deployer.hunts.rule_yaml import default_settings, read_rule_yaml
from entra_deployer.repository import rule_keys
from entra_deployer.stack.environments import DEPLOY_FOLDER


@dataclass(frozen=True)
class Draft:
    """The texts of a hunt, its rule.yaml and the environment's file, "" for a file that is not there."""

    folder: str
    hunt_path: Path
    settings_path: Path
    environment_path: Path
    texts: Mapping[Path, str]

    @classmethod
    def of(cls, root: Path, folder: str, hunt_path: Path, environment: str, texts: Mapping[Path, str]) -> "Draft":
        """A hunt's draft; what `texts` does not hold is read."""
        paths = (hunt_path, hunt_path.with_name("rule.yaml"), root / DEPLOY_FOLDER / f"{environment}.yaml")
        return cls(folder, *paths, {path: texts[path] if path in texts else read_plain(path) for path in paths})

    @property
    def hunt(self) -> str:
        """The hunt's text."""
        return self.texts[self.hunt_path]

    @property
    def settings(self) -> str:
        """The text of rule.yaml."""
        return self.texts[self.settings_path]

    @property
    def environment(self) -> str:
        """The text of the environment's file."""
        return self.texts[self.environment_path]

    def edited(self, path: Path, text: str) -> "Draft":
        """The draft with another text of one file."""
        return replace(self, texts={**self.texts, path: text})


@dataclass(frozen=True)
class Built:
    """What a draft compiles to: its rules and saved searches by rule_id, and the settings of all its queries."""

    source: RuleSource
    rules: Mapping[str, CompiledRule]

    @property
    def query_keys(self) -> tuple[str, ...]:
        """The keys of the hunt's ES|QL queries, in its order."""
        return rule_keys(self.source)


class Names(Protocol):
    """Puts a space's own ids in place of the names in rule.yaml, and back."""

    def resolve(self, rule: CompiledRule) -> CompiledRule:
        """As `plan.survey.Resolver.resolve`."""

    def named_actions(self, actions: Sequence[Mapping[str, Json]]) -> list[Json]:
        """As `plan.survey.Resolver.named_actions`."""


@dataclass(frozen=True)
class Builder:
    """Compiles drafts for one space."""

    target: Target
    resolver: Names

    def build(self, draft: Draft) -> Built | None:
        """What the draft compiles to; None where it could not be deployed."""
        source, compiled, faults = self._compiled(draft)
        if source is None or faults:
            return None
        rules = [self.resolver.resolve(rule) for rule in compiled]
        return Built(source, {rule.rule.key: rule for rule in rules})

    def faults(self, draft: Draft) -> tuple[Issue, ...]:
        """Why the draft could not be deployed; () where it could."""
        return self._compiled(draft)[2]

    def _compiled(self, draft: Draft) -> tuple[RuleSource | None, tuple[CompiledRule, ...], tuple[Issue, ...]]:
        try:
            hunt = FORMATS[draft.hunt_path.suffix].read(draft.hunt, str(draft.hunt_path))
        except InputError as error:
            return None, (), (Issue("DEP001", Level.ERROR, error.message, draft.folder, error.location, error.hint),)
        queries: tuple[QuerySettings, ...] = default_settings(hunt)
        if draft.settings:
            path = str(draft.settings_path)
            queries, issues = read_rule_yaml(draft.settings, source=path, hunt=hunt, subject=draft.folder)
            if faults := _errors(issues):
                return None, (), faults
        overlay = as_mapping(look_up(draft.environment, ["overlay"]))
        overlays = {rule: as_mapping(one) for rule, one in as_mapping(look_up(draft.environment, ["overlays"])).items()}
        source = RuleSource(draft.folder, hunt, queries)
        target = replace(self.target, overlay=overlay, overlays=overlays)
        compiled = compile_source(source, target, load_knowledge(), parser=syntax_cache().parse)
        return source, compiled.rules, _errors(compiled.issues)


def _errors(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    return tuple(issue for issue in issues if issue.level is Level.ERROR)


def read_plain(path: Path) -> str:
    """A file's text with a line feed alone at the end of each line; "" where there is no file."""
    return read_text(path).replace("\r\n", "\n") if path.exists() else ""


def write_like_before(path: Path, text: str) -> None:
    """Write a text, with the line ends and the byte-order mark that the file had."""
    before = read_bytes(path) if path.exists() else b""
    if b"\r\n" in before:
        text = text.replace("\n", "\r\n")
    write_text(path, f"\ufeff{text}" if before.startswith(b"\xef\xbb\xbf") else text)


# -- what a pull brought from Kibana into the repository's files, and what it left -----------------------------------


@dataclass(frozen=True)
class FileEdit:
    """A file of the project before and after, its path from the project's folder on; "" where there is no file."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Brought:
    """One field of a rule or saved search, or a whole rule (`field` is ""), that now stands in `path`."""

    object_kind: str
    name: str
    space: str
    field: str
    path: str
    by: str = ""
    at: str = ""


@dataclass(frozen=True)
class PullReport:
    """The outcome of a pull. `written` is False where the edits are only shown."""

    environment: str
    stack: str = ""
    edits: tuple[FileEdit, ...] = ()
    brought: tuple[Brought, ...] = ()
    issues: tuple[Issue, ...] = ()
    written: bool = False

    @property
    def failed(self) -> bool:
        """Whether something could not be brought that should have been."""
        return any(issue.level is Level.ERROR for issue in self.issues)
