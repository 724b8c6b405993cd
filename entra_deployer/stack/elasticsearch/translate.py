"""What the client raises, in our own words: one line, the server's reason, never a secret."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import elastic_transport
import elasticsearch

from entra_deployer.core.errors import DeployError, Refused, Unreachable, UnsupportedVersion
from entra_deployer.core.json import Untyped as Json
from entra_deployer.stack.environment import Endpoint

_ERRNO = re.compile(r"\[Errno -?\d+\] ([^\"')]+)")
"""What the operating system said, amid the layers of the HTTP libraries."""

NOT_READY = frozenset({502, 503, 504})

HINTS = {
    401: "check the user, password or API key of this environment",
    403: "the user or API key lacks a privilege there",
    404: "check the address and the index's name",
    429: "the server is busy; try again later",
}


def place(endpoint: Endpoint) -> str:
    """The server's address without user, password or query."""
    parts = urlsplit(endpoint.url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


@contextmanager
def translated(endpoint: Endpoint) -> Iterator[None]:
    """Run a block of client calls; whatever the client raises leaves as a DeployError."""
    try:
        yield
    except (elasticsearch.ApiError, elastic_transport.ApiError) as error:
        raise _clean(_answered(error, endpoint), endpoint) from None
    except elastic_transport.TransportError as error:
        raise _clean(_unanswered(error, endpoint), endpoint) from None


def _answered(error: elastic_transport.ApiError, endpoint: Endpoint) -> DeployError:
    """The server said no."""
    where = f"Elasticsearch at {place(endpoint)}"
    if isinstance(error, elasticsearch.UnsupportedProductError):
        return UnsupportedVersion(f"{place(endpoint)} is not an Elasticsearch", hint="check the address")
    status = error.meta.status
    said = reason(error.body) or f"status {status}"
    if status in NOT_READY:
        return Unreachable(f"{where} is not ready: {said}", hint="wait for it, or look into its log")
    return Refused(f"{where} refused: {said}", status=status, hint=HINTS.get(status))


def _unanswered(error: elastic_transport.TransportError, endpoint: Endpoint) -> DeployError:
    """The server said nothing that can be understood."""
    where = f"Elasticsearch at {place(endpoint)}"
    if isinstance(error, elastic_transport.SerializationError):
        return UnsupportedVersion(
            f"{place(endpoint)} does not answer as an Elasticsearch does", hint="check the address"
        )
    if isinstance(error, elastic_transport.ConnectionTimeout):
        return Unreachable(f"no answer from {where} within {endpoint.timeout:g} s")
    if isinstance(error, elastic_transport.TlsError):
        hint = "name the CA's PEM file in the environment"
        return Unreachable(f"no trusted connection to {where}: {_line(error.message)}", hint=hint)
    said = _ERRNO.search(error.message)
    why = said[1] if said else _line(error.message)
    return Unreachable(f"cannot reach {where}: {why}", hint="check that it runs and the address")


def reason(body: Json) -> str:
    """The server's own reason out of an error's body, on one line; "" where it gives none."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return _line(str(error)) if error else ""
    causes = error.get("root_cause") or [{}]
    said = error.get("reason") or causes[0].get("reason") or ""
    cause = (error.get("caused_by") or {}).get("reason")
    if cause and cause not in said:
        said = f"{said}: {cause}"
    kind = error.get("type", "")
    return _line(f"{kind}: {said}" if said and kind else said or kind)


def _line(text: str) -> str:
    """`text` on one line."""
    return "; ".join(part.strip() for part in text.splitlines() if part.strip())


def _clean[E: DeployError](error: E, endpoint: Endpoint) -> E:
    """The same error without our secret, should a server or a proxy have echoed it."""
    secret = endpoint.credentials.secret
    if secret and secret in error.message:
        error.message = error.message.replace(secret, "***")
        error.args = (error.message,)
    return error
