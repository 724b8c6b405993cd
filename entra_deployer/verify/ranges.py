"""The time that one run of a rule looks at."""

from collections.abc import Mapping
from datetime import UTC, datetime

from entra_deployer.core.json import Untyped as Json


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_range(payload: Mapping[str, Json], now: datetime) -> Json:
    """The filter that Kibana puts before a rule's query, for a run at `now`: documents of [from, to] only."""
    span = {
        "gte": _anchored(str(payload.get("from", "now-6m")), now),
        "lte": _anchored(str(payload.get("to", "now")), now),
        "format": "strict_date_optional_time",
    }
    field = payload.get("timestamp_override")
    if not field or field == "@timestamp":
        return {"range": {"@timestamp": span}}
    choices: list[Json] = [{"range": {field: span}}]
    if not payload.get("timestamp_override_fallback_disabled"):
        absent = {"bool": {"must_not": {"exists": {"field": field}}}}
        choices.append({"bool": {"filter": [absent, {"range": {"@timestamp": span}}]}})
    return {"bool": {"should": choices, "minimum_should_match": 1}}


def _anchored(moment: str, now: datetime) -> str:
    """Elasticsearch's date math on the run's own clock: now-14d -> 2026-11-24T10:00:00.000Z||-14d."""
    if not moment.startswith("now"):
        return moment
    return f"{stamp(now)}||{moment.removeprefix('now')}" if moment != "now" else stamp(now)
