"""Asking the target's Elasticsearch about each query before anything is written: Kibana itself never looks at one."""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import beyond_embedded
from entra_deployer.stack.elasticsearch import ElasticClient

_PARALLEL = 4


@dataclass(frozen=True)
class _Answer:
    """What the server said of a rule's query: the index that it lacks, or an issue; neither where all is well."""

    rule: CompiledRule
    missing: str = ""
    issue: Issue | None = None


def check_queries(
    elastic: ElasticClient, rules: Sequence[CompiledRule], *, version: StackVersion, embedded: bool
) -> list[Issue]:
    """A refused query is an error, an index that is not there yet a warning. Nothing is run: LIMIT 0 is appended.

    The embedded server never sees a query that it cannot run; some would hang there for ever.
    """

    def check(rule: CompiledRule) -> _Answer:
        query = str(rule.rule.payload["query"])
        if embedded and (lacking := beyond_embedded(query, version)):
            return _Answer(rule, issue=_not_asked(rule, lacking))
        try:
            elastic.check_query(query)
        except Refused as error:
            if missing := re.search(r"Unknown index \[([^\]]+)\]", error.message):
                return _Answer(rule, missing=missing[1])
            return _Answer(rule, issue=_refused(rule, error))
        return _Answer(rule)

    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="preflight") as pool:
        answers = list(pool.map(check, rules))
    return [*(answer.issue for answer in answers if answer.issue), *_missing(answers)]


def _missing(answers: Iterable[_Answer]) -> list[Issue]:
    """One warning for each index that is not there, however many rules read it."""
    readers: dict[str, list[CompiledRule]] = {}
    for answer in answers:
        if answer.missing:
            readers.setdefault(answer.missing, []).append(answer.rule)
    return [
        Issue("DEP330", Level.WARNING, f"no data yet: {_who(rules)} nothing until there is an index {index}")
        for index, rules in sorted(readers.items())
    ]


def _who(rules: Sequence[CompiledRule]) -> str:
    return f"{rules[0].folder} finds" if len(rules) == 1 else f"{len(rules)} rules find"


def _refused(rule: CompiledRule, error: Refused) -> Issue:
    message = f"{rule.rule.name}: Elasticsearch refuses the query: {error.message}"
    return Issue("DEP331", Level.ERROR, message, rule.folder, hint="correct the query, or the mapping of what it reads")


def _not_asked(rule: CompiledRule, lacking: str) -> Issue:
    message = f"{rule.rule.name}: not checked here: the embedded Elasticsearch cannot run {lacking}"
    return Issue("DEP332", Level.WARNING, message, rule.folder, hint="plan for an environment that can")
