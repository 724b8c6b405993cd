"""The ASGI application: finds the route, lets the caller in, runs the handler in a thread, words the answer."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, unquote

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from entra_deployer.local.kibana import bodies, page, routes, sessions, status
from entra_deployer.local.kibana.auth import RULES_READ, Gate
from entra_deployer.local.kibana.elastic import Elastic
from entra_deployer.local.kibana.errors import ElasticsearchDown, Fault, core, not_found, not_served
from entra_deployer.local.kibana.profiles import License, Profile
from entra_deployer.local.kibana.runs import Scheduler
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import Store

MARK: Final = {"x-local-kibana": "entra-deployer", "kbn-name": status.NAME, "cache-control": "no-store"}
SAFE: Final = {"GET", "HEAD"}
SPACE: Final = re.compile(r"/s/([a-z0-9_-]+)(/.*)?")
LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
"""The Host headers that are answered. Any other comes from a page whose name was made to point here (DNS rebinding)."""
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Target:
    """What a request asks for: its route, if there is one, and what its raw path and query string say."""

    route: routes.Route | None
    path: str
    space: str
    params: dict[str, str]
    query: dict[str, list[str]]


class Application:
    """One local Kibana API over one Elasticsearch."""

    def __init__(self, kibana: Kibana) -> None:
        self._kibana = kibana
        self._gate = Gate(kibana.elastic)
        self._running: Counter[str] = Counter()

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            check_host(request)
            target = _target(request)
            if target.path == "/api/status" and request.method in SAFE:
                answer = await to_thread.run_sync(self._status, request.headers.get("authorization"))
            elif request.method in SAFE and (file := page.file(target.path)):
                answer = file
            elif target.path == page.SESSION and request.method == "POST":
                answer = Answer({"key": self._kibana.sessions.redeem(request.headers.get(sessions.TOKEN, ""))})
            else:
                answer = await self._routed(request, target)
        except Fault as fault:
            answer = Answer(fault.body, fault.status)
        except ElasticsearchDown:
            self._gate.forget()
            answer = Answer(core(401, "Unauthorized").body, 401)
        return _response(answer)

    async def _routed(self, request: Request, target: Target) -> Answer:
        asking = request.headers.get("authorization")
        authorization = self._kibana.sessions.acting_for(asking, request.method, target.path)
        user = await to_thread.run_sync(self._gate.user, authorization)
        route = target.route
        if route is None:
            return _without_route(request.method, target.path)
        data = await bodies.collected(request.stream(), request.headers, route.limit)
        body = await bodies.parsed(data, request.headers, takes_files=route.files)
        _check_headers(self._kibana.profile.version, request, route)
        query = target.query
        call = Call(
            request.method,
            target.path,
            target.space,
            user,
            target.params,
            query,
            body.value,
            body.upload,
            body.is_multipart,
            await to_thread.run_sync(self._gate.rights, user, target.space),
        )
        if route.is_guarded:
            call.must(RULES_READ, core(403, "Forbidden"))
        await to_thread.run_sync(self._kibana.store.prepare)
        answer = await self._run(route, call)
        headers = {"elastic-api-version": routes.VERSION} if route.versioned else {}
        return Answer(answer.body, answer.status, {**headers, **answer.headers})

    async def _run(self, route: routes.Route, call: Call) -> Answer:
        if route.at_once is not None and self._running[route.path] >= route.at_once:
            raise core(429, "Too Many Requests")
        self._running[route.path] += 1
        try:
            return await to_thread.run_sync(route.handler, self._kibana, call)
        finally:
            self._running[route.path] -= 1

    def _status(self, authorization: str | None) -> Answer:
        try:
            known = bool(self._gate.user(self._kibana.sessions.acting_for(authorization, "GET", "/api/status")))
        except (Fault, ElasticsearchDown):
            known = False
        return status.report(self._kibana, known=known)


def build(
    store: Store, elasticsearch: Elastic, profile: Profile, license_type: License, *, run_rules: bool
) -> Starlette:
    """The application over an Elasticsearch; the indices of its store are made when it starts."""
    kibana = Kibana(elasticsearch, store, profile, license_type, lambda: datetime.now(UTC))
    scheduler = Scheduler(kibana) if run_rules else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        with suppress(ElasticsearchDown):  # it may come later: see Application
            await to_thread.run_sync(kibana.store.prepare)
        if scheduler:
            scheduler.start()
        yield
        if scheduler:
            await to_thread.run_sync(scheduler.stop)
        elasticsearch.close()

    application = Application(kibana)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await (await application(Request(scope, receive)))(scope, receive, send)

    app = Starlette(lifespan=lifespan, exception_handlers={Exception: _broken})
    app.router.redirect_slashes = False
    app.router.default = answer  # our own table of routes works on raw paths: an id may hold a quoted slash
    return app


async def _broken(_request: Request, _error: Exception) -> Response:
    fault = core(500, "An internal server error occurred. Check Kibana server logs for details.")
    return _response(Answer(fault.body, fault.status))


def check_host(request: Request) -> None:
    """Raise a 421 for a request that was not sent to this machine by its own name."""
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not LOOPBACK.fullmatch(hosts[0]):
        message = f"The local Kibana API answers to 127.0.0.1 and localhost, not to {', '.join(hosts) or 'no host'}"
        raise core(421, message)


def _target(request: Request) -> Target:
    raw = request.scope["raw_path"].decode("ascii", "replace").split("?")[0]
    if re.search(r"%(?![0-9a-fA-F]{2})", raw):
        raise core(400, "Bad Request")
    if {".", ".."} & set(unquote(raw).split("/")):
        raise not_served("paths with . or ..")
    path, space = raw, "default"
    in_space = SPACE.fullmatch(path)
    if in_space:
        space, path = in_space[1], in_space[2] or "/"
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.url.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    route, params = routes.match(request.method, path)
    return Target(route, path, space, params, query)


def _without_route(method: str, path: str) -> Answer:
    why = routes.left_out(method, path)
    if why:
        raise not_served(why)
    if path == "/" and method in SAFE:
        return Answer("", 302, {"location": "/spaces/enter"})
    if path.endswith("/") and len(path) > 1 and method in SAFE and routes.match(method, path.rstrip("/"))[0]:
        return Answer("", 302, {"location": path.rstrip("/")})
    raise not_found()


def _check_headers(version: str, request: Request, route: routes.Route) -> None:
    sent = request.headers.get("kbn-version")
    if request.method not in SAFE and "kbn-xsrf" not in request.headers and sent is None:
        raise core(400, "Request must contain a kbn-xsrf header.")
    if sent is not None and sent != version:
        complaint = f'please refresh the page ("kbn-version" header was "{sent}" but should be "{version}")'
        raise core(400, f"Browser client is out of date, {complaint}", attributes={"expected": version, "got": sent})
    if not route.versioned:
        return
    if "apiVersion" in request.query_params:
        message = 'Use of query parameter "apiVersion" is not allowed. Please specify the API version using the '
        raise core(400, message + '"elastic-api-version" header.')
    asked = request.headers.get("elastic-api-version") or routes.VERSION
    if not DATE.fullmatch(asked):
        raise core(400, f'Invalid version. Received "{asked}", expected a valid date string formatted as YYYY-MM-DD.')
    if asked != routes.VERSION:
        where = f"[{route.method.lower()}] [{route.path}]"
        raise core(400, f'No version "{asked}" available for {where}. Available versions are: [{routes.VERSION}]')


def _response(answer: Answer) -> Response:
    headers = {**MARK, **answer.headers}
    if isinstance(answer.body, str):
        content, kind = answer.body, headers.pop("content-type", "text/html; charset=utf-8")
    elif answer.status == 204:
        return Response(status_code=204, headers=headers)
    else:
        content, kind = json.dumps(answer.body, ensure_ascii=False), "application/json; charset=utf-8"
    return Response(content, answer.status, headers, kind)
