"""The campaign: each fault at each request of each command, and what one plain run afterwards makes of it.

It ends right in the desired state, or in a conflict that names an analyst's edit and is gone with `--overwrite`:
nothing doubled, no exception, action, tag or switch lost, no lock and no test index left behind, the journal closed.
"""

import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from entra_deployer.__main__ import Terminated
from entra_deployer.core.errors import DeployError
from entra_deployer.ledger.recover import recover
from entra_deployer.ledger.rollback import RollbackRequest, roll_back
from entra_deployer.live.remove import apply_removal, plan_removal
from entra_deployer.plan.drift import find_drift
from entra_deployer.plan.planner import EDITED
from entra_deployer.plan.push import PushRequest, now, push_rules
from entra_deployer.plan.remaining import Direction
from entra_deployer.promotion.attestation import INTENDED
from entra_deployer.promotion.promote import TARGET_DRIFT, PromotionRequest, promote
from entra_deployer.pull.pull import PullRequest, pull_rules
from entra_deployer.repository import Repository
from entra_deployer.verify.records import keep_records, make_records
from entra_deployer.verify.seeding import PREFIX
from entra_deployer.verify.verdict import Status, Verdict
from entra_deployer.verify.verify_rules import VerifyRequest, contents, rules_under_test, verify_rules
from tests.chaos.faults import FAULTS, disk_has_room
from tests.chaos.stack import (
    DEAD,
    FIRST,
    HERE,
    LARGE_FIRST,
    LARGE_SECOND,
    SECOND,
    THIRD,
    ChaosStack,
    Hunts,
    Killed,
    Source,
    push,
)
from tests.reading import there

RESOURCES = ("exceptions_list", "actions", "enabled")
"""Fields of an analyst that no push may touch."""
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _connection(stack, root):
    return stack.connected(root, HERE if stack.fault and stack.fault.lives else DEAD)


def _push(root, stack):
    push_rules(Repository(root), _connection(stack, root), PushRequest(prune=True, lock=not stack.closed))


def _remove(root, stack):
    connection = _connection(stack, root)
    apply_removal(Repository(root), connection, plan_removal(Repository(root), connection, "failures_1"), now)


def _verify(root, stack, later=timedelta(0)):
    verify_rules(Repository(root), _connection(stack, root), VerifyRequest(), lambda: NOON + later)


def _roll_back(root, stack):
    roll_back(Repository(root), _connection(stack, root), RollbackRequest(to=1))


def _pull(root, stack):
    return pull_rules(Repository(root), _connection(stack, root), PullRequest())


def _promote(root, stack):
    source = stack.source.connection(root)
    return promote(Repository(root), _named(source, "staging"), _connection(stack, root), PromotionRequest())


def _named(connection, name):
    return replace(connection, environment=replace(connection.environment, name=name))


@dataclass(frozen=True)
class Command:
    """What is run on what begin, with the repository in which version; `again` is what is wrong after its second run.

    With `own_folder` each case has a copy of the repository, because the command writes into it.
    """

    run: object
    begin: str = "first"
    version: Hunts = SECOND
    again: object = lambda _root, _stack: ""
    own_folder: bool = False


def _verified_again(root, stack):
    """The next run, a quarter of an hour later, removes what a run that died has left."""
    _verify(root, stack, timedelta(minutes=20))
    left = [name for name in stack.documents if name.startswith(PREFIX)]
    return f"test indices are left: {left}" if left else ""


def _pulled_again(root, stack):
    """The second pull brings all edits, so that a push takes none of them back."""
    report = _pull(root, stack)
    if report.failed:
        return f"the next pull does not bring it: {[issue.message for issue in report.issues]}"
    if errors := push(stack, root).errors:
        return f"the push after it stops: {[issue.message for issue in errors]}"
    rules = {rule["name"]: rule for rule in stack.rules.values()}
    lost = {name for what, fields in stack.edits for name in fields if rules[what][name] != fields[name]}
    return f"an analyst's {sorted(lost)} are lost" if lost else _partial_files(root)


def _promoted_again(root, stack):
    """The second run promotes what is left, and every intention is completed; an edit in the target stops it."""
    report = _promote(root, stack)
    codes = {issue.code for issue in report.errors}
    if codes and stack.edits and codes <= {EDITED, TARGET_DRIFT}:
        return ""
    if codes:
        return f"the next promotion stops: {[issue.message for issue in report.errors]}"
    open_ones = [one for one in stack.ledger("attestation") if one["document"]["state"] == INTENDED]
    return "an intention is left open" if open_ones else ""


