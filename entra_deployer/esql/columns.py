"""Columns: what a query reads, what comes out of it, and which columns tell its groups apart."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conjuncts
from entra_deployer.esql.tree import Tree


def last_stats(tree: Tree) -> nodes.Stats | None:
    """The last STATS that turns rows into groups; None where the query keeps its rows."""
    found = [command for command in tree.commands if isinstance(command, nodes.Stats) and not command.inline]
    return found[-1] if found else None


def key_columns(tree: Tree) -> tuple[str, ...]:
    """The columns of the result that tell its groups apart, as they are called at the end of the pipe.

    () where the query does not aggregate, or has no BY; a column that is dropped later is left out.
    """
    stats = last_stats(tree)
    if stats is None:
        return ()
    keys = {group.name: group.name for group in stats.groups}
    for command in tree.commands[tree.commands.index(stats) + 1 :]:
        match command:
            case nodes.Rename(old=old, new=new):
                moved = {before.name: after.name for before, after in zip(old, new, strict=True)}
                keys = {key: moved.get(name, name) for key, name in keys.items()}
            case nodes.Drop(names=names):
                keys = {key: name for key, name in keys.items() if not _matches(name, names)}
            case nodes.Keep(names=names):
                keys = {key: name for key, name in keys.items() if _matches(name, names)}
    return tuple(keys.values())


def output_columns(tree: Tree) -> tuple[str, ...]:
    """The columns of the result in their order, as far as the query names them: () where it keeps all of the source's.

    Names with `*` are left out.
    """
    columns: list[str] | None = None
    for command in tree.commands:
        columns = _after(command, columns)
    return tuple(columns or ())


def _after(command: nodes.Command, columns: list[str] | None) -> list[str] | None:
    """The columns after a command; None as long as the source's own are all there."""
    match command:
        case nodes.Stats(inline=False, aggregates=aggregates, groups=groups):
            columns = [item.name for item in (*aggregates, *groups)]
        case nodes.Keep(names=names):
            columns = _kept([name.name for name in names], columns)
        case _ if columns is not None:
            columns = _with(_without(command, columns), made_columns(command))
    return columns


def _without(command: nodes.Command, columns: list[str]) -> list[str]:
    match command:
        case nodes.Drop(names=names):
            columns = [column for column in columns if not _matches(column, names)]
        case nodes.Rename(old=old):
            columns = [column for column in columns if not _matches(column, old)]
    return columns


def made_columns(command: nodes.Command) -> list[str]:
    """The columns that a command makes, or makes anew, by name."""
    match command:
        case nodes.Eval(assignments=assignments):
            made = [item.name for item in assignments]
        case nodes.Extract(outputs=outputs):
            made = list(outputs)
        case nodes.Rename(new=new):
            made = [name.name for name in new]
        case nodes.Stats(aggregates=aggregates, groups=groups):
            made = [item.name for item in (*aggregates, *groups) if not _is_itself(item)]
        case nodes.Other(parts=parts, made=names):
            made = [name for part in parts if isinstance(part, nodes.Command) for name in made_columns(part)]
            made += [name.name for name in names]
        case _:
            made = []
    return made


def _kept(patterns: list[str], columns: list[str] | None) -> list[str]:
    kept: list[str] = []
    for pattern in patterns:
        kept += [column for column in columns or () if fnmatchcase(column, pattern)] if "*" in pattern else [pattern]
    return list(dict.fromkeys(kept))


def _with(columns: list[str], more: list[str]) -> list[str]:
    return [column for column in columns if column not in more] + list(dict.fromkeys(more))


def _matches(name: str, patterns: tuple[nodes.Name, ...]) -> bool:
    return any(fnmatchcase(name, pattern.name) for pattern in patterns)


def sources(tree: Tree) -> tuple[str, ...]:
    """The index patterns that the query reads from."""
    return tuple(name.name for command in tree.commands if isinstance(command, nodes.From) for name in command.sources)


def joins(tree: Tree) -> tuple[nodes.Other, ...]:
    """Its LOOKUP JOINs, those in branches of a FORK included: the `target` of each is an index."""
    found = (node for node in tree.walk() if isinstance(node, nodes.Other) and node.word == "lookup")
    return tuple(node for node in found if node.target is not None)


