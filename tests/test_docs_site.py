"""The docs site and the man page are built without a warning, from the pages and from what `--help` says."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from entra_deployer.commands.app import COMMANDS
from tests.test_docs import MADE

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "docs"
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("_build", *MADE))
    return folder


@pytest.mark.parametrize(("builder", "made"), [("dirhtml", "commands/index.html"), ("man", "deploy.1")])
def test_it_is_built_without_a_warning_and_tells_of_every_command(builder, made, source, tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", builder, str(source), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / made).read_text("utf-8").lower()
    assert [name for name in COMMANDS if f"deploy {name}" not in text] == []
