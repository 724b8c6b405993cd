"""What the page's templates are given: an Overview, laid out as it is read."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.core.issue import Issue
from entra_deployer.coverage import Coverage, Covered, Stage
from entra_deployer.forecast.forecast import Forecast
from entra_deployer.overview import Overview, Proof, RuleOverview, stands_in, worst
from entra_deployer.reports.document import Block, Section
from entra_deployer.reports.documents.verdicts import verdicts_document
from entra_deployer.reports.page.charts import Box, Share, bars_of, parts_of
from entra_deployer.reports.page.highlight import highlighted
from entra_deployer.reports.words import minute
from entra_deployer.verify.verdict import VerifyReport

SEVERITIES = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Note:
    """What is to be said at a line: a rewrite, a surviving mutant, an issue. `before` and `after` are of the text."""

    kind: str
    head: str
    text: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class QueryLine:
    """One line of a hunt's query as HTML, with its number in the hunt's file and what is to be said of it."""

    number: int
    html: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class RuleView:
    """One rule as the page shows it. `facts` are names and values; `words` says what the filters look at."""

    anchor: str
    rule: RuleOverview
    severity: str
    proof: Proof
    level: str
    live: str
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    lines: tuple[QueryLine, ...]
    notes: tuple[Note, ...]
    compiled: tuple[str, ...]
    verdict: tuple[Block, ...]

    @property
    def score(self) -> str:
        """The mutation score as people read it, "" where none was asked for."""
        return "" if self.rule.score is None else f"{self.rule.score:.0%}"


@dataclass(frozen=True)
class TechniqueView:
    """A technique in the matrix: the furthest stage of its rules (1 to 7), and what its rules are called."""

    id: str
    name: str
    stage: str
    rank: int
    rules: int


@dataclass(frozen=True)
class TacticView:
    """A column of the matrix."""

    slug: str
    name: str
    known: int
    techniques: tuple[TechniqueView, ...]


@dataclass(frozen=True)
class Chart:
    """A bar with its legend."""

    title: str
    boxes: tuple[Box, ...]
    legend: tuple[Share, ...]


def rule_views(overview: Overview) -> tuple[RuleView, ...]:
    """The rules in their order; no two have one anchor."""
    taken: Counter[str] = Counter()
    return tuple(_rule(rule, overview, taken) for rule in overview.rules)


def tactic_views(coverage: Coverage) -> tuple[TacticView, ...]:
    """The tactics in ATT&CK's order, each with those of its techniques that a rule is for."""
    known = Counter(slug for technique in coverage.attack.techniques.values() for slug in technique.tactics)
    by_tactic: defaultdict[str, list[Covered]] = defaultdict(list)
    for covered in coverage.techniques:
        for slug in covered.technique.tactics:
            by_tactic[slug].append(covered)
    return tuple(
        TacticView(slug, tactic.name, known[slug], tuple(map(_technique, by_tactic[slug])))
        for slug, tactic in coverage.attack.tactics.items()
    )


@dataclass(frozen=True)
class TrendView:
    """One rule's alerts a day, as it stands and as a push would leave it, as text and as two bars."""

    name: str
    words: str
    boxes: tuple[Box, ...]


def trend_views(forecast: Forecast) -> tuple[TrendView, ...]:
    """The rules with alerts now or then, the busiest first, all on one scale."""
    pairs = [
        (rule.name, rule.before.a_day if rule.before else 0.0, rule.after.a_day if rule.after else 0.0)
        for rule in forecast.rules
    ]
    busy = sorted((pair for pair in pairs if max(pair[1:])), key=lambda pair: (-max(pair[1:]), pair[0]))
    most = max((max(pair[1:]) for pair in busy), default=1.0)
    return tuple(
        TrendView(name, f"{before:.1f} alerts a day now, {after:.1f} after a push", bars_of(before, after, most))
        for name, before, after in busy
    )


def charts(overview: Overview, views: Sequence[RuleView]) -> Iterator[Chart]:
    """What there is how much of: verdicts, severities, how far the techniques have come."""
    proofs = Counter(view.proof for view in views)
    yield _chart("Verdicts", [Share(one.value, proofs[one], f"p-{one.name.lower()}") for one in Proof])
    severities = Counter(view.severity for view in views)
    yield _chart("Severities", [Share(one, severities[one], f"s-{one}") for one in SEVERITIES])
    stages = Counter(one.stage for one in overview.coverage.techniques)
    yield _chart("Techniques", [Share(one.value, stages[one], f"t-{one.rank}") for one in Stage])


def _chart(title: str, shares: Sequence[Share]) -> Chart:
    return Chart(title, parts_of(shares), tuple(share for share in shares if share.count))


def _technique(covered: Covered) -> TechniqueView:
    one, stage = covered.technique, covered.stage
    return TechniqueView(one.id, one.name, stage.value, stage.rank, len(covered.rules))


def _rule(rule: RuleOverview, overview: Overview, taken: Counter[str]) -> RuleView:
    level = worst(rule.issues)
    techniques, tactics = _attack(rule, overview)
    lines, notes = _annotated(rule)
    return RuleView(
        anchor=_anchor(rule, taken),
        rule=rule,
        severity=_severity(rule),
        proof=rule.proof,
        level=level.value if level else "",
        live=_live(rule, overview),
        techniques=techniques,
        tactics=tactics,
        facts=tuple(_facts(rule)),
        lines=lines,
        notes=notes,
        compiled=tuple(highlighted(str(rule.compiled.rule.payload["query"]))) if rule.compiled else (),
        verdict=tuple(_verdict(rule)),
    )


