"""What is kept by content is never wrong, never needed, and does not grow without end."""

import threading
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.cache import MOST, Cache, digest, tool_digest


def key(number: int) -> str:
    return f"aa{number:062d}"


def test_what_was_kept_is_there_and_another_key_is_not(tmp_path):
    kept = Cache(tmp_path)
    assert kept.get(key(1)) is None
    kept.put(key(1), b"one")
    assert Cache(tmp_path).get(key(1)) == b"one"
    assert kept.get(key(2)) is None
    kept.put(key(1), b"another")
    assert kept.get(key(1)) == b"another"


def test_the_oldest_make_room(tmp_path):
    kept = Cache(tmp_path, most=3)
    for number in range(10):
        kept.put(key(number), b"x")
    left = [number for number in range(10) if kept.get(key(number))]
    assert len(left) == 3
    assert 9 in left


def test_ten_thousand_results_of_one_run_stay_till_it_reads_them_again(tmp_path):
    kept = Cache(tmp_path)
    keys = [digest([str(number).encode()]) for number in range(10_000)]
    fullest = max(Counter(one[:2] for one in keys).values())
    assert fullest <= MOST
    for number in range(fullest):
        kept.put(key(number), b"x")
    assert all(kept.get(key(number)) for number in range(fullest))


def test_clearing_it_leaves_nothing_and_says_how_much_there_was(tmp_path):
    kept = Cache(tmp_path)
    assert kept.clear() == 0
    kept.put(key(1), b"x")
    kept.put("bb" + "0" * 62, b"x")
    assert kept.clear() == 2
    assert kept.get(key(1)) is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    kept = Cache(tmp_path / "file")
    kept.put(key(1), b"x")
    assert kept.get(key(1)) is None
    assert kept.clear() == 0


def test_writers_at_the_same_time_leave_one_whole_result(tmp_path):
    results = [bytes([number]) * 100_000 for number in range(8)]
    writers = [threading.Thread(target=Cache(tmp_path).put, args=(key(1), result)) for result in results]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert Cache(tmp_path).get(key(1)) in results
    assert len(list(tmp_path.glob("??/*"))) == 1


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_a_digest_tells_every_list_of_parts_from_every_other(some, others):
    assert (digest(some) == digest(others)) == (some == others)


def test_the_tool_has_one_digest():
    assert tool_digest() == tool_digest()
    assert len(tool_digest()) == 64
