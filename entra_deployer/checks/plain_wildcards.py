"""DEP033: a wildcard where there are none: `*` in ==, IN, `:`, STARTS_WITH, ENDS_WITH or CONTAINS."""

import re
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import AFFIX_FUNCTIONS, Comparison, text_comparisons

_PATTERN_WAYS = ("like", "rlike")
_FILE_NAME = re.compile(r"[\w?-]*\?[\w?-]*\.\w{2,4}")
_STAR_BESIDE_SPACE = re.compile(r"\s\*|\*\s")
_ENCLOSED = re.compile(r"\*.*[A-Za-z].*\*", re.DOTALL)
_WRITTEN = {"\\": r"\\\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HOLD_PATTERNS = ("x509", "tls.")


def _run(subject: Subject) -> Iterator[Finding]:
    masked = _masked(subject)
    for node in subject.tree.walk():
        for one in text_comparisons(node):
            if one.way not in _PATTERN_WAYS and _is_wildcard(one) and not _may_hold_star(one.value, masked):
                # "*" is what some services write for "all": to leave that out is likely meant
                level = Level.NOTE if one.text == "*" and one.negated else None
                yield Finding(_message(one), one.literal.span, hint=_hint(one, subject.tree.text), level=level)


def _is_wildcard(one: Comparison) -> bool:
    """Whether the text looks like a pattern, and not like a command or a schedule that holds an asterisk."""
    text = one.text
    if one.way in AFFIX_FUNCTIONS:
        return len(text) > 1 and {"starts_with": text[-1], "ends_with": text[0]}.get(one.way, text[-1]) == "*"
    if text.strip("*") == "":
        return text == "*"
    if "*" in text:
        return bool(_ENCLOSED.fullmatch(text)) or not _STAR_BESIDE_SPACE.search(text)
    return _FILE_NAME.fullmatch(text) is not None


def _may_hold_star(value: nodes.Expression, masked: set[str]) -> bool:
    """Whether the value may well hold an asterisk: the query put it there, or it is a name of a certificate."""
    parts = list(value.walk())
    names = [part.name for part in parts if isinstance(part, nodes.Column)]
    written = any(isinstance(part, nodes.Literal) and "*" in str(part.value) for part in parts)
    return written or any(name in masked or any(word in name for word in _HOLD_PATTERNS) for name in names)


def _masked(subject: Subject) -> set[str]:
    """The columns that the query makes with an asterisk of its own, as REPLACE(x, "[0-9]+", "*") does."""
    return {
        made.name
        for made in subject.tree.walk()
        if isinstance(made, nodes.Assignment)
        for part in made.value.walk()
        if isinstance(part, nodes.Literal) and isinstance(part.value, str) and "*" in part.value
    }


def _message(one: Comparison) -> str:
    sign = "*" if "*" in one.text else "?"
    outcome = "holds for nearly every value" if one.negated else "holds for next to none"
    return f'"{one.text}": `{sign}` is a plain character in `{one.way.upper()}`, so that the condition {outcome}'


def _hint(one: Comparison, query: str) -> str:
    value = one.value.span.of(query)
    if one.text == "*":
        meant, test = ("no", "IS NULL") if one.negated else ("any", "IS NOT NULL")
        return f"write `{value} {test}` if {meant} value is meant"
    operator, pattern = ("RLIKE", one.literal.span.of(query)) if one.text.startswith(".*") else ("LIKE", _pattern(one))
    text = f"{value} {operator} {pattern}"
    return f"write `{f'NOT ({text})' if one.negated else text}`"


def _pattern(one: Comparison) -> str:
    """The constant as a pattern of LIKE, which matches the whole value and takes a backslash as a sign of its own."""
    text = one.text
    if one.way in ("ends_with", "contains"):
        text = f"*{text.lstrip('*')}"
    if one.way in ("starts_with", "contains"):
        text = f"{text.rstrip('*')}*"
    for plain, written in _WRITTEN.items():
        text = text.replace(plain, written)
    return f'"{text}"'


CHECK = Check(
    code="DEP033",
    title="a wildcard where there are none",
    level=Level.WARNING,
    explanation=(
        "Only LIKE (and the functions KQL and QSTR) know `*` and `?`. In ==, !=, IN and the match operator, and in "
        "STARTS_WITH, ENDS_WITH and CONTAINS, they are plain characters: a positive condition with them never "
        "holds, a negated one always does, and the rule is silent or loud without an error.\n\n"
        'Write `x LIKE "a*"`, or leave the `*` out where the function means it already: STARTS_WITH(x, "a"). A text '
        "in which the asterisk stands beside a space (a command, a schedule), a value to which the query itself "
        "gave an asterisk, and the names of certificates are taken to mean it; elsewhere silence the check with "
        "the reason."
    ),
    good=Example('from logs-a-*\n| where file.path like "*.dll" or process.command_line == "chmod 777 *"'),
    bad=Example('from logs-a-*\n| where starts_with(file.Ext.header_bytes, "4d5a*")'),
    run=_run,
)
