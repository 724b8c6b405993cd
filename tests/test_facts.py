"""The one table of what differs between stacks: each row by itself, and that no version stands anywhere else."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

import entra_deployer
from entra_deployer import facts
from entra_deployer.core.target import StackVersion

PACKAGE = Path(entra_deployer.__file__).parent
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "local" not in path.relative_to(PACKAGE).parts and path.stem != "facts"
)
VERSION = re.compile(r"(8\.1\d|9\.\d)(\.\d+)?|[78]\.\d\.0")
ROWS = [*facts.ROWS, *facts.FUNCTIONS.values(), *facts.COMMANDS.values()]
LINES = [StackVersion(8, minor) for minor in range(11, 20)] + [StackVersion(9, minor) for minor in range(8)]


def literals(tree: ast.Module):
    """The versions that a module's code says: docstrings and examples' versions are no code."""
    spared = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            spared.add(id(node.value))
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            spared |= {id(inner) for inner in ast.walk(node)}  # a local stack's profiles are chosen by their names
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Example":
            spared |= {id(inner) for part in node.keywords for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "StackVersion":
            if node.args and all(isinstance(part, ast.Constant) for part in node.args):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and id(node) not in spared and VERSION.fullmatch(str(node.value)):
            yield node.lineno, str(node.value)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_version_stands_outside_of_the_table(path):
    found = list(literals(ast.parse(path.read_text("utf-8"))))
    assert not found, f"{path.name} says versions of its own: put them into facts.py, each with its source"


def test_a_version_outside_of_the_table_would_be_found():
    lines = (
        '"""8.12"""',
        "one = StackVersion(8, 15)",
        'two = "9.2"',
        'Example("q", version="8.12")',
        "StackVersion(a, b)",
    )
    text = "\n".join(lines)
    assert [line for line, _ in literals(ast.parse(text))] == [2, 3]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.about)
class TestRow:
    def test_it_has_a_source(self, row):
        assert row.about
        assert len(row.source) > 10

    def test_it_holds_from_its_first_version_on_and_not_before(self, row):
        for line, first in ((8, row.eight), (9, row.nine)):
            held = [version for version in LINES if version.major == line and row.holds(version)]
            wanted = [version for version in LINES if version.major == line and first and version >= first]
            assert held == wanted

    def test_what_a_line_is_not_known_to_have_is_not_taken_for_had(self, row):
        if row.nine is None:
            assert row.known(StackVersion(9, 3)) is None
        assert row.known(StackVersion(8, 10)) is False

    def test_it_says_its_first_versions(self, row):
        told = [StackVersion.parse(text) for text in re.findall(r"\d+\.\d+", row.first)]
        assert set(told) <= {row.eight, row.nine}
        assert told or (row.eight, row.nine) == (None, None)


@pytest.mark.parametrize("feature", facts.FEATURES, ids=lambda feature: feature.about)
def test_a_feature_is_granted_in_every_version_and_never_by_less_than_before(feature):
    assert feature.source
    versions = [version for version in LINES if version >= facts.OLDEST]
    granting = [set(feature.granting(version)) for version in versions]
    assert all(granting)
    assert all(before <= after for before, after in pairwise(granting))
    assert all(set(feature.for_role(version)) & set(feature.granting(version)) for version in versions)


@pytest.mark.parametrize(
    "name", ["SUPPRESSING_LICENSES", "MOST_SIGNALS", "DEFAULT_ROWS", "MOST_ROWS", "PREVIEWS_AT_ONCE", "MIGRATED_FROM"]
)
def test_a_value_says_where_it_is_from(name):
    text = Path(facts.__file__).read_text("utf-8")
    assert re.search(rf'^{name} = .*?\n""".*?Source: [^"]+"""', text, re.MULTILINE | re.DOTALL)


def test_suppression_needs_one_of_the_licenses_that_there_are():
    assert set(facts.LICENSES) > facts.SUPPRESSING_LICENSES
