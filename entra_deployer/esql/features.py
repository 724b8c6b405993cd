"""Since when the stack has what a query uses: our own table, for the versions that Elastic's parser does not tell.

The functions stand in `functions`, which names the sources. What is not listed is not known, and is said to be so.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.functions import FUNCTIONS
from entra_deployer.esql.kql_syntax import KqlError, has_list
from entra_deployer.esql.parse import UNCHECKED, Problem
from entra_deployer.esql.tree import Span, Tree
from entra_deployer.facts import COMMANDS, SUBQUERIES, Since


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
        case nodes.Call(name="kql", arguments=(nodes.Literal(value=str() as asked), *_)) if _asks_list(asked):
            return Feature("`field:(a or b)` in KQL(...)", node.arguments[0].span, facts.KQL_LISTS)
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


def _asks_list(text: str) -> bool:
    try:
        return has_list(text)
    except KqlError:
        return False  # which is told by itself


# -- What the parser refuses, in words for the author: what was meant, and since when there is what the version lac

REFUSED = "Elasticsearch would refuse the query here"
_OTHER_HINTS = {
    "limit": "a list behind IN takes the place of many ORs; take needless brackets out",
    "failure": "this is no fault of the hunt's: please report it; another wording may be read",
    UNCHECKED: "names and types were not checked here; a push asks Elasticsearch about the query",
}
_UNKNOWN_FUNCTION = re.compile(r"Unknown function (\w+)\(\)")
_FROM_BEFORE = re.compile(r"(?:\bfrom|,)\s*$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_SHOWN = {"lookup": "LOOKUP JOIN", "inline": "INLINE STATS", "inlinestats": "INLINE STATS", "ts": "TS"}


@dataclass(frozen=True)
class Refusal:
    """What is wrong (`kind` as a problem has it), in words, and the next step."""

    kind: str
    message: str
    hint: str = REFUSED


def explain_refusal(problem: Problem, text: str, version: StackVersion) -> Refusal:
    """The parser's problem in words. `text` is the query that it refuses, `version` that of the stack."""
    if problem.kind in _OTHER_HINTS:
        return Refusal(problem.kind, problem.message, _OTHER_HINTS[problem.kind])
    offset = _offset(text, problem.line, problem.column)
    if problem.kind == "semantics":
        return _of_function(problem, version)
    return _too_new(text, offset, version) or _of_syntax(problem, text, offset)


def _of_syntax(problem: Problem, text: str, offset: int) -> Refusal:
    """A word or sign that stands where none of its kind may."""
    if problem.kind == "version":
        return Refusal(problem.kind, problem.message)
    word = found[0] if (found := _WORD.match(text, offset)) else ""
    if word and _begins_command(text, offset):
        message = f"there is no command {word.upper()}"
        return Refusal("syntax", message, did_you_mean(word.upper(), (name.upper() for name in COMMANDS)) or REFUSED)
    if text[offset : offset + 1] == "=" and text[offset : offset + 2] != "==":
        return Refusal("syntax", "`=` gives a name in EVAL and STATS; it compares nothing", "write `==`")
    return Refusal("syntax", problem.message)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean x?` where one of `known` is near to `word`, in any case; None where none is."""
    by_folded = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_folded, n=1, cutoff=0.7)
    return f"did you mean {by_folded[close[0]]}?" if close else None


def _of_function(problem: Problem, version: StackVersion) -> Refusal:
    """A function that the version's catalog does not have: too new for it, or misspelled."""
    found = _UNKNOWN_FUNCTION.search(problem.message)
    if not found:
        return Refusal(problem.kind, problem.message)
    name = found[1].lower()
    feature = Feature(f"the function {name.upper()}", Span(0, 0), FUNCTIONS[name].since if name in FUNCTIONS else None)
    if name in FUNCTIONS and not feature.available(version):
        return _first_had(feature, version)
    hint = did_you_mean(name.upper(), (known.upper() for known in FUNCTIONS))
    return Refusal(problem.kind, f"there is no function {name.upper()}", hint or REFUSED)


def _too_new(text: str, offset: int, version: StackVersion) -> Refusal | None:
    """What stands at the offset, where a later version has it."""
    found = _WORD.match(text, offset)
    word = found[0].lower() if found else ""
    name, since = "", None
    if word in COMMANDS and _begins_command(text, offset):
        name, since = f"the command {_SHOWN.get(word, word.upper())}", COMMANDS[word]
    elif word in FUNCTIONS and found and text[found.end() :].lstrip().startswith("("):
        name, since = f"the function {word.upper()}", FUNCTIONS[word].since
    elif text[offset : offset + 1] == "(" and _FROM_BEFORE.search(text[:offset]):
        name, since = "subqueries in FROM", SUBQUERIES
    feature = Feature(name, Span(offset, offset), since)
    return _first_had(feature, version) if name and not feature.available(version) else None


def _first_had(feature: Feature, version: StackVersion) -> Refusal:
    message = f"{version.major}.{version.minor} does not have {feature.name}"
    return Refusal("version", message, f"the first to have it: {feature.first()}")


def _begins_command(text: str, offset: int) -> bool:
    before = text[:offset].rstrip()
    return not before or before.endswith(("|", "(", ";"))


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(one) + 1 for one in lines[: line - 1]) + column - 1


# -- how the executor of old versions reads a query: by its text, where newer ones look at its tree ------------------

FROM_WORD = re.compile(r"from(?=\s+[\w*+,.!@$^()~;-])", re.IGNORECASE)
"""The word behind which 8.12 looks for the index."""


def from_in_strings(tree: Tree) -> Iterator[Span]:
    """The string literals behind the FROM that make 8.12 read from another index; these cannot be rewritten."""
    for span in tree.strings:
        if span.start > tree.commands[0].span.end and FROM_WORD.search(span.of(tree.text)):
            yield span
