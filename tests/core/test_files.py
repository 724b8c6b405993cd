"""The bounded reader and the atomic writer."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.errors import InputError
from entra_deployer.core.files import check_text, read_bytes, read_text, write_text
from tests.reading import there


def told(path, **options):
    with pytest.raises(InputError) as caught:
        read_text(path, shown="a file", **options)
    return str(caught.value)


def test_a_text_is_read_without_its_mark(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbfa\r\n\tb")
    assert read_text(file) == "a\r\n\tb"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ab\nc\xffd", "a file:2:2: the file is not UTF-8"),
        (b"ab\nc\x00d", "a file:2:2: the character U+0000 is not text"),
        (b"\x1b[31m", "a file:1:1: the character U+001B is not text"),
        ("a\n\u0085".encode(), "a file:2:1: the character U+0085 is not text"),
        (b"a\x7f", "a file:1:2: the character U+007F is not text"),
        (b"\xed\xa0\x80", "a file:1:1: the file is not UTF-8"),
        (b"x" * 11, "a file: is larger than 0 KiB"),
    ],
)
def test_what_is_no_text_is_told_with_its_place(tmp_path, data, message):
    (tmp_path / "a").write_bytes(data)
    assert told(tmp_path / "a", limit=10).startswith(message)


def test_what_is_no_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    assert "a file: cannot be read: No such file" in told(tmp_path / "gone")
    assert "a file: cannot be read: Is a directory" in told(tmp_path)
    assert "a file: is not a regular file" in told(tmp_path / "pipe")
    assert "a file: cannot be read: Too many levels" in told(tmp_path / "loop")
    assert "a file: cannot be read" in told(tmp_path / "a\0b")
    with pytest.raises(InputError, match="cannot be read: Not a directory"):
        read_bytes(tmp_path / "pipe" / "x")


@given(st.text())
def test_only_text_passes(text):
    bad = any((ord(c) < 32 and c not in "\t\n\r") or 127 <= ord(c) < 160 or c in "\ufffe\uffff" for c in text)
    if not bad:
        check_text(text, "x")
        return
    with pytest.raises(InputError) as caught:
        check_text(text, "x")
    character = chr(int(caught.value.message[16:20], 16))
    before = text[: text.index(character)]
    assert (there(caught.value.location).line, there(caught.value.location).column) == (
        before.count("\n") + 1,
        len(before.rpartition("\n")[2]) + 1,
    )


def test_a_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "new" / "deep" / "a", "x\r\ny\u20ac")
    assert (tmp_path / "new" / "deep" / "a").read_bytes() == "x\r\ny\u20ac".encode()
    assert [path.name for path in (tmp_path / "new" / "deep").iterdir()] == ["a"]


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path):
    file, link = tmp_path / "a", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_text(link, "new")
    assert link.is_symlink()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o640)
    write_text(tmp_path / "private", "x", private=True)
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


def test_what_is_there_is_not_written_over_where_it_shall_be_new(tmp_path):
    write_text(tmp_path / "a", "old", new=True)
    with pytest.raises(InputError, match="is there already"):
        write_text(tmp_path / "a", "new", new=True)
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("new", [True, False])
def test_nothing_is_left_of_a_text_that_cannot_be_written(tmp_path, new):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "below", tmp_path / "a\0b"):
        with pytest.raises(InputError, match="cannot be written"):
            write_text(path, "text", new=new)
    with pytest.raises(InputError, match="cannot be written: not a name of a file, or not text"):
        write_text(tmp_path / "a", "\ud800", new=new)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_device_is_written_to():
    write_text(Path(os.devnull), "x")
    assert Path(os.devnull).is_char_device()
