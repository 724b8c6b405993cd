"""Since when the stack has what a query uses: our own table, for the versions that Elastic's parser does not tell.

The functions stand in `functions`, which names the sources. What is not listed is not known, and is said to be so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.functions import FUNCTIONS
from entra_deployer.esql.tree import Span, Tree
from entra_deployer.facts import Since


@dataclass(frozen=True)
class Feature:
    """Something in a query that not every version has. `since` is None where we do not know."""

    name: str
    span: Span
    since: Since | None

    def available(self, version: StackVersion) -> bool | None:
        """Whether a version has it; None where we do not know."""
        return self.since.known(version) if self.since else None

    def first(self) -> str:
        """The first versions that have it, in words."""
        return self.since.first if self.since else "unknown"


def features(tree: Tree) -> Iterator[Feature]:
    """What the query uses, in the order of the text; each only where it is not in every version since 8.11."""
    for node in tree.walk():
        feature = _feature(node, tree.text)
        if feature and not (feature.since and feature.since.is_from_the_start):
            yield feature


def _since(function: str) -> Since | None:
    return FUNCTIONS[function].since if function in FUNCTIONS else None


def _feature(node: nodes.Node, text: str) -> Feature | None:
    named: tuple[str, Since | None] | None = None
    match node:
        case nodes.Call(name=name):
            named = (f"the function {name.upper()}", _since(name))
        case nodes.Cast():
            named = ("the operator ::", facts.CAST)
        case nodes.Match():
            named = ("the operator :", facts.MATCH)
        case nodes.Like(patterns=patterns) if len(patterns) > 1:
            named = ("a list of patterns", facts.LIKE_LIST)
        case nodes.Assignment(where=nodes.Expression()):
            named = ("WHERE in an aggregation", facts.FILTERED_AGGREGATE)
        case nodes.From(metadata=metadata) if any(name.name == "_score" for name in metadata):
            named = ("METADATA _score", facts.SCORE)
        case nodes.Command():
            word = node.span.of(text).split(None, 1)[0].lower()
            named = (f"the command {word.upper()}", facts.COMMANDS.get(word))
    return Feature(named[0], node.span, named[1]) if named else None
