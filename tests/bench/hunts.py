"""How made tests do on hunts: how many have a solution, how many fire, how many near misses stay quiet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from entra_deployer.core.errors import Refused
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import Unreadable, read_query
from entra_deployer.hunts.hunt import Query
from entra_deployer.hunts.toml import read_toml
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import single_test
from entra_deployer.verify.generate_tests import make_cases, stream_of
from entra_deployer.verify.mutate.mutate import Trial, mutate
from entra_deployer.verify.seeding import Batch, Run, seeded
from entra_deployer.verify.verdict import MutationResult

ALL_TIME = {"from": "now-1000d/d", "to": "now"}
"""The hunts hold their own windows: no range from outside."""


@dataclass(frozen=True)
class Outcome:
    """What came of one query. `strange` names the cases that did the wrong thing, `unsolved` counts those not made."""

    name: str
    parses: bool = True
    cases: int = 0
    fires: int = 0
    fired: int = 0
    near_misses: int = 0
    quiet: int = 0
    unsolved: int = 0
    strange: tuple[str, ...] = ()
    mutation: MutationResult | None = None


@dataclass
class Tally:
    """Outcomes, counted."""

    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def _sum(self, name: str) -> int:
        return sum(getattr(outcome, name) for outcome in self.outcomes)

    @property
    def parsable(self) -> int:
        return sum(outcome.parses for outcome in self.outcomes)

    @property
    def solved(self) -> int:
        """Queries with an event that must fire."""
        return sum(outcome.fires > 0 for outcome in self.outcomes)

    @property
    def behaving(self) -> int:
        """Queries of which every made event fires and every near miss stays quiet."""
        return sum(outcome.fires > 0 and not outcome.strange for outcome in self.outcomes)

    @property
    def firing(self) -> int:
        return self._sum("fires")

    @property
    def fired(self) -> int:
        return self._sum("fired")

    @property
    def near_misses(self) -> int:
        return self._sum("near_misses")

    @property
    def quiet(self) -> int:
        return self._sum("quiet")

    @property
    def strange(self) -> list[str]:
        return [f"{outcome.name}: {case}" for outcome in self.outcomes for case in outcome.strange]

    @property
    def score(self) -> float:
        """The mutation score over all queries: each mutant counts the same."""
        results = [outcome.mutation for outcome in self.outcomes if outcome.mutation]
        killed = sum(result.killed for result in results)
        valid = killed + sum(len(result.survivors) for result in results)
        return killed / valid if valid else 1.0


def behave(elastic: ElasticClient, files: Iterable[Path], *, mutants: bool = False) -> Iterator[Outcome]:
    """Make the cases of each hunt, a TOML file, and try each of them alone, by the hunt's own query."""
    number = 0
    for path in files:
        for query in read_toml(path.read_text("utf-8"), path.name).queries:
            number += 1
            yield outcome_of(elastic, path.stem, query, number, mutants=mutants)


def outcome_of(elastic: ElasticClient, name: str, query: Query, number: int, *, mutants: bool = False) -> Outcome:
    """Make the cases of one query and try them."""
    version = StackVersion(8, 19, 21)
    try:
        rule = read_query(query.text, version)
    except Unreadable:
        return Outcome(name, parses=False)
    index = stream_of(rule.tree)
    found = make_cases(rule.tree, ALL_TIME)
    cases = [one for one in found if isinstance(one, Case)]
    run = Run(f"bench{number}", elastic.now(), embedded=True)
    trial = Trial(rule, ALL_TIME, tuple(single_test(case, index) for case in cases), run.name("r"))
    batch = Batch(trial.alias, trial.tests, rule)
    with seeded(elastic, [batch], run) as failures:
        if failures:
            return Outcome(name, strange=tuple(failures.values()))
        try:
            results = [bool(elastic.query(rule.at(trial.alias_of(one))).rows) for one in range(len(cases))]
        except Refused as error:
            return Outcome(name, strange=(error.message,))
        mutation = mutate(trial, elastic, run.now) if mutants else None
    strange = tuple(case.name for case, rows in zip(cases, results, strict=True) if rows is not case.fires)
    return Outcome(
        name,
        cases=len(cases),
        fires=sum(case.fires for case in cases),
        fired=sum(case.fires and rows for case, rows in zip(cases, results, strict=True)),
        near_misses=sum(not case.fires for case in cases),
        quiet=sum(not case.fires and not rows for case, rows in zip(cases, results, strict=True)),
        unsolved=len(found) - len(cases),
        strange=strange,
        mutation=mutation,
    )
