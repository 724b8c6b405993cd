"""What a code of an issue means."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """`good` and `bad` are queries (with the lines of rule.yaml that matter above them); "" where there is none."""

    code: str
    title: str
    text: str
    level: str = ""
    good: str = ""
    bad: str = ""
    silenceable: bool = False
