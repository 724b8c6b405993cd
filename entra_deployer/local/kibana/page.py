"""The page of `deploy local open`: its files, and the query that somebody types there."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from entra_deployer.local.kibana.errors import core
from entra_deployer.local.kibana.server import Answer, Call, Kibana

PATH: Final = "/local/page"
SESSION: Final = f"{PATH}/session"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_FILES: Final[Mapping[str, tuple[str, str]]] = {
    PATH: ("page.html", "text/html"),
    f"{PATH}.css": ("page.css", "text/css"),
    f"{PATH}.js": ("page.js", "text/javascript"),
}


def file(path: str) -> Answer | None:
    """A file of the page, which holds nothing of the stack's; None for another path."""
    if path not in _FILES:
        return None
    name, kind = _FILES[path]
    text = (files(__package__) / "page_files" / name).read_text("utf-8")
    headers = {
        "content-type": f"{kind}; charset=utf-8",
        "content-security-policy": _POLICY,
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Answer(text, headers=headers)


def invite(kibana: Kibana, call: Call) -> Answer:
    """POST /local/page/invitation: a token for the page, to be put behind its address as `#token=…`."""
    return Answer({"token": kibana.sessions.invite(call.user.authorization)})


def query(kibana: Kibana, call: Call) -> Answer:
    """POST /local/query {query}: columns and values of a query in ES|QL; {error} where Elasticsearch refuses it."""
    text = call.fields.get("query")
    if not isinstance(text, str) or not text.strip():
        raise core(400, "[request body]: expected {query}, a text")
    reply = kibana.elastic.call("POST", "/_query?format=json", {"query": text}, caller=call.user.authorization)
    return Answer(reply.read(dict) if reply.ok else {"error": str(reply.error.reason)})