def read_fields(tree: Tree) -> tuple[str, ...]:
    """The columns that the query reads from its source, sorted: not those that it makes itself, nor metadata.

    What is first read behind a command that brings columns without naming them (LOOKUP JOIN, ENRICH without WITH) is
    left out: nobody can tell whether it is the source's.
    """
    return tuple(sorted(_read(tree, unsure=False)))


def possible_fields(tree: Tree) -> tuple[str, ...]:
    """As `read_fields`, with those of which nobody can tell."""
    return tuple(sorted(_read(tree, unsure=True)))


def kept_patterns(tree: Tree) -> tuple[str, ...]:
    """The names with `*` of KEEP and DROP that none of the columns matches which the query makes in front of them.

    They mean columns of the source; behind a STATS no name does.
    """
    made: list[str] = []
    found: dict[str, None] = {}
    for command in tree.commands:
        match command:
            case nodes.Stats(inline=False):
                break
            case nodes.Keep(names=names) | nodes.Drop(names=names):
                wild = (one.name for one in names if "*" in one.name and one.name != "*")
                found |= {name: None for name in wild if not any(fnmatchcase(one, name) for one in made)}
            case nodes.From(metadata=metadata):
                made += [one.name for one in metadata]
        made += made_columns(command)
    return tuple(found)


def _read(tree: Tree, *, unsure: bool) -> set[str]:
    made: set[str] = set()
    read: set[str] = set()
    more = False
    for command in tree.commands:
        for names, makes in _steps(command):
            if unsure or not more:
                read |= {name for name in names if name not in made and not name.startswith("_")}
            made.update(makes)
        more = more or (isinstance(command, nodes.Other) and command.more)
        if isinstance(command, nodes.Stats) and not command.inline:
            break
    return read


def _steps(command: nodes.Command) -> Iterator[tuple[set[str], list[str]]]:
    """What a command reads and makes, in steps of which each sees what the one before it made."""
    match command:
        case nodes.Eval(assignments=assignments):
            for item in assignments:
                yield _reads(item), [item.name]
        case nodes.Stats(aggregates=aggregates, groups=groups):
            yield _reads(*groups), [group.name for group in groups if not _is_itself(group)]
            yield _reads(*aggregates), [item.name for item in aggregates]
        case nodes.Other(parts=parts):
            for part in parts:
                if isinstance(part, nodes.Command):
                    yield from _steps(part)
            yield _reads(command), made_columns(command)
        case _:
            yield _reads(command), made_columns(command)


def _is_itself(item: nodes.Assignment) -> bool:
    """Whether it is a column alone, under its own name."""
    return isinstance(item.value, nodes.Column) and item.value.name == item.name


def _reads(*parts: nodes.Node) -> set[str]:
    return {name for part in parts for name in _reads_of(part)}


def _reads_of(part: nodes.Node) -> set[str]:
    match part:
        case nodes.Other(word="lookup", parts=conditions):
            return {name for condition in conditions for name in _joined_on(condition)}
        case nodes.Other(parts=inner) if any(isinstance(one, nodes.Command) for one in inner):
            return set()
    names = {node.name for node in part.walk() if isinstance(node, nodes.Column)}
    match part:
        case nodes.Keep(names=kept) | nodes.Drop(names=kept):  # Elasticsearch refuses to drop what is not there, too
            names |= {name.name for name in kept if "*" not in name.name}
        case nodes.Rename(old=old):
            names |= {name.name for name in old}
        case nodes.MvExpand(column=column):
            names.add(column.name)
    return names


def joined_on(join: nodes.Other) -> tuple[str, ...]:
    """The source's columns that a LOOKUP JOIN compares with the rows of its index."""
    return tuple(dict.fromkeys(name for part in join.parts for name in _joined_on(part)))


def _joined_on(condition: nodes.Node) -> Iterator[str]:
    """The source's columns of a join: those that stand alone, or before a comparison with one of the other side."""
    if not isinstance(condition, nodes.Expression):
        return
    for part in conjuncts(condition):
        match part:
            case nodes.Column(name=name) | nodes.Binary(left=nodes.Column(name=name), right=nodes.Column()):
                yield name
