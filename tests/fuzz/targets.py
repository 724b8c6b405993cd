"""What is fuzzed: each target takes one input and returns what it read, or raises a DeployError."""

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy

from entra_deployer.core.errors import DeployError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import parse_json
from entra_deployer.core.yaml import read_yaml
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.catalog import read_rules
from entra_deployer.hunts.detection_test import parse_detection_test
from entra_deployer.hunts.rule_yaml import read_rule_yaml
from entra_deployer.ledger.ledger import Ledger
from entra_deployer.ledger.store import FileStore
from entra_deployer.objects.state import FieldDiff
from entra_deployer.plan.journal import PushEntry, PushState
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan
from entra_deployer.plan.serial import plan_to_json, read_plan
from entra_deployer.project.init import environment_text
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.stack import answers
from entra_deployer.stack.diagnosis import Answer, Diagnosis, Product
from entra_deployer.stack.environment import Credentials
from entra_deployer.stack.environment_file import ApprovalsFile
from entra_deployer.stack.environments import LocalServers, load_environment
from entra_deployer.verify.records import VerdictRecord, kept_verdicts, record_to_json
from entra_deployer.verify.verdict import Status
from tests.builders import live, rule
from tests.compiler.build import hunt
from tests.fuzz.inputs import blobs, documents, near_values, texts
from tests.ledger.stores import MemoryStore
from tests.stack.script import KIBANA

ROOT = Path(__file__).parents[2]
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


def corpus(*patterns: str) -> list[str]:
    """The repository's own files."""
    files = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    found = []
    for path in files:
        with suppress(UnicodeDecodeError):
            found.append(path.read_text("utf-8"))
    return found


@dataclass(frozen=True)
class Target:
    """What is read, and from what; `share` of all inputs, relative to the others."""

    read: Callable[[Any], object]
    inputs: SearchStrategy
    share: int = 10


HUNT = hunt("FROM logs-a-* | WHERE x == 1", "FROM logs-b-* | STATS c = COUNT(*) BY y")
MARKDOWN = corpus("rules/*/hunt.md", "tests/data/shapes/*.md")
TOML = corpus("rules/*/hunt.toml", "tests/data/shapes/*.toml")
RULES = [
    *corpus("rules/*/rule.yaml", "tests/data/hunts/*/rule.yaml"),
    *corpus("docs/rule-yaml.md")[0].split("```")[1:2],
]
TESTS = corpus("rules/*/tests/*.yaml")
ENVIRONMENTS = [
    environment_text("staging"),
    environment_text("staging").replace("# ", ""),
    "cloud_id: 'x:bG9jYWxob3N0JGEkYg=='\nauth: {basic: {user: a, password: {variable: A}}}\nspaces: [a, b]\n",
    'local: {name: b, profile: "8.12"}\nlimits: {parallel: 3}\ngates: {soak: 24h, approvals: {file: a, count: 1}}\n',
]
APPROVALS = ["approvals:\n- rule: a\n  digest: sha256:" + "0" * 64 + "\n  by: a@example.com\n  note: x\n"]


