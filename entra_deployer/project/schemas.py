"""The JSON Schemas of the files that people write, made of the types that these files are decoded into."""

import json
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.core.files import write_text
from entra_deployer.core.json import schema_of
from entra_deployer.hunts.detection_test import DetectionTestFile
from entra_deployer.hunts.rule_yaml import RuleFile
from entra_deployer.stack.environment_file import ApprovalsFile, EnvironmentFile


@dataclass(frozen=True)
class FileSchema:
    """A kind of file: the type that it is decoded into, and what its schema says of the whole."""

    kind: type
    title: str
    description: str

    def text(self) -> str:
        """The schema as it stands in `data/schemas/`."""
        return json.dumps(schema_of(self.kind, title=self.title, description=self.description), indent=2) + "\n"


SCHEMAS = {
    "approvals": FileSchema(ApprovalsFile, "approvals of promotions", "Who approves of which exact content."),
    "environment": FileSchema(
        EnvironmentFile, "deploy/<environment>.yaml", "An environment: its servers, and what is special there."
    ),
    "rule": FileSchema(RuleFile, "rule.yaml", "What a hunt cannot say of its rule: severity, schedule, owners."),
    "test": FileSchema(
        DetectionTestFile, "rules/<hunt>/tests/<test>.yaml", "Seeded events, and what the rule must make of them."
    ),
}
"""By the name that their file in `data/schemas/` has: `<name>.schema.json`."""


def write_schemas(folder: Path) -> None:
    """Write all schemas into a folder."""
    for name, schema in SCHEMAS.items():
        write_text(folder / f"{name}.schema.json", schema.text())


if __name__ == "__main__":
    write_schemas(Path(__file__).parents[1] / "data" / "schemas")
