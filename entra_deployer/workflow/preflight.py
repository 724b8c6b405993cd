"""Asking the target's Elasticsearch about each query before anything is written: Kibana itself never looks at one."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from entra_deployer.elastic.client import ElasticClient
from entra_deployer.errors import Refused
from entra_deployer.model.compiled import CompiledRule
from entra_deployer.model.issue import Issue, Level

_PARALLEL = 4


def check_queries(elastic: ElasticClient, rules: Sequence[CompiledRule]) -> list[Issue]:
    """A refused query is an error, an index that is not there yet a warning. Nothing is run: LIMIT 0 is appended."""

    def check(rule: CompiledRule) -> Issue | None:
        try:
            elastic.check_query(rule.rule.payload["query"])
        except Refused as error:
            return _issue(rule, error)
        return None

    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="preflight") as pool:
        return [issue for issue in pool.map(check, rules) if issue]


def _issue(rule: CompiledRule, error: Refused) -> Issue:
    text = error.message
    if missing := re.search(r"Unknown index \[([^\]]+)\]", text):
        message = f"no data yet: there is no index {missing[1]}; the rule warns at each run until there is one"
        return Issue("DEP330", Level.WARNING, message, rule.folder)
    hint = "correct the query, or the mapping of what it reads"
    return Issue(
        "DEP331", Level.ERROR, f"{rule.rule.name}: Elasticsearch refuses the query: {text}", rule.folder, hint=hint
    )
