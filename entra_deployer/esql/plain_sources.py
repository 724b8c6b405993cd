"""What a plain FROM reads from, told without a parser: hundreds of rules have the same one."""

import re

_NAME = r"[a-z0-9_.*][a-z0-9_.*-]*"
_PLAIN = re.compile(
    rf"\s*from\s+(?!metadata\b)({_NAME}(?:\s*,\s*{_NAME})*)(?:\s+metadata\s+_[a-z]+(?:\s*,\s*_[a-z]+)*)?\s*(?:\|.*)?",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)


def plain_sources(text: str) -> tuple[str, ...] | None:
    """The index patterns of a query that parses; None where they have quotes, clusters, comments or subqueries."""
    found = _PLAIN.fullmatch(text)
    return tuple(name.strip() for name in found[1].split(",")) if found else None
