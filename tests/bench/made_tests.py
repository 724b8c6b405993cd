"""What made tests are worth on the hunts of others: for each source how many have one, pass, and how good it is.

Each hunt is compiled, its tests are made and tried as `deploy synth --write` does, and verified with its mutants as
`deploy verify --mutate` does. Without a server the first step is taken alone: which rules have a case that fires.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import DeployError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.hunts.selection import Selection
from entra_deployer.plan.connection import Connection
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.verify.generate.tests import Synthesis, UnsolvedCase
from entra_deployer.verify.generate_tests import synthesis_of, tried
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.run import Bench, RuleUnderTest, verify
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

    @property
    def record(self) -> dict[str, Json]:
        """It as JSON, with every case that could not be made and every mutant that survived."""
        mutation = self.verdict.mutation if self.verdict else None
        return {
            "source": self.source,
            "rule": self.name,
            "never": self.never,
            "fires": self.fires,
            "quiet": self.quiet,
            "seconds": round(self.seconds, 2),
            "passed": self.passed,
            "score": self.score,
            "why_not": self.why_not,
            "unsolved": [f"{one.case}: {one.why}" for one in self.unsolved],
            "survivors": [f"{one.what}: {one.before} -> {one.after}" for one in mutation.survivors] if mutation else [],
        }


@dataclass(frozen=True)
class _Made:
    """A rule of a hunt with what was made of it, not yet tried."""

    source: str
    name: str
    never: str = ""
    made: Synthesis | None = None
    rule: CompiledRule | None = None

    def outcome(self, verdict: Verdict | None = None) -> Outcome:
        """What came of it."""
        made = self.made
        if made is None:
            return Outcome(self.source, self.name, self.never)
        return Outcome(self.source, self.name, self.never, made.fires, made.quiet, made.seconds, made.unsolved, verdict)


def measure(folder: Path, files: Iterable[Path], connection: Connection | None) -> Iterator[Outcome]:
    """An outcome for each rule of the hunts, whose source is the first folder below `folder`.

    Tests are tried and verified so many rules at a time; the cases of the next ones are made meanwhile.
    """
    made = chain.from_iterable(_made_of(folder, path) for path in files)
    if connection is None:
        yield from (one.outcome() for one in made)
        return
    with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(AT_ONCE) as pool:
        part = ahead.submit(_take, made)
        while rules := part.result():
            part = ahead.submit(_take, made)
            yield from _tried(rules, connection, pool)


AT_ONCE = 8
"""So many rules are tried at once."""


def _take(made: Iterator[_Made]) -> list[_Made]:
    return list(islice(made, 2 * AT_ONCE))


def _made_of(folder: Path, path: Path) -> Iterator[_Made]:
    """What is made of each rule of a hunt."""
    source = path.relative_to(folder).parts[0] if len(path.relative_to(folder).parts) > 1 else folder.name
    compilation = Repository(folder).compile(OFFLINE, Selection((str(path),)))
    for rule in compilation.rules:
        made = synthesis_of(compilation, rule)
        never = compilation.withheld.get(rule.rule.key) or ("" if made.fires else _never(rule, compilation.findings))
        yield _Made(source, rule.rule.name, never, made, rule)
    errors = [issue for issue in compilation.issues if issue.level is Level.ERROR]
    if not compilation.rules and errors:  # a hunt in another language than ES|QL is no rule, and no error
        yield _Made(source, path.parent.name, f"{errors[0].code} {errors[0].message}")


def _tried(rules: Sequence[_Made], connection: Connection, pool: Executor) -> Iterator[Outcome]:
    """The outcomes of the rules, in their order: their cases are tried, then the tests are verified."""

    def try_one(one: _Made) -> _Made:
        return replace(one, made=tried(one.made, connection.elastic, connection.elastic.now)) if one.made else one

    kept = list(pool.map(try_one, rules))
    found = iter(_verified([one for one in kept if one.made and one.made.tests], connection))
    for one in kept:
        yield one.outcome(next(found) if one.made and one.made.tests else None)


def _never(rule: CompiledRule, findings: Sequence[Issue]) -> str:
    mine = [one for one in findings if one.subject in (rule.folder, rule.rule.name)]
    return next((f"{one.code} {one.message}" for one in mine if any(word in one.message for word in SAYS_NEVER)), "")


def _verified(rules: Sequence[_Made], connection: Connection) -> Sequence[Verdict]:
    """The verdicts on the rules as their hunts compile to them, with their mutants."""
    version = connection.elastic.version()
    subjects = [
        RuleUnderTest(
            rule_id=one.rule.rule.key,
            name=one.rule.rule.name,
            payload=one.rule.rule.payload,
            tests=one.made.tests,
            key_columns=one.rule.key_columns,
            repeats_matter=one.rule.settings.settings.duplicates != "none",
            origin=Origin(one.rule.source.hunt.source, one.rule.query),
            own=own_query(one.rule, one.rule.rule.payload, version),
        )
        for one in rules
        if one.rule and one.made
    ]
    bench = replace(make_bench(connection, "default"), mutate=True, parallel=AT_ONCE)
    try:
        return verify(subjects, bench)
    except DeployError:  # of one of them, which is then told of that one alone
        return [_verdict(one, bench) for one in subjects]


def _verdict(rule: RuleUnderTest, bench: Bench) -> Verdict:
    try:
        return verify([rule], bench)[0]
    except DeployError as error:
        return Verdict(rule.rule_id, rule.name, Status.ERROR, error=str(error))


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
