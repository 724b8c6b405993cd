"""DEP027: a pattern of another language: SQL's `%` in LIKE; anchors, flags, lookarounds and Lucene's signs in RLIKE."""

import re
from collections.abc import Iterator
from contextlib import suppress

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import text_comparisons
from entra_deployer.esql.patterns import regex

_CLASSES = re.compile(r"\[(?:\\.|[^\]\\])*\]")
_PERL = re.compile(r"(?P<flags>\(\?[a-z]+[-a-z]*\))|(?P<group>\(\?(?::|P?<[A-Za-z]\w*>))|(?P<around>\(\?<?[=!])")
_PERL_MEANS = {
    "flags": ("is plain text in RLIKE, which has no flags", "TO_LOWER(x) RLIKE ..., or [aA]"),
    "group": ("is plain text in RLIKE, which has plain groups alone", "write ( without ?:"),
    "around": ("is plain text in RLIKE, which looks around nowhere", "ask for the two things by two conditions"),
}
"""What Lucene's regular expressions do not have, by the names of the groups above."""

_PLAIN = re.compile(r"\\.|\"[^\"]*\"", re.DOTALL)
_SIGN = re.compile(r"(?<=[^|(&])&|[#@~]")
_SIGN_MEANS = {
    "&": "means AND in RLIKE: all of the text has to match what stands on each side of it",
    "#": "stands for no text at all in RLIKE",
    "@": "stands for any text in RLIKE",
    "~": "means NOT in RLIKE: any text but what follows it",
}
"""What only Lucene's regular expressions have."""


def _run(subject: Subject) -> Iterator[Finding]:
    for node in subject.tree.walk():
        for one in text_comparisons(node):
            yield from _faults(one.way, one.literal, one.text)


def _faults(operator: str, pattern: nodes.Literal, text: str) -> Iterator[Finding]:
    if operator == "like" and "%" in (text[:1], text[-1:]) and not {"*", "?"} & set(text):
        meant = text.replace("%", "*")
        yield Finding(
            f'"{text}": `%` is a plain character in ES|QL, so that this matches next to nothing',
            pattern.span,
            hint=f'write "{meant}"',
        )
    if operator == "rlike" and (text.startswith("^") or (text.endswith("$") and not text.endswith("\\$"))):
        yield Finding(
            f'"{text}": `^` and `$` are plain characters in RLIKE, which always matches the whole value',
            pattern.span,
            hint="leave the anchors out",
        )

    found = _PERL.search(_CLASSES.sub("", text)) if operator == "rlike" else None
    if found and found.lastgroup in _PERL_MEANS:
        said, hint = _PERL_MEANS[str(found.lastgroup)]
        yield Finding(f'"{text}": `{found[0]}` {said}, so that this matches next to nothing', pattern.span, hint=hint)
    if operator == "rlike" and (sign := _SIGN.search(_PLAIN.sub("", _CLASSES.sub("_", text)))):
        never = ", and no text does, so that this never matches" if _is_empty(text) else ""
        yield Finding(
            f'"{text}": `{sign[0]}` {_SIGN_MEANS[sign[0]]}{never}',
            pattern.span,
            hint=rf'the sign itself is "\\{sign[0]}" in quotes, """\{sign[0]}""" in three of them',
        )


def _is_empty(pattern: str) -> bool:
    with suppress(regex.UnreadablePattern):
        return regex.never_matches(pattern)
    return False


CHECK = Check(
    code="DEP027",
    title="a pattern of another language",
    level=Level.WARNING,
    explanation=(
        "LIKE knows `*` (any text) and `?` (one character); SQL's `%` is a plain character to it. RLIKE is "
        "Lucene's regular expression, which matches the whole value and in which `^` and `$` are plain "
        "characters, as are `(?i)`, `(?:` and lookarounds; `&`, `#`, `@` and `~` are signs of its own. A positive "
        "condition with such a pattern hardly ever holds, a negated one nearly always does."
    ),
    good=Example('from logs-a-*\n| where user_agent.original like "python*" or url.domain rlike "login\\\\..*"'),
    bad=Example('from logs-a-*\n| where user_agent.original like "%python%"'),
    run=_run,
)
