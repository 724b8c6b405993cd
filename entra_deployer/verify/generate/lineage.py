"""Which fields of the events a condition is about, through all that the commands in front of it make of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from entra_deployer.esql import tree as nodes


def fields_behind(tree: nodes.Tree, node: nodes.Node, place: int) -> Iterator[str]:
    """The fields that a node of the command at a place is made of, through aggregates too. A field may come twice."""
    return _behind(tree.commands[:place], node)


def _behind(earlier: Sequence[nodes.Command], node: nodes.Node) -> Iterator[str]:
    for part in node.walk():
        if isinstance(part, nodes.Column):
            yield from _made_of(earlier, part.name)


def _made_of(earlier: Sequence[nodes.Command], name: str) -> Iterator[str]:
    for at in range(len(earlier) - 1, -1, -1):
        if made := list(_made_by(earlier[at], name)):
            for one, beside in made:
                yield from _behind((*earlier[:at], *beside), one)
            return
    if not name.startswith("_"):
        yield name


def _made_by(command: nodes.Command, name: str) -> Iterator[tuple[nodes.Expression, Sequence[nodes.Command]]]:
    """What a command makes a column of, and what of the command comes before; nothing where it makes none of the name.

    An assignment of EVAL may name those to its left.
    """
    match command:
        case nodes.Eval(assignments=assignments):
            last = max((n for n, one in enumerate(assignments) if one.name == name), default=None)
            if last is not None:
                yield assignments[last].value, [replace(command, assignments=assignments[:last])]
        case nodes.Stats(aggregates=aggregates, groups=groups):
            yield from ((one.value, ()) for one in (*aggregates, *groups) if one.name == name)
            yield from ((one.where, ()) for one in aggregates if one.name == name and one.where is not None)
        case nodes.Rename(old=old, new=new):
            yield from ((nodes.Column(a.span, a.name), ()) for a, b in zip(old, new, strict=True) if b.name == name)
        case nodes.Extract(input=read, outputs=outputs) if name in outputs:
            yield read, ()
