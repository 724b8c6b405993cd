"""The fields behind a condition."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.parse import parse
from entra_deployer.verify.generate.lineage import fields_behind
from tests.reading import there


@pytest.mark.parametrize(
    ("before", "fields"),
    [
        ("EVAL y = a + b, x = y * 2", {"a", "b"}),
        ("EVAL x = a, x = x + b", {"a", "b"}),
        ("EVAL x = y, y = a", {"y"}),
        ("EVAL y = a | STATS n = MAX(y) WHERE c > 1 BY k | EVAL d = n / 2, x = d", {"a", "c"}),
        ('DISSECT a "%{y} %{z}" | EVAL x = y', {"a"}),
        ("EVAL y = a | RENAME y AS x", {"a"}),
    ],
)
def test_they_are_found_through_what_each_command_makes(before, fields):
    tree = there(parse(f"FROM logs | {before} | WHERE x > 5", StackVersion(8, 19)).tree)
    last = tree.commands[-1]
    assert isinstance(last, nodes.Where)
    assert set(fields_behind(tree, last.predicate, len(tree.commands) - 1)) == fields
