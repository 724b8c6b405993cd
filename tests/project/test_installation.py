"""How a pipeline gets the tool: pinned, or not at all."""

import json

import pytest

from entra_deployer.core.errors import UsageError
from entra_deployer.project.installation import derived, is_own, stated
from tests.reading import there

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA256 = "ab" * 32
WHEEL = f"https://files.example.com/entra_deployer-0.1.0-py3-none-any.whl#sha256={SHA256}"


def silent(*_words):
    """Git where there is none."""
    return ""


def test_a_commit_is_a_pin_and_on_github_an_action_too(tmp_path):
    found = stated(tmp_path, f"git+https://github.com/owner/repo.git@{COMMIT}")
    assert found.arguments == f"'entra-deployer[local] @ git+https://github.com/owner/repo.git@{COMMIT}'"
    assert found.action == f"owner/repo@{COMMIT}"
    assert stated(tmp_path, f"git+https://git.example.com/a/b/c@{COMMIT}").action == ""


def test_a_hash_is_a_pin(tmp_path):
    assert stated(tmp_path, WHEEL).arguments == f"'entra-deployer[local] @ {WHEEL}'"


def test_a_file_of_the_repository_is_a_pin(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "entra_deployer-0.1.0-py3-none-any.whl").write_bytes(b"")
    (tmp_path / "tools" / "deploy.lock").write_text("entra-deployer==0.1.0 --hash=sha256:00\n")
    wheel = stated(tmp_path, "tools/entra_deployer-0.1.0-py3-none-any.whl")
    assert wheel.arguments == "'./tools/entra_deployer-0.1.0-py3-none-any.whl[local]'"
    assert stated(tmp_path, "tools/deploy.lock").arguments == "--require-hashes -r tools/deploy.lock"


@pytest.mark.parametrize(
    "spec",
    [
        "entra-deployer",
        "entra-deployer==0.1.0",
        "entra-deployer[local]==0.1.0",
        "git+https://github.com/owner/repo",
        "git+https://github.com/owner/repo@main",
        f"git+https://github.com/owner/repo@{COMMIT[:12]}",
        f"git+http://github.com/owner/repo@{COMMIT}",
        f"git+https://user:token@github.com/owner/repo@{COMMIT}",
        f"git+https://github.com/owner/repo@{COMMIT}'; id; '",
        f"git+https://github.com/owner/$(id)@{COMMIT}",
        f"git+https://github.com/owner/repo@{COMMIT}\n- run: id",
        "https://files.example.com/x.whl",
        f"https://files.example.com/x.whl#sha256={SHA256[:-1]}",
        f"http://files.example.com/x.whl#sha256={SHA256}",
        "no_such_file.whl",
        "../outside.whl",
        "unpinned.txt",
        "",
        ".",
    ],
)
def test_whatever_is_not_pinned_is_refused(tmp_path, spec):
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside.whl").write_bytes(b"")
    (project / "unpinned.txt").write_text("entra-deployer==0.1.0\n")
    with pytest.raises(UsageError) as raised:
        stated(project, spec)
    assert raised.value.hint


def test_a_copy_from_git_is_installed_by_its_commit(tmp_path):
    noted = {"url": "https://github.com/owner/repo", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    found = derived(tmp_path, json.dumps(noted), silent)
    assert found == stated(tmp_path, f"git+https://github.com/owner/repo@{COMMIT}")


def test_a_copy_from_a_wheel_on_the_web_is_installed_by_its_hash(tmp_path):
    noted = {"url": WHEEL.partition("#")[0], "archive_info": {"hashes": {"sha256": SHA256}}}
    assert derived(tmp_path, json.dumps(noted), silent) == stated(tmp_path, WHEEL)


@pytest.mark.parametrize("origin", ["https://github.com/owner/repo", "git@github.com:owner/repo.git"])
def test_a_copy_from_a_checkout_is_installed_by_its_commit_where_that_is_published(tmp_path, origin):
    said = {"rev-parse": COMMIT, "remote": origin, "status": "", "branch": "origin/main"}
    noted = json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    expected = stated(tmp_path, f"git+https://github.com/owner/repo@{COMMIT}")
    assert derived(tmp_path, noted, lambda _folder, word, *_: said[word]) == expected
    for changed in ({"status": " M x.py"}, {"branch": ""}, {"remote": ""}, {"remote": "/home/me/repo"}):
        with pytest.raises(UsageError):
            derived(tmp_path, noted, lambda _folder, word, *_, other=changed: {**said, **other}[word])


@pytest.mark.parametrize(
    "noted",
    [
        None,  # from an index, by a name
        "",
        json.dumps({"url": "file:///home/me/x.whl", "archive_info": {"hashes": {"sha256": SHA256}}}),
        json.dumps({"url": "https://files.example.com/x.whl", "archive_info": {}}),
        json.dumps({"url": "ssh://git@example.com/x", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}),
        json.dumps({"url": "file:///home/me/repo", "dir_info": {}}),
    ],
)
def test_a_copy_that_a_pipeline_cannot_get_is_refused(tmp_path, noted):
    with pytest.raises(UsageError) as raised:
        derived(tmp_path, noted, silent)
    assert "--install" in there(raised.value.hint)


def test_the_tools_own_repository_installs_itself(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "entra-deployer"\n')
    assert derived(tmp_path, None, silent).arguments == "'.[local]'"


@pytest.mark.parametrize("text", ["", "[project]\nname = 'other'\n", "project = 3\n", "not toml ["])
def test_another_repository_is_not_the_tools_own(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert not is_own(tmp_path)
