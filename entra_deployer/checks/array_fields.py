"""DEP014: an array field is compared with == or !=, which is null on a document with several values."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.model.issue import Level
from entra_deployer.model.target import StackVersion
from entra_deployer.syntax import nodes
from entra_deployer.syntax.columns import made_columns
from entra_deployer.syntax.expressions import bare

_MV_CONTAINS_SINCE = StackVersion(9, 2)
_MATCH_GA = (StackVersion(8, 19), StackVersion(9, 1))
_V9 = StackVersion(9, 0)


def _run(subject: Subject) -> Iterator[Finding]:
    arrays = set(subject.knowledge.arrays)
    for command in subject.tree.commands:
        if isinstance(command, nodes.Stats) and not command.inline:
            return
        for node in command.walk() if isinstance(command, nodes.Where) else ():
            for name, value, negated in _comparisons(node):
                if name in arrays:
                    yield Finding(
                        f"{name} may hold several values, and on such a document the comparison is null: it is dropped",
                        node.span,
                        hint=_hint(subject.target.version, name, value, negated=negated),
                    )
        arrays -= set(made_columns(command))
        arrays -= {command.column.name} if isinstance(command, nodes.MvExpand) else set()


def _comparisons(node: nodes.Node) -> Iterator[tuple[str, str, bool]]:
    """The column, the first value that it is compared with, and whether the comparison is for what it is not."""
    match node:
        case nodes.Binary(operator="==" | "!=" as operator, left=left, right=right):
            left, right = bare(left), bare(right)
            if isinstance(right, nodes.Column):
                left, right = right, left
            if isinstance(left, nodes.Column) and isinstance(right, nodes.Literal):
                yield left.name, str(right.value), operator == "!="
        case nodes.In(value=nodes.Column(name=name), items=(nodes.Literal(value=value), *_), negated=negated):
            yield name, str(value), negated


def _hint(version: StackVersion, name: str, value: str, *, negated: bool) -> str:
    """How to ask whether one of the values is the one looked for, with what the version has for good."""
    if version >= _MV_CONTAINS_SINCE:
        text = f'MV_CONTAINS({name}, "{value}")'
    elif version >= _MATCH_GA[1] or _MATCH_GA[0] <= version < _V9:
        text = f'{name} : "{value}"'
    else:
        text = f'MV_CONCAT({name}, ",") LIKE "*{value}*"'
    return f"write `{f'NOT ({text})' if negated else text}`"


CHECK = Check(
    code="DEP014",
    title="a field with several values is compared with == or !=",
    level=Level.WARNING,
    explanation=(
        "Some fields of ECS are arrays, `event.category` and `event.type` among them. On a document where such a "
        "field holds two values ES|QL's ==, != and IN are null, with no more than a warning header, and the "
        "document is dropped: the rule never fires on it.\n\n"
        "Ask whether one of the values is the one: with MV_CONTAINS from 9.2 on; with the match operator `:` "
        "where it is generally available (8.19, 9.1); else with MV_CONCAT and LIKE. The compiler does not "
        "rewrite it: that would change what is counted, and the author may know that the field holds one value "
        "in this source (then silence the check with that reason)."
    ),
    good=Example('from logs-a-*\n| where event.category : "authentication"'),
    bad=Example('from logs-a-*\n| where event.category == "authentication"'),
    run=_run,
)
