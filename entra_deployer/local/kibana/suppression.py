"""Alert suppression: rows that agree in some fields become one alert that counts the others (API facts, 1 and 4)."""

from collections.abc import Sequence
from typing import Final

from entra_deployer.core.json import Json, as_int, canonical
from entra_deployer.local.kibana import alert_source
from entra_deployer.local.kibana.alerts import Alert, Run, digest, found
from entra_deployer.local.kibana.datemath import SPANS, iso
from entra_deployer.local.kibana.rules import Period, Suppression
from entra_deployer.local.kibana.server import Kibana

COUNT: Final = "kibana.alert.suppression.docs_count"
START: Final = "kibana.alert.suppression.start"
END: Final = "kibana.alert.suppression.end"
TERMS: Final = "kibana.alert.suppression.terms"
INSTANCE: Final = "kibana.alert.instance.id"


def grouped(run: Run, settings: Suppression, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts of a run, those with the same values in the rule's fields in one."""
    groups: dict[str, list[Alert]] = {}
    alone: list[Alert] = []
    for alert in alerts:
        terms = [{"field": name, "value": _values(alert, name)} for name in settings.group_by]
        apart = settings.missing_fields_strategy == "doNotSuppress"
        if apart and any(term["value"] is None for term in terms):
            alone.append(alert)
        else:
            groups.setdefault(canonical(terms), []).append(Alert(alert.id, {**alert.source, TERMS: terms}))
    return [_one(run, group) for group in groups.values()] + alone


def continued(kibana: Kibana, run: Run, period: Period | None, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts that are new: others of the rule's suppression period are counted on the alert that is there."""
    if not period:
        return list(alerts)
    since = run.started_at - period.value * SPANS[period.unit]
    there = _there(kibana, run, alerts, iso(since))
    old = [alert for alert in alerts if alert.source.get(INSTANCE) in there]
    _count(kibana, run, [(alert, there[str(alert.source[INSTANCE])]) for alert in old])
    return [alert for alert in alerts if alert not in old]


def _one(run: Run, group: list[Alert]) -> Alert:
    first = group[0]
    times = sorted(str(alert.source.get("kibana.alert.original_time", iso(run.started_at))) for alert in group)
    source: dict[str, Json] = {
        **first.source,
        COUNT: len(group) - 1,
        START: times[0],
        END: times[-1],
        INSTANCE: digest([run.rule["id"], first.source[TERMS]]),
    }
    return Alert(first.id, source)


def _values(alert: Alert, name: str) -> Json:
    value = alert_source.lookup(alert.source, name)
    return None if value is None else value if isinstance(value, list) else [value]


def _there(kibana: Kibana, run: Run, alerts: Sequence[Alert], since: str) -> dict[str, Alert]:
    """By instance, the last open alert of the period, as Elasticsearch finds it."""
    instances = [alert.source[INSTANCE] for alert in alerts if INSTANCE in alert.source]
    if not instances:
        return {}
    terms = [{"terms": {INSTANCE: instances}}, {"range": {"@timestamp": {"gte": since}}}]
    closed = [{"term": {"kibana.alert.workflow_status": "closed"}}]
    query = {"bool": {"filter": terms, "must_not": closed}}
    body = {"query": query, "size": 10_000, "sort": [{"@timestamp": "asc"}]}
    reply = kibana.elastic.call("POST", f"/{run.book.alias}/_search", body)
    return {str(alert.source[INSTANCE]): alert for alert in found(reply)}


def _count(kibana: Kibana, run: Run, pairs: Sequence[tuple[Alert, Alert]]) -> None:
    """Count each alert on the one that is there, unless it is the same."""
    lines: list[Json] = []
    for alert, there in pairs:
        if there.id != alert.id:
            old = there.source
            changes: dict[str, Json] = {
                COUNT: as_int(old[COUNT]) + as_int(alert.source[COUNT]) + 1,
                END: max(str(old[END]), str(alert.source[END])),
                "kibana.alert.last_detected": iso(kibana.clock()),
            }
            lines += [{"update": {"_id": there.id}}, {"doc": changes}]
    if lines:
        kibana.elastic.call("POST", f"/{run.book.index}/_bulk?refresh=true", lines)
