"""What `deploy check` said is said again while nothing changes, and never longer."""

from pathlib import Path

import pytest

from entra_deployer.checked import LARGEST, Said, remembered
from entra_deployer.core.cache import Cache
from entra_deployer.core.errors import ExitCode

SAID = Said("rules/one/hunt.md:3:4 it is só\n\n1 error\n", ExitCode.DIFFERENT)


class Counted:
    """Answers, and counts how often it was asked."""

    def __init__(self, said: Said = SAID) -> None:
        self.said = said
        self.times = 0

    def __call__(self) -> Said:
        self.times += 1
        return self.said


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("project/rules/one", "project/deploy"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "project/rules/one/hunt.md").write_text("a hunt", "utf-8")
    return tmp_path / "project"


@pytest.fixture
def kept(tmp_path) -> Cache:
    return Cache(tmp_path / "kept")


def test_the_same_question_about_the_same_files_is_asked_once(root, kept):
    answer = Counted()
    assert remembered(root, ("8.19",), answer, kept) == SAID
    assert remembered(root, ("8.19",), answer, kept) == SAID
    assert answer.times == 1


CHANGES = {
    "another text": lambda root: (root / "rules/one/hunt.md").write_text("a hunt.", "utf-8"),
    "another file": lambda root: (root / "rules/one/rule.yaml").write_text("", "utf-8"),
    "another name": lambda root: (root / "rules/one").rename(root / "rules/two"),
    "another hunt": lambda root: (root / "rules/two").mkdir() or (root / "rules/two/hunt.md").write_text("", "utf-8"),
    "a hunt less": lambda root: (root / "rules/one/hunt.md").unlink(),
    "an environment": lambda root: (root / "deploy/staging.yaml").write_text("version: 9.1", "utf-8"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_asked_about_again(change, root, kept):
    answer = Counted()
    remembered(root, (), answer, kept)
    CHANGES[change](root)
    remembered(root, (), answer, kept)
    assert answer.times == 2


def test_another_question_is_asked(root, kept):
    answer = Counted()
    for question in ((), ("8.19",), ("9.1",), ("8.19", "9.1")):
        remembered(root, question, answer, kept)
    assert answer.times == 4


def test_a_fault_of_ours_is_not_kept(root, kept):
    answer = Counted(Said("could not be analysed", ExitCode.FAILED, lasts=False))
    remembered(root, (), answer, kept)
    remembered(root, (), answer, kept)
    assert answer.times == 2


def test_what_cannot_be_told_by_its_content_is_not_kept(root, kept, tmp_path):
    answer = Counted()
    (tmp_path / "elsewhere").mkdir()
    outside = tmp_path / "outside.md"
    outside.write_text("a hunt", "utf-8")
    remembered(root, (str(outside),), answer, kept)
    (root / "rules/linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    remembered(root, (), answer, kept)
    (root / "rules/linked").unlink()
    (root / "rules/one/large").write_bytes(b"x" * (LARGEST + 1))
    remembered(root, (), answer, kept)
    assert answer.times == 3
    assert kept.clear() == 0


def test_what_another_tool_wrote_is_asked_about_again(root, kept):
    answer = Counted()
    remembered(root, (), answer, kept)
    [file] = kept.folder.glob("??/*")
    for text in (b"", b"{", b"two\nwords", b"99\nno such code", b"0\n\xff"):
        file.write_bytes(text)
        assert remembered(root, (), answer, kept) == SAID
    assert answer.times == 6
