"""Where the project lies, and what `deploy/<environment>.yaml` says of an environment."""

from collections.abc import Callable, Mapping
from os import pathsep
from pathlib import Path

from msgspec import UNSET, Struct, structs

from entra_deployer.core.errors import DeployError, InputError, Location, SecretError, UnknownName, UsageError
from entra_deployer.core.files import read_text
from entra_deployer.core.signing import is_public_key
from entra_deployer.core.target import StackVersion
from entra_deployer.core.text import did_you_mean
from entra_deployer.core.time import parse_duration
from entra_deployer.core.yaml import YamlFile, read_yaml
from entra_deployer.stack.addresses import BadAddress, server_url
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Gates, Limits, Scheme
from entra_deployer.stack.environment_file import EnvironmentFile, GateKeys, LocalKeys, SecretKeys, ServerKeys

LOCAL = "local"
"""The environment that needs no file: the embedded stack."""

DEPLOY_FOLDER = "deploy"
SECRET_FOLDERS = "ENTRA_DEPLOYER_SECRET_FOLDERS"  # noqa: S105 - the name of a variable
"""The variable that names folders outside of the repository from which secrets may be read, as PATH names folders."""


class LocalStackChoice(Struct, frozen=True):
    """Which local stack of the project an environment is: its name, and what it starts with where it does not run."""

    name: str = LOCAL
    profile: str | None = None
    license: str | None = None


class LocalServers(Struct, frozen=True):
    """Where a local stack answers, and as whom we ask it."""

    kibana_url: str
    elasticsearch_url: str
    credentials: Credentials


class InvalidFile(InputError):
    """A file that does not fit its schema: the first complaint is the message, `issues` holds all of them."""

    def __init__[T](self, document: YamlFile[T]) -> None:
        first = document.issues[0]
        super().__init__(first.message, location=first.location, hint=first.hint)
        self.issues = document.issues


def environments(root: Path) -> list[str]:
    """The names of all environments, `local` among them, sorted."""
    found = {path.stem for path in (root / DEPLOY_FOLDER).glob("*.yaml") if not path.stem.startswith("docker-compose")}
    return sorted(found | {LOCAL})


def stated_versions(root: Path) -> list[StackVersion]:
    """The stack versions that the environments' files state, each once, oldest first. InvalidFile for a bad file."""
    found: set[StackVersion] = set()
    for name in environments(root):
        if version := environment_document(root, name).value.version:
            found.add(StackVersion.parse(version))
    return sorted(found)


def load_environment(
    root: Path,
    name: str,
    variables: Mapping[str, str] | None,
    local: Callable[[LocalStackChoice], LocalServers] | None = None,
) -> Environment:
    """The environment called `name`, with its secrets read from `variables` or files.

    Without `variables` its secrets stay empty: nobody can be asked with them. `local` is asked where a local stack is,
    for an environment that is one: `local`, and each whose file says so. Raises UsageError for a name that no file has,
    InvalidFile for a bad one, SecretError for an unset variable.
    """
    document = environment_document(root, name)
    resolver = _Resolver(root, name, document, variables)
    choice = document.value.local
    if choice is UNSET:
        if name != LOCAL:
            return resolver.environment(None)
        choice = LocalKeys()
    resolver.check_no_servers()
    if local is None:
        raise UsageError(f"{name} is a local stack, and nobody was named who finds it", hint="pass `local`")
    stack = LocalStackChoice(choice.name or name, choice.profile or None, choice.license or None)
    return resolver.environment(local(stack))


def environment_file(root: Path, name: str) -> EnvironmentFile:
    """What the file of an environment says, nothing of it looked up. Raises as `load_environment` does."""
    return environment_document(root, name).value


def environment_document(root: Path, name: str) -> YamlFile[EnvironmentFile]:
    """The file of an environment, and where each of its keys stands. Raises as `load_environment` does."""
    path = root / DEPLOY_FOLDER / f"{name}.yaml"
    source = f"{DEPLOY_FOLDER}/{name}.yaml"
    known = environments(root)
    if not path.is_file() and (near := _near(root, name)):
        message, hint = "is not read under this name", f"did you mean {source}?"
        raise InputError(message, location=Location(f"{DEPLOY_FOLDER}/{near}"), hint=hint)
    if name not in known:
        message = f"there is no environment {name!r}: {source} does not exist"
        raise UnknownName("environment", name, message, hint=did_you_mean(name, known))
    text = read_text(path, shown=source) if name != LOCAL or path.is_file() else ""
    document = read_yaml(text, source=source, kind=EnvironmentFile, subject=name)
    if document.issues:
        raise InvalidFile(document)
    return document


def _near(root: Path, name: str) -> str | None:
    """A file that somebody took for the environment's: `staging.yml`, `Staging.yaml`."""
    files = sorted(path.name for path in (root / DEPLOY_FOLDER).glob("*"))
    wanted = [f"{name.lower()}{suffix}" for suffix in (".yaml", ".yml", ".yaml.txt", ".yml.txt")]
    return next((file for file in files if file.lower() in wanted), None)


