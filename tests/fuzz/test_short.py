"""A few of the inputs that `make fuzz` gives to every reader."""

import pytest

from tests.fuzz.run import run_target
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_is_a_fault_of_ours(name):
    outcome = run_target(TARGETS[name], 10 + 2 * TARGETS[name].share, number=1)
    assert outcome.inputs
    assert (dict(outcome.faults), outcome.samples) == ({}, {})
    assert not outcome.slow, outcome.slowest_input
