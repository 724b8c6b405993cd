"""From cases to tests: what stands in one file."""

import pytest

from entra_deployer.hunts.folder import Event
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import Made


def case(number, fires=True, alone=False, tells=None):
    name = f"u-{number}"
    told = None if tells is None else frozenset(tells)
    return Case(name, fires, (Event(name, {"u": name}, 60.0),), {"u": name}, "", alone, told)


def sizes(cases, **payload):
    tests = Made(tuple(cases), "made", "logs-x-default", "rules/h/tests/synth.yaml", None, payload).tests()
    assert [test.source for test in tests][:2] == ["rules/h/tests/synth.yaml", "rules/h/tests/synth-2.yaml"][
        : len(tests)
    ]
    return [(len(test.catches), len(test.ignores)) for test in tests]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, [(80, 5), (80, 0), (20, 0)]),
        ({"max_signals": 1000}, [(180, 5)]),
        ({"max_signals": 2}, [(1, 5)] + [(1, 0)] * 179),
    ],
)
def test_no_test_has_more_that_fire_than_a_run_may_write(payload, expected):
    assert (
        sizes([*(case(n) for n in range(180)), *(case(n, fires=False) for n in range(200, 205))], **payload) == expected
    )


def test_what_could_be_mixed_up_stands_apart():
    assert sizes([case(1), case(1), case(2), case(3, alone=True)]) == [(2, 0), (1, 0), (1, 0)]


def test_a_further_test_is_there_only_where_it_tells_more_than_the_others():
    cases = [
        case(1, tells={1}),
        case(2, tells={2}, fires=False),
        case(3, alone=True, tells={1, 2}, fires=False),
        case(4, alone=True, tells={3}, fires=False),
        case(5, alone=True, tells={3, 4}, fires=False),
        case(6, alone=True, fires=False),
    ]
    tests = Made(tuple(cases), "made", "logs-x-default", "rules/h/tests/synth.yaml", None, {}).tests()
    assert [[one.name for one in (*test.catches, *test.ignores)] for test in tests] == [
        ["u-1", "u-2"],
        ["u-5"],
        ["u-6"],
    ]


def test_without_a_case_that_fires_there_is_no_test():
    assert sizes([case(1, fires=False)]) == []