class _Resolver(Struct, frozen=True):
    """Turns one checked environment file into an Environment."""

    root: Path
    name: str
    document: YamlFile[EnvironmentFile]
    variables: Mapping[str, str] | None

    def check_no_servers(self) -> None:
        """A local stack tells by itself where it is and as whom it is asked."""
        for key in ("kibana", "elasticsearch", "cloud_id", "auth"):
            if getattr(self.document.value, key):
                hint = "take it out, or take local out"
                raise self._error(f"a local stack has no {key} of its own", key, hint=hint)

    def environment(self, local: LocalServers | None) -> Environment:
        file = self.document.value
        return Environment(
            name=self.name,
            kibana=self._endpoint("kibana", local),
            elasticsearch=self._endpoint("elasticsearch", local),
            spaces=file.spaces,
            enabled=local is not None if file.enabled is UNSET else file.enabled,
            limits=Limits(**structs.asdict(file.limits)),
            overlay=file.overlay,
            overlays=file.overlays,
            owners=file.owners,
            connectors=file.connectors,
            gates=_gates(file.gates),
            lock=file.lock,
            embedded=local is not None,
            signing_key=self._signing_key(),
            trusted_keys=_trusted_keys(self.root, self.document),
            retire_after=parse_duration(file.retire_after),
        )

    def _signing_key(self) -> str | None:
        """Asked for by a promotion alone: every other command goes on without it."""
        where = self.document.value.signing_key
        if where is UNSET:
            return None
        try:
            return self._secret(where, ("signing_key",))
        except SecretError:
            return ""

    def _endpoint(self, server: str, local: LocalServers | None) -> Endpoint:
        file = self.document.value
        if file.key and not file.certificate:
            raise self._error("key needs certificate beside it", "key", hint="each names a PEM file")
        return Endpoint(
            url=self._url(server, local),
            credentials=local.credentials if local else self._credentials(server),
            ca=self._file("ca"),
            certificate=self._file("certificate"),
            key=self._file("key"),
            verify=file.verify,
            proxy=file.proxy or None,
            timeout=file.timeout,
        )

    def _server(self, server: str) -> ServerKeys:
        file = self.document.value
        return (file.kibana if server == "kibana" else file.elasticsearch) or ServerKeys()

    def _url(self, server: str, local: LocalServers | None) -> str:
        if local:
            return local.kibana_url if server == "kibana" else local.elasticsearch_url
        try:
            return server_url(self.document.value, server, self.variables)
        except BadAddress as error:
            raise self._error(error.message, *error.path, hint=error.hint) from None

    def _credentials(self, server: str) -> Credentials:
        own = self._server(server).auth
        path: tuple[str, ...] = (server, "auth") if own else ("auth",)
        auth = own or self.document.value.auth
        if not auth:
            raise self._error("auth is missing", hint="auth: {api_key: {variable: NAME_OF_A_VARIABLE}}")
        if basic := auth.basic:
            password = self._secret(basic.password, (*path, "basic", "password"))
            return Credentials(Scheme.BASIC, password, basic.user)
        if api_key := auth.api_key:
            return Credentials(Scheme.API_KEY, self._secret(api_key, (*path, "api_key")))
        return Credentials(Scheme.BEARER, self._secret(auth.bearer or SecretKeys(), (*path, "bearer")))

    def _secret(self, where: SecretKeys, path: tuple[str, ...]) -> str:
        place = self.document.at(*path)
        if self.variables is None:
            return ""
        if variable := where.variable:
            if secret := self.variables.get(variable, "").strip():
                return secret
            raise SecretError(f"the variable {variable} is not set", location=place, hint=f"export {variable}=…")
        name = str(where.file)
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
        if not (name := getattr(self.document.value, key)):
            return None
        path = self.root / name
        if not path.is_file():
            raise self._error(f"the file {name} does not exist", key)
        return str(path)

    def _error(self, message: str, *path: str, hint: str | None = None) -> DeployError:
        return InputError(message, location=self.document.at(*path), hint=hint)


def trusted_keys(root: Path, name: str) -> tuple[str, ...]:
    """The public keys, in PEM, that an environment trusts; no server and no secret is looked up.

    Raises InputError for a file that is not there or is no such key, and as `load_environment` does.
    """
    return _trusted_keys(root, environment_document(root, name))


def _trusted_keys(root: Path, document: YamlFile[EnvironmentFile]) -> tuple[str, ...]:
    found: list[str] = []
    for number, name in enumerate(document.value.trusted_keys):
        text = read_text(root / name, shown=name)
        if not is_public_key(text):
            hint = "make it by: openssl pkey -in private.pem -pubout"
            raise InputError(
                f"{name} is not an Ed25519 public key in PEM", location=document.at("trusted_keys", number), hint=hint
            )
        found.append(text)
    return tuple(found)


def _gates(keys: GateKeys) -> Gates:
    return Gates(
        verdicts=keys.verdicts,
        minimum_mutation_score=None if keys.minimum_mutation_score is UNSET else keys.minimum_mutation_score,
        verdict_age=parse_duration(keys.verdict_age) if keys.verdict_age else None,
        soak=parse_duration(keys.soak) if keys.soak else 0,
        approvals=keys.approvals.count if keys.approvals else 0,
        approvals_file=keys.approvals.file if keys.approvals else "",
        signed=keys.signed,
    )
