"""The commands of the table, each beside its floor: a bare script that asks the servers for no more than it must."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from entra_deployer.ledger.open import open_connection
from entra_deployer.local.home import CACHE_VARIABLE, cache_folder
from entra_deployer.local.stack import LocalStack
from entra_deployer.repository import Repository
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Scheme
from entra_deployer.stack.kibana import KibanaClient
from tests.bench.measure import Command, Row, always, measure, run
from tests.bench.projects import Bench, add_hunt, make_project

FLOORS = Path(__file__).parent / "floors"
REPOSITORY = Path(__file__).parents[2]
CHANGED = 10
MAPPING = {
    "@timestamp": "date",
    "event.outcome": "keyword",
    "source.ip": "ip",
    "source.as.organization.name": "keyword",
    "azure.signinlogs.properties.status.error_code": "long",
    "azure.signinlogs.properties.user_type": "keyword",
    "azure.signinlogs.properties.user_principal_name": "keyword",
}


@dataclass(frozen=True)
class Place:
    """Where it is measured: a folder for projects, a running stack, and what the processes are told."""

    folder: Path
    stack: LocalStack
    environment: dict[str, str]

    def project(self, name: str, rules: int) -> Path:
        """A project of so many hunts, and a space of its name."""
        root = self.folder / name
        if not root.exists():
            self.space(name)
            make_project(root, rules, self._bench(name))
        return root

    def space(self, name: str) -> None:
        """Make a space."""
        with KibanaClient(Endpoint(self.stack.kibana_url, self.credentials)) as kibana:
            kibana.post("/api/spaces/space", {"id": name, "name": name}, dict)

    def move(self, root: Path, space: str) -> None:
        """Let a project's environment be another, new space."""
        self.space(space)
        make_project(root, 0, self._bench(space))

    def _bench(self, space: str) -> Bench:
        return Bench(self.stack.kibana_url, self.stack.elasticsearch_url, space, self.stack.user)

    @property
    def credentials(self) -> Credentials:
        return Credentials(Scheme.BASIC, self.stack.password, self.stack.user)

    def deploy(self, root: Path, *words: str, codes: tuple[int, ...] = (0,)) -> Command:
        """A command of ours in a project."""
        return Command((sys.executable, "-P", "-m", "entra_deployer", *words), root, codes)

    def script(self, name: str, *words: str) -> Command:
        """A floor."""
        return Command((sys.executable, "-P", str(FLOORS / name), *words), self.folder)

    def once(self, root: Path, *words: str, codes: tuple[int, ...] = (0,)) -> None:
        """Run a command of ours, unmeasured."""
        run(self.deploy(root, *words, codes=codes), self.environment)


