"""What the real rule executor stumbles over, and how the query is written so that it does not.

Kibana 8.12 works on the text of a query, not on its tree: the index pattern is what the *last* `from <word>` names, in
a comment too, and a query aggregates if the text has `| stats ` with white space on both sides. Every version appends
` | limit n` to the query's last line.

METADATA: by the columns `_id`, `_index` and `_version` Kibana knows a document again. Without them a rule that keeps
its rows alerts again on the same document in every run, and its alerts hold only the columns of the query, not the
whole event. Up to 8.12 Kibana's executor understands the bracketed form alone (it cuts the index list out of the text);
from 8.13 on the plain form is the one, and 9.0 refuses brackets. From 9.4 on Kibana adds `METADATA _id` by itself,
which helps as long as no KEEP or DROP takes it away again.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from entra_deployer import facts
from entra_deployer.compiler.compiled import Step
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import last_stats
from entra_deployer.esql.edits import Edit
from entra_deployer.esql.features import FROM_WORD
from entra_deployer.esql.tree import Tree

COLUMNS = ("_id", "_index", "_version")

_WHY = "the columns by which Kibana knows a document again: else every run alerts on it anew, without its other fields"

_STATS = re.compile(r"\|(\s+)stats(?=\s)", re.IGNORECASE)


def executor_steps(tree: Tree, version: StackVersion) -> Iterator[Step]:
    """The rewrites that the target's executor needs."""
    if not facts.STATS_ON_TREE.holds(version):
        yield from _stats_steps(tree)
        yield from _commented_stats(tree)
    if not facts.FROM_ON_TREE.holds(version):
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


def metadata_steps(tree: Tree, version: StackVersion) -> Iterator[Step]:
    """What to write so that the target's executor takes the query and each document alerts once."""
    source = tree.commands[0]
    if not isinstance(source, nodes.From) or source.subqueries or not source.sources:
        return
    keeps_rows = last_stats(tree) is None
    wanted = COLUMNS if keeps_rows and not _is_injected(tree, version) else ()
    names = [name.name for name in source.metadata]
    missing = [column for column in wanted if column not in names]
    brackets = not facts.PLAIN_METADATA.holds(version)
    if missing or (names and source.brackets != brackets):
        yield Step("metadata", _reason(missing, version), (_write(source, [*names, *missing], brackets=brackets),))
    if wanted:
        yield from _keep_steps(tree)


def _is_injected(tree: Tree, version: StackVersion) -> bool:
    cut = any(isinstance(command, (nodes.Keep, nodes.Drop)) for command in tree.commands)
    return facts.METADATA_ADDED.holds(version) and not cut


def _reason(missing: list[str], version: StackVersion) -> str:
    if missing:
        return f"adds {_WHY}"
    if not facts.PLAIN_METADATA.holds(version):
        return f"{version.major}.{version.minor} takes an unbracketed METADATA for the name of an index"
    return "METADATA in brackets is deprecated from 8.13 on and refused from 9.0 on"


def _write(source: nodes.From, names: list[str], *, brackets: bool) -> Edit:
    listed = ", ".join(names)
    text = f"[metadata {listed}]" if brackets else f"METADATA {listed}"
    if source.metadata_span:
        return Edit(source.metadata_span.start, source.metadata_span.end, text)
    end = source.sources[-1].span.end
    return Edit(end, end, f" {text}")


def _keep_steps(tree: Tree) -> Iterator[Step]:
    """Each KEEP keeps the columns too, as far as no earlier command renamed or dropped them."""
    there = list(COLUMNS)
    for command in tree.commands:
        match command:
            case nodes.Rename(old=names) | nodes.Drop(names=names):
                there = [column for column in there if not _matches(column, names)]
            case nodes.Keep(names=names):
                missing = [column for column in there if not _matches(column, names)]
                if missing:
                    end = names[-1].span.end
                    yield Step("keep", f"keeps {_WHY}", (Edit(end, end, "".join(f", {one}" for one in missing)),))


def _matches(column: str, names: tuple[nodes.Name, ...]) -> bool:
    return any(fnmatchcase(column, name.name) for name in names)
