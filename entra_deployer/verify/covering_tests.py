"""For each change of a rule that its tests do not notice: the made case that would."""

from collections.abc import Sequence
from dataclasses import replace

from entra_deployer.esql.rule_query import read_query
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import single_test
from entra_deployer.verify.generate_tests import make_cases, stream_of
from entra_deployer.verify.mutate.mutate import Trial, find_killers
from entra_deployer.verify.run import Bench, RuleUnderTest
from entra_deployer.verify.seeding import Batch, Run, seeded
from entra_deployer.verify.verdict import Verdict


def with_killers(verdicts: Sequence[Verdict], rules: Sequence[RuleUnderTest], bench: Bench) -> tuple[Verdict, ...]:
    """The verdicts; each survivor with the name of the made case that tells it, where there is one."""
    return tuple(_told(verdict, rule, bench) for verdict, rule in zip(verdicts, rules, strict=True))


def _told(verdict: Verdict, rule: RuleUnderTest, bench: Bench) -> Verdict:
    if not (verdict.mutation and verdict.mutation.survivors and rule.payload):
        return verdict
    run = Run(f"{bench.run_id}-k", bench.clock(), bench.embedded)
    query = read_query(str(rule.payload["query"]), bench.version)
    cases = [one for one in make_cases(query.tree, rule.payload) if isinstance(one, Case)]
    tests = tuple(single_test(case, stream_of(query.tree)) for case in cases)
    trial = Trial(query, rule.payload, tests, run.name("r"), rule.origin)
    with seeded(bench.server, [Batch(trial.alias, tests, query, rule.mapped)], run) as failures:
        if failures:
            return verdict
        survivors = find_killers(trial, bench.server, run.now, verdict.mutation.survivors)
    return replace(verdict, mutation=replace(verdict.mutation, survivors=survivors))
