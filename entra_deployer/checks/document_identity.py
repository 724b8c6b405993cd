"""DEP032: a rule that keeps its rows loses what Kibana knows a document by, or makes several rows of one."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from entra_deployer import facts
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import last_stats

_COLUMNS = ("_id", "_index", "_version")


def _run(subject: Subject) -> Iterator[Finding]:
    if last_stats(subject.tree) is not None:
        return
    for command in subject.tree.commands:
        match command:
            case nodes.Drop(names=names) | nodes.Rename(old=names):
                for name in names:
                    if any(fnmatchcase(column, name.name) for column in _COLUMNS):
                        yield Finding(
                            f"without {name.name} Kibana alerts on the same document in every run",
                            name.span,
                            hint="leave _id, _index and _version in the result",
                        )
            case nodes.Eval(assignments=assignments):
                for item in assignments:
                    if item.name in _COLUMNS:
                        yield Finding(
                            f"{item.name} is made anew here: Kibana takes it for the document's own",
                            item.span,
                            hint="give the column another name",
                        )
            case nodes.MvExpand(column=column) if not facts.ROWS_TOLD_APART.holds(subject.target.version):
                yield Finding(
                    f"the rows that MV_EXPAND makes of one document give one alert: the other values of {column.name} "
                    "are lost",
                    command.span,
                    hint="compare the values without expanding them, or aggregate by them",
                )


CHECK = Check(
    code="DEP032",
    title="a document that Kibana does not know again",
    level=Level.WARNING,
    explanation=(
        "A rule that keeps its rows alerts once on each document, because Kibana knows it by _id, _index and "
        "_version. A DROP or a RENAME of one of them makes every run alert anew. MV_EXPAND makes several rows of "
        "one document, all with the same _id: 8.12 was seen to keep one alert for them."
    ),
    good=Example('from logs-a-* metadata _id, _index, _version\n| where user.name == "x"\n| drop message'),
    bad=Example('from logs-a-* metadata _id, _index, _version\n| where user.name == "x"\n| drop _id'),
    run=_run,
)
