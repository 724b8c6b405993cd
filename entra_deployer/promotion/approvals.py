"""Approvals of promotions: a file of the repository that says who approves of which exact content."""

from pathlib import Path

from entra_deployer.core.files import read_text
from entra_deployer.core.yaml import read_yaml
from entra_deployer.stack.environment_file import ApprovalsFile
from entra_deployer.stack.environments import InvalidFile

type Approvals = dict[tuple[str, str], tuple[str, ...]]
"""(hunt folder, digest of its content) -> who approves, each once, sorted."""


def read_approvals(root: Path, name: str) -> Approvals:
    """The approvals of a file; {} where there is none yet. Raises InputError for one that is malformed."""
    path = root / name
    if not path.exists():
        return {}
    document = read_yaml(read_text(path, shown=name), source=name, kind=ApprovalsFile)
    if document.issues:
        raise InvalidFile(document)
    found: dict[tuple[str, str], set[str]] = {}
    for item in document.value.approvals:
        found.setdefault((item.rule, item.digest), set()).add(item.by)
    return {key: tuple(sorted(people)) for key, people in found.items()}
