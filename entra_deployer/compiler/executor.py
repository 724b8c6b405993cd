"""What the real rule executor stumbles over, and how the query is written so that it does not.

Kibana 8.12 works on the text of a query, not on its tree: the index pattern is what the *last* `from <word>` names, in
a comment too, and a query aggregates if the text has `| stats ` with white space on both sides. Every version appends
` | limit n` to the query's last line.
"""

import re
from collections.abc import Iterator

from entra_deployer.compiler.rewriting import Step
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.edits import Edit
from entra_deployer.esql.legacy import FROM_ON_TREE_SINCE, FROM_WORD, STATS_ON_TREE_SINCE
from entra_deployer.esql.tree import Tree

_STATS = re.compile(r"\|(\s+)stats(?=\s)", re.IGNORECASE)


def executor_steps(tree: Tree, version: StackVersion) -> Iterator[Step]:
    """The rewrites that the target's executor needs."""
    if version < STATS_ON_TREE_SINCE:
        yield from _stats_steps(tree)
        yield from _commented_stats(tree)
    if version < FROM_ON_TREE_SINCE:
        yield from _from_steps(tree)
    yield from _last_comment(tree)


def _stats_steps(tree: Tree) -> Iterator[Step]:
    for command in tree.commands:
        if isinstance(command, nodes.Stats) and not command.inline and command.span.start == command.pipe + 1:
            reason = "Kibana before 9.0 takes a query for an aggregating one only if white space parts `|` and `stats`"
            yield Step("stats-space", reason, (Edit(command.span.start, command.span.start, " "),))


def _commented_stats(tree: Tree) -> Iterator[Step]:
    """`// | stats ...` makes a query that keeps its rows an aggregating one in Kibana's eyes."""
    if any(isinstance(command, nodes.Stats) and not command.inline for command in tree.commands):
        return
    for comment in tree.comments:
        for found in _STATS.finditer(comment.of(tree.text)):
            start = comment.start + found.start(1)
            reason = "Kibana before 9.0 would take the commented-out `| stats` for a real one, and alert on each run"
            yield Step("commented-stats", reason, (Edit(start, start + len(found[1]), ""),))


def _from_steps(tree: Tree) -> Iterator[Step]:
    start = tree.commands[0].span.end
    for comment in tree.comments:
        for found in FROM_WORD.finditer(comment.of(tree.text)):
            offset = comment.start + found.end()
            if offset > start:
                reason = "8.12 takes the word after the last `from` for the index, in a comment too"
                yield Step("from-word", reason, (Edit(offset, offset, ":"),))


def _last_comment(tree: Tree) -> Iterator[Step]:
    """A `//` comment at the very end would swallow the ` | limit n` that Kibana appends."""
    last = tree.comments[-1] if tree.comments else None
    text = tree.text
    if last is None or text[last.end :].strip() or not last.of(text).startswith("//"):
        return
    body = last.of(text).removeprefix("//").rstrip()
    reason = "Kibana appends ` | limit n` to the last line, where a // comment would swallow it"
    closed = f"/*{body} */" if "*/" not in body else f"{last.of(text).rstrip()}\n"
    yield Step("trailing-comment", reason, (Edit(last.start, len(text), closed),))
