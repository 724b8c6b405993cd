"""The table of what is served: each route with a recorded answer of the real Kibana that it goes by."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from entra_deployer.local.kibana import (
    exceptions,
    object_files,
    object_routes,
    page,
    rule_routes,
    rules_in_bulk,
    runs,
    sessions,
    status,
    things,
)
from entra_deployer.local.kibana.bodies import MEGABYTE
from entra_deployer.local.kibana.server import Handler

VERSION: Final = "2023-10-31"
RULES: Final = "/api/detection_engine/rules"
OBJECTS: Final = "/api/saved_objects"


@dataclass(frozen=True)
class Route:
    """One route. `record` is the `seq` of a recorded answer, None where no record asks for it.

    `at_once` is how many calls run side by side.
    """

    method: str
    path: str
    handler: Handler
    record: int | None
    limit: int = MEGABYTE
    files: bool = False
    at_once: int | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a pattern of the raw, still quoted path."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))

    @property
    def is_guarded(self) -> bool:
        """Whether the route is closed to whoever may not read rules (record 8)."""
        return self.path.startswith(("/api/detection_engine/", "/api/exception_lists", "/local/"))

    @property
    def versioned(self) -> bool:
        """Whether the route takes and returns the header elastic-api-version."""
        return self.path.startswith("/api/detection_engine/")


ROUTES: Final = (
    Route("POST", RULES, rule_routes.create, 86),
    Route("GET", RULES, rule_routes.read, 361),
    Route("PUT", RULES, rule_routes.replace, 374),
    Route("PATCH", RULES, rule_routes.patch, 403),
    Route("DELETE", RULES, rule_routes.delete, 424),
    Route("GET", f"{RULES}/_find", rule_routes.find, 447),
    Route("POST", f"{RULES}/_bulk_action", rules_in_bulk.act, 503, at_once=5),
    Route("POST", f"{RULES}/_import", rules_in_bulk.import_rules, 592, limit=10 * MEGABYTE, files=True),
    Route("POST", f"{RULES}/_export", rules_in_bulk.export, 539),
    Route("POST", f"{RULES}/preview", runs.preview, 664, at_once=10),
    Route("POST", sessions.RUN, runs.run_rule, None),  # our own: the real one has a clock
    Route("POST", sessions.QUERY, page.query, None, at_once=5),  # our own: for the page of `deploy local open`
    Route("POST", f"{page.PATH}/invitation", page.invite, None),
    Route("GET", f"{OBJECTS}/_find", object_routes.find, 791),
    Route("POST", f"{OBJECTS}/_import", object_files.import_objects, 823, limit=25 * MEGABYTE, files=True),
    Route("POST", f"{OBJECTS}/_export", object_files.export_objects, 807),
    Route("POST", OBJECTS + "/{type}/?", object_routes.create, 745),
    Route("POST", OBJECTS + "/{type}/{id}", object_routes.create, 742),
    Route("GET", OBJECTS + "/{type}/{id}", object_routes.read, 746),
    Route("PUT", OBJECTS + "/{type}/{id}", object_routes.update, 749),
    Route("DELETE", OBJECTS + "/{type}/{id}", object_routes.delete, 866),
    Route("GET", "/api/spaces/space", things.list_spaces, 1042),
    Route("POST", "/api/spaces/space", things.create_space, 1043),
    Route("GET", "/api/spaces/space/{id}", things.read_space, 1050),
    Route("POST", "/api/exception_lists", exceptions.create_list, 578),
    Route("GET", "/api/exception_lists", exceptions.read_list, 582),
    Route("POST", "/api/exception_lists/items", exceptions.create_item, 587),
    Route("POST", "/api/actions/connector", things.create_connector, 656),
    Route("GET", "/api/actions/connectors", things.list_connectors, None),
    Route("GET", "/api/licensing/info", status.license_info, None),
)

# What the real one has and this one leaves out, and why: how a path begins, some with their method; * is any text.
NOT_SERVED: Final[tuple[tuple[str, str], ...]] = (
    ("/api/console/proxy", "a way around the API; queries go to Elasticsearch itself"),
    ("/api/content_management", "the UI's own way to saved objects"),
    ("/api/data_views", "ES|QL rules and searches name their indices in FROM"),
    ("/api/detection_engine/index", "the index of the alerts is made when the first rule runs"),
    ("/api/detection_engine/privileges", "a page of the UI; the refusals of the routes are served"),
    ("/api/detection_engine/rules/*/exceptions", "exceptions come in shared lists"),
    ("/api/detection_engine/rules/_bulk_create", "gone in 9.0; _import does it"),
    ("/api/detection_engine/rules/_bulk_delete", "gone in 9.0; _bulk_action does it"),
    ("/api/detection_engine/rules/_bulk_update", "gone in 9.0; _import does it"),
    ("/api/detection_engine/rules/prepackaged", "Elastic's own rules"),
    ("/api/detection_engine/signals", "alerts are read in Elasticsearch, and not worked on"),
    ("/api/detection_engine/tags", "the rules tell their tags"),
    ("/api/exception_lists/_find", "lists are looked up by their list_id"),
    ("/api/exception_lists/items/_find", "an export of the rule tells them"),
    ("DELETE /api/exception_lists", "a rule may refer to it still"),
    ("/api/saved_objects/_bulk_*", "_import, _export and _find take many at once"),
    ("/api/saved_objects/_resolve_import_errors", "an import that fails is corrected and sent again"),
    ("/api/saved_objects/resolve", "nothing has aliases here"),
    ("/api/spaces/_copy_saved_objects", "objects reach a space by being pushed to it"),
    ("PUT /api/spaces/space", "a space is what it was made as"),
    ("DELETE /api/spaces/space", "`deploy local reset` forgets everything"),
    ("/internal/", "routes of the UI"),
)


def match(method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    """The route of a raw path without its space, and the values of the path's parameters."""
    wanted = "GET" if method == "HEAD" else method
    if left_out(method, path):
        return None, {}
    for route in ROUTES:
        found = route.pattern.fullmatch(path)
        if found and route.method == wanted:
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return None, {}


def left_out(method: str, path: str) -> str | None:
    """Why a path of the real Kibana is not served, or None for one that the real one does not have either."""
    asked = {True: f"{method} {path}", False: path}
    return next((why for what, why in NOT_SERVED if fnmatchcase(asked[" " in what], f"{what}*")), None)
