"""A part of the campaign: each fault and each command among it. `make chaos` runs all of it."""

import pytest

from tests.chaos.campaign import COMMANDS, Campaign
from tests.chaos.stack import FAULTS

EVERY = 97
"""Of how many cases one is run: prime, so that it falls on other requests from fault to fault."""


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    return Campaign(tmp_path_factory.mktemp("chaos"))


def test_one_plain_push_ends_whatever_a_fault_has_left(campaign):
    cases = campaign.cases()[::EVERY]
    assert {name for name, *_ in cases} == COMMANDS.keys()
    before = sum(campaign.run.values())
    for case in cases:
        campaign.try_case(*case)
    wrong = [f"{name}, {fault} at {at}: {why}" for (name, fault), found in campaign.wrong.items() for at, why in found]
    assert not wrong, "\n".join(wrong)
    assert sum(campaign.run.values()) == before + len(cases)


@pytest.mark.parametrize("fault", ["kill -9 after the write", "edit of a changed field", "asleep past the lock"])
def test_the_worst_faults_at_every_third_request_of_a_push(campaign, fault):
    for number in range(0, campaign.requests["push"], 3):
        campaign.try_case("push", fault, number)
    assert campaign.wrong["push", fault] == []
    assert fault in FAULTS
