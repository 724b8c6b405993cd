"""Columns: what a query reads, what comes out of it, and which columns tell its groups apart."""

from fnmatch import fnmatchcase

from entra_deployer.syntax import nodes
from entra_deployer.syntax.nodes import Tree


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
        case nodes.Stats(aggregates=aggregates):
            made = [item.name for item in aggregates]
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


def read_fields(tree: Tree) -> tuple[str, ...]:
    """The columns that the query reads from its source, sorted: not those that it makes itself, nor metadata."""
    made: set[str] = set()
    read: set[str] = set()
    for command in tree.commands:
        for part in command.assignments if isinstance(command, nodes.Eval) else (command,):
            read |= {name for name in _reads(part) if name not in made and not name.startswith("_")}
            made.update([part.name] if isinstance(part, nodes.Assignment) else made_columns(part))
        if isinstance(command, nodes.Stats) and not command.inline:
            break
    return tuple(sorted(read))


def _reads(part: nodes.Command | nodes.Assignment) -> set[str]:
    names = {node.name for node in part.walk() if isinstance(node, nodes.Column)}
    match part:
        case nodes.Keep(names=kept):
            names |= {name.name for name in kept if "*" not in name.name}
        case nodes.Rename(old=old):
            names |= {name.name for name in old}
        case nodes.MvExpand(column=column):
            names.add(column.name)
    return names
