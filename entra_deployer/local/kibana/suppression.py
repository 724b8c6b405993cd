"""Alert suppression: rows that agree in some fields become one alert that counts the others (API facts, 1 and 4)."""

from collections.abc import Sequence
from typing import Final

from entra_deployer.local.kibana import alert_source
from entra_deployer.local.kibana.alerts import Alert, Run, digest
from entra_deployer.local.kibana.datemath import SPANS, iso
from entra_deployer.local.kibana.server import Kibana
from entra_deployer.model.values import Json, canonical

COUNT: Final = "kibana.alert.suppression.docs_count"
START: Final = "kibana.alert.suppression.start"
END: Final = "kibana.alert.suppression.end"
TERMS: Final = "kibana.alert.suppression.terms"
INSTANCE: Final = "kibana.alert.instance.id"


def grouped(run: Run, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts of a run, those with the same values in the rule's fields in one."""
    settings = run.rule["alert_suppression"]
    groups: dict[str, list[Alert]] = {}
    alone: list[Alert] = []
    for alert in alerts:
        terms = [{"field": name, "value": _values(alert, name)} for name in settings["group_by"]]
        apart = settings.get("missing_fields_strategy") == "doNotSuppress"
        if apart and any(term["value"] is None for term in terms):
            alone.append(alert)
        else:
            groups.setdefault(canonical(terms), []).append(Alert(alert.id, {**alert.source, TERMS: terms}))
    return [_one(run, group) for group in groups.values()] + alone


def continued(kibana: Kibana, run: Run, alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts that are new: others of the rule's suppression period are counted on the alert that is there."""
    duration = run.rule["alert_suppression"].get("duration")
    if not duration:
        return list(alerts)
    since = run.started_at - duration["value"] * SPANS[duration["unit"]]
    return [alert for alert in alerts if not _counted(kibana, run, alert, iso(since))]


def _one(run: Run, group: list[Alert]) -> Alert:
    first = group[0]
    times = sorted(alert.source.get("kibana.alert.original_time", iso(run.started_at)) for alert in group)
    source = {
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


def _counted(kibana: Kibana, run: Run, alert: Alert, since: str) -> bool:
    if INSTANCE not in alert.source:
        return False
    terms = [{"term": {INSTANCE: alert.source[INSTANCE]}}, {"range": {"@timestamp": {"gte": since}}}]
    closed = [{"term": {"kibana.alert.workflow_status": "closed"}}]
    body = {"query": {"bool": {"filter": terms, "must_not": closed}}, "size": 1, "sort": [{"@timestamp": "desc"}]}
    reply = kibana.elastic.call("POST", f"/{run.book.alias}/_search", body)
    hits = reply.body["hits"]["hits"] if reply.ok else []
    if not hits:
        return False
    old = hits[0]["_source"]
    if hits[0]["_id"] == alert.id:
        return True
    changes = {
        COUNT: old[COUNT] + alert.source[COUNT] + 1,
        END: max(old[END], alert.source[END]),
        "kibana.alert.last_detected": iso(kibana.clock()),
    }
    kibana.elastic.call("POST", f"/{run.book.index}/_update/{hits[0]['_id']}?refresh=true", {"doc": changes})
    return True
