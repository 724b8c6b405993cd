"""The row of the embedded stack: from a start to the first answered query."""

import json

from entra_deployer.local import stack as local
from entra_deployer.local.elasticsearch import NodeSettings, java_command
from entra_deployer.local.training import free_port, ready_home
from tests.bench.commands import Place
from tests.bench.measure import Command, Row


def up_row(place: Place) -> Row:
    """`deploy local up`, which returns once a query was answered, and the java command that it runs, asked the same."""
    root = place.folder / "up"
    (root / "rules").mkdir(parents=True)
    bare = place.folder / "bare"
    home = ready_home(lambda *_: None)
    settings = NodeSettings(bare / "data", bare / "logs", free_port(), place.stack.password)
    for folder in (settings.data, settings.logs):
        folder.mkdir(parents=True)
    file = bare / "java.json"
    told = {
        "command": java_command(home, settings, home.start_options),
        "folder": str(home.folder),
        "port": settings.port,
        "settings": settings.text(home.folder),
    }
    file.write_text(json.dumps(told), "utf-8")
    file.chmod(0o600)

    def ours(_: int) -> Command:
        local.down(root)
        return place.deploy(root, "local", "up")

    def floor(_: int) -> Command:
        local.down(root)
        return place.script("java.py", str(file))

    return Row("local up, warm, to the first answered query | the bare java command", ours, floor, "1.1; 2.2 s")
