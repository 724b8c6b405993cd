"""ATT&CK by evidence: a heatmap of the tactics, and each technique with the rules that are for it."""

from collections.abc import Iterator

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.coverage import Coverage, Covered, Shift, Stage
from entra_deployer.reports.document import (
    Block,
    Case,
    Cell,
    Document,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Span,
    Table,
    Tone,
    cells,
    words,
)
from entra_deployer.reports.words import counted

_COLUMNS = ("technique", "name", "evidence", "rules")
_FULL, _EMPTY = "■", "□"
_TESTED, _PROVED, _LAST = 3, 4, 7
"""The stages that a technique should have, from which on it is good, and where it is as good as it gets."""
_UNTESTED = "coverage/untested"
_ID_WIDTH = len("T1078.004")


def coverage_document(found: Coverage) -> Document:
    """A heatmap of the tactics, then each technique with the rules that are for it, the furthest first."""
    items = tuple(map(_item, found.techniques))
    blocks: list[Block] = [_heatmap(found), Gap(), Section(items, _COLUMNS), Gap()] if items else []
    for word, folder in found.unknown.items():
        blocks.append(Line(words((f"{word} of {folder} is no technique of ATT&CK {found.attack.version}", Tone.DOUBT))))
    blocks += _shifts(found)
    if found.issues:
        blocks += [Issues(found.issues), Gap()]
    return Document(
        name="coverage",
        title=found.environment,
        stack=found.stack,
        blocks=(*([Gap()] if found.environment else []), *blocks),
        summary=_summary(found),
        summary_tone=Tone.STRONG,
        content={
            "environment": found.environment or None,
            "attack_version": found.attack.version,
            "techniques": [_technique(one) for one in found.techniques],
            "against": found.against or None,
            "changes": [_shift_to_json(shift) for shift in found.shifts],
        },
        issues=found.issues,
        findings=tuple(_finding(one) for one in found.techniques if one.stage.rank < _TESTED),
        titles={_UNTESTED: "a technique without a tested rule"},
        cases=tuple(
            Case(one.technique.id, one.technique.name, output=f"{one.stage.value}: {_rules(one)}")
            for one in found.techniques
        ),
    )


def _shifts(found: Coverage) -> Iterator[Block]:
    """What is otherwise than in what it was compared with, losses first."""
    if not found.against:
        return
    yield Line(words((f"against {found.against}", Tone.STRONG)))
    for shift in found.shifts:
        sign = Span("- ", Tone.BAD) if shift.is_loss else Span("+ ", Tone.GOOD)
        identity = Span(f"{shift.technique.id:<{_ID_WIDTH}}", Tone.STRONG)
        yield Line(words(shift.technique.name, (f"  {_shifted(shift)}", Tone.DIM)), lead=(sign, identity))
    if not found.shifts:
        yield Line(words(("no technique is covered otherwise", Tone.DIM)))
    yield Gap()


def _shifted(shift: Shift) -> str:
    before, after = (stage.value if stage else "not covered" for stage in (shift.before, shift.after))
    return f"{before} -> {after}"


def _shift_to_json(shift: Shift) -> Json:
    return {
        "id": shift.technique.id,
        "name": shift.technique.name,
        "before": shift.before.value if shift.before else None,
        "after": shift.after.value if shift.after else None,
    }


def _technique(one: Covered) -> Json:
    return {
        "id": one.technique.id,
        "name": one.technique.name,
        "tactics": list(one.technique.tactics),
        "stage": one.stage.value,
        "rules": [
            {
                "name": rule.name,
                "hunt": rule.folder,
                "stage": rule.stage.value,
                "stages": [stage.value for stage in rule.stages],
                "mutation_score": rule.mutation_score,
            }
            for rule in one.rules
        ],
    }


def _heatmap(found: Coverage) -> Table:
    """A row a tactic: how much of it is covered, and a square for each technique by the stage of its furthest rule."""
    rows = []
    for slug, tactic in found.attack.tactics.items():
        mine = [one for one in found.techniques if slug in one.technique.tactics]
        known = sum(slug in technique.tactics for technique in found.attack.techniques.values())
        squares = tuple(Span(_FULL, _tone(one.stage.rank)) for one in sorted(mine, key=lambda one: -one.stage.rank))
        count = words((f"{len(mine)} of {known}", Tone.PLAIN if mine else Tone.DIM))
        rows.append((Cell(words((tactic.name, Tone.PLAIN if mine else Tone.DIM))), Cell(count), Cell(squares)))
    return Table(tuple(rows), ("tactic", "techniques", "evidence"))


def _item(one: Covered) -> Item:
    rank = one.stage.rank
    bar = Span(_FULL * rank + _EMPTY * (_LAST - rank), _tone(rank))
    identity = Span(f"{one.technique.id:<{_ID_WIDTH}}", Tone.STRONG)
    about = words(one.technique.name, (f"  {one.stage.value}: {_rules(one)}", Tone.DIM))
    evidence = Cell((Span(f"{bar.text} {one.stage.value}"),))
    row = (*cells(one.technique.id, one.technique.name), evidence, *cells(_rules(one)))
    return Item(one.technique.id, Line(about, lead=(identity, bar)), row)


def _finding(one: Covered) -> Issue:
    message = f"{one.technique.id} {one.technique.name} is {one.stage.value} and no more: {_rules(one)}"
    return Issue(_UNTESTED, Level.NOTE, message, one.technique.id)


def _rules(one: Covered) -> str:
    return ", ".join(_told(one))


def _told(one: Covered) -> Iterator[str]:
    for rule in one.rules:
        notes = [rule.stage.value] if rule.stage is not one.stage else []
        notes += [f"mutation score {rule.mutation_score:.0%}"] if rule.mutation_score is not None else []
        yield f"{rule.name} ({', '.join(notes)})" if notes else rule.name


def _tone(rank: int) -> Tone:
    return Tone.VERY_GOOD if rank == _LAST else Tone.GOOD if rank >= _PROVED else Tone.DOUBT if rank > 1 else Tone.BAD


def _summary(found: Coverage) -> str:
    if not found.techniques:
        return "No hunt names a technique of ATT&CK."
    counts = {stage: sum(one.stage is stage for one in found.techniques) for stage in Stage}
    told = ", ".join(f"{count} {stage.value}" for stage, count in counts.items() if count)
    return f"{counted(len(found.techniques), 'technique')} of ATT&CK {found.attack.version}: {told}."
