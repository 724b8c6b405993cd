"""How often the servers are asked, whatever the number of rules: no clock measures that."""

import re
from dataclasses import replace
from threading import Event

import pytest

from entra_deployer.core.errors import InputError
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.plan.drift import find_drift
from entra_deployer.plan.journal import Past
from entra_deployer.plan.plan import Action
from entra_deployer.plan.push import PushRequest, plan_rules, push_rules
from entra_deployer.plan.survey import survey_space
from entra_deployer.repository import Repository
from entra_deployer.stack.diagnosis import is_read
from entra_deployer.stack.environment import Limits
from tests.memory_stack import MemoryStack
from tests.reading import there
from tests.test_nonsense_everywhere import HUNT

RULES = 30
MOST = 7


@pytest.fixture
def root(tmp_path):
    for number in range(RULES):
        folder = tmp_path / "rules" / f"h{number}"
        folder.mkdir(parents=True)
        text = HUNT.replace("00000000000{number}", f"{number:012d}").replace("{number}", str(number))
        (folder / "hunt.toml").write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def pushed(root):
    """Both servers after a push."""
    stack = MemoryStack()
    with stack.connection() as connection:
        report = push_rules(Repository(root), connection, PushRequest())
    assert len(report.results) == 2 * RULES + 1
    stack.asked.clear()
    return stack


def writes(stack):
    return [(method, url) for method, url in stack.asked if not is_read(method, url)]


@pytest.mark.parametrize(
    "command",
    [
        lambda root, connection: plan_rules(Repository(root), connection, PushRequest()),
        lambda root, connection: push_rules(Repository(root), connection, PushRequest()),
        lambda root, connection: find_drift(Repository(root), connection),
    ],
    ids=["plan", "push", "drift"],
)
def test_where_nothing_changed_a_few_reads_are_enough_and_nothing_is_written(root, pushed, command):
    with pushed.connection() as connection:
        command(root, connection)
    assert len(pushed.asked) <= MOST, pushed.asked
    assert writes(pushed) == []


def test_what_pushes_left_is_known_by_its_text_and_none_of_it_is_read(root, pushed):
    file = root / "rules" / "h3" / "hunt.toml"
    file.write_text(file.read_text("utf-8").replace('description = "', 'description = "New. '), "utf-8")
    with pushed.connection() as connection:
        report = push_rules(Repository(root), connection, PushRequest())
        assert {change.action for change in there(report.plan).changes} == {Action.UPDATE}
        survey = survey_space(Repository(root), connection, "default", connection.journal.past)
    assert all(survey.policy.base[one.at] is one for one in survey.desired.objects)


class Heard(MemoryStack):
    """Tells when somebody asks for rules."""

    rules_are_asked: Event

    def send(self, request, *arguments, **options):
        if "rules/_find" in request.url:
            self.rules_are_asked.set()
        return super().send(request, *arguments, **options)


class Waiting(Repository):
    """A repository of many hunts; they cannot be read before the rules that stand are asked for."""

    size = 61
    rules_are_asked: Event

    def catalog(self, selection=ALL):
        assert self.rules_are_asked.wait(60)
        raise InputError("a hunt that nobody can read")


def test_what_stands_is_asked_for_while_many_hunts_are_read(tmp_path):
    stack, hunts = Heard(), Waiting(tmp_path)
    stack.rules_are_asked = hunts.rules_are_asked = Event()
    with stack.connection() as one_by_one:
        environment = replace(one_by_one.environment, limits=Limits())
        with pytest.raises(InputError, match="nobody can read"):
            survey_space(hunts, replace(one_by_one, environment=environment), "default", Past)


def test_of_one_rule_only_that_rule_is_asked_for(root, pushed):
    with pushed.connection() as connection:
        plan_rules(Repository(root), connection, PushRequest(Selection(("h3",))))
    (find,) = [url for _, url in pushed.asked if "rules/_find" in url]
    assert re.search("params.ruleId.*Failures", find)
    assert len(pushed.asked) <= MOST


def test_a_rule_of_somebody_else_with_the_id_or_the_name_of_ours_is_seen(root, pushed):
    one, other = list(pushed.rules.values())[:2]
    one["tags"] = []
    del pushed.rules[other["rule_id"]]
    pushed.rules["foreign"] = {**other, "rule_id": "foreign", "id": "foreign", "tags": [], "meta": {}}
    with pushed.connection() as connection:
        report = plan_rules(Repository(root), connection, PushRequest())
    assert {issue.code for issue in report.issues} >= {"DEP301"}
    assert [change.key for change in there(report.plan).changes if change.kind == "rule"] == [
        one["rule_id"],
        other["rule_id"],
    ]
