"""The one JSON document that a command prints: every one has its format's version first and its issues last."""

import json
from collections.abc import Iterable, Mapping

from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Untyped as Json
from entra_deployer.plan.serial import issue_to_json

FORMAT_VERSION = 1


def json_document(content: Mapping[str, Json], issues: Iterable[Issue]) -> str:
    """The document, indented, keys in the order in which they stand, one newline at its end."""
    document = {"format_version": FORMAT_VERSION, **content, "issues": [issue_to_json(issue) for issue in issues]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
