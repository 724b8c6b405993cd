"""One hunt on its way to rules: compiled for a target and checked; nothing that it provokes leaves here."""

from collections.abc import Mapping
from typing import Protocol

from entra_deployer.checks.check import Subject
from entra_deployer.checks.run import run_checks
from entra_deployer.compiler.compiled import Checked, Compiled, CompiledRule
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.issue import Issue, failure
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.data.knowledge import Knowledge
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import Parsed, Problem
from entra_deployer.esql.tree import Tree
from entra_deployer.hunts.folder import RuleSource


class Syntax(Protocol):
    """Reads queries: the parser, or what remembers its answers."""

    def parse(self, text: str, version: StackVersion) -> Parsed:
        """As `esql.parse.parse`."""

    def type_problems(self, tree: Tree, version: StackVersion, fields: Mapping[str, str]) -> tuple[Problem, ...]:
        """As `esql.parse.type_problems`."""


def check_hunt(source: RuleSource, target: Target, syntax: Syntax | None = None) -> Checked:
    """Compile a hunt and check its rules. Whatever it provokes is an issue of it; without `syntax` the user's cache."""
    knowledge, syntax = load_knowledge(), syntax or syntax_cache()
    compiled = _compile(source, target, knowledge, syntax)
    findings = (issue for rule in compiled.rules for issue in _check(rule, target, knowledge, syntax))
    return Checked(compiled, tuple(findings))


def _compile(source: RuleSource, target: Target, knowledge: Knowledge, syntax: Syntax) -> Compiled:
    try:
        return compile_source(source, target, knowledge, parser=syntax.parse)
    except Exception as error:
        return Compiled((), (failure(error, source.folder, source.hunt.at_field("query")),))


def _check(rule: CompiledRule, target: Target, knowledge: Knowledge, syntax: Syntax) -> tuple[Issue, ...]:
    try:
        types = knowledge.field_types(sources(rule.tree))
        problems = syntax.type_problems(rule.tree, target.version, types) if types else ()
        return run_checks(Subject(rule, target, knowledge, problems))
    except Exception as error:
        return (failure(error, rule.folder, rule.source.hunt.at(rule.query.line, rule.query.column)),)
