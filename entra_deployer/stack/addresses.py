"""Where an environment's servers answer: a URL, variables in it, or a Cloud ID for both."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from entra_deployer.stack.environment_file import AuthKeys, EnvironmentFile, ServerKeys

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
_PART = re.compile(r"[A-Za-z0-9._-]+")
"""What a variable may put into the middle of a URL: no character that would begin another part of it."""
_NO_CLOUD_ID = "this is not a Cloud ID"
_COPY_IT = "copy it from the deployment's page"


class BadAddress(ValueError):
    """What is wrong with an address, at the `path` of a key in the environment's file, and what to do."""

    def __init__(self, message: str, hint: str, *path: str) -> None:
        super().__init__(message)
        self.message, self.hint, self.path = message, hint, path


def server_url(file: EnvironmentFile, server: str, variables: Mapping[str, str] | None) -> str:
    """The URL of "kibana" or "elasticsearch", its variables filled in; without `variables` they stay as they stand.

    Raises BadAddress.
    """
    keys: ServerKeys = (file.kibana if server == "kibana" else file.elasticsearch) or ServerKeys()
    if keys.url:
        url = _filled(file, keys.url, variables, server, "url")
        if problem := None if _VARIABLE.search(url) else _url_problem(url):
            message, hint = problem
            raise BadAddress(f"{server}.url {message}", hint, server, "url")
        return url.rstrip("/")
    if file.cloud_id:
        cloud_id = _filled(file, file.cloud_id, variables, "cloud_id")
        return cloud_id if _VARIABLE.search(cloud_id) else _cloud_url(cloud_id, server)
    raise BadAddress(f"{server}.url is missing", "or give a cloud_id for both", server)


def address_variables(file: EnvironmentFile) -> tuple[str, ...]:
    """The variables that the file's addresses are made of, sorted."""
    keys = (server.url for server in (file.kibana, file.elasticsearch) if server)
    texts = [text for text in (*keys, file.cloud_id) if text]
    return tuple(sorted({found["name"] for text in texts for found in _VARIABLE.finditer(text)}))


def secret_variables(file: EnvironmentFile) -> tuple[str, ...]:
    """The variables that hold the secrets of both servers, sorted."""
    parts = (file.auth, *(server.auth for server in (file.kibana, file.elasticsearch) if server))
    return tuple(sorted({name for auth in parts if auth for name in _secrets(auth)}))


def _secrets(auth: AuthKeys) -> Iterator[str]:
    for secret in (auth.api_key, auth.bearer, auth.basic.password if auth.basic else None):
        if secret and secret.variable:
            yield secret.variable


def _filled(file: EnvironmentFile, text: str, variables: Mapping[str, str] | None, *path: str) -> str:
    """A text with the values of its variables. One that stands at its front may be a whole address."""
    if variables is None:
        return text

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        if name in secret_variables(file):
            raise BadAddress(f"{name} holds a secret, and an address is shown", "name another variable", *path)
        said = variables.get(name, "").strip()
        if not said:
            raise BadAddress(f"the variable {name} is not set", f"export {name}=…", *path)
        if found.start() and not _PART.fullmatch(said):
            raise BadAddress(f"the variable {name} is not part of an address", "letters, digits, . _ and -", *path)
        return said

    return _VARIABLE.sub(value, text)


def _cloud_url(cloud_id: str, server: str) -> str:
    """A Cloud ID is `<name>:` and base64 of `<host>[:port]$<elasticsearch>$<kibana>`."""
    try:
        host, *parts = b64decode(cloud_id.rpartition(":")[2], validate=True).decode("utf-8").split("$")
        identifier = parts[1 if server == "kibana" else 0]
    except (ValueError, IndexError) as error:
        raise BadAddress(_NO_CLOUD_ID, _COPY_IT, "cloud_id") from error
    bare, _, port = host.partition(":")
    part, _, own_port = identifier.partition(":")
    url = f"https://{part}.{bare}:{own_port or port or 443}"
    if _url_problem(url) or not (part and bare):
        raise BadAddress(_NO_CLOUD_ID, _COPY_IT, "cloud_id")
    return url


def _url_problem(url: str) -> tuple[str, str] | None:
    """What is wrong with a server's URL, and what to do; None for a good one."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        return "is not the URL of a server", "like https://kibana.example.com:5601"
    if "@" in parts.netloc:
        return "may not hold a user or a password", "say them under auth, by the name of a variable"
    return None
