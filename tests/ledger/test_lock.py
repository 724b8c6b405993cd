"""The lock: no clock but the waiter's own tells whether a holder lives, and who lost it writes nothing."""

from dataclasses import dataclass, replace

import pytest

from entra_deployer.core.errors import AnswerLost, LockLost, Refused, Unreachable
from entra_deployer.ledger.lock import LIFE, SAFE, Machine, Process, SpaceLocks
from tests.ledger.stores import MemoryStore

HERE = Process.here()


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self):
        return self.now


class Waiter:
    """Says no at once; each pause lets time go by, and `meanwhile` do its work."""

    def __init__(self, clock, seconds=1.0, meanwhile=lambda: None):
        self.clock, self.seconds, self.meanwhile, self.pauses = clock, seconds, meanwhile, 0

    def __call__(self, holder):
        self.pauses += 1
        assert self.pauses < 1000
        self.clock.now += self.seconds
        self.meanwhile()


def locks(store, clock=None, spaces=("a",), process=HERE, pause=None):
    return SpaceLocks(
        store, spaces, "test", pause=pause or Waiter(clock or Clock()), machine=Machine(process, clock or Clock())
    )


def never(_):
    return False


def test_it_is_held_by_one_and_given_back():
    store = MemoryStore()
    with locks(store).held(never) as lock:
        assert lock.owner
        with pytest.raises(Refused, match="is pushing to the space a"), locks(store).held(never):
            pass
    assert store.locks == {}
    with locks(store).held(never):
        pass


class GivesBack(MemoryStore):
    """Answers each deletion of a lock with an error of `problems`, the write done or not, then as it should."""

    def __init__(self, *problems):
        super().__init__()
        self.problems = list(problems)

    def delete_lock(self, document_id, *, replaces):
        done, problem = self.problems.pop(0) if self.problems else (True, None)
        if done:
            super().delete_lock(document_id, replaces=replaces)
        if problem:
            raise problem


LOST = AnswerLost("the connection was closed")


@pytest.mark.parametrize(
    ("problems", "told", "stands"),
    [
        ([(True, LOST)], 0, False),
        ([(False, LOST)], 0, False),
        ([(False, LOST), (False, LOST)], 1, True),
        ([(False, Unreachable("nobody answers"))], 1, True),
        ([(False, Refused("not any more", status=403))], 1, True),
        ([(False, Refused("another version", status=409))], 0, True),
    ],
)
def test_a_lock_that_cannot_be_given_back_is_told(problems, told, stands):
    store = GivesBack(*problems)
    lines: list[str] = []
    held = SpaceLocks(store, ["a"], "staging", tell=lines.append, machine=Machine(HERE, Clock()))
    with held.held(never):
        pass
    assert len(lines) == told
    assert bool(store.locks) is stands
    for line in lines:
        assert line.startswith("the lock of the space a could not be given back: ")
        assert "60 seconds" in line


def test_two_pushes_of_one_name_and_process_number_are_two():
    store = MemoryStore()
    with locks(store).held(never) as one:
        first = one.owner
    with locks(store).held(never) as other:
        assert other.owner != first


def test_another_name_for_the_same_space_waits_too():
    store = MemoryStore()
    one = SpaceLocks(store, ["a"], "staging", pause=Waiter(Clock()), machine=Machine(HERE, Clock()))
    other = SpaceLocks(store, ["a", "b"], "production", pause=Waiter(Clock()), machine=Machine(HERE, Clock()))
    with one.held(never), pytest.raises(Refused), other.held(never):
        pass
    assert store.locks == {}


def test_a_lock_that_was_taken_half_is_given_back():
    store = MemoryStore()
    with locks(store, spaces=("b",)).held(never):
        with pytest.raises(Refused), locks(store, spaces=("a", "b")).held(never):
            pass
        assert list(store.locks) == ["lease:space:b"]


