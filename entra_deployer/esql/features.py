"""Since when the stack has what a query uses: our own table, for the versions that Elastic's parser does not tell.

The functions stand in `functions`, which names the sources. What is not listed is not known, and is said to be so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.functions import FUNCTIONS, Since, since_8
from entra_deployer.esql.tree import Span, Tree

_V9_0 = StackVersion(9, 0)

_FIRST_COMMANDS = "from where eval stats sort limit keep drop rename dissect grok enrich mv_expand show row"
COMMANDS: dict[str, Since] = {
    **dict.fromkeys(_FIRST_COMMANDS.split(), since_8(11)),
    "lookup": since_8(18),
    "change_point": since_8(19, 1),
    "fork": since_8(None, 1),
    "sample": since_8(19, 1),
    "inline": since_8(None, 2),
    "inlinestats": since_8(None, 2),
    "completion": since_8(None, 2),
    "fuse": since_8(None, 2),
    "rerank": since_8(None, 2),
    "ts": since_8(None, 2),
    "set": since_8(None, 3),
    "promql": since_8(None, 4),
}
"""Commands by their first word."""

SUBQUERIES: Since = (None, None)
"""`FROM (FROM ...)`."""
_CAST = since_8(15)
_FILTERED_AGGREGATE = since_8(16)
_MATCH_OPERATOR = since_8(17)
_SCORE = since_8(18)
_LIKE_LIST = since_8(19, 1)


@dataclass(frozen=True)
class Feature:
    """Something in a query that not every version has. `since` is None where we do not know."""

    name: str
    span: Span
    since: Since | None

    def available(self, version: StackVersion) -> bool | None:
        """Whether a version has it; None where we do not know."""
        if self.since is None:
            return None
        eight, nine = self.since
        if version < _V9_0:
            return eight is not None and version >= eight
        return None if nine is None else version >= nine

    def first(self) -> str:
        """The first versions that have it, in words."""
        if self.since is None:
            return "unknown"
        eight, nine = self.since
        said = [f"{one.major}.{one.minor}" for one in (eight, nine) if one]
        if eight and nine == _V9_0 and eight < StackVersion(8, 18):
            return said[0]
        return " and ".join(said) or "some 9.x"


def features(tree: Tree) -> Iterator[Feature]:
    """What the query uses, in the order of the text; each only where it is not in every version since 8.11."""
    for node in tree.walk():
        feature = _feature(node, tree.text)
        if feature and feature.since != since_8(11):
            yield feature


def _since(function: str) -> Since | None:
    return FUNCTIONS[function].since if function in FUNCTIONS else None


def _feature(node: nodes.Node, text: str) -> Feature | None:
    named: tuple[str, Since | None] | None = None
    match node:
        case nodes.Call(name=name):
            named = (f"the function {name.upper()}", _since(name))
        case nodes.Cast():
            named = ("the operator ::", _CAST)
        case nodes.Match():
            named = ("the operator :", _MATCH_OPERATOR)
        case nodes.Like(patterns=patterns) if len(patterns) > 1:
            named = ("a list of patterns", _LIKE_LIST)
        case nodes.Assignment(where=nodes.Expression()):
            named = ("WHERE in an aggregation", _FILTERED_AGGREGATE)
        case nodes.From(metadata=metadata) if any(name.name == "_score" for name in metadata):
            named = ("METADATA _score", _SCORE)
        case nodes.Command():
            word = node.span.of(text).split(None, 1)[0].lower()
            named = (f"the command {word.upper()}", COMMANDS.get(word))
    return Feature(named[0], node.span, named[1]) if named else None
