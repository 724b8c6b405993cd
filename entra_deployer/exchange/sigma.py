"""Sigma rules, by pySigma and its Elasticsearch backend (the extra `sigma`).

pySigma writes `FROM *`: here the rule's logsource says which data streams it is about.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from entra_deployer.core.errors import InputError, Location
from entra_deployer.exchange.foreign import Body, ForeignRule, Loss, foreign_rule

type Foreign = Any
"""What pySigma gives; all that is read of it is turned into texts here."""

_MISSING = "deploy was installed without what reads Sigma rules"
_HINT = "install it with its extra: 'entra-deployer[sigma]'"
_RISK = {"informational": 21, "low": 21, "medium": 47, "high": 73, "critical": 99}
_SOURCES: dict[tuple[str, str], str] = {
    ("windows", "security"): "logs-system.security-*",
    ("windows", "system"): "logs-system.system-*",
    ("windows", "application"): "logs-system.application-*",
    ("windows", "powershell"): "logs-windows.powershell_operational-*",
    ("windows", "powershell-classic"): "logs-windows.powershell-*",
    ("windows", "sysmon"): "logs-windows.sysmon_operational-*",
    ("windows", "windefend"): "logs-windows.windows_defender-*, logs-winlog.winlog-*",
    ("windows", ""): "logs-windows.*, logs-system.*, logs-endpoint.events.*",
    ("linux", "auditd"): "logs-auditd.log-*, logs-auditd_manager.auditd-*",
    ("linux", "auth"): "logs-system.auth-*",
    ("linux", "sudo"): "logs-system.auth-*",
    ("linux", "sshd"): "logs-system.auth-*",
    ("linux", "syslog"): "logs-system.syslog-*",
    ("linux", ""): "logs-endpoint.events.*, logs-auditd*, logs-system.*",
    ("macos", ""): "logs-endpoint.events.*",
    ("azure", "signinlogs"): "logs-azure.signinlogs-*",
    ("azure", "auditlogs"): "logs-azure.auditlogs-*",
    ("azure", "activitylogs"): "logs-azure.activitylogs-*",
    ("azure", "riskdetection"): "logs-azure.identity_protection-*",
    ("azure", "pim"): "logs-azure.auditlogs-*",
    ("azure", ""): "logs-azure.*",
    ("aws", "cloudtrail"): "logs-aws.cloudtrail-*",
    ("gcp", "gcp.audit"): "logs-gcp.audit-*",
    ("gcp", "google_workspace.admin"): "logs-google_workspace.admin-*",
    ("m365", ""): "logs-o365.audit-*",
    ("okta", ""): "logs-okta.system-*",
    ("github", ""): "logs-github.audit-*",
    ("kubernetes", ""): "logs-kubernetes.audit_logs-*",
    ("zeek", ""): "logs-zeek.*",
    ("cisco", ""): "logs-cisco_*",
}
"""The data streams of Elastic's integrations, by product and service; "" stands for any service."""
_CATEGORIES = {
    "proxy": "logs-squid.*, logs-zscaler_zia.web-*",
    "webserver": "logs-apache.access-*, logs-nginx.access-*, logs-iis.access-*",
    "dns": "logs-network_traffic.dns-*, logs-zeek.dns-*",
    "firewall": "logs-*",
}
_PIPELINES = {
    "windows": "ecs_windows",
    "zeek": "ecs_zeek_beats",
    "kubernetes": "ecs_kubernetes",
    "macos": "ecs_macos_esf",
}
_CASE = "Sigma compares texts without regard to letter case, the query with it"


def read_sigma(text: str, source: str) -> Iterator[ForeignRule | InputError]:
    """The rules of a file, and what is wrong with one of them. Raises InputError where the file is none of Sigma's."""
    try:
        from sigma.collection import SigmaCollection  # noqa: PLC0415 - an extra, and heavy
    except ModuleNotFoundError as error:
        raise InputError(_MISSING, hint=_HINT) from error
    try:
        rules = SigmaCollection.from_yaml(text).rules
    except Exception as error:
        raise InputError(f"is no Sigma rule: {_said(error)}", location=Location(source)) from error
    for rule in rules:
        try:
            yield _converted(rule, source)
        except InputError as error:
            yield error
        except Exception as error:
            yield InputError(f"pySigma cannot make ES|QL of it: {_said(error)}", location=Location(source))


def _said(error: Exception) -> str:
    """What a library says, on one line and without Python's own names."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _converted(rule: Foreign, source: str) -> ForeignRule:
    if not hasattr(rule, "logsource"):
        raise InputError("is a correlation, of which no rule is made", location=Location(source))
    logsource = [getattr(rule.logsource, name) for name in ("product", "service", "category")]
    product, service, category = (str(one or "") for one in logsource)
    losses = [Loss("letter case", _CASE)]
    pattern = _SOURCES.get((product, service)) or _SOURCES.get((product, "")) or _CATEGORIES.get(category)
    if pattern is None:
        pattern = "logs-*"
        losses.append(Loss("logsource", f"no data stream is known for {product or category or service!r}: FROM logs-*"))
    pipeline = _PIPELINES.get(product)
    if pipeline is None:
        losses.append(Loss("fields", f"pySigma knows no ECS names for {product or category!r}: they are Sigma's own"))
    query = _query(rule, pipeline, pattern)
    level = str(rule.level.name).lower() if rule.level else "medium"
    if rule.status and str(rule.status.name).lower() not in ("stable", "test"):
        losses.append(Loss("status", f"the rule is {str(rule.status.name).lower()}"))
    body: Body = {
        "name": str(rule.title),
        "rule_id": str(rule.id or ""),
        "type": "esql",
        "language": "esql",
        "description": str(rule.description or rule.title),
        "severity": "low" if level == "informational" else level,
        "risk_score": _RISK.get(level, 47),
        "query": query,
        "author": [str(rule.author)] if rule.author else [],
        "references": [str(one) for one in rule.references or ()],
        "false_positives": [str(one) for one in rule.falsepositives or ()],
        "license": str(rule.license or "DRL-1.1"),
    }
    tags = [str(tag.name).upper() for tag in rule.tags if tag.namespace == "attack"]
    techniques = tuple(tag for tag in tags if re.fullmatch(r"T\d{4}(\.\d{3})?", tag))
    return replace(foreign_rule(body, source, {}, tuple(losses)), techniques=techniques, scheduled=False)


def _query(rule: Foreign, pipeline: str | None, pattern: str) -> str:
    """The rule's query, on the streams of its logsource, a command a line."""
    from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend  # noqa: PLC0415 - see above
    from sigma.pipelines.elasticsearch import pipelines  # noqa: PLC0415

    backend = ESQLBackend(pipelines[pipeline]() if pipeline else None)
    (query,) = backend.convert_rule(rule)
    head, bar, rest = str(query).partition(" | ")
    _, metadata, fields = head.partition(" metadata ")
    source = f"FROM {pattern} METADATA {fields}" if metadata else f"FROM {pattern}"
    return f"{source}\n| {rest}" if bar else source
