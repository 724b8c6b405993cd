"""The time that one run of a rule looks at."""

from collections.abc import Mapping
from datetime import datetime

from entra_deployer.core.json import Json
from entra_deployer.core.time import format_moment


def time_range(payload: Mapping[str, Json], now: datetime, until: datetime | None = None) -> Mapping[str, Json]:
    """The filter that Kibana puts before a rule's query, for a run at `now`: documents of [from, to] only.

    With `until` it is the time that all runs from `now` to `until` look at.
    """
    span: Json = {
        "gte": _anchored(str(payload.get("from", "now-6m")), now),
        "lte": _anchored(str(payload.get("to", "now")), until or now),
        "format": "strict_date_optional_time",
    }
    field = str(payload.get("timestamp_override") or "@timestamp")
    if field == "@timestamp":
        return {"range": {"@timestamp": span}}
    choices: list[Json] = [{"range": {field: span}}]
    if not payload.get("timestamp_override_fallback_disabled"):
        absent: Json = {"bool": {"must_not": {"exists": {"field": field}}}}
        choices.append({"bool": {"filter": [absent, {"range": {"@timestamp": span}}]}})
    return {"bool": {"should": choices, "minimum_should_match": 1}}


def _anchored(moment: str, now: datetime) -> str:
    """Elasticsearch's date math on the run's own clock: now-14d -> 2026-11-24T10:00:00.000Z||-14d."""
    if not moment.startswith("now"):
        return moment
    return f"{format_moment(now)}||{moment.removeprefix('now')}" if moment != "now" else format_moment(now)
