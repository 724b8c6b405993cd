"""Work on several cores gives what work on one does, in its order, whatever becomes of the workers."""

import os
import subprocess
import sys
from collections.abc import Generator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.workers import side_by_side
from tests.core.work import die_elsewhere, double, prints, raises, stream, where


@given(st.lists(st.integers(), max_size=4))
def test_one_worker_is_this_process(numbers):
    assert list(side_by_side(double, numbers, workers=1)) == [2 * number for number in numbers]


def test_the_results_come_in_the_order_of_the_items():
    assert list(side_by_side(double, range(20), workers=2)) == [2 * number for number in range(20)]


def test_the_work_is_done_in_other_processes():
    places = set(side_by_side(where, range(20), workers=2))
    assert 1 <= len(places) <= 2
    assert os.getpid() not in places


def test_who_dies_is_missed_by_nobody():
    work = partial(die_elsewhere, home=os.getpid())
    assert list(side_by_side(work, range(5), workers=2)) == [0, 2, 4, 6, 8]


def test_what_the_work_raises_is_raised():
    found = side_by_side(raises, range(5), workers=2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(LookupError, match="two"):
        next(found)


def test_what_is_printed_is_no_answer():
    assert list(side_by_side(prints, range(5), workers=2)) == list(range(5))


def test_what_cannot_be_sent_is_worked_on_here():
    assert list(side_by_side(stream, (0, 1), workers=2)) == [0, sys.stdout]
    assert list(side_by_side(lambda number: 2 * number, (1, 2), workers=2)) == [2, 4]


def test_whoever_takes_some_leaves_no_process(tmp_path):
    """A process that ends is waited for: none of it is left when the iterator is closed."""
    found = side_by_side(where, range(100), workers=2)
    first = next(found)
    assert isinstance(found, Generator)
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_worker_ends_with_whoever_asked():
    code = "from entra_deployer.core.workers import serve; serve()"
    done = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=True, timeout=60)
    assert done.stdout == b""
