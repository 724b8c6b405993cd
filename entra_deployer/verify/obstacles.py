"""What stands in the way of a proof: tests that cannot be tried, and sources of which they show a part. Pure."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from entra_deployer.core.issue import Issue, Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.stack.search import QueryResult
from entra_deployer.verify.judge import without_event

NARROWED = "DEP815"
NOT_READ = "DEP816"
_SHOWN_COLUMNS = 8


def without_test(tests: Sequence[DetectionTest], unread: str = "") -> str:
    """Why its tests cannot be tried; "" where they can. `unread` says why a file of them could not be read."""
    if not tests and unread:
        return f"its tests cannot be read: {unread}"
    if not tests:
        return "the rule has no tests (docs/detection-tests.md shows how to write one)"
    for test in tests:
        for item in without_event(test):
            return f"{test.source}: no event is one of {item.name!r}: is its entity misspelt?"
    return ""


def too_many_events(tests: Sequence[DetectionTest], most: int | None) -> str:
    """That the tests would seed more than `most` events into an environment; "" where they do not."""
    events = sum(event.count for test in tests for event in test.events)
    if most is None or events <= most:
        return ""
    why = f"its tests seed {events:,} events, and limits.test_events allows {most:,} here"
    return f"{why}: verify it on local, or raise the limit"


def wrong_rows(query: RuleQuery, tests: Sequence[DetectionTest]) -> str:
    """The test that holds no rows for a lookup index of the query, or rows for another one; "" for none."""
    for test in tests:
        for name in query.lookups:
            if name not in test.lookups:
                return f"{test.source}: it holds no rows for {name}: add `lookup: {{{name}: [...]}}`, with [] for none"
        for name in test.lookups:
            if name not in query.lookups:
                read = f"it reads {', '.join(query.lookups)}" if query.lookups else "it has none"
                return f"{test.source}: no LOOKUP JOIN of the rule reads {name}: {read}"
    return ""


def wrong_moment(tests: Sequence[DetectionTest]) -> str:
    """That its tests name several moments at which the rule runs; "" where they do not."""
    if len({test.run_at for test in tests}) > 1:
        said = ", ".join(f"{test.source}: {test.run_at or 'none'}" for test in tests)
        return f"the tests of a rule run at one moment, and these name several as run_at ({said})"
    return ""


def lacking_column(tests: Sequence[DetectionTest], results: Sequence[QueryResult]) -> str:
    """The test that tells an entity by a column which the result does not have; "" for none."""
    for test, result in zip(tests, results, strict=True):
        there = {column.name for column in result.columns}
        wanted = dict.fromkeys(column for item in test.catches for column in item.entity)
        if result.columns and (lacking := [column for column in wanted if column not in there]):
            shown = ", ".join(sorted(there)[:_SHOWN_COLUMNS]) + (", …" if len(there) > _SHOWN_COLUMNS else "")
            word = "column" if len(lacking) == 1 else "columns"
            return f"{test.source}: the result of the rule has no {word} {', '.join(lacking)}; it has {shown}"
    return ""


# -- the sources -------------------------------------------------------------------------------------------------------


def told_of_sources(query: RuleQuery, tests: Sequence[DetectionTest], *, subject: str) -> Iterator[Issue]:
    """What a verdict leaves open about the rule's sources: patterns that tests narrow, and events it never reads."""
    patterns = [name.name for name in query.source.sources]
    streams = sorted({test.index for test in tests})
    shown = f"the tests show it the events of {', '.join(streams)} alone"
    if any(_local(pattern).strip("*") == "" for pattern in patterns if not pattern.startswith("-")):
        yield Issue(NARROWED, Level.NOTE, f"it reads every index: {shown}", subject)
    if remote := [pattern for pattern in patterns if _is_remote(pattern)]:
        yield Issue(NARROWED, Level.NOTE, f"it reads {', '.join(remote)} of other clusters: {shown}", subject)
    if message := told_of_index(query):
        yield Issue(NARROWED, Level.WARNING, message, subject, hint="ask for data_stream.dataset or event.dataset")
    for test in tests:
        if not reads(patterns, test.index):
            message = f"{test.source}: its events are of {test.index}, which the rule does not read"
            hint = f"it reads {', '.join(patterns)}: correct `index` in the test, or FROM in the hunt"
            yield Issue(NOT_READ, Level.WARNING, message, subject, hint=hint)


def told_of_index(query: RuleQuery) -> str:
    """That it asks for the index of an event, which no test decides; "" where it does not."""
    asks = any(isinstance(node, nodes.Column) and node.name == "_index" for node in _computed(query.tree))
    return "it asks for _index, which in a test is the index of the run" if asks else ""


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
