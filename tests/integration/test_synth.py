"""Made tests on a real Elasticsearch: what must fire fires, and every near miss stays quiet."""

import shutil
from pathlib import Path

import pytest

from entra_deployer.model.verdict import Status
from entra_deployer.reports.detection_test_as_yaml import detection_test_as_yaml
from entra_deployer.workflow.connection import Connection
from entra_deployer.workflow.push import PushRequest, push_rules
from entra_deployer.workflow.synth import synthesise, write_tests
from entra_deployer.workflow.verify import VerifyRequest, verify_rules
from tests.bench.hunts import HUNTS, Tally, behave

RULES = Path(__file__).parents[2] / "rules"


@pytest.fixture
def made(tmp_path: Path, connection: Connection) -> Path:
    """The project's rules, pushed, with made tests in place of their own."""
    shutil.copytree(RULES, tmp_path / "rules", ignore=shutil.ignore_patterns("tests"))
    write_tests(tmp_path, synthesise(tmp_path, ()), detection_test_as_yaml)
    assert not push_rules(tmp_path, connection, PushRequest()).errors
    return tmp_path


def test_made_tests_of_the_projects_rules_pass_and_notice_every_small_change(made: Path, connection: Connection):
    verdicts = verify_rules(made, connection, VerifyRequest(mutate=True)).verdicts
    assert {verdict.name: (verdict.status, verdict.error, verdict.problems) for verdict in verdicts} == {
        verdict.name: (Status.PASSED, "", ()) for verdict in verdicts
    }
    assert {verdict.name: verdict.mutation.survivors for verdict in verdicts if verdict.mutation} == {
        verdict.name: () for verdict in verdicts
    }


@pytest.mark.skipif(not HUNTS.is_dir(), reason="the shared hunts are not here")
def test_nine_in_ten_of_the_shared_hunts_behave(connection: Connection):
    tally = Tally()
    for outcome in behave(connection.elastic):
        tally.add(outcome)
    assert tally.parsable >= 45
    assert tally.behaving >= 0.9 * tally.parsable, tally.strange
    assert tally.fired >= 0.9 * tally.firing
    assert tally.quiet >= 0.9 * tally.near_misses
