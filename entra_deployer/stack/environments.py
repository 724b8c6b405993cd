"""Where the project lies, and what `deploy/<environment>.yaml` says of an environment."""

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import pathsep
from pathlib import Path
from urllib.parse import urlsplit

from entra_deployer.core.errors import DeployError, InputError, Location, SecretError, UnknownName, UsageError
from entra_deployer.core.files import read_text
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion
from entra_deployer.core.text import did_you_mean
from entra_deployer.core.time import parse_duration
from entra_deployer.core.yaml import YamlFile, read_yaml
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Gates, Limits, Scheme

LOCAL = "local"
"""The environment that needs no file: the embedded stack."""

DEPLOY_FOLDER = "deploy"
RULES_FOLDER = "rules"
SECRET_FOLDERS = "DEPLOY_SECRET_FOLDERS"  # noqa: S105 - the name of a variable
"""The variable that names folders outside of the repository from which secrets may be read, as PATH names folders."""


@dataclass(frozen=True)
class LocalStackChoice:
    """Which local stack of the project an environment is: its name, and what it starts with where it does not run."""

    name: str = LOCAL
    profile: str | None = None
    license: str | None = None


@dataclass(frozen=True)
class LocalServers:
    """Where a local stack answers, and as whom we ask it."""

    kibana_url: str
    elasticsearch_url: str
    credentials: Credentials


class InvalidFile(InputError):
    """A file that does not fit its schema: the first complaint is the message, `issues` holds all of them."""

    def __init__(self, document: YamlFile) -> None:
        first = document.issues[0]
        super().__init__(first.message, location=first.location, hint=first.hint)
        self.issues = document.issues


def find_root(start: Path) -> Path:
    """The project's top folder: the nearest one from `start` upwards that holds `rules/`."""
    for folder in (start, *start.parents):
        if (folder / RULES_FOLDER).is_dir():
            return folder
    raise UsageError(
        f"no {RULES_FOLDER}/ folder in {start.name or start} or above it",
        hint="run this inside a project, or `deploy init`",
    )


def environments(root: Path) -> list[str]:
    """The names of all environments, `local` among them, sorted."""
    found = {path.stem for path in (root / DEPLOY_FOLDER).glob("*.yaml") if not path.stem.startswith("docker-compose")}
    return sorted(found | {LOCAL})


def stated_versions(root: Path) -> list[StackVersion]:
    """The stack versions that the environments' files state, each once, oldest first. InvalidFile for a bad file."""
    found: set[StackVersion] = set()
    for name in environments(root):
        if version := _document(root, name).value.get("version"):
            found.add(StackVersion.parse(version))
    return sorted(found)


def load_environment(
    root: Path,
    name: str,
    variables: Mapping[str, str] | None,
    local: Callable[[LocalStackChoice], LocalServers],
) -> Environment:
    """The environment called `name`, with its secrets read from `variables` or files.

    Without `variables` its secrets stay empty: nobody can be asked with them. `local` is asked where a local stack is,
    for an environment that is one: `local`, and each whose file says so. Raises UsageError for a name that no file has,
    InvalidFile for a bad one, SecretError for an unset variable.
    """
    document = _document(root, name)
    resolver = _Resolver(root, name, document, variables)
    choice = document.value.get("local", {} if name == LOCAL else None)
    if choice is None:
        return resolver.environment(None)
    resolver.check_no_servers()
    return resolver.environment(local(LocalStackChoice(**{"name": name, **choice})))


def _document(root: Path, name: str) -> YamlFile:
    path = root / DEPLOY_FOLDER / f"{name}.yaml"
    source = f"{DEPLOY_FOLDER}/{name}.yaml"
    known = environments(root)
    if name not in known:
        message = f"there is no environment {name!r}: {source} does not exist"
        raise UnknownName("environment", name, message, hint=did_you_mean(name, known))
    text = _read(path, source) if name != LOCAL or path.is_file() else ""
    document = read_yaml(text, source=source, schema="environment", subject=name)
    if document.issues:
        raise InvalidFile(document)
    return document


