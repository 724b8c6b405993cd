"""The hunt's own query as a saved ES|QL search: what an analyst opens in Discover beside the alert.

The shape is the one from before Discover had tabs (9.2), without newer attributes: every version from 8.12 on takes it
and migrates it to its own.
"""

from dataclasses import dataclass

from entra_deployer.core.json import Json, canonical
from entra_deployer.core.time import format_duration
from entra_deployer.esql.columns import sources
from entra_deployer.esql.tree import Tree
from entra_deployer.objects.state import SAVED_SEARCH, StateObject
from entra_deployer.objects.tag import reference_to


@dataclass(frozen=True)
class View:
    """How Discover shows it: `columns` are those in front, `lookback` the seconds before now that it opens with."""

    title: str
    description: str
    columns: tuple[str, ...]
    lookback: int


def saved_search(key: str, tree: Tree, view: View, tag: StateObject) -> StateObject:
    """The saved search with the query of `tree`, marked as ours by `tag`."""
    pattern = ",".join(sources(tree))
    source: dict[str, Json] = {
        "query": {"esql": tree.text},
        "filter": [],
        "index": {
            "title": pattern,
            "timeFieldName": "@timestamp",
            "sourceFilters": [],
            "type": "esql",
            "fieldFormats": {},
            "runtimeFieldMap": {},
            "allowNoIndex": False,
            "name": pattern,
            "allowHidden": False,
        },
    }
    attributes: dict[str, Json] = {
        "title": view.title,
        "description": view.description,
        "columns": list(view.columns),
        "sort": [["@timestamp", "desc"]] if "@timestamp" in view.columns else [],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": True,
        "usesAdHocDataView": False,
        "timeRestore": True,
        "timeRange": {"from": f"now-{format_duration(view.lookback)}", "to": "now"},
        "kibanaSavedObjectMeta": {"searchSourceJSON": canonical(source)},
    }
    return StateObject(SAVED_SEARCH, key, view.title, {"attributes": attributes, "references": [reference_to(tag)]})
