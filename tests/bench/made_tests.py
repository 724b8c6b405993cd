"""What made tests are worth on the hunts of others: for each source how many have one, pass, and how good it is.

Each hunt is compiled, its tests are made and tried as `deploy synth --write` does, and verified with its mutants as
`deploy verify --mutate` does. Without a server the first step is taken alone: which rules have a case that fires.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import DeployError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.hunts.selection import Selection
from entra_deployer.plan.connection import Connection
from entra_deployer.repository import OFFLINE, Compilation, Repository
from entra_deployer.verify.generate.tests import Synthesis, UnsolvedCase
from entra_deployer.verify.generate_tests import synthesis_of, tried
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.run import RuleUnderTest, verify
from entra_deployer.verify.verdict import Status, Verdict
from entra_deployer.verify.verify_rules import make_bench, own_query

SAYS_NEVER = ("the rule never fires", "can never", "never matches", "never holds")
"""Words by which a check says that a rule, or a condition without which it does not, is never true. It is believed of a
rule only where no case that fires was made."""


@dataclass(frozen=True)
class Outcome:
    """What came of one rule of a hunt from `source`.

    `never` is what check says of a rule that can never fire, or that the version of the embedded stack does not take;
    "" of any other. `seconds` are of CPU, to make the cases. `fires` and `quiet` count the cases.
    """

    source: str
    name: str
    never: str = ""
    fires: int = 0
    quiet: int = 0
    seconds: float = 0.0
    unsolved: tuple[UnsolvedCase, ...] = ()
    verdict: Verdict | None = None

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.status is Status.PASSED

    @property
    def score(self) -> float | None:
        mutation = self.verdict.mutation if self.verdict and self.passed else None
        return mutation.score if mutation else None

    @property
    def why_not(self) -> str:
        """Why it has no test, or none that passes; "" where it has one."""
        if self.passed or (self.verdict is None and self.fires):
            return ""
        if self.verdict is not None:
            said = [self.verdict.error, *(issue.message for issue in self.verdict.problems)]
            said += [f"missed {one}" for one in self.verdict.missed]
            said += [f"false alarm {one}" for one in self.verdict.false_alarms]
            return f"not passed: {next(filter(None, said), '')}"
        return self.unsolved[0].why if self.unsolved else "no case"


def measure(folder: Path, files: Iterable[Path], connection: Connection | None) -> Iterator[Outcome]:
    """An outcome for each rule of the hunts, whose source is the first folder below `folder`."""
    for path in files:
        source = path.relative_to(folder).parts[0] if len(path.relative_to(folder).parts) > 1 else folder.name
        compilation = Repository(folder).compile(OFFLINE, Selection((str(path),)))
        for rule in compilation.rules:
            yield _outcome(compilation, rule, source, connection)
        errors = [issue for issue in compilation.issues if issue.level is Level.ERROR]
        if not compilation.rules and errors:  # a hunt in another language than ES|QL is no rule, and no error
            yield Outcome(source, path.parent.name, never=f"{errors[0].code} {errors[0].message}")


def _outcome(compilation: Compilation, rule: CompiledRule, source: str, connection: Connection | None) -> Outcome:
    made = synthesis_of(compilation, rule)
    never = "" if made.fires else compilation.withheld.get(rule.rule.key) or _never(rule, compilation.findings)
    seconds = made.seconds
    if connection is not None:
        made = tried(made, connection.elastic, connection.elastic.now)
    verdict = _verified(rule, made, connection) if connection is not None and made.tests else None
    return Outcome(source, rule.rule.name, never, made.fires, made.quiet, seconds, made.unsolved, verdict)


def _never(rule: CompiledRule, findings: Sequence[Issue]) -> str:
    mine = [one for one in findings if one.subject in (rule.folder, rule.rule.name)]
    return next((f"{one.code} {one.message}" for one in mine if any(word in one.message for word in SAYS_NEVER)), "")


def _verified(rule: CompiledRule, made: Synthesis, connection: Connection) -> Verdict:
    """The verdict on the rule as the hunt compiles to it, with its mutants."""
    version = connection.elastic.version()
    subject = RuleUnderTest(
        rule_id=rule.rule.key,
        name=rule.rule.name,
        payload=rule.rule.payload,
        tests=made.tests,
        key_columns=rule.key_columns,
        repeats_matter=rule.settings.settings.duplicates != "none",
        origin=Origin(rule.source.hunt.source, rule.query),
        own=own_query(rule, rule.rule.payload, version),
    )
    try:
        (verdict,) = verify([subject], replace(make_bench(connection, "default"), mutate=True))
    except DeployError as error:
        return Verdict(rule.rule.key, rule.rule.name, Status.ERROR, error=str(error))
    return verdict


# -- the table -------------------------------------------------------------------------------------------------------

_COLUMNS = ("source", "rules", "can fire", "made", "passed", "score", "at 1.0", "over 2 s")
SLOW = 2.0
"""Seconds of CPU after which making the cases of one rule is slow."""


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The table by source, its last line the whole."""
    by_source: defaultdict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_source[one.source].append(one)
    rows = [_COLUMNS, *(_row(name, some) for name, some in sorted(by_source.items())), _row("all", outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    able = [one for one in outcomes if not one.never]
    scores = [one.score for one in able if one.score is not None]
    passed = sum(one.passed for one in able)
    return (
        name,
        str(len(outcomes)),
        str(len(able)),
        _share(sum(one.fires > 0 for one in able), len(able)),
        _share(passed, len(able)),
        f"{sum(scores) / len(scores):.3f}" if scores else "-",
        _share(sum(score == 1.0 for score in scores), len(scores)),
        str(sum(one.seconds > SLOW for one in outcomes)),
    )


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else "0"


def reasons(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Which rules have no test that passes, and why; then those that can never fire."""
    for one in outcomes:
        if not one.never and one.why_not:
            yield f"{one.source}/{one.name}: {one.why_not}"
    for one in outcomes:
        if one.never:
            yield f"never: {one.source}/{one.name}: {one.never}"


def surviving(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Which kinds of mutants survive, the most frequent first."""
    kinds = Counter(
        mutant.what.split(" ")[0] if mutant.what.startswith("without") else mutant.what
        for one in outcomes
        if one.verdict and one.verdict.mutation
        for mutant in one.verdict.mutation.survivors
    )
    yield from (f"{count} x {what}" for what, count in kinds.most_common())
