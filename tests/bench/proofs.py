"""Rows of what proves a rule: verify, and synth over the hunts of others."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.commands import Place
from tests.bench.measure import Command, Row
from tests.bench.projects import add_hunt
from tests.bench.recorder import Sent, recorded, write_phases

RULES, TESTS = 50, 10
PARALLEL = 16
"""Requests that verify sends at a time: `limits.parallel`."""
SEEDED = "/entra-deployer-verify-"
"""How the paths of the indices of a run begin."""

_TEST = """\
name: Test {test} of rule {number}
index: logs-azure.signinlogs-bench
templates:
  failure:
    event.outcome: failure
    azure.signinlogs.properties: {{status.error_code: {code}, user_type: Member}}
    source.as.organization.name: EXAMPLE-ONE
events:
  - {{name: Failures from one network, template: failure, at: 20m ago, count: 4, every: 1s,
     set: {{azure.signinlogs.properties.user_principal_name: {user}}}}}
  - {{name: One more from another, template: failure, at: 25m ago,
     set: {{azure.signinlogs.properties.user_principal_name: {user}, source.as.organization.name: EXAMPLE-TWO}}}}
  - {{name: A sign-in that works, template: failure, at: 30m ago,
     set: {{azure.signinlogs.properties.user_principal_name: quiet.{user}, event.outcome: success,
           azure.signinlogs.properties.status.error_code: 0}}}}
catches:
  - entity: {{azure.signinlogs.properties.user_principal_name: {user}}}
    reason: the sign-ins fail
ignores:
  - entity: {{azure.signinlogs.properties.user_principal_name: quiet.{user}}}
    reason: it is no failure
"""


def verify_row(place: Place) -> Row:
    """50 rules with 10 tests each, none of them alike, on the stack's default space."""
    root = _beside_stack(place, "verify")
    for number in range(RULES):
        add_hunt(root, number)
        tests = root / "rules" / f"bench_{number:05d}" / "tests"
        shutil.rmtree(tests)
        tests.mkdir()
        for test in range(TESTS):
            user = f"r{number}t{test}@contoso.example"
            text = _TEST.format(test=test, number=number, code=50_000 + number, user=user)
            (tests / f"test_{test}.yaml").write_text(text, "utf-8")
    ours = place.deploy(root, "verify")
    place.once(root, "verify")  # which brings the rules there
    with recorded(root, place.stack) as sent:
        place.once(root, "verify")
    file = place.folder / "verify.ndjson"
    write_phases(file, _phases(sent))
    floor = place.script("replay.py", str(file), str(PARALLEL))
    what = f"verify, {RULES} rules with {TESTS} tests each | the same events, queries and previews"
    return Row(what, lambda _: ours, lambda _: floor, "1.3")


def _phases(sent: Sequence[Sent]) -> Iterator[list[Sent]]:
    """Seed, let each test see its own, query and preview, remove."""
    yield [one for one in sent if one.method == "PUT" and one.path.startswith(SEEDED)]
    yield [one for one in sent if one.path.startswith(SEEDED) and "/_bulk" in one.path]
    yield [one for one in sent if one.path.startswith("/_aliases")]
    yield [one for one in sent if one.path.startswith("/_query") or one.path.endswith("/rules/preview")]
    yield [one for one in sent if one.method == "DELETE" and one.path.startswith(SEEDED)]


def synth_rows(place: Place, hunts: Path) -> Iterator[Row]:
    """Tests of each hunt of others: made, and made and tried on the stack."""
    root = _beside_stack(place, "made")
    for file in sorted(hunts.rglob("*.toml")):
        if "[hunt]" in file.read_text("utf-8"):
            folder = root / "rules" / "_".join(file.relative_to(hunts).with_suffix("").parts)
            folder.mkdir(parents=True)
            shutil.copy(file, folder / "hunt.toml")
    count = len(list(root.glob("rules/*")))
    place.once(root, "check", codes=(0, 1, 2))
    solve = place.deploy(root, "synth", "*", codes=(0, 1))
    yield Row(f"synth, {count} open hunts, solving alone", lambda _: solve, goal="30 s")
    with recorded(root, place.stack) as sent:
        place.once(root, "synth", "*", "--write", "--force", codes=(0, 1))
    file = place.folder / "synth.ndjson"
    write_phases(file, ([one] for one in sent))
    floor = place.script("replay.py", str(file), "1")

    def write(_: int) -> Command:
        return place.deploy(root, "synth", "*", "--write", "--force", codes=(0, 1))

    yield Row(f"synth --write, {count} open hunts | the same requests in turn", write, lambda _: floor, "1.5")


def _beside_stack(place: Place, name: str) -> Path:
    """A project whose local stack is the one that runs."""
    root = place.folder / name
    (root / "rules").mkdir(parents=True)
    (root / ".deploy").symlink_to(place.folder / ".deploy")
    return root
