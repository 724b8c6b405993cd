"""What git does not say is no end: it is not there, the folder is none of its, or it takes too long."""

import pytest

from entra_deployer.core.git import answer_of, commit_of


@pytest.mark.parametrize("folder", ["", "absent"])
def test_a_folder_that_git_does_not_know_has_no_answer(tmp_path, folder):
    assert answer_of(tmp_path / folder, "rev-parse", "HEAD") == ""
    assert commit_of(tmp_path / folder) == ""


def test_an_answer_that_takes_too_long_is_none(tmp_path):
    assert answer_of(tmp_path, "version", seconds=0) == ""
    assert answer_of(tmp_path, "version") != ""
