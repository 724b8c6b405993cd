"""What the parser refuses, in words for the author: what was meant, and since when there is what the version lacks.

A grammar names the tokens that it expected. A person needs to know whether a word is misspelled or too new.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.features import Feature
from entra_deployer.esql.functions import FUNCTIONS
from entra_deployer.esql.parse import UNCHECKED, Problem
from entra_deployer.esql.tree import Span
from entra_deployer.facts import COMMANDS, SUBQUERIES

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
        return _since(feature, version)
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
    return _since(feature, version) if name and not feature.available(version) else None


def _since(feature: Feature, version: StackVersion) -> Refusal:
    message = f"{version.major}.{version.minor} does not have {feature.name}"
    return Refusal("version", message, f"the first to have it: {feature.first()}")


def _begins_command(text: str, offset: int) -> bool:
    before = text[:offset].rstrip()
    return not before or before.endswith(("|", "(", ";"))


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(one) + 1 for one in lines[: line - 1]) + column - 1
