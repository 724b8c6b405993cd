"""What made tests are worth on the hunts of others: for each source how many have one, pass, and how good it is.

Each hunt is compiled, its tests are made and tried as `deploy synth --write` does, and verified with its mutants as
`deploy verify --mutate` does. Without a server the first step is taken alone: which rules have a case that fires.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import DeployError, Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import RuleQuery, Unreadable, read_query
from entra_deployer.esql.tree import Stats
from entra_deployer.hunts.catalog import read_hunt
from entra_deployer.hunts.folder import DetectionTest, Event
from entra_deployer.hunts.selection import Selection
from entra_deployer.plan.connection import Connection
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import Synthesis, UnsolvedCase, single_test
from entra_deployer.verify.generate_tests import joins_of, make_cases, stream_of, synthesis_of, tried
from entra_deployer.verify.mutate.mutants import mutations
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.run import Bench, RuleUnderTest, verify
from entra_deployer.verify.seeding import Batch, Run, Server, seeded
from entra_deployer.verify.verdict import Status, Verdict
from entra_deployer.verify.verify_rules import make_bench, own_query

SAYS_NEVER = ("the rule never fires", "can never", "never matches", "never holds")
"""Words by which a check says that a rule, or a condition without which it does not, is never true. It is believed of a
rule only where no case that fires was made."""


@dataclass(frozen=True)
class Outcome:
    """What came of one rule of a hunt from `source`.

    `never` is what check says of a rule that can never fire, or that the version of the embedded stack does not take;
    "" of any other. `confirmed` is whether the embedded server was seen to agree. `seconds` are of CPU, to make the
    cases. `fires` and `quiet` count the cases.
    """

    source: str
    name: str
    never: str = ""
    confirmed: bool = False
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
            said = [self.verdict.error, *(f"missed {one}" for one in self.verdict.missed)]
            said += [f"false alarm {one}" for one in self.verdict.false_alarms]
            said += [issue.message for issue in self.verdict.problems if issue.level is Level.ERROR]
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
            "confirmed": self.confirmed,
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
    """A rule of a hunt with what was made of it. `withheld` is why it cannot run at all, "" where it can.

    `says_never` is what check says of it that would mean that it never fires. `texts` are the queries of a hunt that
    compiles to no rule.
    """

    source: str
    name: str
    withheld: str = ""
    says_never: str = ""
    made: Synthesis | None = None
    rule: CompiledRule | None = None
    texts: tuple[str, ...] = ()

    @property
    def never(self) -> str:
        """Why it can never fire, "" where it can."""
        return self.withheld or ("" if self.made and self.made.fires else self.says_never)

    def outcome(self, verdict: Verdict | None = None, *, confirmed: bool = False) -> Outcome:
        """What came of it."""
        made = self.made or Synthesis("", self.name, ())
        unsolved, seconds = made.unsolved, made.seconds
        return Outcome(
            self.source, self.name, self.never, confirmed, made.fires, made.quiet, seconds, unsolved, verdict
        )


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
        withheld, never = compilation.withheld.get(rule.rule.key, ""), _never(rule, compilation.findings)
        yield _Made(source, rule.rule.name, withheld, never, made, rule)
    errors = [issue for issue in compilation.issues if issue.level is Level.ERROR]
    if not compilation.rules and errors:  # a hunt in another language than ES|QL is no rule, and no error
        yield _Made(source, path.parent.name, f"{errors[0].code} {errors[0].message}", texts=tuple(_queries(path)))


def _queries(path: Path) -> Iterator[str]:
    with suppress(DeployError):  # a file that is no hunt has none
        yield from (query.text for query in read_hunt(path).queries)


def _tried(rules: Sequence[_Made], connection: Connection, pool: Executor) -> Iterator[Outcome]:
    """The outcomes of the rules, in their order. Tests that pass at once do so because no case of theirs is wrong.

    The cases of the others are tried, as they are before they are written, and what is left is verified.
    """

    def try_one(one: _Made) -> _Made:
        if one.made is None:
            return one
        try:
            made = tried(one.made, connection.elastic, connection.elastic.now)
        except DeployError as error:
            made = replace(one.made, tests=(), unsolved=(UnsolvedCase("all", str(error)),))
        return replace(one, made=made)

    first = _verdicts(rules, connection)
    wrong = [verdict is not None and verdict.status is not Status.PASSED for verdict in first]
    again = list(pool.map(try_one, (one for one, bad in zip(rules, wrong, strict=True) if bad)))
    found = iter(zip(again, _verdicts(again, connection), strict=True))
    for one, verdict, bad in zip(rules, first, wrong, strict=True):
        last, told = next(found) if bad else (one, verdict)
        yield last.outcome(told, confirmed=bool(last.never) and _confirmed(last, connection))


def _confirmed(one: _Made, connection: Connection) -> bool:
    """Whether the embedded server shows that a rule never fires.

    It refuses the rule's query, or this finds none of the events that it finds after a small change, such as to leave
    one of its conditions out.
    """
    if one.rule is None:  # it does not compile: the server reads a query before it looks for its indices
        return any(_is_refused(connection.elastic, text) for text in one.texts)
    payload, server = one.rule.rule.payload, connection.elastic
    version, run = server.version(), Run(f"never-{uuid.uuid4().hex[:8]}", server.now(), embedded=True)
    try:
        query = read_query(str(payload["query"]), version)
    except Unreadable:
        return _is_refused(server, str(payload["query"]))
    stream = stream_of(query.tree)
    bare = DetectionTest("any event", "", stream, (Event("any", {}, age=60),), (), ())
    with seeded(server, [Batch(run.name("r"), (bare,), query)], run):
        if _is_refused(server, query.at(run.name("rt0"))):
            return True
    return any(
        _found_only_by(read_query(mutation.of(part.tree.text), version), part, payload, server, run)
        for part in (*_before_groups(query, version), query)
        for mutation in mutations(part.tree)
    )


def _before_groups(query: RuleQuery, version: StackVersion) -> Iterator[RuleQuery]:
    """What a query does before its first STATS ... BY, which makes no group where that finds no event."""
    stats = next((one for one in query.tree.commands if isinstance(one, Stats)), None)
    if stats is not None and stats.groups and not stats.inline:
        yield read_query(query.tree.text[: stats.span.start].rstrip().removesuffix("|"), version)


def _is_refused(server: Server, text: str) -> bool:
    try:
        server.query(text)
    except Refused as error:
        return "Unknown index" not in error.message
    return False


def _found_only_by(less: RuleQuery, query: RuleQuery, payload: Mapping[str, Json], server: Server, run: Run) -> bool:
    """Whether events made for a query are found by it on the server, and not by the other one."""
    stream, within = stream_of(less.tree), time_range(payload, run.now)
    cases = [one for one in make_cases(less.tree, payload) if isinstance(one, Case) and one.fires][:1]
    tests = tuple(single_test(case, stream, joins_of(less.tree)) for case in cases)
    with seeded(server, [Batch(run.name("r"), tests, query)], run) as failures:
        if failures or not tests:
            return False
        index = run.name("rt0")
        found = server.query(less.at(index), filter=within).rows
        return bool(found) and not server.query(query.at(index), filter=within).rows


def _verdicts(rules: Sequence[_Made], connection: Connection) -> list[Verdict | None]:
    """The verdict on each rule, None where it has no test."""
    tested = [one for one in rules if one.made and one.made.tests]
    found = iter(_verified(tested, connection))
    return [next(found) if one in tested else None for one in rules]


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

_COLUMNS = ("source", "rules", "never (confirmed)", "can fire", "made", "passed", "score", "at 1.0", "over 2 s")
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
        f"{len(outcomes) - len(able)} ({sum(one.confirmed for one in outcomes)})",
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
            said = "confirmed by the server" if one.confirmed else "not confirmed"
            yield f"never ({said}): {one.source}/{one.name}: {one.never}"


def surviving(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Which kinds of mutants survive, the most frequent first."""
    kinds = Counter(
        mutant.what.split(" ")[0] if mutant.what.startswith("without") else mutant.what
        for one in outcomes
        if one.verdict and one.verdict.mutation
        for mutant in one.verdict.mutation.survivors
    )
    yield from (f"{count} x {what}" for what, count in kinds.most_common())
