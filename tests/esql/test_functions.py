"""Functions of ES|QL, as Elasticsearch computes them (tests/integration/test_synth.py holds them to it)."""

import pytest

from entra_deployer.esql.functions import Unknown, compute, is_known
from tests.esql.computed import COMPUTED


@pytest.mark.parametrize(("name", "arguments", "value"), COMPUTED)
def test_a_value_is_computed(name, arguments, value):
    assert compute(name, *arguments) == value


def test_null_gives_null():
    assert compute("to_lower", None) is None
    assert compute("replace", "a", None, "b") is None


@pytest.mark.parametrize(
    ("name", "arguments"), [("categorize", ("a",)), ("to_lower", (1,)), ("replace", ("a", "(", "b")), ("left", ("a",))]
)
def test_what_is_not_computed_is_named(name, arguments):
    with pytest.raises(Unknown, match=name.upper()):
        compute(name, *arguments)
    assert is_known(name) is (name != "categorize")
