"""DEP020: a group key that no exception can name, because the query computes it."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.compiler.entities import entity_keys
from entra_deployer.compiler.window import find_window
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import last_stats, made_columns


def _run(subject: Subject) -> Iterator[Finding]:
    stats = last_stats(subject.tree)
    if stats is None or not stats.groups:
        return
    before = subject.tree.commands[: subject.tree.commands.index(stats)]
    made = {name for command in before for name in made_columns(command)}
    computed = [group for group in stats.groups if not _is_field(group, made)]
    everything = len(computed) == len(stats.groups)
    buckets = find_window(subject.tree).time_keys
    times = everything and not entity_keys([group.name for group in computed], buckets)
    for group in computed:
        yield Finding(
            f"no exception can name {group.name}: the query computes it, and Kibana applies exceptions to the source's "
            "documents" + (" (the same holds for every key of this rule)" if everything else ""),
            group.span,
            hint="group by a field of the source as well, or exclude in the query",
            level=Level.WARNING if times else Level.NOTE,
        )


def _is_field(group: nodes.Assignment, made: set[str]) -> bool:
    return isinstance(group.value, nodes.Column) and group.value.name == group.name and group.name not in made


CHECK = Check(
    code="DEP020",
    title="a group key that cannot be excepted",
    level=Level.WARNING,
    explanation=(
        "Kibana turns a rule's exceptions into a filter on the source's documents, before the query runs. A "
        "column that the query makes (a truncated time, a dissected name, an alias) does not exist there: an "
        "analyst who adds an exception by it changes nothing; by other fields of the source it works. It is a note, "
        "and a warning where all keys are times: then an alert names nobody."
    ),
    good=Example("from logs-a-*\n| stats c = count(*) by user.name"),
    bad=Example("from logs-a-*\n| eval day = date_trunc(1 day, @timestamp)\n| stats c = count(*) by day"),
    run=_run,
)
