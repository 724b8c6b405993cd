"""What the events of a test stand for: a rule's FROM reads many indices, its test shows it one. Pure."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from entra_deployer.core.issue import Issue, Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.hunts.folder import DetectionTest

NARROWED = "DEP815"
NOT_READ = "DEP816"


def told_of_sources(query: RuleQuery, tests: Sequence[DetectionTest], *, subject: str) -> Iterator[Issue]:
    """What a verdict leaves open about the rule's sources: patterns that tests narrow, and events it never reads."""
    patterns = [name.name for name in query.source.sources]
    streams = sorted({test.index for test in tests})
    shown = f"the tests show it the events of {', '.join(streams)} alone"
    if any(_local(pattern).strip("*") == "" for pattern in patterns if not pattern.startswith("-")):
        yield Issue(NARROWED, Level.NOTE, f"it reads every index: {shown}", subject)
    if remote := [pattern for pattern in patterns if _is_remote(pattern)]:
        yield Issue(NARROWED, Level.NOTE, f"it reads {', '.join(remote)} of other clusters: {shown}", subject)
    if any(isinstance(node, nodes.Column) and node.name == "_index" for node in _computed(query.tree)):
        message = "it asks for _index, which in a test is the index of the run"
        yield Issue(NARROWED, Level.WARNING, message, subject, hint="ask for data_stream.dataset or event.dataset")
    for test in tests:
        if not reads(patterns, test.index):
            message = f"{test.source}: its events are of {test.index}, which the rule does not read"
            hint = f"it reads {', '.join(patterns)}: correct `index` in the test, or FROM in the hunt"
            yield Issue(NOT_READ, Level.WARNING, message, subject, hint=hint)


def reads(patterns: Sequence[str], stream: str) -> bool:
    """Whether a FROM with these patterns reads a data stream; also where one of them may be an alias of it."""
    names = (stream, f".ds-{stream}-2026.01.01-000001")
    positive = [_local(pattern) for pattern in patterns if not pattern.startswith("-")]
    negative = [_local(pattern[1:]) for pattern in patterns if pattern.startswith("-")]
    if any(fnmatchcase(stream, pattern) for pattern in negative):
        return False
    return any("*" not in pattern or any(fnmatchcase(name, pattern) for name in names) for pattern in positive)


def _is_remote(pattern: str) -> bool:
    return ":" in pattern.replace("::", "")


def _local(pattern: str) -> str:
    """A pattern without the cluster before it and the selector behind it."""
    return pattern.partition("::")[0].rpartition(":")[2]


def _computed(tree: nodes.Tree) -> Iterator[nodes.Node]:
    """What conditions and calculations read."""
    for command in tree.commands:
        if isinstance(command, nodes.Where | nodes.Eval | nodes.Stats | nodes.Extract):
            yield from command.walk()
