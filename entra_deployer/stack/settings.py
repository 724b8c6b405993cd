"""What holds for an environment, key by key, and where it is said: nothing is asked of a server, no secret is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import UNSET

from entra_deployer.core.errors import DeployError
from entra_deployer.core.json import Json
from entra_deployer.core.yaml import YamlFile
from entra_deployer.stack.addresses import BadAddress, address_variables, secret_variables, server_url
from entra_deployer.stack.environment_file import EnvironmentFile, SecretKeys
from entra_deployer.stack.environments import LOCAL, environment_document, environments

DEFAULT = "default"
EMBEDDED = "the embedded stack"
_SERVERS = ("kibana", "elasticsearch")
_ADDRESSES = ("kibana.url", "elasticsearch.url", "cloud_id")


@dataclass(frozen=True)
class Setting:
    """One key with its value, and where that comes from: a line of the file, a variable, or what holds by itself.

    `problem` says why nothing can be done with it, "" for a good one.
    """

    key: str
    value: Json
    source: str
    problem: str = ""


@dataclass(frozen=True)
class ListedEnvironment:
    """An environment at a glance. `unset` are those of its `variables` that the shell does not have."""

    name: str
    kibana: str
    spaces: tuple[str, ...]
    version: str
    variables: tuple[str, ...]
    unset: tuple[str, ...]
    problem: str = ""


def list_environments(root: Path, variables: Mapping[str, str]) -> tuple[ListedEnvironment, ...]:
    """All environments, sorted by name; what is wrong with the file of one is told of that one."""
    found = []
    for name in environments(root):
        try:
            found.append(_listed(root, name, variables))
        except DeployError as error:
            found.append(ListedEnvironment(name, "", (), "", (), (), str(error)))
    return tuple(found)


def _listed(root: Path, name: str, variables: Mapping[str, str]) -> ListedEnvironment:
    file = environment_document(root, name).value
    named = tuple(sorted({*secret_variables(file), *address_variables(file)}))
    unset = tuple(one for one in named if not variables.get(one, "").strip())
    kibana, problem = EMBEDDED, ""
    if not _is_local(name, file):
        try:
            kibana = server_url(file, "kibana", None if {*unset} & {*address_variables(file)} else variables)
        except BadAddress as error:
            kibana, problem = "", error.message
    return ListedEnvironment(name, kibana, file.spaces, file.version or "", named, unset, problem)


def settings_of(root: Path, name: str, variables: Mapping[str, str]) -> tuple[Setting, ...]:
    """Every key that holds for an environment, sorted. Raises as `load_environment` does for a bad file."""
    document = environment_document(root, name)
    found = [*_said(document, document.value, document.raw, (), variables), *_servers(name, document, variables)]
    if document.value.enabled is UNSET:
        found.append(Setting("enabled", _is_local(name, document.value), DEFAULT))
    return tuple(sorted(found, key=lambda one: one.key))


def _is_local(name: str, file: EnvironmentFile) -> bool:
    return file.local is not UNSET or name == LOCAL


def _servers(name: str, document: YamlFile[EnvironmentFile], variables: Mapping[str, str]) -> Iterator[Setting]:
    """Where both servers are, as a command would ask them."""
    file = document.value
    for server in _SERVERS:
        key = f"{server}.url"
        if _is_local(name, file):
            yield Setting(key, EMBEDDED, str(document.at("local")) if file.local else DEFAULT)
            continue
        keys = file.kibana if server == "kibana" else file.elasticsearch
        path = (server, "url") if keys and keys.url else ("cloud_id",)
        text = _text(document.raw, path)
        used = (f"variable {one}" for one in address_variables(file) if f"${{{one}}}" in text)
        source = ", ".join((str(document.at(*path)), *used))
        try:
            yield Setting(key, server_url(file, server, variables), source)
        except BadAddress as error:
            yield Setting(key, None, source, error.message)


def _text(raw: Json, path: tuple[str, ...]) -> str:
    for part in path:
        raw = raw.get(part, "") if isinstance(raw, Mapping) else ""
    return str(raw)


def _said(
    document: YamlFile[EnvironmentFile],
    keys: msgspec.Struct,
    raw: Json,
    path: tuple[str, ...],
    variables: Mapping[str, str],
) -> Iterator[Setting]:
    """The keys of a mapping and of those within it, but for the addresses."""
    for field in msgspec.structs.fields(keys):
        name, value = field.encode_name, getattr(keys, field.name)
        here = (*path, name)
        said = isinstance(raw, Mapping) and name in raw
        if ".".join(here) in _ADDRESSES or value is UNSET:
            continue
        source = str(document.at(*here)) if said else DEFAULT
        if isinstance(value, SecretKeys):
            yield _secret(".".join(here), value, source, variables)
        elif isinstance(value, msgspec.Struct):
            inner = raw.get(name, {}) if isinstance(raw, Mapping) else {}
            yield from _said(document, value, inner, here, variables)
        else:
            yield Setting(".".join(here), msgspec.to_builtins(value), source)


def _secret(key: str, where: SecretKeys, source: str, variables: Mapping[str, str]) -> Setting:
    """Where a secret is found, and whether it is there; never the secret."""
    if where.variable:
        is_set = bool(variables.get(where.variable, "").strip())
        problem = "" if is_set else f"the variable {where.variable} is not set"
        return Setting(key, f"variable {where.variable}", source, problem)
    return Setting(key, f"file {where.file}", source)