def _read(path: Path, source: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(f"cannot be read: {reason}", location=Location(source)) from error


@dataclass(frozen=True)
class _Resolver:
    """Turns one checked environment file into an Environment."""

    root: Path
    name: str
    document: YamlFile
    variables: Mapping[str, str] | None

    def check_no_servers(self) -> None:
        """A local stack tells by itself where it is and as whom it is asked."""
        for key in ("kibana", "elasticsearch", "cloud_id", "auth"):
            if key in self.document.value:
                hint = "take it out, or take local out"
                raise self._error(f"a local stack has no {key} of its own", key, hint=hint)

    def environment(self, local: LocalServers | None) -> Environment:
        value = self.document.value
        return Environment(
            name=self.name,
            kibana=self._endpoint("kibana", local),
            elasticsearch=self._endpoint("elasticsearch", local),
            spaces=tuple(value.get("spaces", ("default",))),
            enabled=value.get("enabled", local is not None),
            limits=Limits(**value.get("limits", {})),
            overlay=value.get("overlay", {}),
            overlays=value.get("overlays", {}),
            owners=value.get("owners", {}),
            connectors=value.get("connectors", {}),
            gates=self._gates(),
            lock=value.get("lock", True),
            embedded=local is not None,
            signing_key=self._signing_key(),
        )

    def _gates(self) -> Gates:
        value = dict(self.document.value.get("gates", {}))
        for key in ("verdict_age", "soak"):
            if key in value:
                value[key] = parse_duration(value[key])
        if approvals := value.pop("approvals", None):
            value |= {"approvals": approvals["count"], "approvals_file": approvals["file"]}
        return Gates(**value)

    def _signing_key(self) -> str | None:
        """Asked for by a promotion alone: every other command goes on without it."""
        if "signing_key" not in self.document.value:
            return None
        try:
            return self._secret(self.document.value["signing_key"], ("signing_key",))
        except SecretError:
            return ""

    def _endpoint(self, server: str, local: LocalServers | None) -> Endpoint:
        value = self.document.value
        if "key" in value and "certificate" not in value:
            raise self._error("key needs certificate beside it", "key", hint="each names a PEM file")
        return Endpoint(
            url=self._url(server, local),
            credentials=local.credentials if local else self._credentials(server),
            ca=self._file("ca"),
            certificate=self._file("certificate"),
            key=self._file("key"),
            verify=value.get("verify", True),
            proxy=value.get("proxy"),
            timeout=float(value.get("timeout", 60)),
        )

    def _url(self, server: str, local: LocalServers | None) -> str:
        if local:
            return local.kibana_url if server == "kibana" else local.elasticsearch_url
        value = self.document.value
        if url := value.get(server, {}).get("url"):
            if "@" in urlsplit(str(url)).netloc:
                hint = "say them under auth, by the name of a variable"
                raise self._error(f"{server}.url may not hold a user or a password", server, "url", hint=hint)
            return str(url).rstrip("/")
        if cloud_id := value.get("cloud_id"):
            return self._cloud_url(str(cloud_id), server)
        raise self._error(f"{server}.url is missing", server, hint="or give a cloud_id for both")

    def _cloud_url(self, cloud_id: str, server: str) -> str:
        """A Cloud ID is `<name>:` and base64 of `<host>[:port]$<elasticsearch>$<kibana>`."""
        try:
            host, *parts = b64decode(cloud_id.rpartition(":")[2], validate=True).decode("utf-8").split("$")
            identifier = parts[1 if server == "kibana" else 0]
        except (binascii.Error, UnicodeDecodeError, IndexError) as error:
            raise self._error(
                "this is not a Cloud ID", "cloud_id", hint="copy it from the deployment's page"
            ) from error
        bare, _, port = host.partition(":")
        part, _, own_port = identifier.partition(":")
        return f"https://{part}.{bare}:{own_port or port or 443}"

    def _credentials(self, server: str) -> Credentials:
        value = self.document.value
        own = value.get(server, {}).get("auth")
        path: tuple[str, ...] = (server, "auth") if own else ("auth",)
        auth = own or value.get("auth")
        if not auth:
            raise self._error("auth is missing", hint="auth: {api_key: {variable: NAME_OF_A_VARIABLE}}")
        if basic := auth.get("basic"):
            password = self._secret(basic["password"], (*path, "basic", "password"))
            return Credentials(Scheme.BASIC, password, str(basic["user"]))
        scheme = Scheme.API_KEY if "api_key" in auth else Scheme.BEARER
        return Credentials(scheme, self._secret(auth[scheme.value], (*path, scheme.value)))

    def _secret(self, where: Mapping[str, Json], path: tuple[str, ...]) -> str:
        place = self.document.at(*path)
        if self.variables is None:
            return ""
        if variable := where.get("variable"):
            if secret := self.variables.get(str(variable), "").strip():
                return secret
            raise SecretError(f"the variable {variable} is not set", location=place, hint=f"export {variable}=…")
        name = str(where["file"])
        if not self._may_hold_a_secret(self.root / name):
            folder = self.root.resolve().name
            hint = f"it may lie in {folder}/ or in a folder that the variable {SECRET_FOLDERS} names"
            raise SecretError(f"the secret's file {name} lies outside of the repository", location=place, hint=hint)
        try:
            secret = read_text(self.root / name, shown=name).strip()
        except InputError as error:
            raise SecretError(f"the secret's file {name} cannot be read: {error.message}", location=place) from error
        if not secret:
            raise SecretError(f"the secret's file {name} is empty", location=place)
        return secret

    def _may_hold_a_secret(self, path: Path) -> bool:
        """Whether a file lies where secrets may: what it holds is sent to a server that the same file names.

        Whoever can change the environment's file must not be able to have any file of this machine sent away.
        """
        outside = [Path(name) for name in (self.variables or {}).get(SECRET_FOLDERS, "").split(pathsep) if name]
        try:
            real = path.resolve()
            return any(real.is_relative_to(folder.resolve()) for folder in (self.root, *outside))
        except (OSError, RuntimeError, ValueError):  # links in a circle, a name with a NUL
            return False

    def _file(self, key: str) -> str | None:
        if not (name := self.document.value.get(key)):
            return None
        path = self.root / str(name)
        if not path.is_file():
            raise self._error(f"the file {name} does not exist", key)
        return str(path)

    def _error(self, message: str, *path: str, hint: str | None = None) -> DeployError:
        return InputError(message, location=self.document.at(*path), hint=hint)