def _anchor(rule: RuleOverview, taken: Counter[str]) -> str:
    """The id of its element: of letters, digits and - alone, so that every place that names it can."""
    key = f"{rule.source.folder}-{rule.compiled.own_key or ''}" if rule.compiled else rule.source.folder
    name = "rule-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in key).strip("-")
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}-{taken[name]}"


def _severity(rule: RuleOverview) -> str:
    said = str(rule.compiled.rule.payload.get("severity", "")) if rule.compiled else ""
    return said if said in SEVERITIES else ""


def _live(rule: RuleOverview, overview: Overview) -> str:
    """missing, differs, failing, off or on; "" where no environment was asked."""
    if overview.live is None:
        return ""
    if rule.live is None:
        return "missing"
    if any(difference.counts for difference in rule.differences):
        return "differs"
    if rule.live.has_failed:
        return "failing"
    return "on" if rule.live.enabled else "off"


def _attack(rule: RuleOverview, overview: Overview) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of its techniques, and the slugs of their tactics."""
    found = [overview.coverage.attack.resolve(word) for word in rule.source.hunt.mitre]
    techniques = dict.fromkeys(one.id for one in found if one)
    tactics = dict.fromkeys(slug for one in found if one for slug in one.tactics)
    return tuple(techniques), tuple(tactics)


def _facts(rule: RuleOverview) -> Iterator[tuple[str, str]]:
    yield "hunt", rule.source.hunt.source
    if compiled := rule.compiled:
        payload = compiled.rule.payload
        yield "runs", f"every {payload['interval']}, from {payload['from']} to {payload['to']}"
        yield "alerts", f"at most {payload['max_signals']} a run, risk score {payload['risk_score']}"
        yield "entity", ", ".join(compiled.key_columns) or "each row"
        yield "rule_id", compiled.rule.key
    if tests := rule.tests:
        yield "tests", ", ".join(test.source for test in tests)
    if last := rule.last:
        yield "last verdict here", f"{last.verdict.status.value} on {last.environment}, {minute(last.at)}"
    if record := rule.record:
        where = f"Elasticsearch {record.elasticsearch}, {minute(record.at)} by {record.by}"
        yield "verdict in the ledger", f"{record.status.value} on {where}"
    if live := rule.live:
        run = f", last run {live.last_run.status}: {live.last_run.message}" if live.last_run else ", never ran"
        yield "live", f"{'on' if live.enabled else 'off'}{run.removesuffix(': ')}"


def _verdict(rule: RuleOverview) -> Iterator[Block]:
    """What the terminal would say of the last verdict, with all entities."""
    if rule.verdict:
        for block in verdicts_document(VerifyReport("", verdicts=(rule.verdict,))).blocks:
            if isinstance(block, Section):
                for item in block.items:
                    yield from item.body


def _annotated(rule: RuleOverview) -> tuple[tuple[QueryLine, ...], tuple[Note, ...]]:
    """The lines of the hunt's query with their notes, and the notes that belong to no line of it."""
    by_line: defaultdict[int, list[Note]] = defaultdict(list)
    rest: list[Note] = []
    last = rule.query.line + rule.query.text.count("\n")
    for line, note in _notes(rule):
        (by_line[line] if rule.query.line <= line <= last else rest).append(note)
    lines = enumerate(highlighted(rule.query.text), rule.query.line)
    return tuple(QueryLine(number, html, tuple(by_line[number])) for number, html in lines), tuple(rest)


def _notes(rule: RuleOverview) -> Iterator[tuple[int, Note]]:
    """Each note with its line in the hunt's file, 0 where it has none."""
    for rewrite in rule.compiled.rewrites if rule.compiled else ():
        before, after = (rewrite.before, rewrite.after) if rewrite.before != rewrite.after else ("", "")
        yield rewrite.line, Note("rewrite", rewrite.code, rewrite.reason, before, after)
    verdict = rule.verdict
    for mutant in verdict.mutation.survivors if verdict and verdict.mutation else ():
        line = mutant.location.line if mutant.location and _is_here(mutant.location.path, rule) else 0
        doubt = "; possibly equivalent" if mutant.same else ""
        case = f"deploy synth has a case: {mutant.killer}" if mutant.killer else f"no made case does{doubt}"
        yield line, Note("mutant", mutant.what, f"no test notices it; {case}", mutant.before, mutant.after)
    for issue in rule.issues:
        here = stands_in(issue.location, rule.query, rule.source.hunt.source)
        yield issue.location.line if here and issue.location else 0, _issue(issue, is_here=here)


def _is_here(path: str, rule: RuleOverview) -> bool:
    return path == rule.source.hunt.source


def _issue(issue: Issue, *, is_here: bool) -> Note:
    place = f"{issue.location}: " if issue.location and not is_here else ""
    hint = f" ({issue.hint})" if issue.hint else ""
    return Note(issue.level.value, issue.code, f"{place}{issue.message}{hint}")


def counted_by(views: Sequence[RuleView]) -> Mapping[str, int]:
    """What the head of the page counts."""
    return {
        "errors": sum(view.level == "error" for view in views),
        "warnings": sum(view.level == "warning" for view in views),
        "differing": sum(view.live == "differs" for view in views),
        "failing": sum(view.live == "failing" for view in views),
    }
