"""Which fields of the events a condition is about, through all that the commands in front of it make of them."""

from collections.abc import Iterator

from entra_deployer.esql import tree as nodes


def fields_behind(tree: nodes.Tree, node: nodes.Node, place: int) -> Iterator[str]:
    """The fields that a node of the command at a place is made of, through aggregates too. A field may come twice."""
    for part in node.walk():
        if isinstance(part, nodes.Column):
            yield from _made_of(tree, part.name, place)


def _made_of(tree: nodes.Tree, name: str, place: int) -> Iterator[str]:
    for at in range(place - 1, -1, -1):
        made = list(_made_by(tree.commands[at], name))
        if made:
            for one in made:
                yield from fields_behind(tree, one, at)
            return
    if not name.startswith("_"):
        yield name


def _made_by(command: nodes.Command, name: str) -> Iterator[nodes.Expression]:
    """What a command makes a column of; nothing where it makes none of the name."""
    match command:
        case nodes.Eval(assignments=assignments):
            yield from (one.value for one in assignments if one.name == name)
        case nodes.Stats(aggregates=aggregates, groups=groups):
            yield from (one.value for one in (*aggregates, *groups) if one.name == name)
            yield from (one.where for one in aggregates if one.name == name and one.where is not None)
        case nodes.Rename(old=old, new=new):
            yield from (nodes.Column(a.span, a.name) for a, b in zip(old, new, strict=True) if b.name == name)
