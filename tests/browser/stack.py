"""A local stack with the project's own rules, proved, for the page of `deploy local open`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

from entra_deployer.local import stack as local
from entra_deployer.local.stack import LocalStack

ROOT = Path(__file__).parents[2]
RULE = "entra_refresh_token_replay_across_countries"


@contextmanager
def proved_stack(folder: Path) -> Iterator[tuple[Path, LocalStack]]:
    """A project in `folder` with one rule, pushed and verified on a stack of its own, which ends with the block."""
    copytree(ROOT / "rules" / RULE, folder / "rules" / RULE)
    try:
        for words in (("push", "--yes"), ("verify",)):
            command = [sys.executable, "-P", "-m", "entra_deployer", *words]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
        found = local.find(folder)
        assert found
        yield folder, found
    finally:
        local.reset(folder)
