"""A promotion writes its intention first, and is completed by a second run where it could not say what it did."""

from dataclasses import replace

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.promotion.attestation import ABANDONED, DONE, INTENDED
from entra_deployer.promotion.promote import PromotionRequest, promote
from entra_deployer.repository import Repository
from entra_deployer.stack.environment import Gates
from tests.chaos.stack import ChaosStack, first_version, gone, push, second_version
from tests.memory_stack import KIBANA_URL

GATES = Gates(verdicts=False)


class Journal:
    """A ledger that refuses the writes of attestations whose numbers are named."""

    def __init__(self, journal, *refused):
        self._journal, self._refused, self.written = journal, refused, []

    def __getattr__(self, name):
        return getattr(self._journal, name)

    def remember_attestation(self, document):
        self.written.append(document["state"])
        if len(self.written) - 1 in self._refused:
            raise Refused("the disk is full", status=507)
        self._journal.remember_attestation(document)


@pytest.fixture
def source(tmp_path):
    first_version(tmp_path)
    stack = ChaosStack()
    push(stack, tmp_path)
    return stack


def run(root, source, target, *refused):
    """What a promotion tells, and the journal that it wrote."""
    there, here = source.connection(root), target.connection(root, gates=GATES)
    there = replace(there, environment=replace(there.environment, name="staging"))
    here = replace(here, journal=Journal(here.journal, *refused))
    return promote(Repository(root), there, here, PromotionRequest()), here.journal


def test_the_intention_comes_first_and_what_was_done_takes_its_place(tmp_path, source):
    target = ChaosStack()
    found, journal = run(tmp_path, source, target)
    assert not found.errors
    assert journal.written == [INTENDED, DONE]
    (kept,) = target.ledger("attestation")
    assert kept["document"]["state"] == DONE
    assert sorted(rule["name"] for rule in kept["document"]["rules"]) == ["Failures 1", "Failures 2", "Failures 3"]


def test_where_the_intention_cannot_be_written_nothing_is(tmp_path, source):
    target = ChaosStack()
    with pytest.raises(Refused):
        run(tmp_path, source, target, 0)
    assert target.rules == {}


def test_a_second_run_completes_what_could_not_be_told(tmp_path, source):
    target = ChaosStack()
    found, _ = run(tmp_path, source, target, 1)
    assert [issue.code for issue in found.errors] == ["DEP391"]
    assert len(target.rules) == 3
    assert [one["document"]["state"] for one in target.ledger("attestation")] == [INTENDED]
    again, journal = run(tmp_path, source, target)
    assert journal.written == [DONE]
    assert [one["document"]["state"] for one in target.ledger("attestation")] == [DONE]
    assert again.attestation["rules"]
    last, journal = run(tmp_path, source, target)
    assert journal.written == []
    assert last.attestation is None


def test_a_run_that_finds_something_else_to_do_completes_what_is_open_too(tmp_path, source):
    target = ChaosStack()
    run(tmp_path, source, target, 1)
    second_version(tmp_path)
    push(source, tmp_path)
    found, journal = run(tmp_path, source, target)
    assert not found.errors
    assert journal.written == [DONE, INTENDED, DONE]
    first, second = sorted((one["document"] for one in target.ledger("attestation")), key=lambda one: one["at"])
    assert (first["state"], second["state"]) == (DONE, DONE)
    assert sorted(rule["name"] for rule in second["rules"]) == ["Failures 2", "Failures 4"]


def test_an_intention_of_which_nothing_stands_is_abandoned(tmp_path, source):
    target = ChaosStack()
    run(tmp_path, source, target, 1)
    target.rules.clear()
    found, journal = run(tmp_path, source, target)
    assert found.refused  # deleted in Kibana: a drift
    assert journal.written == [ABANDONED]


def test_what_failed_may_have_arrived_so_that_the_next_run_completes_the_attestation(tmp_path, source):
    probe, target = ChaosStack(), ChaosStack()
    run(tmp_path, source, probe)
    imports = [number for number, (_, url) in enumerate(probe.asked) if "rules/_import" in url]
    target.at, target.fault = imports[0], _then_kibana_is_gone
    found, journal = run(tmp_path, source, target)
    assert len(target.rules) == 3
    assert (found.attestation, journal.written) == (None, [INTENDED])
    assert "DEP391" in {issue.code for issue in found.issues}
    again, journal = run(tmp_path, source, target.healed())
    assert journal.written == [DONE]
    assert len(again.attestation["rules"]) == 3


def _then_kibana_is_gone(stack, request, serve):
    stack.lasting = lambda later: gone(later) if later.url.startswith(KIBANA_URL) else None
    return serve(request)
