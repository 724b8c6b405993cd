"""The project that a command works on, and its environments, the embedded stack among them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from entra_deployer.commands.terminal import note, working

if TYPE_CHECKING:
    from entra_deployer.api import Connection, Repository
    from entra_deployer.stack.environment import Environment
    from entra_deployer.stack.environments import LocalServers, LocalStackChoice


def root() -> Path:
    """The project's top folder, as the user would type it: relative to where he stands."""
    from entra_deployer.core.files import find_root

    return Path(os.path.relpath(find_root(Path.cwd())))


def repository() -> "Repository":
    """The project's hunts: each is read once, and compiled once for a target."""
    from entra_deployer.api import Repository

    return Repository(root())


def environment(top: Path, name: str, *, secrets: bool = True, start: bool = True) -> "Environment":
    """The environment called `name`; a local stack is started where it does not run, unless `start` says no.

    Without `secrets` it is only read: no secret is needed and nothing is started.
    """
    from entra_deployer.stack.environments import load_environment

    if not secrets:
        return load_environment(top, name, None, _nowhere)
    return load_environment(top, name, os.environ, lambda choice: _local_servers(top, choice, start=start))


def connection(top: Path, name: str, *, start: bool = True) -> "Connection":
    """The environment with its servers; to be used in a with block."""
    found = environment(top, name, start=start)
    from entra_deployer.api import open_connection

    return open_connection(found, top, warn=lambda text: note(f"warning: {text}"))


@contextmanager
def on(env: str, doing: str, *, start: bool = True) -> "Iterator[tuple[Repository, Connection]]":
    """The project's hunts and the servers of an environment, for one piece of work that `doing` names: "pushing to"."""
    hunts = repository()
    with connection(hunts.root, env, start=start) as servers, working(f"{doing} {env}"):
        yield hunts, servers


def _nowhere(_: "LocalStackChoice") -> "LocalServers":
    from entra_deployer.stack.environment import Credentials, Scheme
    from entra_deployer.stack.environments import LocalServers

    return LocalServers("", "", Credentials(Scheme.BASIC, ""))


def _local_servers(top: Path, choice: "LocalStackChoice", *, start: bool) -> "LocalServers":
    from entra_deployer.commands.local import started
    from entra_deployer.core.errors import Unreachable
    from entra_deployer.local.stack import find
    from entra_deployer.stack.environment import Credentials, Scheme
    from entra_deployer.stack.environments import LocalServers

    if start:
        stack = started(top.resolve(), choice.name, profile=choice.profile, license=choice.license)
    elif (running := find(top.resolve(), choice.name)) is not None:
        stack = running
    else:
        raise Unreachable(f"the local stack {choice.name} is stopped", hint=f"deploy local up --name {choice.name}")
    credentials = Credentials(Scheme.BASIC, stack.password, stack.user)
    return LocalServers(stack.kibana_url, stack.elasticsearch_url, credentials)