def place_of(folder: Path, stack: LocalStack) -> Place:
    """A place with an empty cache, and Python's compiled files where any other program has them."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TEST_"))}
    told |= {
        "BENCH_PASSWORD": stack.password,
        "XDG_CACHE_HOME": str(folder / "cache"),
        CACHE_VARIABLE: str(cache_folder()),  # the jars and the start archive are there
        "PYTHONPYCACHEPREFIX": str(folder / "pyc"),
        "PYTHONPATH": str(REPOSITORY),
    }
    return Place(folder, stack, told)


def make_source(place: Place) -> None:
    """The index that all hunts read."""
    elastic = Endpoint(place.stack.elasticsearch_url, place.credentials)
    environment = Environment("bench", Endpoint(place.stack.kibana_url, place.credentials), elastic)
    with open_connection(environment, place.folder) as connection:
        mapping = {"properties": {name: {"type": kind} for name, kind in MAPPING.items()}}
        connection.elastic.create_index("logs-azure.signinlogs-bench", mappings=mapping)


# -- rows --------------------------------------------------------------------------------------------------------------


def start_rows(place: Place) -> Iterator[Row]:
    """What a command costs before it does anything."""
    root = place.project("small", 5)
    floor = place.script("typer_app.py", "--help")
    for word in ("--help", "--version"):
        ours = place.deploy(root, word)
        yield Row(f"deploy {word} | an empty Typer app", always(ours), always(floor), "0.9")


def check_rows(place: Place, hunts: Path | None) -> Iterator[Row]:
    """Check: nothing changed, and all new."""
    root = place.project("small", 5)
    asked = place.deploy(root, "--help")
    yield Row("check, 5 hunts unchanged | deploy --help", lambda _: place.deploy(root, "check"), lambda _: asked, "1.3")
    if hunts is None:
        return
    many = place.folder / "open"
    for file in sorted(hunts.rglob("*.toml")):
        if "hunting" not in file.parts and "[hunt]" in file.read_text("utf-8"):
            folder = many / "rules" / "_".join(file.relative_to(hunts).with_suffix("").parts)
            folder.mkdir(parents=True)
            shutil.copy(file, folder / "hunt.toml")
    count = len(list(many.glob("rules/*")))

    def cold(_: int) -> Command:
        shutil.rmtree(place.folder / "cache", ignore_errors=True)
        return place.deploy(many, "check", codes=(0, 1, 2))

    parse = place.script("parse.py", str(many))
    yield Row(f"check, {count} open hunts, all new | Elastic's parser alone", cold, lambda _: parse, "0.5")
    unchanged = place.deploy(many, "check", codes=(0, 1, 2))
    yield Row(f"check, {count} open hunts unchanged | deploy --help", lambda _: unchanged, lambda _: asked, "2")


def unchanged_rows(place: Place, rules: int) -> Iterator[Row]:
    """Rules that stand as the repository has them."""
    root = place.project(f"all-{rules}", rules)
    place.once(root, "push", "bench")
    words = (place.stack.kibana_url, place.stack.elasticsearch_url, f"all-{rules}", str(rules))
    floor = place.script("plan.py", *words)
    for name, goal in (("plan", "2"), ("push", "1.5"), ("drift", "2.5")):
        ours = place.deploy(root, name, "bench")
        yield Row(f"{name}, {rules:,} rules unchanged | status, rules, ledger", always(ours), always(floor), goal)


def changed_row(place: Place, rules: int) -> Row:
    """Some of many rules, changed in the repository; `unchanged_rows` has pushed them."""
    root = place.project(f"all-{rules}", rules)
    words = (place.stack.kibana_url, place.stack.elasticsearch_url, f"all-{rules}", str(rules))

    def ours(number: int) -> Command:
        for one in range(CHANGED):
            add_hunt(root, one, threshold=4 + number % 2)
        return place.deploy(root, "push", "bench")

    what = f"push, {CHANGED} of {rules:,} changed | the same and {CHANGED} PUTs"
    return Row(what, ours, lambda _: place.script("change_rules.py", *words), "1.5")


def new_row(place: Place, rules: int) -> Row:
    """New rules, in an empty space each time."""
    root = place.project(f"new-{rules}", rules)
    file = place.folder / f"rules-{rules}.ndjson"
    endpoint = Endpoint(place.stack.kibana_url, place.credentials)
    environment = Environment("bench", endpoint, Endpoint(place.stack.elasticsearch_url, place.credentials))
    with open_connection(environment, root) as connection:
        compiled = Repository(root).compile(replace(connection.target("default"), enabled=False)).rules
    file.write_text("".join(f"{json.dumps(dict(one.rule.payload))}\n" for one in compiled), "utf-8")

    def floor(number: int) -> Command:
        place.space(f"floor-{rules}-{number}")
        return place.script("push_rules.py", place.stack.kibana_url, f"floor-{rules}-{number}", str(file))

    def ours(number: int) -> Command:
        place.move(root, f"new-{rules}-{number}")
        return place.deploy(root, "push", "bench")

    return Row(f"push, {rules} new rules and searches | _import of the rules", ours, floor, "1.3")


def growth(place: Place, sizes: tuple[int, ...], runs: int) -> Iterator[tuple[int, dict[str, float]]]:
    """Seconds of CPU, by command, for so many rules: a check of new hunts, a first push, a plan and a drift."""
    for rules in sizes:
        root = place.project(f"grow-{rules}", rules)
        found = {"check": run(place.deploy(root, "check"), place.environment).cpu}
        first = run(place.deploy(root, "push", "bench"), place.environment)
        found["push"] = first.cpu
        for name in ("plan", "drift"):
            command = place.deploy(root, name, "bench")
            spent = measure(Row(name, always(command)), runs, place.environment).ours
            found[name], found[f"{name} MB"] = spent.cpu, spent.memory
        yield rules, found
