"""Hunts and targets for the tests of the compiler."""

from entra_deployer.compiler.compiled import Compiled, CompiledRule
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.hunts.folder import QuerySettings, RuleSettings, RuleSource
from entra_deployer.hunts.hunt import Hunt, Query
from entra_deployer.hunts.rule_yaml import default_settings


def hunt(*queries: str, **fields) -> Hunt:
    values = {
        "name": "A hunt",
        "author": "Somebody",
        "description": "What it looks for.",
        "uuid": "0b8f1a62-7c54-4f3b-9d3e-5a1c2e7f9a10",
        "integrations": ("azure",),
        "languages": ("ES|QL",),
        "queries": tuple(Query(text, 10 + 100 * number) for number, text in enumerate(queries)),
        "notes": ("Look at `source.ip` first.",),
        "mitre": ("T1078.004",),
        "references": (),
        "license": "Apache-2.0",
        "source": "rules/a_hunt/hunt.md",
    }
    return Hunt(**{**values, **fields})


def source(*queries: str, settings: RuleSettings | None = None, **fields) -> RuleSource:
    one = hunt(*queries, **fields)
    keys = [found.key for found in default_settings(one)]
    return RuleSource("a_hunt", one, tuple(QuerySettings(key, settings or RuleSettings()) for key in keys))


def target(version: str = "8.19", license: str = "platinum", **fields) -> Target:  # noqa: A002 - Elastic's word
    return Target("test", "default", StackVersion.parse(version), license, **fields)


def compiled(
    *queries: str,
    version: str = "8.19",
    license: str = "platinum",  # noqa: A002 - Elastic's word
    settings: RuleSettings | None = None,
    **fields,
) -> Compiled:
    return compile_source(source(*queries, settings=settings, **fields), target(version, license), load_knowledge())


def rule(query: str, **options) -> CompiledRule:
    result = compiled(query, **options)
    assert not result.issues, result.issues
    [one] = result.rules
    return one


def query_of(query: str, **options) -> str:
    return str(rule(query, **options).rule.payload["query"])


def reasons(query: str, **options) -> dict[str, str]:
    return {rewrite.code: rewrite.reason for rewrite in rule(query, **options).rewrites}
