"""The edits that the compiler makes to a query, each with its code and its reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from entra_deployer.compiler.compiled import Rewrite
from entra_deployer.esql.edits import Edit, apply_edits, touched_lines
from entra_deployer.hunts.hunt import Query


@dataclass(frozen=True)
class Step:
    """Edits that belong together. Without edits it is a word on what was left as it is, at `offset`."""

    code: str
    reason: str
    edits: tuple[Edit, ...] = ()
    offset: int = 0


def rewrite_text(query: Query, steps: Iterable[Step]) -> str:
    """The query with all edits of all steps made."""
    return apply_edits(query.text, [edit for step in steps for edit in step.edits])


def explain(query: Query, steps: Sequence[Step]) -> tuple[Rewrite, ...]:
    """The steps in the order of the hunt's lines, each with the lines before and after."""
    return tuple(sorted((_explain(query, step) for step in steps), key=lambda rewrite: (rewrite.line, rewrite.code)))


def _explain(query: Query, step: Step) -> Rewrite:
    edits = step.edits or (Edit(step.offset, step.offset, ""),)
    line, before, after = touched_lines(query.text, edits)
    if not step.edits:
        after = before
    return Rewrite(step.code, step.reason, query.line + line - 1, before, after)
