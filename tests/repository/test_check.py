"""`deploy check` and `deploy explain` below the command line."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import entra_deployer
from entra_deployer.checked import CheckReport, Support, check_code
from entra_deployer.checks.codes import find_explanation, known_codes, list_explanations, title
from entra_deployer.core.errors import ExitCode, UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion
from entra_deployer.hunts.selection import ALL
from entra_deployer.repository import OFFLINE, Repository, check_rules

HUNT = """# A hunt

## Metadata

- **Author:** Somebody
- **Description:** What it looks for.
- **UUID:** `0b8f1a62-7c54-4f3b-9d3e-5a1c2e7f9a10`
- **Language:** `[ES|QL]`

## Query

```sql
{query}
```
"""


@pytest.fixture
def project(tmp_path: Path):
    def make(query: str) -> Path:
        folder = tmp_path / "rules" / "a_hunt"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hunt.md").write_text(HUNT.format(query=query), "utf-8")
        return tmp_path

    return make


def cells(root: Path, *versions: str) -> dict[str, tuple[Support, tuple[str, ...]]]:
    report = check_rules(Repository(root), ALL, [OFFLINE], [StackVersion.parse(version) for version in versions])
    [row] = report.matrix
    return {cell.version: (cell.support, cell.reasons) for cell in row.cells}


def test_the_first_version_that_has_everything_is_told(project):
    found = cells(project('from a | where mv_contains(event.type, "x")'), "8.12", "8.19", "9.1", "9.2", "9.5")
    assert [found[version][0] for version in found] == [Support.NO] * 3 + [Support.YES] * 2
    assert found["9.1"][1] == ("9.1 does not have the function MV_CONTAINS (the first to have it: 9.2)",)


@pytest.mark.parametrize(
    ("query", "version", "support"),
    [
        ("from a | lookup join b on x", "8.17", Support.NO),
        ("from a | lookup join b on x", "8.18", Support.YES),
        ("from a | lookup join b on x", "9.0", Support.YES),
        ("from a | eval y = x::int", "8.14", Support.NO),
        ("from a | eval y = x::int", "8.15", Support.YES),
        ("from a | stats c = count(*) where x > 1 by y", "8.15", Support.NO),
        ("from a | stats c = count(*) where x > 1 by y", "8.16", Support.YES),
        ("from a | inline stats c = count(*) by y", "8.19", Support.NO),
        ("from a | inline stats c = count(*) by y", "9.1", Support.NO),
        ("from a | inline stats c = count(*) by y", "9.2", Support.YES),
        ("from a | eval y = url_decode(x)", "8.19", Support.NO),
        ("from a | eval y = url_decode(x)", "9.4", Support.UNKNOWN),
        ("from a | eval y = url_decode(x)", "9.5", Support.YES),
        ("from a | where", "9.4", Support.NO),
    ],
)
def test_a_cell_says_yes_no_or_that_it_is_not_known(project, query, version, support):
    assert cells(project(query), version)[version][0] is support


def test_the_next_steps_for_several_versions_have_one_order(project):
    targets = [replace(OFFLINE, version=StackVersion.parse(version)) for version in ("9.2", "8.12", "8.19")]
    report = check_rules(Repository(project('from a | where event.type == "x"')), ALL, targets)
    assert [issue.hint for issue in report.issues if issue.code == "DEP014"] == [
        'write `MV_CONCAT(event.type, ",") LIKE "*x*"`',
        'write `MV_CONTAINS(event.type, "x")`',
        'write `event.type : "x"`',
    ]


def test_without_versions_there_is_no_matrix(project):
    assert check_rules(Repository(project("from a | keep x")), ALL, [OFFLINE]).matrix == ()


def test_the_report_holds_errors_warnings_and_notes_with_their_titles(project):
    report = check_rules(Repository(project('from a | where process.parent.args != "x"')), ALL, [OFFLINE])
    assert {issue.code for issue in report.issues} == {"DEP014", "DEP015", "DEP016", "DEP036"}
    assert set(report.titles) == {"DEP014", "DEP015", "DEP016", "DEP036"}
    assert all(report.titles.values())
    assert report.count(Level.WARNING) == 2
    assert check_code(report) is ExitCode.OK


@pytest.mark.parametrize(
    ("code", "level", "expected"),
    [
        ("DEP001", Level.ERROR, ExitCode.FAILED),
        ("DEP002", Level.ERROR, ExitCode.FAILED),
        ("DEP010", Level.ERROR, ExitCode.DIFFERENT),
        ("DEP014", Level.WARNING, ExitCode.OK),
    ],
)
def test_exit_codes(code, level, expected):
    assert check_code(CheckReport("8.19", 1, 1, (Issue(code, level, "x"),))) is expected


def test_every_code_in_the_package_is_explained():
    folder = Path(entra_deployer.__file__).parent
    used = {code for file in folder.rglob("*.py") for code in re.findall(r'"(DEP\d{3})"', file.read_text("utf-8"))}
    assert used <= set(known_codes())
    for one in list_explanations():
        assert one.title
        assert one.text
        assert title(one.code) == one.title


def test_the_first_figure_of_a_code_tells_what_it_is_about():
    """Each room tells of its own: what another one told is handed on, or named as a constant."""
    told = {"0": {"core", "hunts", "compiler", "checks"}, "3": {"plan", "ledger", "promotion"}, "8": {"verify"}}
    package = Path(entra_deployer.__file__).parent
    for figure, rooms in told.items():
        for room in rooms:
            for file in (package / room).rglob("*.py"):
                codes = re.findall(r'Issue\(\s*"DEP(\d)\d\d"', file.read_text("utf-8"))
                assert set(codes) <= {figure}, file


def test_a_check_is_explained_with_its_examples():
    found = find_explanation("dep024")
    assert (found.code, found.level, found.silenceable) == ("DEP024", "warning", True)
    assert "# for 8.19, basic" in found.bad
    assert "count(*)" in found.good


def test_a_code_that_does_not_exist_is_wrong_usage():
    with pytest.raises(UsageError, match="there is no code DEP01"):
        find_explanation("DEP01")
    assert title("DEP999") == ""


def test_the_projects_own_rules_have_nothing_wrong(request):
    root = Path(request.config.rootpath)
    for licensed in ("basic", "platinum"):
        report = check_rules(Repository(root), ALL, [replace(OFFLINE, license=licensed)])
        assert {issue.code for issue in report.issues if issue.level is not Level.NOTE} <= {"DEP024", "DEP037"}
