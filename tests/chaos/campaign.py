"""The campaign: each fault at each request of each command, and what one plain push makes of it afterwards.

It ends right in the desired state, or in a conflict that names an analyst's edit and is gone with `--overwrite`:
nothing doubled, no exception, action, tag or switch lost, no lock left behind, the journal closed.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from entra_deployer.core.errors import DeployError
from entra_deployer.ledger.recover import recover
from entra_deployer.ledger.rollback import RollbackRequest, roll_back
from entra_deployer.live.remove import apply_removal, plan_removal
from entra_deployer.plan.drift import find_drift
from entra_deployer.plan.planner import EDITED
from entra_deployer.plan.push import PushRequest, now, push_rules
from entra_deployer.plan.remaining import Direction
from entra_deployer.pull.pull import PullRequest, pull_rules
from tests.chaos.stack import DEAD, FAULTS, ChaosStack, Killed, first_version, push, second_version

RESOURCES = ("exceptions_list", "actions", "enabled")
"""Fields of an analyst that no push may touch."""


def _remove(root, connection):
    return apply_removal(root, connection, plan_removal(root, connection, "failures_1"), now)


COMMANDS = {
    "push": lambda root, connection: push_rules(root, connection, PushRequest(prune=True)),
    "rollback": lambda root, connection: roll_back(root, connection, RollbackRequest(to=1)),
    "recover": lambda _root, connection: recover(connection, Direction.FINISH),
    "recover --undo": lambda _root, connection: recover(connection, Direction.UNDO),
    "remove": _remove,
    "drift": find_drift,
    "pull": lambda root, connection: pull_rules(root, connection, PullRequest(dry_run=True)),
}


@dataclass
class Campaign:
    """The states that the commands begin with, and what came of the cases so far."""

    root: object
    run: Counter = field(default_factory=Counter)
    wrong: dict = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self):
        first_version(self.root)
        first = ChaosStack()
        assert not push(first, self.root).errors
        second_version(self.root)
        second = first.healed()
        assert not push(second, self.root).errors
        cut_off = self._cut_off(first)
        self.begins = dict.fromkeys(COMMANDS, first) | {"rollback": second}
        self.begins |= {name: cut_off for name in COMMANDS if name.startswith("recover")}
        self.requests = {name: self._requests(name) for name in COMMANDS}

    def _cut_off(self, first):
        """A push of the second version that died in the middle of its writes."""
        stack = first.healed()
        push(stack, self.root)
        writes = [
            number for number, (_, url) in enumerate(stack.asked) if "detection_engine" in url and "_find" not in url
        ]
        stack = first.healed()
        stack.at, stack.fault = writes[len(writes) // 2], FAULTS["kill -9 after the write"]
        self._tried(stack, "push")
        return stack.healed()

    def _requests(self, name):
        stack = self.begins[name].healed()
        self._tried(stack, name)
        return len(stack.asked)

    def cases(self):
        """All of them: command, fault and the number of the request that it strikes."""
        return [(name, fault, number) for name in COMMANDS for fault in FAULTS for number in range(self.requests[name])]

    def try_case(self, name, fault, number):
        """Run one case, and note what is wrong with its end."""
        stack = self.begins[name].healed()
        stack.at, stack.fault = number, FAULTS[fault]
        said = self._tried(stack, name)
        stack = stack.healed()
        self.run[name, fault] += 1
        if reason := said or self._ends_wrong(stack):
            self.wrong[name, fault].append((number, reason))

    def _tried(self, stack, name):
        """What is wrong with the way in which a command ended, "" where it may end so."""
        try:
            COMMANDS[name](self.root, stack.killable(self.root))
        except (DeployError, Killed, KeyboardInterrupt):
            return ""
        except Exception as error:
            return f"a fault of ours: {error!r}"
        return ""

    def _ends_wrong(self, stack):
        """What is wrong after one plain push, "" where all is right."""
        before = {key: dict(rule) for key, rule in stack.rules.items()}
        try:
            report = push(stack, self.root)
            if report.errors and stack.edits and {issue.code for issue in report.errors} == {EDITED}:
                report = push(stack, self.root, overwrite=True)
        except DeployError as error:
            return f"the next push stops: {error}"
        if report.errors or any(result.error for result in report.results):
            told = [issue.message for issue in report.errors] + [result.error for result in report.results]
            return f"the next push does not end it: {told}"
        return _not_as_desired(stack, before)

    def table(self):
        """Cases run and right, by fault and command."""
        lines = ["| fault | " + " | ".join(COMMANDS) + " |", "|---" * (len(COMMANDS) + 1) + "|"]
        for fault in FAULTS:
            cells = (
                f"{self.run[name, fault] - len(self.wrong[name, fault])} of {self.run[name, fault]}"
                for name in COMMANDS
            )
            lines.append(f"| {fault} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def _not_as_desired(stack, before):
    """What differs from what the repository says and from what an analyst did."""
    rules = {rule["name"]: rule for rule in stack.rules.values()}
    searches = sorted(one["attributes"]["title"] for one in stack.objects.values() if one["type"] == "search")
    names = ["Failures 1", "Failures 2", "Failures 4"]
    if sorted(rules) != names or searches != names:
        return f"there are the rules {sorted(rules)} and the searches {searches}"
    if [rules[name]["severity"] for name in names] != ["low", "high", "low"]:
        return "a severity is not as desired"
    if any(one["process"]["pid"] != DEAD.pid for one in stack.ledger("lease")):
        return "a lock is left behind"  # one of a process that is gone is taken by the next that writes
    if any(one["state"] == "started" for one in stack.ledger("push")):
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
