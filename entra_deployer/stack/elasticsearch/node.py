"""One HTTP connection pool to one Elasticsearch, with three habits of its own."""

from typing import Any

from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig, RequestsHttpNode
from elastic_transport.client_utils import DEFAULT, DefaultType
from requests import PreparedRequest
from requests.auth import AuthBase
from requests.utils import get_environ_proxies

from entra_deployer.stack.environment import LOOPBACK

WARNINGS_HEADER = "x-warnings"
"""Where the server's Warning headers are found in a response's `meta.headers`, joined by ", "."""


class _SentCredentials(AuthBase):
    """Leaves the Authorization header as it is; without it `requests` would prefer what a ~/.netrc says."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Return the request untouched."""
        return request


class Node(RequestsHttpNode):
    """Goes through the environment's proxy, ignores ~/.netrc, and renames the Warning header.

    The client turns each Warning header into a Python warning; to us they are part of the answer. What an environment's
    file says of certificates goes before REQUESTS_CA_BUNDLE, and no proxy stands before a server on this very machine.
    """

    proxy: str | None = None

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.session.auth = _SentCredentials()
        if self.proxy:
            self.session.trust_env = False
            self.session.proxies = {"http": self.proxy, "https": self.proxy}
        elif config.host in LOOPBACK:
            self.session.trust_env = False
        elif config.ca_certs or not config.verify_certs:
            self.session.trust_env = False
            self.session.proxies = get_environ_proxies(self.base_url)

    def perform_request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> Any:  # noqa: ANN401 (the client has no public name for its pair of meta and body)
        """Send one request, once."""
        answer = super().perform_request(method, target, body, headers, request_timeout)
        received = dict(answer.meta.headers)
        warning = received.pop("warning", None)
        if warning is None:
            return answer
        received[WARNINGS_HEADER] = warning
        old = answer.meta
        meta = ApiResponseMeta(old.status, old.http_version, HttpHeaders(received), old.duration, old.node)
        return answer._replace(meta=meta)


def node_class(proxy: str | None) -> type[Node]:
    """The kind of node that goes through `proxy` (the client makes its nodes itself, from a class)."""
    return type("ProxiedNode", (Node,), {"proxy": proxy}) if proxy else Node
