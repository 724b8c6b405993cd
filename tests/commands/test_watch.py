"""What is done again when a file is saved, and for which hunts."""

import os

import pytest

from entra_deployer.commands.watch import hunts_of, keep_watching
from entra_deployer.core.errors import InputError, UsageError


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


def watched(looks, work=None, **more):
    """The folders of each piece of work, while the looks last; each wait is one."""
    done, left = [], iter(looks)

    def look():
        try:
            return next(left)
        except StopIteration:
            raise Interrupted from None

    def note_down(folders):
        done.append(folders)
        if work:
            work(folders)

    with pytest.raises(Interrupted):
        keep_watching(look, note_down, lambda: None, **more)
    return done


def test_all_at_first_then_what_was_saved_once_it_stands_still():
    a1, a2, a3 = {"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "3", "b": "1"}
    assert watched([a1, a1, a1]) == [()]
    assert watched([a1, a2, a3, a3, a3]) == [(), ("a",)]


def test_a_new_hunt_is_worked_on_and_one_that_left_is_not():
    assert watched([{"a": "1"}, {"a": "1", "b": "1"}, {"a": "1", "b": "1"}]) == [(), ("b",)]
    assert watched([{"a": "1", "b": "1"}, {"a": "1"}, {"a": "1"}, {"a": "1"}]) == [()]


def test_what_was_saved_while_it_worked_is_not_lost():
    looks = [{"a": "1"}, {"a": "2"}, {"a": "2"}]
    assert watched(looks) == [(), ("a",)]


def test_a_file_that_cannot_be_read_is_told_and_tried_again_when_it_is_saved(capsys):
    def work(folders):
        if folders == ("a",):
            raise InputError("not a hunt")

    looks = [{"a": "1"}, {"a": "2"}, {"a": "2"}, {"a": "3"}, {"a": "3"}]
    assert watched(looks, work) == [(), ("a",), ("a",)]
    assert capsys.readouterr().err == "changed: a\nerror: not a hunt\n" * 2


def test_of_a_hunt_that_nobody_asked_for_nothing_is_said(capsys):
    looks = [{"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "2", "b": "1"}, {"a": "3", "b": "2"}]
    looks.append(looks[-1])
    assert watched(looks, asked_for=lambda folders: tuple(name for name in folders if name == "b")) == [(), ("b",)]
    assert capsys.readouterr().err == "changed: b\n"


def test_wrong_usage_ends_it():
    def work(_):
        raise UsageError("no such rule")

    with pytest.raises(UsageError):
        keep_watching(dict, work, lambda: None)


def test_a_hunt_has_another_version_when_one_of_its_files_changes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / "hunt.md").write_text("one")
    before = hunts_of(tmp_path)
    (tmp_path / "a" / "tests" / "t.yaml").write_text("")
    os.utime(tmp_path / "b" / "hunt.md", ns=(1, 1))
    after = hunts_of(tmp_path)
    assert sorted(before) == sorted(after) == ["a", "b"]
    assert all(before[name] != after[name] for name in after)
