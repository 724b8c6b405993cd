"""The wheel holds all that the command needs, so that it runs from any folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        head = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    package = ROOT / "entra_deployer"
    files = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    assert names == files
    assert {"entra_deployer/data/ecs.json", "entra_deployer/local/embedded/artifacts.tsv"} <= names
    assert "Requires-Python: >=3.12" in head
