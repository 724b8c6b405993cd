"""A part of the campaign: each fault once, and each command among it. `make chaos` runs all of it."""

import pytest

from tests.chaos.campaign import COMMANDS, Campaign
from tests.chaos.faults import FAULTS


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    return Campaign(tmp_path_factory.mktemp("chaos"))


@pytest.mark.parametrize(("place", "fault"), list(enumerate(FAULTS)), ids=list(FAULTS))
def test_one_plain_push_ends_whatever_a_fault_has_left(campaign, place, fault):
    name = list(COMMANDS)[place % len(COMMANDS)]
    number = place * 7 % campaign.requests[name]
    campaign.try_case(name, fault, number)
    assert campaign.wrong[name, fault] == []
    assert campaign.run[name, fault]


@pytest.mark.parametrize("fault", ["kill -9 after the write", "edit of a changed field", "asleep through a push"])
def test_the_worst_faults_at_every_fifth_request_of_a_push(campaign, fault):
    for number in range(0, campaign.requests["push"], 5):
        campaign.try_case("push", fault, number)
    assert campaign.wrong["push", fault] == []


def test_every_command_and_fault_is_in_the_table(campaign):
    table = campaign.table().splitlines()
    assert len(table) == len(FAULTS) + 2
    assert all(name in table[0] for name in COMMANDS)
