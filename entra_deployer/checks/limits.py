"""DEP016: how many rows the query gives, against how many alerts a run writes."""

from collections.abc import Iterator, Sequence

from entra_deployer import facts
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes


def _run(subject: Subject) -> Iterator[Finding]:
    commands = subject.tree.commands
    limits = [command for command in commands if isinstance(command, nodes.Limit)]
    signals = subject.said.max_signals
    for number, command in enumerate(commands):
        yield from _early(command, commands[number + 1 :])
    if not limits:
        message = f"no LIMIT: a run writes the first {signals} rows as alerts, in no order unless a SORT gives one"
        yield Finding(message, level=Level.NOTE, hint="end with SORT and LIMIT, so that the cut is yours")
        return
    last = limits[-1]
    if last.count == 0:
        yield Finding("LIMIT 0 gives no row: the rule never fires", last.span, hint="take it out")
    if last.count is None or any(_looks_further(one) for one in commands[commands.index(last) + 1 :]):
        return
    if last.count > facts.MOST_ROWS:
        message = f"LIMIT {last.count}: Elasticsearch gives {facts.MOST_ROWS} rows at most"
        yield Finding(message, last.span, hint=f"a run writes at most {facts.MOST_SIGNALS} alerts")
    elif last.count > signals:
        message = f"LIMIT {last.count}: a run writes {signals} alerts at most, the other rows are lost"
        yield Finding(
            message, last.span, hint=f"lower it, or raise max_signals in rule.yaml (up to {facts.MOST_SIGNALS})"
        )


def _early(command: nodes.Command, behind: Sequence[nodes.Command]) -> Iterator[Finding]:
    """What cuts the rows before they are filtered or counted."""
    further = next((one for one in behind if _looks_further(one)), None)
    if isinstance(command, nodes.Limit) and command.count and further is not None:
        word = type(further).__name__.upper()
        message = f"LIMIT {command.count} stands before {word}: of all events only {command.count} are looked at"
        yield Finding(message, command.span, hint="put LIMIT at the end")
    if isinstance(command, nodes.Other) and command.word == "sample":
        message = "SAMPLE looks at a part of the events, chosen by chance: what lies in the others is never found"
        yield Finding(message, command.span, hint="take it out; a rule has to look at all of them")


def _looks_further(command: nodes.Command) -> bool:
    return isinstance(command, nodes.Where | nodes.Stats)


CHECK = Check(
    code="DEP016",
    title="LIMIT is absent, in the wrong place, or over what a run can write",
    level=Level.WARNING,
    explanation=(
        "Kibana appends `| limit <max_signals + 1>` to the query and writes at most max_signals alerts (100 "
        "unless rule.yaml says otherwise, 1000 at most); Elasticsearch itself gives 1000 rows without a LIMIT "
        "and 10,000 with any. What lies beyond is lost with no more than a warning in the rule's log. A SORT "
        "before the LIMIT decides what is kept. The compiler raises max_signals to a LIMIT that ends the query, "
        "up to 1000.\n\n"
        "A LIMIT before WHERE or STATS, and SAMPLE anywhere, cut the events themselves: the rule looks at some and "
        "never at the others."
    ),
    good=Example("from logs-a-*\n| stats c = count(*) by user.name\n| sort c desc\n| limit 100"),
    bad=Example("from logs-a-*\n| stats c = count(*) by user.name\n| sort c desc\n| limit 5000"),
    run=_run,
)