def standing(store, **fields):
    """A lock that somebody left, by default of a process elsewhere."""
    source = {"owner": "x", "who": "ute@far process 1", "expires": "2020-01-01T00:00:00+00:00", **fields}
    source = {"process": {"boot": "other", "namespace": "ns", "pid": 1, "started": "1"}, **source}
    return store.put_lock("lease:space:a", source, replaces=store.locks.get("lease:space:a"))


def test_a_clock_that_is_ahead_takes_no_living_holders_lock():
    store, clock = MemoryStore(), Clock()
    standing(store)  # over by the waiter's clock, and alive

    def renew():
        standing(store)

    with pytest.raises(Refused), locks(store, clock, pause=Waiter(clock, 5.0, renew)).held(never):
        pass


def test_a_holder_elsewhere_is_dead_when_its_lock_stood_still_for_its_whole_life():
    store, clock = MemoryStore(), Clock()
    standing(store)
    waiter = Waiter(clock)
    with locks(store, clock, pause=waiter).held(never):
        assert LIFE <= clock.now < LIFE + 5


def test_a_holder_whose_time_is_not_over_is_not_waited_for_without_being_asked():
    store = MemoryStore()
    standing(store, expires="2999-01-01T00:00:00+00:00")
    with pytest.raises(Refused, match="ute@far process 1"), locks(store).held(never):
        pass


@pytest.mark.parametrize("process", [replace(HERE, started="0"), replace(HERE, pid=2**22 + 1)])
def test_a_process_of_this_boot_and_namespace_that_is_gone_or_another_is_dead(process):
    assert process.is_dead(HERE) is bool(HERE.boot)


@pytest.mark.parametrize("change", [{"boot": "other"}, {"namespace": "other"}, {"boot": "", "namespace": ""}])
def test_a_process_of_another_namespace_or_boot_is_never_called_dead(change):
    assert not replace(Process.here(), pid=2**22 + 1, **change).is_dead(Process.here())
    assert not Process.here().is_dead(Process.here())


def test_who_slept_past_the_lock_stops_and_says_who_has_it():
    store, clock = MemoryStore(), Clock()
    with locks(store, clock).held(never) as lock:
        clock.now += SAFE - 1
        lock.confirm()
        clock.now += 2
        lock.confirm()  # nobody took it: it is ours again
        clock.now += LIFE
        standing(store)
        with pytest.raises(LockLost, match="ute@far process 1 has it now"):
            lock.confirm()
        with pytest.raises(LockLost):
            lock.confirm()
    assert store.locks["lease:space:a"].source["owner"] == "x"


def test_a_lock_that_is_gone_is_lost():
    store, clock = MemoryStore(), Clock()
    with locks(store, clock).held(never) as lock:
        store.locks.clear()
        clock.now += SAFE + 1
        with pytest.raises(LockLost, match="nobody has it"):
            lock.confirm()


def test_a_renewal_whose_answer_was_lost_is_still_ours():
    store, clock = MemoryStore(), Clock()
    with locks(store, clock).held(never) as lock:
        mine = store.locks["lease:space:a"]
        store.put_lock("lease:space:a", mine.source, replaces=mine)
        clock.now += SAFE + 1
        lock.confirm()
    assert store.locks == {}


def test_an_unreadable_lock_is_waited_out():
    store, clock = MemoryStore(), Clock()
    store.put_lock("lease:space:a", {"owner": ["?"]}, replaces=None)
    with locks(store, clock).held(never):
        assert clock.now >= LIFE


def test_unwanted_nothing_is_taken():
    store = MemoryStore(refuses=403)
    with locks(store).held(never, wanted=False) as lock:
        lock.confirm()
        assert lock.owner == ""


def test_a_key_that_may_not_write_is_told_the_way_out():
    with pytest.raises(Refused, match="--no-lock"), locks(MemoryStore(refuses=403)).held(never):
        pass


def test_a_running_push_is_known_by_its_owner():
    store = MemoryStore()
    mine = locks(store, process=Process.here())
    with mine.held(never) as lock:
        assert mine.is_running(lock.owner)
        assert not mine.is_running("another")
    assert not mine.is_running(lock.owner)
