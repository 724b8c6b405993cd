"""DEP016: how many rows the query gives, against how many alerts a run writes."""

from collections.abc import Iterator

from entra_deployer import facts
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes


def _run(subject: Subject) -> Iterator[Finding]:
    limits = [command for command in subject.tree.commands if isinstance(command, nodes.Limit)]
    signals = subject.payload["max_signals"]
    if not limits:
        message = f"no LIMIT: a run writes the first {signals} rows as alerts, in no order unless a SORT gives one"
        yield Finding(message, level=Level.NOTE, hint="end with SORT and LIMIT, so that the cut is yours")
        return
    last = limits[-1]
    if last.count is not None and last.count > facts.MOST_ROWS:
        message = f"LIMIT {last.count}: Elasticsearch gives {facts.MOST_ROWS} rows at most"
        yield Finding(message, last.span, hint=f"a run writes at most {facts.MOST_SIGNALS} alerts")
    elif last.count is not None and last.count > signals:
        message = f"LIMIT {last.count}: a run writes {signals} alerts at most, the other rows are lost"
        yield Finding(
            message, last.span, hint=f"lower it, or raise max_signals in rule.yaml (up to {facts.MOST_SIGNALS})"
        )


CHECK = Check(
    code="DEP016",
    title="LIMIT is absent, or over what a run can write",
    level=Level.WARNING,
    explanation=(
        "Kibana appends `| limit <max_signals + 1>` to the query and writes at most max_signals alerts (100 "
        "unless rule.yaml says otherwise, 1000 at most); Elasticsearch itself gives 1000 rows without a LIMIT "
        "and 10,000 with any. What lies beyond is lost with no more than a warning in the rule's log. A SORT "
        "before the LIMIT decides what is kept. The compiler raises max_signals to a LIMIT that ends the query, "
        "up to 1000."
    ),
    good=Example("from logs-a-*\n| stats c = count(*) by user.name\n| sort c desc\n| limit 100"),
    bad=Example("from logs-a-*\n| stats c = count(*) by user.name\n| sort c desc\n| limit 5000"),
    run=_run,
)