def _partial_files(root):
    left = [path.name for path in root.rglob("*.partial")]
    return f"half files are left: {left}" if left else ""


COMMANDS = {
    "push": Command(_push),
    "push of 28": Command(_push, "large", LARGE_SECOND),
    "push, ledger in files": Command(_push, "files", own_folder=True, again=lambda root, _stack: _partial_files(root)),
    "verify": Command(_verify, again=_verified_again),
    "pull": Command(_pull, "edited", FIRST, own_folder=True, again=_pulled_again),
    "promote": Command(_promote, "promotion", again=_promoted_again),
    "rollback": Command(
        lambda root, stack: roll_back(Repository(root), _connection(stack, root), RollbackRequest(to=1)), "second"
    ),
    "recover": Command(lambda root, stack: recover(_connection(stack, root), Direction.FINISH), "cut off"),
    "recover --undo": Command(lambda root, stack: recover(_connection(stack, root), Direction.UNDO), "cut off"),
    "remove": Command(_remove),
    "drift": Command(lambda root, stack: find_drift(Repository(root), _connection(stack, root))),
}


@dataclass
class Campaign:
    """The states that the commands begin with, and what came of the cases so far."""

    folder: Path
    commands: dict = field(default_factory=lambda: COMMANDS)
    run: Counter = field(default_factory=Counter)
    wrong: dict = field(default_factory=lambda: defaultdict(list))

    def root(self, version):
        """The folder that holds a version of the repository."""
        return self._roots[id(version)]

    @cached_property
    def _roots(self):
        versions = {"first": FIRST, "second": SECOND, "third": THIRD, "large1": LARGE_FIRST, "large2": LARGE_SECOND}
        return {id(version): version.write(self.folder / name) for name, version in versions.items()}

    # -- where they begin -------------------------------------------------------------------------------------------

    def begin(self, name):
        """The state of the servers before a command."""
        return self._begins[name]()

    @cached_property
    def _begins(self):
        return {
            "first": lambda: self._first,
            "second": lambda: self._second,
            "large": lambda: self._large,
            "files": lambda: self._files,
            "edited": lambda: self._edited,
            "promotion": lambda: self._promotion,
            "cut off": lambda: self._cut_off,
        }

    @cached_property
    def _first(self):
        return _pushed(ChaosStack(), self.root(FIRST))

    @cached_property
    def _second(self):
        return _pushed(self._first.healed(), self.root(SECOND))

    @cached_property
    def _large(self):
        return _pushed(ChaosStack(), self.root(LARGE_FIRST))

    @cached_property
    def _files(self):
        """The first version, by a key that may not use the ledger's index: the files lie in its folder."""
        return _pushed(ChaosStack(closed=True), self.root(FIRST))

    @cached_property
    def _edited(self):
        stack = self._first.healed()
        stack.edit("Failures 1", severity="medium", note="Looked at.")
        return stack

    @cached_property
    def _promotion(self):
        """The source has and proved the second version, the target has the first one."""
        root, source = self.root(SECOND), self._second.copy()
        with source.connection(root) as connection:
            compilation = Repository(root).compile(connection.target("default"))
            rules = rules_under_test(compilation, connection, "default")
            verdicts = [Verdict(rule.rule_id, rule.name, Status.PASSED) for rule in rules]
            payloads = {rule.rule_id: there(rule.payload) for rule in rules}
            keep_records(connection, make_records(verdicts, payloads, contents(compilation), connection))
        stack = self._first.healed()
        stack.source = Source(source.rules, source.objects, source.documents, _sequence=source._sequence)
        return stack.healed()

    @cached_property
    def _cut_off(self):
        """A push of the second version that died in the middle of its writes."""
        stack, root = self._first.healed(), self.root(SECOND)
        push(stack, root)
        writes = [
            number for number, (_, url) in enumerate(stack.asked) if "detection_engine" in url and "_find" not in url
        ]
        stack = self._first.healed()
        stack.at, stack.fault = writes[len(writes) // 2], FAULTS["kill -9 after the write"]
        _tried(_push, root, stack)
        return stack.healed()

    # -- the cases --------------------------------------------------------------------------------------------------

    @cached_property
    def requests(self):
        """How many requests each command sends."""
        return {name: self._requests(name) for name in self.commands}

    def _requests(self, name):
        stack = self.begin(self.commands[name].begin).healed()
        with self._rooted(name) as root:
            assert _tried(self.commands[name].run, root, stack) == ""
        return stack.count

    def cases(self):
        """All of them: command, fault and the number of the request that it strikes."""
        return [
            (name, fault, number) for name in self.commands for fault in FAULTS for number in range(self.requests[name])
        ]

    def try_case(self, name, fault, number):
        """Run one case, and note and tell what is wrong with its end, "" where nothing is."""
        stack = self.begin(self.commands[name].begin).healed()
        stack.at, stack.fault, stack.newest = number, FAULTS[fault], self.root(THIRD)
        with self._rooted(name) as root:
            reason = self._reason(self.commands[name], root, stack)
        self.run[name, fault] += 1
        if reason:
            self.wrong[name, fault].append((number, reason))
        return reason

    def _reason(self, command, root, stack):
        """What is wrong with the end of a case, "" where all is right."""
        fault = stack.fault
        with disk_has_room():
            said = _tried(command.run, root, stack)
        if said := said or (fault.after(stack) if stack.at < 0 else ""):
            return said
        stack = stack.healed()
        try:
            said = command.again(root, stack)
        except DeployError as error:
            return f"the same again stops: {error}"
        if command.version is FIRST:
            return said or _not_as_desired(root, stack, {}, None)
        return said or _ends_wrong(root, stack, command.version)

    def _rooted(self, name):
        """The repository of a command, a copy where it writes into it."""
        return _Folder(self.root(self.commands[name].version), self.root(FIRST), copied=self.commands[name].own_folder)

    def table(self):
        """Cases run and right, by fault and command."""
        lines = ["| fault | " + " | ".join(self.commands) + " |", "|---" * (len(self.commands) + 1) + "|"]
        for fault in FAULTS:
            cells = (
                f"{self.run[name, fault] - len(self.wrong[name, fault])} of {self.run[name, fault]}"
                for name in self.commands
            )
            lines.append(f"| {fault} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


@dataclass
class _Folder:
    """The folder of a repository for one case, with the ledger's files that the first push left."""

    version: Path
    first: Path
    copied: bool

    def __enter__(self):
        if not self.copied:
            return self.version
        copy = self.version.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.version, copy)
        shutil.copytree(self.first / ".deploy", copy / ".deploy", dirs_exist_ok=True)
        return copy

    def __exit__(self, *_):
        if not self.copied:  # what a refused ledger left in files is not the next case's
            shutil.rmtree(self.version / ".deploy", ignore_errors=True)


def _pushed(stack, root):
    assert not push(stack, root).errors
    return stack


def _tried(run, root, stack):
    """What is wrong with the way in which a command ended, "" where it may end so."""
    try:
        run(root, stack)
    except (DeployError, Killed, KeyboardInterrupt, Terminated):
        return ""
    except Exception as error:
        return f"a fault of ours: {error!r}"
    return ""


def _ends_wrong(root, stack, version):
    """What is wrong after one plain push, "" where all is right."""
    before = {key: dict(rule) for key, rule in stack.rules.items()}
    try:
        report = push(stack, root)
        if report.errors and stack.edits and {issue.code for issue in report.errors} == {EDITED}:
            report = push(stack, root, overwrite=True)
    except DeployError as error:
        return f"the next push stops: {error}"
    if report.errors or any(result.error for result in report.results):
        told = [issue.message for issue in report.errors] + [result.error for result in report.results]
        return f"the next push does not end it: {told}"
    return _not_as_desired(root, stack, before, version)


def _not_as_desired(root, stack, before, version):
    """What differs from what the repository says and from what an analyst did."""
    rules = {rule["name"]: rule for rule in stack.rules.values()}
    if version:
        searches = sorted(one["attributes"]["title"] for one in stack.objects.values() if one["type"] == "search")
        if sorted(rules) != sorted(version.rules) or searches != sorted(version.rules):
            return f"there are the rules {sorted(rules)} and the searches {searches}"
        if {name: rule["severity"] for name, rule in rules.items()} != version.rules:
            return "a severity is not as desired"
    if any(one["process"]["pid"] != DEAD.pid for one in stack.ledger("lease")):
        return "a lock is left behind"  # one of a process that is gone is taken by the next that writes
    with stack.connection(root) as connection:
        if list(connection.journal.interrupted()):
            return "a journal is open"
    lost = {name for what, fields in stack.edits for name in _lost(rules.get(what), fields, before)}
    return f"an analyst's {sorted(lost)} are lost" if lost else ""


def _lost(rule, fields, before):
    """What an analyst set of a rule that still stands, and that no push may touch."""
    if rule is None or rule["rule_id"] not in before:
        return
    yield from (name for name in RESOURCES if name in fields and rule[name] != fields[name])
    if set(fields.get("tags", ())) - set(rule["tags"]):
        yield "tags"
