"""`deploy synth` on a project."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.errors import ExitCode, InputError
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import parse
from entra_deployer.hunts.detection_test import read_detection_tests
from entra_deployer.hunts.selection import Selection
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.verify.generate_tests import (
    MANY,
    file_text,
    remove_leftovers,
    standing,
    stream_of,
    synth_code,
    synthesis_of,
    synthesise,
    write_tests,
)
from entra_deployer.verify.obstacles import reads
from tests.bench.projects import add_hunt
from tests.reading import there

ROOT = Path(__file__).parents[2]
HUNTS = ROOT / "tests" / "data" / "hunts"


def test_every_rule_of_the_project_has_a_solution():
    steps = []
    found = tuple(synthesise(Repository(ROOT), step=lambda *step: steps.append(step)))
    assert steps == [(done, len(found)) for done in range(len(found) + 1)], "it is told rule by rule"
    assert [one.unsolved for one in found] == [()] * len(found)
    assert all(one.fires and one.quiet for one in found)
    assert synth_code(found) is ExitCode.OK


def test_what_is_written_reads_back_and_is_not_overwritten(tmp_path: Path):
    found = tuple(synthesise(Repository(ROOT), Selection(("entra_service_principal_credential_abuse",))))
    files = tuple(file for one in found for file in write_tests(tmp_path, one))
    folder = "rules/entra_service_principal_credential_abuse"
    assert files == (f"{folder}/tests/synth-added.yaml", f"{folder}/tests/synth-used.yaml")
    tests, issues = read_detection_tests(tmp_path / folder, source=folder)
    assert issues == ()
    assert [test.query for test in tests] == ["added", "used"]
    with pytest.raises(InputError, match="there already"):
        write_tests(tmp_path, found[0])
    assert write_tests(tmp_path, found[0], force=True) == files[:1]


def test_many_rules_get_on_all_cores_what_each_gets_alone(tmp_path: Path):
    for number in range(MANY):
        add_hunt(tmp_path, number)
    together = [replace(one, seconds=0) for one in synthesise(Repository(tmp_path))]
    compilation = Repository(tmp_path).compile(OFFLINE)
    assert together == [replace(synthesis_of(compilation, rule), seconds=0) for rule in compilation.rules]
    assert len(together) == MANY


@pytest.mark.parametrize(
    ("source", "stream"),
    [
        ("logs-azure.signinlogs*", "logs-azure.signinlogs-default"),
        ("logs-azure.signinlogs-*", "logs-azure.signinlogs-default"),
        ('"logs-o365.audit-*"', "logs-o365.audit-default"),
        ("remote:logs-okta*", "logs-okta-default"),
        ("logs-azure.*, logs-x", "logs-azure-default"),
        (".alerts-security.*, logs-okta.system-*", "logs-okta.system-default"),
        ("*", "logs-events-default"),
        (".alerts-security.*", ".alerts-security.alerts-default"),
        (".siem-signals-*", ".siem-signals-default"),
        ("*-prod", "default-prod"),
        ("logs-x::data", "logs-x-default"),
    ],
)
def test_the_stream_is_one_that_the_query_reads(source, stream):
    tree = there(parse(f"FROM {source} | LIMIT 1", OFFLINE.version).tree)
    assert stream_of(tree) == stream
    assert reads([name.strip('"') for name in sources(tree)], stream)


def copied(top: Path, *hunts: str) -> Path:
    for name in hunts:
        shutil.copytree(HUNTS / name, top / "rules" / name)
    return top


def test_what_does_not_compile_is_told_beside_what_does(tmp_path: Path):
    made, broken = synthesise(Repository(copied(tmp_path, "sound", "no_query")))
    assert made.tests
    assert (broken.name, broken.tests, synth_code((made, broken))) == ("no_query", (), ExitCode.FAILED)
    assert broken.unsolved[0].why.endswith("hunt.md:14:1: the hunt has no query")


def test_a_hunt_without_es_ql_is_no_bug(tmp_path: Path):
    copied(tmp_path, "sound")
    hunt = tmp_path / "rules" / "sound" / "hunt.md"
    text = hunt.read_text("utf-8").replace("`[ES|QL]`", "`[OSQuery, ES|QL]`")
    hunt.write_text(re.sub(r"```sql\n.*?```", "```sql\nSELECT * FROM processes\n```", text, flags=re.DOTALL), "utf-8")
    with pytest.raises(InputError, match=r"none of its queries is"):
        next(synthesise(Repository(tmp_path)))


def test_without_any_rule_there_is_none_to_make_a_test_for(tmp_path: Path):
    (tmp_path / "rules").mkdir()
    with pytest.raises(InputError, match="there are no hunts here"):
        next(synthesise(Repository(tmp_path)))


ODD = [
    'ROW user.name = "a"',
    "SHOW INFO",
    'FROM logs-a-* | GROK message """id=(?<x>[^,}\\]]+)""" | STATS c = COUNT(*) BY x',
]


@pytest.mark.parametrize("query", ODD)
def test_a_rule_that_makes_trouble_leaves_the_others_alone(tmp_path: Path, query: str):
    copied(tmp_path, "sound")
    shutil.copytree(HUNTS / "sound", tmp_path / "rules" / "a_odd")
    hunt = tmp_path / "rules" / "a_odd" / "hunt.md"
    text = hunt.read_text("utf-8").replace("# A hunt", "# An odd hunt").replace("A hunt", "An odd hunt")
    text = re.sub(r"```sql\n.*?```", lambda _: f"```sql\n{query}\n```", text, flags=re.DOTALL)
    hunt.write_text(re.sub(r"[0-9a-f]{8}-", "00000000-", text), "utf-8")
    found = {one.name: one for one in synthesise(Repository(tmp_path))}
    assert found["A hunt"].tests
    assert all(one.tests or one.unsolved for one in found.values())
    assert len(found) == 2


def test_a_query_without_an_index_has_no_test_and_its_place_is_told(tmp_path: Path):
    add_hunt(tmp_path, 1)
    hunt = next(tmp_path.rglob("hunt.md"))
    text = hunt.read_text("utf-8")
    hunt.write_text(re.sub(r"```sql\n.*?```", "```sql\nROW a = 1 | WHERE a > 0\n```", text, flags=re.DOTALL), "utf-8")
    [made] = synthesise(Repository(tmp_path))
    [reason] = made.unsolved
    assert made.tests == ()
    assert re.fullmatch(r".*rules/.*/hunt\.md:\d+:1: the query reads from no index", reason.why)


def test_files_that_an_earlier_synthesis_left_go_and_others_stay(tmp_path: Path):
    [made] = synthesise(Repository(ROOT), Selection(("entra_rare_scripting_user_agent",)))
    test = made.tests[0]
    made = replace(made, tests=(test,))
    folder = (tmp_path / test.source).parent
    more = replace(made, tests=(test, replace(test, source=test.source.replace(".yaml", "-2.yaml"))))
    write_tests(tmp_path, more)
    own = folder / "synth-3.yaml"
    own.write_text("# Somebody's own\n", "utf-8")
    other = folder / "synth-4.yaml"
    other.write_text(file_text(tmp_path, replace(test, query="other")), "utf-8")
    assert remove_leftovers(tmp_path, more) == ()
    assert standing(tmp_path, made) == test.source
    assert remove_leftovers(tmp_path, made) == (test.source.replace(".yaml", "-2.yaml"),)
    assert sorted(path.name for path in folder.iterdir()) == ["synth-3.yaml", "synth-4.yaml", "synth.yaml"]
    assert remove_leftovers(tmp_path, replace(made, tests=())) == ()
