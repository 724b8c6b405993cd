"""The JSON Schemas of the files that people write, made of the types that these files are decoded into.

`deploy schema --write` puts them into a project, with the settings by which editors find them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.core.files import SCHEMA_FOLDER, write_text
from entra_deployer.core.json import schema_of
from entra_deployer.data import load_text
from entra_deployer.hunts.detection_test import DetectionTestFile
from entra_deployer.hunts.rule_yaml import RuleFile
from entra_deployer.hunts.toml import HuntFile
from entra_deployer.project.new_project import NewFile
from entra_deployer.stack.environment_file import ApprovalsFile, EnvironmentFile

EDITOR_FILES = {".vscode/settings.json": "editor/vscode.json", ".taplo.toml": "editor/taplo.toml"}
"""The settings of editors: VS Code's for YAML, and those of taplo, which most editors ask about TOML."""


@dataclass(frozen=True)
class FileSchema:
    """A kind of file: the type that it is decoded into, and what its schema says of the whole."""

    kind: type
    title: str
    description: str

    def text(self, name: str) -> str:
        """The schema as it stands in `data/schemas/`; `name` is part of its `$id`."""
        schema = schema_of(self.kind, title=self.title, description=self.description)
        head = {"$schema": schema.pop("$schema"), "$id": f"urn:entra-deployer:schema:{name}"}
        return json.dumps({**head, **schema}, indent=2) + "\n"


SCHEMAS = {
    "approvals": FileSchema(ApprovalsFile, "approvals of promotions", "Who approves of which exact content."),
    "environment": FileSchema(
        EnvironmentFile, "deploy/<environment>.yaml", "An environment: its servers, and what is special there."
    ),
    "hunt": FileSchema(HuntFile, "rules/<hunt>/hunt.toml", "A threat hunt: its queries, and what an analyst needs."),
    "rule": FileSchema(RuleFile, "rule.yaml", "What a hunt cannot say of its rule: severity, schedule, owners."),
    "test": FileSchema(
        DetectionTestFile, "rules/<hunt>/tests/<test>.yaml", "Seeded events, and what the rule must make of them."
    ),
}
"""By the name that their file has: `<name>.schema.json`."""


def write_schemas(folder: Path) -> None:
    """Write all schemas into a folder."""
    for name, schema in SCHEMAS.items():
        write_text(folder / f"{name}.schema.json", schema.text(name))


def schema_text(name: str) -> str:
    """The schema of a kind of file."""
    return load_text(f"schemas/{name}.schema.json")


def schema_files() -> dict[str, str]:
    """The files of a project's schemas: their names, from its folder on, and their texts."""
    return {f"{SCHEMA_FOLDER}/{name}.schema.json": schema_text(name) for name in SCHEMAS}


def install_schemas(root: Path) -> tuple[NewFile, ...]:
    """Write the schemas into a project, over older ones, and the settings of editors where there are none."""
    for name, text in schema_files().items():
        write_text(root / name, text, shown=name)
    written = [NewFile(name, created=True) for name in schema_files()]
    return (*written, *(_editor_file(root, name, template) for name, template in EDITOR_FILES.items()))


def _editor_file(root: Path, name: str, template: str) -> NewFile:
    if (root / name).exists():
        return NewFile(name, created=False, note="" if SCHEMA_FOLDER in _text(root / name) else "it names no schema")
    write_text(root / name, load_text(f"templates/{template}"), shown=name, new=True)
    return NewFile(name, created=True)


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""


if __name__ == "__main__":
    write_schemas(Path(__file__).parents[1] / "data" / "schemas")
