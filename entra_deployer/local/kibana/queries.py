"""What the rule executor reads out of the text of an ES|QL query: its indices, and whether it aggregates."""

import re
from typing import Final

QUOTED: Final = re.compile(r'"""(?s:.*?)"""|"(?:\\.|[^"\\])*"|`[^`]*`|//[^\n]*|/\*(?s:.*?)\*/')
NAMES: Final = re.compile(r"\s*([\w*-.!@$^()~;\s]+)")
SOURCE: Final = re.compile(r"\s*from\s+(.*?)(?:\||\Z|\bmetadata\b|\[)", re.IGNORECASE | re.DOTALL)
AGGREGATES_RAW: Final = re.compile(r"\|\s+stats\s", re.IGNORECASE)
AGGREGATES: Final = re.compile(r"\|\s*stats\b", re.IGNORECASE)


def indices(query: str, *, by_pattern: bool) -> list[str]:
    """The indices that the executor looks at before it runs the query.

    `by_pattern` is how 8.12 does it: what follows the last "from " anywhere in the text, METADATA and comments and
    strings included. Later versions read the FROM command.
    """
    if by_pattern:
        parts = re.split(r"from\s", query.replace("`", ""), flags=re.IGNORECASE)
        found = NAMES.match(parts[-1]) if len(parts) > 1 else None
        return [name.strip() for name in found[1].split(",")] if found else [""]
    source = SOURCE.match(QUOTED.sub(lambda quoted: quoted[0] if quoted[0][0] == '"' else " ", query))
    return [name.strip().strip('"') for name in source[1].split(",")] if source else [""]


def is_aggregating(query: str, *, by_pattern: bool) -> bool:
    """Whether the rows of a query are groups and not documents; 8.12 looks at the raw text, comments included."""
    if by_pattern:
        return bool(AGGREGATES_RAW.search(query))
    return bool(AGGREGATES.search(QUOTED.sub(" ", query)))
