"""What went wrong between us and a server, in one line: which URL, what was expected, what came, what that often means.

The words are the same for Kibana and for Elasticsearch. Pure: `server.py` sends, this says.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from enum import StrEnum
from html import unescape
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct, field

from entra_deployer.core.errors import AnswerLost, DeployError, Refused, Unreachable
from entra_deployer.core.json import Json
from entra_deployer.stack.environment import Endpoint, Scheme
from entra_deployer.stack.failures import CLOSED_HINT, Failure, one_line

_WANTS_TLS = re.compile(r"https port|https server|speaks https", re.IGNORECASE)
"""What web servers say to plain HTTP where they expect TLS (nginx, Go, Apache)."""
_LOGIN = re.compile(r"log ?in|sign ?in|password|sso|saml|oauth", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_KIBANA_CORE = {"statusCode", "error", "message"}


class Product(StrEnum):
    """Which of the two servers, by its name."""

    KIBANA = "Kibana"
    ELASTICSEARCH = "Elasticsearch"

    @property
    def other(self) -> "Product":
        """The other one."""
        return Product.ELASTICSEARCH if self is Product.KIBANA else Product.KIBANA

    @property
    def setting(self) -> str:
        """Where an environment's file says its address."""
        return f"{self.value.lower()}.url"


_READS = ("_search", "_query", "_field_caps", "_has_privileges", "_export", "_count", "_mget")
"""The last parts of the paths that are POSTed to and change nothing."""


def is_read(method: str, path: str) -> bool:
    """Whether a request changes nothing."""
    path = path.partition("?")[0].removesuffix("/async")
    return method in {"GET", "HEAD"} or (method != "DELETE" and path.rpartition("/")[2] in _READS)


class Answer(Struct, frozen=True):
    """An answer as it came. `path` is what was asked for, its query included; `whole` is False where it is too long.

    The names of `headers` are in small letters.
    """

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type without its parameters, "" where none is told."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def reads(self) -> bool:
        """Whether what was asked for changes nothing."""
        return is_read(self.method, self.path)

    def json(self) -> Json:
        """The body as JSON, None for anything else."""
        try:
            value: Json = msgspec.json.decode(self.body)
        except (ValueError, RecursionError):
            return None
        return value


