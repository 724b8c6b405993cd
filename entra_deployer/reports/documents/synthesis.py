"""What `deploy synth` made and could not make, for a person."""

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence

from entra_deployer.reports.words import counted, short
from entra_deployer.verify.generate.tests import Synthesis

_SHOWN_CASES = 3
_SHOWN_TEXT = 60


SLOW = 2.0
"""So many seconds of CPU for the cases of one rule are told."""


def unsolved_as_text(found: Sequence[Synthesis]) -> tuple[str, ...]:
    """A line for each reason for which cases of a rule could not be made; and which rules nothing was made of."""
    unmade = [one.name for one in found if not one.tests]
    lines = [line for one in found for line in _reasons(one)]
    lines += [
        f"{one.name} took {one.seconds:.0f} s: its conditions have many combinations"
        for one in found
        if one.seconds > SLOW
    ]
    if unmade:
        lines.append(f"nothing was made of {_some(unmade)}")
    return tuple(lines)


def written_as_text(found: Sequence[Synthesis], files: Sequence[str], names: Sequence[str]) -> str:
    """The files that were written, then what to do with them; `names` are those that the user gave the rules."""
    if not files:
        return "Nothing was written."
    cases = sum(one.fires + one.quiet for one in found)
    return "\n".join((*files, f"{counted(cases, 'case')} written; now: deploy verify {shlex.join(names)}"))


def _reasons(one: Synthesis) -> Iterator[str]:
    cases: defaultdict[str, list[str]] = defaultdict(list)
    for case in one.unsolved:
        cases[case.why].append(short(case.case, _SHOWN_TEXT))
    for why, of_it in cases.items():
        if len(of_it) == 1:
            yield f"not solved: {one.name}: {of_it[0]}: {why}"
        else:
            yield f"not solved: {one.name}: {counted(len(of_it), 'case')}: {why} ({_some(of_it)})"


def _some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    rest = len(names) - _SHOWN_CASES
    return "; ".join((*names[:_SHOWN_CASES], *([f"{rest} more"] if rest > 0 else [])))
