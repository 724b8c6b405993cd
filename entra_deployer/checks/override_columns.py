"""DEP045: an override, a mapping or a suppression names a column that the alert does not have."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql.columns import last_stats, output_columns
from entra_deployer.esql.features import did_you_mean


def _run(subject: Subject) -> Iterator[Finding]:
    columns = output_columns(subject.tree)
    if last_stats(subject.tree) is None or not columns:
        return  # the alert holds the whole document
    for path, name in _named(subject):
        if name and name not in columns:
            hint = did_you_mean(name, columns) or f"the columns are {', '.join(columns)}"
            message = f"{path[0]} names {name}, which is no column of the result: it has no effect"
            yield Finding(message, hint=hint, setting=("fields", *path))


def _named(subject: Subject) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The columns that are named, each with where."""
    said = subject.said
    yield ("rule_name_override",), said.rule_name_override or ""
    for key, items in (("severity_mapping", said.severity_mapping), ("risk_score_mapping", said.risk_score_mapping)):
        for number, item in enumerate(items):
            yield (key, number, "field"), str(item.get("field") or "")
    for number, name in enumerate(said.alert_suppression.group_by if said.alert_suppression else ()):
        yield ("alert_suppression", "group_by", number), name


CHECK = Check(
    code="DEP045",
    title="an override of a column that the alert lacks",
    level=Level.WARNING,
    explanation=(
        "rule_name_override, severity_mapping, risk_score_mapping and alert_suppression take their values from "
        "columns of the result. Where the query aggregates, these are the columns of its STATS alone: one that is "
        "not among them never has a value, and Kibana says nothing."
    ),
    good=Example(
        "from logs-a-*\n| where @timestamp > now() - 1 day\n| stats c = count(*) by user.name",
        rule_yaml="fields:\n  rule_name_override: user.name",
    ),
    bad=Example(
        "from logs-a-*\n| where @timestamp > now() - 1 day\n| stats c = count(*) by user.name",
        rule_yaml="fields:\n  rule_name_override: host.name",
    ),
    run=_run,
)