class Diagnosis(Struct, frozen=True):
    """Says what answers and failures of one server mean. `url` is its address, `proxy` what stands before it or ""."""

    product: Product
    url: str
    endpoint: Endpoint
    proxy: str = ""

    @property
    def who(self) -> str:
        """The server and its address."""
        return f"{self.product} at {self.url}"

    def no_answer(self, method: str, path: str, failure: Failure, tried: int, *, reads: bool) -> Unreachable:
        """No answer came after so many tries."""
        times = f", tried {tried} times" if tried > 1 else ""
        words = failure.words.format(proxy=self.proxy or "the proxy", host=urlsplit(self.url).hostname)
        hint = failure.hint.format(setting=self.product.setting, url=self.url) or None
        if failure.hint == CLOSED_HINT and self.url.startswith("https"):
            hint = f"is that a server that speaks http? then write http:// in {self.product.setting}"
        asked = f"{method} {_bare(path)}"
        if reads or not failure.sent:
            return Unreachable(self._clean(f"no answer from {self.who} to {asked}: {words}{times}"), hint=hint)
        message = f"no answer from {self.who} to {asked}, a write that may have happened: {words}{times}"
        return AnswerLost(self._clean(message), hint=hint)

    def unexpected(self, answer: Answer, expected: str, detail: str = "") -> Unreachable:
        """An answer of success that is not what its endpoint answers. `detail` says where it differs."""
        came, hint = self._came(answer)
        more = f" ({detail})" if detail else ""
        asked = f"{answer.method} {_bare(answer.path)}"
        message = self._clean(f"{self.who} answered {asked} with {came}{more}, not with {expected}")
        if not answer.reads:
            return AnswerLost(f"{message}; the write may have happened", hint=hint)
        return Unreachable(message, hint=hint)

    def refusal(self, answer: Answer) -> DeployError:
        """An answer whose status is not one of success."""
        asked, said = f"{answer.method} {_bare(answer.path)}", self._clean(self._said(answer))
        message = f"{self.who} said {answer.status} to {asked}: {said}"
        if 300 <= answer.status < 400:
            return self._redirected(answer, asked)
        if answer.status in (429, 503):
            return self._busy(answer, message)
        if answer.status in (502, 504):
            message = f"a gateway before {self.who} gave up on {asked}: {answer.status}, {said}"
            hint = f"{self.product} behind it is down, or slow: ask whoever runs the gateway"
            return Unreachable(message, hint=hint) if answer.reads else AnswerLost(message, hint=hint)
        if strange := self._not_the_api(answer, asked, said):
            return strange
        reason = self._refusal_hint(answer)
        return Refused(message, status=answer.status, hint=reason, attributes=_attributes(answer))

    # -- answers that say no ----------------------------------------------------------------------------------------

    def _not_the_api(self, answer: Answer, asked: str, said: str) -> Unreachable | None:
        """What an answer shows that comes from somebody else than the server that was meant; None for a plain no."""
        setting = self.product.setting
        if other := self._swapped(answer):
            return Unreachable(f"{self.who} is not {self.product}: {other} answers there", hint=self._swap_hint())
        if self.url.startswith("http:") and _WANTS_TLS.search(answer.body[:4000].decode("utf-8", "replace")):
            return Unreachable(f"{self.who} speaks https, not http: {said}", hint=f"write https:// in {setting}")
        if answer.status == 404 and self._no_route(answer):
            hint = f"is the path in {setting} right? Where there is a base path it ends the address"
            return Unreachable(f"{self.who} has no {asked}: 404, {said}", hint=hint)
        if _page(answer) and answer.status != 413:
            message = f"{self.who} said {answer.status} to {asked} in HTML: {said}"
            if answer.status < 500 or answer.reads:
                return Unreachable(message, hint=self._page_hint(answer))
            return AnswerLost(f"{message}; the write may have happened", hint=self._page_hint(answer))
        return None

    def _page_hint(self, answer: Answer) -> str:
        setting = self.product.setting
        if _LOGIN.search(answer.body[:4000].decode("utf-8", "replace")):
            return f"a login page stands before it: {setting} must be where the API itself answers"
        return f"a gateway or another web server answers there; does {setting} name {self.product} itself?"

    def _busy(self, answer: Answer, message: str) -> Unreachable:
        asked = answer.headers.get("retry-after", "").strip()
        if asked:
            return Unreachable(f"{message}; it asks to wait {_spoken(asked)}", hint="try again then")
        if answer.status == 429:
            return Unreachable(f"{message}; it is busy", hint="try again later, or lower limits.parallel")
        return Unreachable(f"{message}; it is not ready", hint="try again in half a minute, or look into its log")

    def _redirected(self, answer: Answer, asked: str) -> Unreachable:
        target = urljoin(f"{self.url}{answer.path}", answer.headers.get("location", ""))
        there, here = urlsplit(target), urlsplit(self.url)
        shown = f"{there.scheme}://{there.netloc.rpartition('@')[2]}{there.path}"
        message = f"{self.who} answered {asked} with a redirect ({answer.status}) to {shown}, which is not followed"
        if self._swapped(answer):
            return Unreachable(message, hint=self._swap_hint())
        if there.hostname == here.hostname and there.scheme == "https" and here.scheme == "http":
            hint = f"write https:// in {self.product.setting}"
        elif _LOGIN.search(there.path) or there.hostname != here.hostname:
            hint = f"a login stands before it: {self.product.setting} must be where its API itself answers"
        else:
            hint = f"is the base path missing in {self.product.setting}?"
        return Unreachable(message, hint=hint)

    def _refusal_hint(self, answer: Answer) -> str | None:
        if answer.status == 401:
            return self._who_hint(answer)
        if answer.status == 403:
            return "this key or user lacks a privilege: `deploy doctor` tells which"
        if answer.status >= 500:
            return f"look into the log of {self.product}"
        if answer.status == 413:
            return "lower limits.batch in the environment's file, or raise the limit of the proxy before it"
        return None

    def _who_hint(self, answer: Answer) -> str:
        credentials = self.endpoint.credentials
        if credentials.scheme is Scheme.API_KEY:
            if wrong := key_problem(credentials.secret):
                return wrong
            if told := told_of_key(answer):
                return told
            hint = "the API key is expired, deleted, or of another cluster"
        elif credentials.scheme is Scheme.BASIC:
            hint = f"the user {credentials.user} or the password is wrong"
        else:
            hint = "the token is wrong or has expired"
        if self.product is Product.KIBANA:
            hint += "; Kibana also says this while its Elasticsearch is down"
        return hint

    def _no_route(self, answer: Answer) -> bool:
        """Whether a 404 is of a path that does not exist there, rather than of a thing that the path names."""
        body = answer.json()
        if not isinstance(body, dict):
            return bool(answer.body) or answer.content_type == "text/html"
        if self.product is Product.KIBANA:
            return body.get("message") == "Not Found"
        return _bare(answer.path) == "/" or not ({"error", "_index", "found", "acknowledged"} & body.keys())

    # -- what came --------------------------------------------------------------------------------------------------

    def _came(self, answer: Answer) -> tuple[str, str]:
        """What an answer is, and what that often means."""
        if other := self._swapped(answer):
            return f"what {other} answers", self._swap_hint()
        setting = self.product.setting
        elsewhere = f"does {setting} name {self.product} itself, with its base path?"
        if not answer.whole:
            return f"more than {len(answer.body) // 1_000_000} MB", elsewhere
        if not answer.body:
            return "nothing", f"a proxy before it may have dropped the answer; {elsewhere}"
        if page := _page(answer):
            return page, self._page_hint(answer)
        return _shape_of_text(answer), elsewhere

    def _swapped(self, answer: Answer) -> str:
        """What the answer shows to be the other server, "" where nothing does."""
        body = answer.json() if len(answer.body) < 100_000 else None
        keys = body.keys() if isinstance(body, dict) else set()
        if self.product is Product.KIBANA:
            error = body.get("error") if isinstance(body, dict) else None
            if not answer.headers.get("kbn-name") and (
                answer.headers.get("x-elastic-product")
                or {"cluster_uuid", "tagline"} <= keys
                or (isinstance(error, dict) and "root_cause" in error)
            ):
                return "an Elasticsearch"
        elif answer.headers.get("kbn-name") or keys == _KIBANA_CORE:
            return "a Kibana"
        return ""

    def _swap_hint(self) -> str:
        return f"are {self.product.setting} and {self.product.other.setting} swapped?"

    def _said(self, answer: Answer) -> str:
        """The server's own words, or what came in their place."""
        body = answer.json()
        if isinstance(body, dict):
            said = elastic_reason(body) if self.product is Product.ELASTICSEARCH else kibana_reason(body)
            if said:
                return said
        if not answer.body:
            return "no message"
        return _page(answer) or one_line(answer.body.decode("utf-8", "replace"))

    def _clean(self, text: str) -> str:
        """The text without our secret, should a server or a proxy have echoed it."""
        secret = self.endpoint.credentials.secret
        return text.replace(secret, "***") if secret else text


