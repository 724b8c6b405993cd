"""The pattern languages of ES|QL: LIKE, RLIKE (`regex`), GROK and DISSECT; each is read, filled and matched. Pure.

What cannot be read here is refused by `UnreadablePattern`, whatever its text: nothing else leaves these modules.
"""

from entra_deployer.esql.patterns.regex import UnreadablePattern

__all__ = ["UnreadablePattern"]
