"""Who may use the page of `deploy local open`.

Who has the password gets a token, which is good once and for a minute; the page turns it into a key of its own, which
it sends as a header. There is no cookie, so that no other page can act by it. The key reads; it changes nothing but
that a rule may be run.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Final

from entra_deployer.local.kibana.errors import core

TOKEN: Final = "x-local-token"  # noqa: S105 - the header's name
QUERY: Final = "/local/query"
RUN: Final = "/local/rules/run"
_SCHEME: Final = "Local "
_MINUTE: Final = 60.0
_DAY: Final = 86_400.0
_MOST: Final = 1000


class Sessions:
    """Tokens and keys, each with the Authorization header of who asked for it; kept as digests, and until they end."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._tokens: dict[bytes, tuple[float, str]] = {}
        self._keys: dict[bytes, tuple[float, str]] = {}

    def invite(self, authorization: str) -> str:
        """A token that is good once, for a minute."""
        return self._kept(self._tokens, authorization, _MINUTE)

    def redeem(self, token: str) -> str:
        """The key for a token, which is used up. Raises the 401 of Kibana for any other text."""
        until, authorization = self._tokens.pop(_digest(token), (0.0, ""))
        if self._monotonic() >= until:
            raise core(401, "Unauthorized")
        return self._kept(self._keys, authorization, _DAY)

    def acting_for(self, authorization: str | None, method: str, path: str) -> str | None:
        """The header to act by: the one behind a key of the page, else as it is.

        Raises Kibana's 401 for an unknown key, and its 403 for what the page does not do.
        """
        if authorization is None or not authorization.startswith(_SCHEME):
            return authorization
        until, meant = self._keys.get(_digest(authorization.removeprefix(_SCHEME)), (0.0, ""))
        if self._monotonic() >= until:
            raise core(401, "Unauthorized")
        if method not in ("GET", "HEAD") and (method, path) not in (("POST", QUERY), ("POST", RUN)):
            raise core(403, "Forbidden")
        return meant

    def _kept(self, where: dict[bytes, tuple[float, str]], authorization: str, seconds: float) -> str:
        now = self._monotonic()
        for key in [key for key, (until, _) in where.items() if now >= until or len(where) >= _MOST]:
            del where[key]
        made = secrets.token_urlsafe(32)
        where[_digest(made)] = (now + seconds, authorization)
        return made


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
