"""Draws the page: views into templates, with a policy that lets nothing run but the page's own script."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from entra_deployer.core.text import visible
from entra_deployer.data import load_text
from entra_deployer.overview import Live, Overview, Proof
from entra_deployer.reports.document import Document
from entra_deployer.reports.documents.drift import drift_document
from entra_deployer.reports.documents.forecast import forecast_document
from entra_deployer.reports.documents.history import history_document
from entra_deployer.reports.page.charts import HEIGHT, WIDTH, columns_of
from entra_deployer.reports.page.views import SEVERITIES, charts, counted_by, rule_views, tactic_views, trend_views
from entra_deployer.reports.words import counted, minute, short_commit

_FOLDER = "templates/report"
_LIVE = ("on", "off", "failing", "differs", "missing")


def draw_page(overview: Overview, *, watched: bool = False) -> str:
    """The whole page. `watched`: it asks its server what is new.

    The same overview gives the same bytes.
    """
    views = rule_views(overview)
    style, script = load_text(f"{_FOLDER}/style.css"), load_text(f"{_FOLDER}/script.js")
    if watched:
        script += load_text(f"{_FOLDER}/watch.js")
    live = overview.live
    told = tuple(_documents(live)) if live else ()
    return _template().render(
        overview=overview,
        environment=live.inventory.environment if live else "",
        stack=live.inventory.stack if live else "",
        at=minute(overview.at.isoformat()),
        commit=short_commit(overview.commit),
        views=views,
        counts=counted_by(views),
        charts=tuple(charts(overview, views)),
        tactics=tactic_views(overview.coverage),
        documents=told,
        pushes=_pushes(overview),
        trends=trend_views(live.forecast) if live and live.forecast else (),
        proofs=tuple(Proof),
        severities=SEVERITIES,
        lives=_LIVE,
        style=style,
        script=script,
        policy=_policy(style, script, watched=watched),
    )


def _documents(live: Live) -> Iterator[Document]:
    """What is told of an environment in sections of its own."""
    if live.forecast:
        yield forecast_document(live.forecast)
    yield drift_document(live.drift)
    yield history_document(live.history)


def _pushes(overview: Overview) -> dict[str, object]:
    """The pushes as columns, the oldest first."""
    pushes = overview.live.history.pushes[::-1] if overview.live else ()
    entries = [(one.number, one.entry.at, len(one.entry.results)) for one in pushes]
    values = [(f"#{number} {minute(at)}: {count}", count) for number, at, count in entries]
    return {"boxes": columns_of(values, "push"), "count": len(values)}


def _policy(style: str, script: str, *, watched: bool) -> str:
    """Content-Security-Policy: nothing is loaded, nothing runs but the texts of these digests."""
    connect = "; connect-src 'self'" if watched else ""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'{connect}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _template() -> Template:
    templates = Environment(
        loader=FunctionLoader(lambda name: load_text(f"{_FOLDER}/{name}")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    templates.globals |= {"counted": counted, "kind_of": _kind_of, "is_link": _is_link, "chart": (WIDTH, HEIGHT)}
    return templates.get_template("page.html")


def _shown(value: object) -> object:
    """What a template prints: text without characters that nobody sees; what is HTML already as it is."""
    return visible(value, keep="\n\t") if isinstance(value, str) and not hasattr(value, "__html__") else value


def _kind_of(block: object) -> str:
    return type(block).__name__.lower()


def _is_link(text: str) -> bool:
    """Whether a reference may be a link: of the web, and in one word."""
    return text.startswith(("https://", "http://")) and not any(map(str.isspace, text))