def key_problem(secret: str) -> str:
    """What is wrong with an API key by its looks, "" where nothing is. It is base64 of `id:key`."""
    try:
        decoded = b64decode(secret, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        decoded = ""
    if ":" in decoded:
        return ""
    if ":" in secret:
        return "the API key is the pair id:key: give its base64, which Kibana shows as `encoded`"
    return "this is no API key: it is base64 of id:key, which Kibana shows as `encoded` when the key is made"


def told_of_key(answer: Answer) -> str:
    """What Elasticsearch tells of an API key that it does not take, "" for nothing. Kibana never passes it on."""
    text = answer.body.decode("utf-8", "replace")
    for words, meaning in _KEYS:
        if words in text:
            return meaning
    return ""


_KEYS = (
    ("expired", "the API key has expired: make a new one"),
    ("unable to find apikey", "this cluster has no such API key: it was deleted, or it is of another cluster"),
    ("invalidated", "the API key was invalidated: make a new one"),
    ("invalid credentials for API key", "the API key's secret part is wrong"),
)


def kibana_reason(body: Mapping[str, Json]) -> str:
    """Kibana's words: its core says {error, message}, its detection engine a string, a list or {errors: [...]}."""
    message = body.get("message")
    if isinstance(message, dict):
        message = message.get("errors", message)
    if isinstance(message, list):
        message = "; ".join(str(item) for item in message)
    return one_line(_CAUSES.sub("", str(message))) if message else ""


_CAUSES = re.compile(r"^\[\w+\s+Root causes:.*?\]: ", re.DOTALL)
"""What Kibana puts before a reason of Elasticsearch: the same reason, once for each cause."""


def elastic_reason(body: Mapping[str, object]) -> str:
    """Elasticsearch's reason out of an error's body, its cause with it; "" where it gives none."""
    error = body.get("error")
    if not isinstance(error, dict):
        return one_line(str(error)) if error else ""
    causes = error.get("root_cause")
    first = causes[0] if isinstance(causes, list) and causes and isinstance(causes[0], dict) else {}
    said = str(error.get("reason") or first.get("reason") or "")
    inner = error.get("caused_by")
    cause = str(inner.get("reason") or "") if isinstance(inner, dict) else ""
    if cause and cause not in said:
        said = f"{said}: {cause}"
    kind = str(error.get("type") or "")
    return one_line(f"{kind}: {said}" if said and kind else said or kind)


def _attributes(answer: Answer) -> Mapping[str, Json]:
    """What an error holds for programs: Kibana's `attributes`, Elasticsearch's `error`."""
    body = answer.json()
    attributes = (body.get("attributes") or body.get("error")) if isinstance(body, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _bare(path: str) -> str:
    return path.partition("?")[0]


def _page(answer: Answer) -> str:
    """An HTML page by its title, "" for anything else."""
    start = answer.body[:4000].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if answer.content_type != "text/html" and not start[:15].lower().startswith(("<!doctype", "<html", "<head")):
        return ""
    title = _TITLE.search(start)
    named = one_line(unescape(title[1]))[:80] if title else ""
    return f'an HTML page "{named}"' if named else "an HTML page"


def _shape_of_text(answer: Answer) -> str:
    try:
        value = msgspec.json.decode(answer.body)
    except RecursionError:
        return "JSON that is nested too deeply"
    except ValueError as error:
        if "truncated" in str(error):
            return f"JSON that breaks off after {len(answer.body)} bytes"
        start = one_line(answer.body[:60].decode("utf-8", "replace"))
        return f'no JSON ("{start}")'
    if answer.content_type and "json" not in answer.content_type:
        return answer.content_type
    return _shape(value)


def _shape(value: Json) -> str:
    match value:
        case None:
            return "null"
        case dict():
            names = ", ".join(one_line(str(name))[:40] for name in list(value)[:3])
            return f"an object of {names}{', …' if len(value) > 3 else ''}" if value else "an empty object"
        case list():
            return f"a list of {len(value)}"
        case str():
            return "a text"
    return "a number" if not isinstance(value, bool) else "true or false alone"


def _spoken(seconds: str) -> str:
    return f"{seconds} s" if seconds.isdecimal() else f"until {one_line(seconds)}"