def written(data: bytes, name: str) -> Path:
    """The input as a file of a project."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


class Variables(dict):
    """Every variable is set."""

    def get(self, _name, _default=None):
        return "secret"


def read_environment(data: bytes) -> object:
    written(b"", "rules/.keep")
    written(data, "deploy/staging.yaml")
    servers = LocalServers("http://k", "http://e", Credentials(KIBANA.credentials.scheme, "x"))
    return load_environment(FOLDER, "staging", Variables(), lambda _: servers)


def without_faults(issues):
    """What is told of one hunt alone, and yet is a fault of ours."""
    for issue in issues:
        assert issue.code != "DEP009", issue.message
    return issues


def read_folder(data: bytes) -> object:
    written(data, "folder/rules/one/hunt.md")
    return without_faults(read_rules(FOLDER / "folder" / "rules").issues)


def compile_hunt(text: str) -> object:
    written(text.encode("utf-8", "surrogatepass"), "query/rules/one/hunt.md")
    return without_faults(Repository(FOLDER / "query").compile(OFFLINE).issues)


TYPES = [kind for kind in vars(answers).values() if isinstance(kind, type) and kind.__module__ == answers.__name__]
TYPES = [kind for kind in TYPES if not kind.__name__.startswith("_")]
WORDS = Diagnosis(Product.KIBANA, "http://kibana.example:5601", KIBANA)


def decode_answer(data: bytes) -> object:
    """One body as each of the types; what none of them raises but Unreachable."""
    read: list[object] = []
    headers = {"content-type": "application/json"}
    for kind in TYPES:
        for one in (answers.decode, answers.decode_lines):
            with suppress(DeployError):
                read.append(one(Answer("POST", "/api/x", 200, headers, data), kind, WORDS))
    return read


ANSWERS = [
    {"name": "k", "version": {"number": "8.12.2"}, "status": {"overall": {"level": "available"}}},
    {
        "page": 1,
        "perPage": 1,
        "total": 1,
        "data": [{"id": "a", "rule_id": "b", "name": "c", "tags": [], "actions": []}],
    },
    {"success": True, "success_count": 1, "errors": [{"rule_id": "a", "error": {"status_code": 400, "message": "m"}}]},
    {
        "page": 1,
        "total": 1,
        "saved_objects": [{"id": "a", "type": "search", "attributes": {"title": "x"}, "references": []}],
    },
    {"license": {"type": "basic", "status": "active", "expiry_date_in_millis": 1}, "features": {}},
    {"columns": [{"name": "a", "type": "keyword"}], "values": [["x"], [None]], "is_partial": False},
    {"hits": {"total": {"value": 1}, "hits": [{"_id": "a", "_source": {"type": "push"}, "sort": [1]}]}},
    {"fields": {"a": {"keyword": {"type": "keyword", "indices": ["x"]}}}, "indices": ["x"]},
    {"errors": True, "items": [{"index": {"_id": "a", "status": 400, "error": {"reason": "r"}}}]},
    {
        "username": "a",
        "roles": [],
        "cluster": {"monitor": True},
        "index": {"x": {"read": True}},
        "has_all_requested": False,
    },
]


def result(outcome: Outcome) -> ChangeResult:
    one = rule()
    diffs = (FieldDiff("risk_score", 1, 2),)
    return ChangeResult(Change(Action.UPDATE, "default", one.kind, one.key, one.name, one, live(one), diffs), outcome)


def ledger_corpus() -> list[object]:
    """The documents that a push, its verdict and a promotion leave."""
    store = MemoryStore()
    ledger = Ledger("test", ["default"], store, lambda: store)
    entry = PushEntry("p1", "test", "2026-01-01T00:00:00.000+00:00", "ute", "abc", PushState.STARTED)
    ledger.begin(entry)
    ledger.finish(replace(entry, state=PushState.FINISHED, results=(result(Outcome.APPLIED), result(Outcome.FAILED))))
    ledger.remember_types("default", {"a": {"user.name": "keyword"}})
    record = VerdictRecord("a", "n", "sha256:0", "sha256:1", Status.PASSED, 1.0, entry.at, "ute", "8.12.2", "8.19.21")
    ledger.remember_verdicts([record_to_json(record)])
    ledger.remember_attestation({"at": entry.at, "rules": []})
    return [json.loads(json.dumps(store.documents))]


def read_ledger(value: object) -> object:
    """Everything that is asked of a ledger; a fault in one document is told, and the next question is asked."""
    store = MemoryStore()
    store.documents = (
        {key: one for key, one in value.items() if isinstance(one, dict)} if isinstance(value, dict) else {}
    )
    ledger = Ledger("test", ["default"], store, lambda: store)
    read: list[object] = []
    for ask in (
        lambda: ledger.base("default"),
        lambda: ledger.types("default"),
        lambda: [ledger.with_changes(entry) for entry in ledger.entries()],
        ledger.interrupted,
        lambda: kept_verdicts(ledger),
        ledger.attestations,
    ):
        with suppress(DeployError):
            read.append(ask())
    return read


def read_files(data: bytes) -> object:
    """The same documents in a file of this machine."""
    for name in ("push-p1.json", "object.json", "verdict.json"):
        written(data, f"ledger/cluster/{name}")
    store = FileStore(FOLDER / "ledger" / "cluster", FOLDER / "ledger" / "older")
    ledger = Ledger("test", ["default"], MemoryStore(refuses=403), lambda: store)
    read: list[object] = []
    for ask in (lambda: ledger.base("default"), ledger.entries, ledger.interrupted, lambda: kept_verdicts(ledger)):
        with suppress(DeployError):
            read.append(ask())
    return read


def plan_corpus() -> list[object]:
    """A plan as `deploy plan --out` writes it."""
    plan = Plan("staging", (result(Outcome.PLANNED).change,), 0, (Issue("DEP001", Level.WARNING, "m", "s"),))
    return [json.loads(json.dumps(plan_to_json(plan, {"adopt": True})))]


TARGETS = {
    "hunt.md": Target(lambda text: FORMATS[".md"].read(text, "hunt.md"), texts(MARKDOWN), 15),
    "hunt.toml": Target(lambda text: FORMATS[".toml"].read(text, "hunt.toml"), texts(TOML), 15),
    "a hunt's folder": Target(read_folder, blobs(MARKDOWN), 5),
    "rule.yaml": Target(
        lambda text: read_rule_yaml(text, source="rule.yaml", hunt=HUNT, subject="one"), texts(RULES), 15
    ),
    "detection test": Target(lambda text: parse_detection_test(text, source="t.yaml"), texts(TESTS), 15),
    "deploy/staging.yaml": Target(read_environment, blobs(ENVIRONMENTS), 10),
    "approvals": Target(lambda text: read_yaml(text, source="a", kind=ApprovalsFile), texts(APPROVALS), 5),
    "JSON": Target(parse_json, blobs(["[1, {}]", '{"a": "\\u0041", "b": [1.5e3, null]}']), 5),
    "plan file": Target(lambda data: read_plan(written(data, "plan.json")), documents(plan_corpus()), 10),
    "ledger documents": Target(read_ledger, near_values(ledger_corpus()), 10),
    "ledger's files": Target(read_files, documents(ledger_corpus()), 5),
    "server's answer": Target(decode_answer, documents(ANSWERS), 5),
    "hunt, compiled and checked": Target(compile_hunt, texts(MARKDOWN), 1),
}
