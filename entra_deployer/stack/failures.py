"""Why there was no answer: what the HTTP libraries raise, in our words. Pure."""

import ssl
from collections.abc import Iterator
from http.client import HTTPException
from socket import gaierror

import requests
from msgspec import Struct
from urllib3 import exceptions as urllib3

_MOST_CHARACTERS = 500
_PROTOCOL_MISMATCH = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""What OpenSSL calls it when the other side does not speak TLS."""
CLOSED_HINT = "a server that speaks https does so: then write https:// in {setting}"


class Failure(Struct, frozen=True):
    """Why there was no answer. `sent` says whether the server may have got the request."""

    words: str
    hint: str = ""
    sent: bool = True
    tries_of_a_read: int = 1
    tries_of_a_write: int = 1


def failure_of(error: BaseException, seconds: float) -> Failure:
    """What an exception of the HTTP libraries means; never their own text, which quotes URLs and headers."""
    causes = list(_causes(error))
    for kinds, read in _FAILURES:
        for cause in causes:
            if isinstance(cause, kinds):
                return read(cause, seconds)
    return Failure("the connection broke", tries_of_a_read=5)


def one_line(text: str) -> str:
    """A text on one line, without what a terminal would obey."""
    parts = (" ".join(part.split()) for part in text.splitlines())
    line = "; ".join(part for part in parts if part)
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:_MOST_CHARACTERS]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that lie within it, the outermost first, each once."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        inner = waiting.pop(0)
        if isinstance(inner, BaseException) and id(inner) not in seen:
            seen.add(id(inner))
            yield inner
            waiting += [getattr(inner, "reason", None), *inner.args, inner.__cause__, inner.__context__]


def _proxy(_error: BaseException, _seconds: float) -> Failure:
    hint = "is the proxy right, in the environment's file or the shell's HTTPS_PROXY and HTTP_PROXY?"
    return Failure("the proxy {proxy} does not let it through or does not answer", hint, sent=False)


def _untrusted(error: BaseException, _seconds: float) -> Failure:
    said = one_line(str(getattr(error, "verify_message", "") or ""))
    why = f": {said}" if said else ""
    return Failure(
        f"its certificate is not trusted{why}".replace("{", "").replace("}", ""),
        "name its authority's PEM file under ca; the host in the address must be one that the certificate is for",
        sent=False,
    )


def _tls(error: BaseException, _seconds: float) -> Failure:
    said = f"{getattr(error, 'reason', '') or ''} {error}"
    if any(words in said.upper().replace(" ", "_") for words in _PROTOCOL_MISMATCH):
        return Failure("it speaks http there, not https", "write http:// in {setting}, or the right port", sent=False)
    reason = str(getattr(error, "reason", "") or "").lower().replace("_", " ")
    if "certificate required" in reason or "handshake failure" in reason:
        hint = "it may want a certificate of ours: `certificate` and `key` in the environment's file"
        return Failure(f"TLS failed: {one_line(reason)}", hint, sent=False)
    if reason and reason.isascii() and reason.replace(" ", "").isalnum():
        return Failure(f"TLS failed: {reason}", "does it speak https there?", sent=False)
    return Failure(
        "its certificate is not trusted, or TLS failed", "name its authority's PEM file under ca", sent=False
    )


def _unknown_host(_error: BaseException, _seconds: float) -> Failure:
    return Failure("the host name {host} is not known", "is {setting} right? Or is a VPN down?", sent=False)


def _no_connection(_error: BaseException, seconds: float) -> Failure:
    words = f"no connection within {min(10.0, seconds):g} s"
    hint = "is {setting} right? A firewall may drop what goes there"
    return Failure(words, hint, sent=False, tries_of_a_read=2, tries_of_a_write=2)


def _late(_error: BaseException, seconds: float) -> Failure:
    words = f"no answer in time, the whole of it within {seconds:g} s"
    return Failure(words, "raise `timeout` in the environment's file, or look at the server's load", tries_of_a_read=2)


def _refused(_error: BaseException, _seconds: float) -> Failure:
    hint = "is it running, and are host and port in {setting} right?"
    return Failure("connection refused", hint, sent=False, tries_of_a_read=2, tries_of_a_write=2)


def _not_connected(error: BaseException, _seconds: float) -> Failure:
    said = next((cause.strerror for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror), "")
    words = f"no connection: {one_line(said).lower()}" if said else "no connection"
    return Failure(words.replace("{", "").replace("}", ""), "is {setting} right?", sent=False, tries_of_a_read=2)


def _cut_short(_error: BaseException, _seconds: float) -> Failure:
    hint = "a proxy before it may cut long answers short"
    return Failure("the answer broke off in the middle", hint, tries_of_a_read=5)


def _closed(_error: BaseException, _seconds: float) -> Failure:
    return Failure("it closed the connection without an answer", CLOSED_HINT, tries_of_a_read=5)


def _unusable(_error: BaseException, _seconds: float) -> Failure:
    return Failure("that is not a URL", "{setting} is http(s)://host[:port][/path]", sent=False)


def _unsendable(_error: BaseException, _seconds: float) -> Failure:
    hint = "look at the variable or file that holds the secret: letters of another alphabet, a line break"
    return Failure("the credentials hold a character that no header takes", hint, sent=False)


_FAILURES = (
    ((requests.exceptions.InvalidHeader, UnicodeEncodeError), _unsendable),
    (
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidSchema,
            urllib3.LocationParseError,
        ),
        _unusable,
    ),
    ((requests.exceptions.ProxyError, urllib3.ProxyError), _proxy),
    ((ssl.SSLCertVerificationError,), _untrusted),
    ((ssl.SSLError, requests.exceptions.SSLError, urllib3.SSLError), _tls),
    ((gaierror, urllib3.NameResolutionError), _unknown_host),
    ((ConnectionRefusedError,), _refused),
    ((urllib3.NewConnectionError,), _not_connected),
    ((requests.ConnectTimeout, urllib3.ConnectTimeoutError), _no_connection),
    ((requests.Timeout, urllib3.ReadTimeoutError, TimeoutError), _late),
    ((urllib3.IncompleteRead, urllib3.InvalidChunkLength, requests.exceptions.ChunkedEncodingError), _cut_short),
    ((urllib3.DecodeError, requests.exceptions.ContentDecodingError), _cut_short),
    ((ConnectionError, urllib3.ProtocolError, HTTPException), _closed),
)
"""The outermost meaning first: a refused connection of a proxy is the proxy's, one in TLS is TLS's."""
