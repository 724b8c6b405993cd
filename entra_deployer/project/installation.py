"""How a pipeline gets this tool: from where this copy came, or from where the user says; never by a name alone.

A name in a package index can be anybody's, and a pipeline holds the keys of a Kibana. So what is written is pinned: a
git repository by its commit, a file on the web by its sha256, or a file of the user's own repository.
"""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from entra_deployer.core.errors import UsageError

NAME = "entra-deployer"
HINT = (
    "--install git+https://HOST/OWNER/REPO@COMMIT, --install https://HOST/FILE.whl#sha256=…, or --install FILE: "
    "a wheel or a requirements file with hashes in this repository"
)
_GIT = re.compile(r"git\+(?P<url>https://[\w.-]+(?::\d+)?/[\w./~+-]+)@(?P<commit>[0-9a-f]{40})", re.ASCII)
_WEB = re.compile(r"https://[\w.-]+(?::\d+)?/[\w./~+%-]+\.(?:whl|tar\.gz|zip)#sha256=[0-9a-f]{64}", re.ASCII)
_FILE = re.compile(r"(?:\./)?[\w-][\w.+/-]*", re.ASCII)

type AskGit = Callable[..., str]
"""(folder, git's arguments…) -> what git says, "" where it says no."""


@dataclass(frozen=True)
class Installation:
    """What stands behind `pip install`, and the GitHub Action of the same commit where there is one."""

    arguments: str
    action: str = ""


def stated(root: Path, spec: str) -> Installation:
    """The installation that the user names. Raises UsageError for one that is not pinned."""
    if git := _GIT.fullmatch(spec):
        return _of_commit(git["url"], git["commit"])
    if _WEB.fullmatch(spec):
        return Installation(f"'{NAME}[local] @ {spec}'")
    path = root / spec
    if _FILE.fullmatch(spec) and ".." not in Path(spec).parts and path.is_file():
        if path.suffix == ".whl":
            return Installation(f"'./{spec.removeprefix('./')}[local]'")
        if "--hash=sha256:" in path.read_text("utf-8", errors="replace"):
            return Installation(f"--require-hashes -r {spec}")
        raise UsageError(f"{spec} pins nothing: it has no hashes", hint="pip-compile --generate-hashes writes them")
    raise UsageError(f"{spec!r} is not pinned by a commit or a hash, and is no file of this repository", hint=HINT)


def derived(root: Path, direct_url: str | None, ask: AskGit) -> Installation:
    """The installation that this copy had, by the `direct_url.json` that pip and uv keep of it.

    Raises UsageError where a pipeline could not repeat it, or only by a name.
    """
    if is_own(root):
        return Installation("'.[local]'")
    if not direct_url:
        raise UsageError("this copy was installed by its name from an index: the name says nothing", hint=HINT)
    origin = json.loads(direct_url)
    url, commit = origin["url"], origin.get("vcs_info", {}).get("commit_id", "")
    sha256 = origin.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    if _GIT.fullmatch(f"git+{url}@{commit}"):
        return _of_commit(url, commit)
    if _WEB.fullmatch(f"{url}#sha256={sha256}"):
        return Installation(f"'{NAME}[local] @ {url}#sha256={sha256}'")
    folder = Path(unquote(urlsplit(url).path))
    if "dir_info" in origin and (found := _published(folder, ask)):
        return found
    raise UsageError(f"this copy was installed from {url}, which a pipeline cannot get with a pin", hint=HINT)


def own_direct_url() -> str | None:
    """What the installer noted of where this copy came from; None where it came from an index."""
    try:
        return distribution(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        return None


def is_own(root: Path) -> bool:
    """Whether a project is the repository of this tool."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return False
    return isinstance(project, dict) and project.get("name") == NAME


def _published(folder: Path, ask: AskGit) -> Installation | None:
    """A checkout by its commit, where a branch of its origin has that and nothing was changed since."""
    commit, url = ask(folder, "rev-parse", "HEAD"), ask(folder, "remote", "get-url", "origin")
    by_ssh = re.fullmatch(r"(?:ssh://)?git@(?P<host>[\w.-]+)[:/](?P<path>[\w./-]+)", url)
    url = (f"https://{by_ssh['host']}/{by_ssh['path']}" if by_ssh else url).removesuffix(".git")
    if not _GIT.fullmatch(f"git+{url}@{commit}") or ask(folder, "status", "--porcelain"):
        return None
    return _of_commit(url, commit) if ask(folder, "branch", "--remotes", "--contains", commit) else None


def _of_commit(url: str, commit: str) -> Installation:
    path = url.removesuffix(".git").removeprefix("https://github.com/")
    action = f"{path}@{commit}" if re.fullmatch(r"[\w.-]+/[\w.-]+", path) else ""
    return Installation(f"'{NAME}[local] @ git+{url}@{commit}'", action)
