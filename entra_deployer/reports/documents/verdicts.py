"""Verdicts: for each rule what was seeded, what it caught, what it left alone; and what rules lose on live data."""

from collections.abc import Iterator, Sequence

from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports.document import (
    Block,
    Case,
    Cell,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Span,
    Table,
    Tone,
    Words,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.documents.report_json import verification_to_json
from entra_deployer.reports.words import counted, short
from entra_deployer.verify.verdict import EntityOutcome, Mutant, MutationResult, Status, Verdict, VerifyReport

_SIGNS = {
    Status.PASSED: Span("✓ ", Tone.VERY_GOOD),
    Status.FAILED: Span("✗ ", Tone.VERY_BAD),
    Status.ERROR: Span("! ", Tone.VERY_DOUBTFUL),
}
_COLUMNS = ("", "rule", "seeded", "mutation score")
_TITLES = {
    "verdict/missed": "an entity that the rule had to catch",
    "verdict/false_alarm": "an entity that the rule had to leave alone",
    "verdict/none": "a rule without a verdict",
    "verdict/survivor": "a change of the rule that no test notices",
}
_NARROW = 72
POSSIBLY_EQUIVALENT = "possibly equivalent"
_LONGEST = 70
_TITLE_WIDTH = 11
_INDENT = 2


def verdicts_document(report: VerifyReport) -> Document:
    """The whole report, the counts as its last line."""
    told = {problem for verdict in report.verdicts for problem in verdict.problems}
    rest = tuple(issue for issue in report.issues if issue not in told)
    passed = sum(verdict.status is Status.PASSED for verdict in report.verdicts)
    return Document(
        name="verify",
        title=report.environment,
        stack=report.stack,
        blocks=(
            *_sections(report.verdicts),
            *((Gap(), Issues(rest)) if rest else ()),
            Gap(),
        ),
        summary=_summary(report),
        is_good=passed == len(report.verdicts) > 0 and not report.errors,
        content=verification_to_json(report),
        issues=report.issues,
        findings=tuple(issue for verdict in report.verdicts for issue in _findings(verdict)),
        titles=_TITLES,
        cases=(
            *(case for verdict in report.verdicts for case in _cases(verdict)),
            *([Case(report.environment, "rules", issue_faults(rest), suite="deploy verify")] if _errors(rest) else []),
        ),
    )


def live_document(report: VerifyReport) -> Document:
    """Each condition that loses events on live data, and how many rules were looked at."""
    silent = sum(issue.level is not Level.NOTE for issue in report.issues)
    return Document(
        name="verify --live",
        title=report.environment,
        stack=report.stack,
        blocks=(Gap(), *((Issues(report.issues), Gap()) if report.issues else ())),
        summary=f"{counted(report.hunts, 'hunt')} looked at on live data: {counted(silent, 'warning')}.",
        summary_tone=Tone.STRONG,
        content=verification_to_json(report),
        issues=report.issues,
        cases=tuple(
            Case(
                issue.subject or report.environment,
                f"{issue.code} {issue.message}",
                issue_faults([issue]),
                issue.hint or "",
            )
            for issue in report.issues
        ),
    )


def _sections(verdicts: Sequence[Verdict]) -> Iterator[Block]:
    """Each rule; one that passed among others is told briefly."""
    for verdict in verdicts:
        yield Gap()
        yield _section(verdict, is_brief=len(verdicts) > 1 and verdict.status is Status.PASSED)


def _section(verdict: Verdict, *, is_brief: bool) -> Section:
    sign = _SIGNS[verdict.status]
    status = f"  {verdict.status.value}" if verdict.status is not Status.ERROR else "  no verdict"
    score = f"{verdict.mutation.score:.0%}" if verdict.mutation else ""
    item = Item(
        name=verdict.name,
        line=Line(words(sign, (verdict.name, Tone.STRONG), (status, sign.tone))),
        cells=cells(f"{sign.text}{status.strip()}", verdict.name, verdict.error or _tried(verdict), score),
        body=tuple(_body(verdict, is_brief=is_brief)),
    )
    return Section((item,), _COLUMNS)


def _body(verdict: Verdict, *, is_brief: bool) -> Iterator[Block]:
    """What was tried and what came of it. Where it is brief, the entities stand in a row."""
    if verdict.status is Status.ERROR:
        yield Line(words((verdict.error, Tone.DOUBT)), _INDENT)
        return
    if verdict.outcomes:
        yield Line(words((_tried(verdict), Tone.DIM)), _INDENT)
    for title, tone, outcomes in _groups(verdict.outcomes):
        if outcomes and is_brief:
            yield Line(_names(outcomes), _INDENT, (Span(f"{title:<{_TITLE_WIDTH}}", tone),))
        elif outcomes:
            yield Line(words((title, tone)), _INDENT)
            yield _entities(outcomes, tone)
    if verdict.problems:
        yield Issues(verdict.problems, _INDENT)
    if verdict.mutation:
        yield from _mutation(verdict.mutation)
    if verdict.outcomes:
        yield Line(words((_next(verdict), Tone.DIM)), _INDENT)


def _mutation(result: MutationResult) -> Iterator[Line]:
    """The score, and each change that no test notices."""
    valid = result.killed + len(result.survivors)
    tone = Tone.DOUBT if result.survivors else Tone.GOOD
    score = f"mutation score {result.score:.0%}: the tests notice {result.killed} of {valid} changes"
    yield Line(words((score, tone)), _INDENT)
    for mutant in result.survivors:
        place = f"{mutant.location}: " if mutant.location else ""
        after = f" as `{short(mutant.after, _LONGEST)}`" if mutant.after else ""
        what = f"{mutant.what}: `{short(mutant.before, _LONGEST)}`{after}"
        yield Line(words(("survived ", Tone.DOUBT), (place, Tone.DIM), what), 2 * _INDENT)
        yield Line(words((_advice(mutant), Tone.DIM)), 3 * _INDENT)


def _advice(mutant: Mutant) -> str:
    if mutant.killer:
        return f"deploy synth has a case that notices it: {short(mutant.killer, _LONGEST)}"
    if mutant.same:
        return f"{POSSIBLY_EQUIVALENT}: it finds the same rows on all events that were tried"
    return "no made case notices it either: look whether it means the same"


def _tried(verdict: Verdict) -> str:
    caught = sum(outcome.expected for outcome in verdict.outcomes)
    quiet = sum(not outcome.expected and bool(outcome.events) for outcome in verdict.outcomes)
    constraint = f"{counted(caught, 'entity')} to catch, {quiet} to leave alone"
    return f"{counted(verdict.events, 'event')} seeded: {constraint}; {counted(verdict.alerts, 'alert')}"


def _groups(outcomes: Sequence[EntityOutcome]) -> Iterator[tuple[str, Tone, list[EntityOutcome]]]:
    """Title, tone and entities: what went wrong first."""
    yield "missed", Tone.BAD, [one for one in outcomes if one.expected and not one.caught]
    yield "false alarms", Tone.BAD, [one for one in outcomes if one.caught and not one.expected]
    yield "caught", Tone.GOOD, [one for one in outcomes if one.expected and one.caught]
    yield "left alone", Tone.GOOD, [one for one in outcomes if not one.expected and not one.caught]


def _names(outcomes: Sequence[EntityOutcome]) -> Words:
    """The entities in a row; those left alone with the reason."""
    spans: list[tuple[str, Tone]] = []
    for outcome in outcomes:
        spans.append((f"{', ' if spans else ''}{outcome.name}", Tone.PLAIN))
        spans.append((f" ({outcome.reason})" if outcome.reason and not outcome.expected else "", Tone.DIM))
    return words(*spans)


def _entities(outcomes: Sequence[EntityOutcome], tone: Tone) -> Table:
    """The entity and why, beside each other; on a narrow terminal one below the other."""
    mark = Span("✗" if tone is Tone.BAD else "✓", tone)
    indent = 2 * _INDENT
    return Table(
        tuple((Cell((mark,)), Cell(words(one.name)), Cell(words((_why(one), Tone.DIM)))) for one in outcomes),
        wide=2,
        indent=indent,
        narrow=_NARROW,
        instead=tuple(
            line
            for one in outcomes
            for line in (
                Line(words(mark, f"  {one.name}"), indent),
                Line(words((_why(one), Tone.DIM)), indent + 3),
            )
        ),
    )


def _why(outcome: EntityOutcome) -> str:
    """The reason; of a wrong outcome also the events, since that is where to look."""
    events = ", ".join(outcome.events)
    is_wrong = outcome.caught != outcome.expected
    return "; ".join(filter(None, (outcome.reason, events if is_wrong or not outcome.reason else "")))


def _next(verdict: Verdict) -> str:
    files = ", ".join(verdict.tests)
    if verdict.status is Status.PASSED:
        return f"tested by {files}"
    return f"look into {files}, and at the query: deploy compile --explain"


def _summary(report: VerifyReport) -> str:
    count = {status: sum(verdict.status is status for verdict in report.verdicts) for status in Status}
    said = {Status.PASSED: "passed", Status.FAILED: "failed", Status.ERROR: "without a verdict"}
    parts = [f"{count[status]} {said[status]}" for status in Status if count[status]]
    rules = counted(len(report.verdicts), "rule")
    return f"{rules} verified: {', '.join(parts)}." if parts else "No rule was verified."


def _findings(verdict: Verdict) -> Iterator[Issue]:
    """What went wrong, for a code host."""
    if verdict.status is Status.ERROR:
        yield Issue("verdict/none", Level.ERROR, f"{verdict.name}: {verdict.error}", verdict.name)
    for outcome in verdict.outcomes:
        if outcome.caught != outcome.expected:
            code = "verdict/missed" if outcome.expected else "verdict/false_alarm"
            message = f"{verdict.name}: {_fault_word(outcome)} {outcome.name}"
            yield Issue(code, Level.ERROR, message, verdict.name, hint=_why(outcome) or None)
    for mutant in verdict.mutation.survivors if verdict.mutation else ():
        after = f" as `{short(mutant.after, _LONGEST)}`" if mutant.after else ""
        doubt = f" ({POSSIBLY_EQUIVALENT})" if mutant.same else ""
        message = f"{verdict.name}: {mutant.what}: `{short(mutant.before, _LONGEST)}`{after}{doubt}"
        yield Issue("verdict/survivor", Level.NOTE, message, verdict.name, mutant.location)


def _cases(verdict: Verdict) -> Iterator[Case]:
    """A case for each entity and each problem; one for the rule where there is neither."""
    made: list[Case] = []
    if verdict.status is Status.ERROR:
        made.append(_case(verdict, "verdict", Fault(FaultKind.ERROR, verdict.error)))
    for outcome in verdict.outcomes:
        text = "\n".join((outcome.entity, outcome.reason, *outcome.events))
        fault = Fault(FaultKind.FAILURE, _fault_word(outcome), text)
        title = f"{'catches' if outcome.expected else 'ignores'} {outcome.name}"
        made.append(_case(verdict, title, *([fault] if outcome.caught != outcome.expected else [])))
    made += [
        _case(verdict, problem.code, Fault(FaultKind.FAILURE, problem.message, problem.hint or ""))
        for problem in verdict.problems
        if problem.level is Level.ERROR
    ]
    yield from made or [_case(verdict, "verdict")]


def _case(verdict: Verdict, name: str, *faults: Fault) -> Case:
    return Case(verdict.rule_id, name, faults, suite=verdict.name)


def _fault_word(outcome: EntityOutcome) -> str:
    return "missed" if outcome.expected else "false alarm"


def _errors(issues: Sequence[Issue]) -> bool:
    return any(issue.level is Level.ERROR for issue in issues)
