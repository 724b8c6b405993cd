"""What the embedded Elasticsearch cannot run: asked of the server itself, but for what would hang there."""

import re

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.parse import Problem, parse

_HANGS = {"categorize": "CATEGORIZE", "change_point": "CHANGE_POINT"}
"""What the embedded server accepts and never answers: it was built without machine learning."""

_WORD = re.compile(r"inline\s+stats|[a-z_]+", re.IGNORECASE)
_LACKED = (
    re.compile(r"mismatched input '([^']+)'"),
    re.compile(r"Unknown function \[([^\]]+)\]"),
    re.compile(r"(?:failed to find|No handler for|unknown) action \[([^\]]+)\]"),
    re.compile(r"current license is non-compliant for \[([^\]]+)\]"),
    re.compile(r"license is required to run (ES\|QL cross-cluster searches)"),
)
_WITHIN_A_TEXT = re.compile(r"Failed to parse (?:KQL )?query \[")
"""What is wrong within the text of KQL("...") or QSTR("...") is wrong everywhere."""
_NO_POLICY = re.compile(r"cannot find enrich policy \[([^\]]+)\]")


def beyond_embedded(text: str, version: StackVersion) -> str:
    """What of a query must not be sent to the embedded Elasticsearch of this `version`; "" where all of it may.

    That is what would hang there, and syntax that only a newer stack knows.
    """
    parsed = parse(text, version)
    newest = parse(text, facts.NEWER_THAN_ALL) if parsed.refusals else parsed
    if newest.tree and (hanging := _hanging(newest.tree)):
        return hanging
    if parsed.refusals and newest.tree and not newest.refusals:
        return _newer(parsed.refusals[0], newest.tree)
    return ""


def _newer(problem: Problem, tree: nodes.Tree) -> str:
    """The word of a newer stack at the place of the problem, or else the problem itself."""
    word = _WORD.match(tree.text, tree.offset(problem.line, problem.column))
    if word and "mismatched input" in problem.message:
        return " ".join(word[0].upper().split())
    return f"what a newer stack can (line {problem.line}:{problem.column}: {problem.message})"


def _hanging(tree: nodes.Tree) -> str:
    for node in tree.walk():
        match node:
            case nodes.Other(word=word) | nodes.Call(name=word) if word in _HANGS:
                return _HANGS[word]
    return ""


def lacked(refusal: str) -> str:
    """What the embedded server lacks, by its own `refusal` of a query that parses; "" for any other refusal."""
    if _WITHIN_A_TEXT.search(refusal):
        return ""
    if policy := _NO_POLICY.search(refusal):
        return f"ENRICH with the policy {policy[1]}"
    return next((found[1] for pattern in _LACKED if (found := pattern.search(refusal))), "")
