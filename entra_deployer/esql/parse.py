"""Parses a query with Elastic's own grammar for a version of the stack.

Elastic's parser is the authority offline: what it refuses a real Elasticsearch refuses, at the same place. A version
older than its oldest grammar (8.19) is read by that one; what such a version lacks is the business of the checks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.columns import possible_fields
from entra_deployer.esql.tree import Span, Tree

OLDEST_GRAMMAR = StackVersion(8, 19)
FULLY_KNOWN_SINCE = StackVersion(9, 5)
"""The first version of which Elastic's parser knows the functions too, not the grammar alone."""


@dataclass(frozen=True)
class Problem:
    """What the parser refuses, at a 1-based line and column of the query. `kind`: syntax, semantics or version."""

    kind: str
    message: str
    line: int
    column: int


@dataclass(frozen=True)
class Parsed:
    """The tree of a query, None where it does not parse, and what is wrong with it."""

    tree: Tree | None
    problems: tuple[Problem, ...] = ()


class _Refused(Exception):
    """The first thing that the grammar refuses."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def parse(text: str, version: StackVersion) -> Parsed:
    """Parse `text` as the stack's `version` would. Nothing is raised for a query that is refused.

    A version between two grammars is read by the one before it and, where that refuses, by the one behind: whether the
    version itself has what is new there is the business of the checks.
    """
    parsed = _parse(text, _grammar_version(version))
    if parsed.tree is None and (later := _later_grammar(version)):
        again = _parse(text, later)
        return again if again.tree else parsed
    return parsed


def _later_grammar(version: StackVersion) -> str | None:
    """The grammar behind a version that has none of its own; None for a version that has one."""
    from esql.grammar_registry import GRAMMAR_SNAPSHOTS  # noqa: PLC0415

    lines = [(floor.major, floor.minor) for floor, _ in GRAMMAR_SNAPSHOTS]
    here = (version.major, version.minor)
    later = [line for line in lines if line > here]
    return None if here in lines or here < lines[0] or not later else "{}.{}".format(*later[0])


def _parse(text: str, grammar: str) -> Parsed:
    """Parse with the grammar of a line ("8.19")."""
    from esql.ast_builder import build_ast  # noqa: PLC0415 - heavy: the grammars load where first needed
    from esql.errors import EsqlError  # noqa: PLC0415

    from entra_deployer.esql.builder import build_commands  # noqa: PLC0415

    try:
        context, tokens = _read(text, grammar)
    except _Refused as error:
        return Parsed(None, (error.problem,))
    comments, strings = _hidden(tokens)
    tree = Tree(text, build_commands(context), comments, strings)
    try:
        _verify(build_ast(context), grammar)
    except EsqlError as error:
        return Parsed(tree, (_problem(error),))
    return Parsed(tree)


def _read(text: str, line: str) -> tuple[Any, list[Any]]:
    """ANTLR's parse tree and all tokens, comments included. Raises _Refused at the first fault, as the server does."""
    from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]  # noqa: PLC0415
    from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]  # noqa: PLC0415
    from esql.grammar_registry import build_esql_config, get_grammar_module  # noqa: PLC0415

    class _Listener(ErrorListener):  # type: ignore[misc]
        def syntaxError(self, _recognizer: Any, _symbol: Any, line: int, column: int, msg: str, _e: Any) -> None:  # noqa: ANN401, N802
            raise _Refused(Problem("syntax", _short(msg), line, column + 1))

    grammar = get_grammar_module(line)
    config = build_esql_config({})
    lexer = grammar.lexer_cls(InputStream(text))
    stream = CommonTokenStream(lexer)
    parser = grammar.parser_cls(stream)
    for recognizer in (lexer, parser):
        recognizer.removeErrorListeners()
        recognizer.addErrorListener(_Listener())
        recognizer.setEsqlConfig(config)
    start = getattr(parser, "statements", parser.singleStatement)
    return start(), stream.tokens


def _short(message: str) -> str:
    """ANTLR's message without pages of input: the first and the last words of what it quotes or expects."""
    message = re.sub(r"(\\n|\s)+", " ", message)
    message = re.sub(r"'([^']{40})[^']*([^']{20})'", r"'\1 ... \2'", message)
    return re.sub(r"expecting \{([^}]{60})[^}]*\}", r"expecting one of {\1, ...}", message)


def _grammar_version(version: StackVersion) -> str:
    return str(max(version, OLDEST_GRAMMAR))


def _hidden(tokens: list[Any]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Where the comments and the strings stand."""
    comments = [
        Span(token.start, token.start + len(token.text.rstrip("\r\n")))
        for token in tokens
        if token.text.startswith(("//", "/*"))
    ]
    strings = [Span(token.start, token.stop + 1) for token in tokens if token.text.startswith('"')]
    return tuple(comments), tuple(strings)


def _verify(ast: Any, stack: str) -> None:  # noqa: ANN401 - Elastic's tree has no types
    """Elastic's checks of names, arities and of what the version has."""
    from esql import ParserConfig, check_catalog_names, verify_features  # noqa: PLC0415

    with ParserConfig(min_stack_version=stack):
        verify_features(ast, stack)
        check_catalog_names(ast)


def _problem(error: Exception) -> Problem:
    from esql.errors import EsqlVersionError  # noqa: PLC0415

    kind = "version" if isinstance(error, EsqlVersionError) else "semantics"
    line, column = getattr(error, "line", 0) or 0, getattr(error, "column", 0) or 0
    return Problem(kind, str(getattr(error, "error_msg", error)), line + 1, column + 1)


def type_problems(tree: Tree, version: StackVersion, fields: Mapping[str, str]) -> tuple[Problem, ...]:
    """What Elastic's type checker refuses in a query that parses, given the types of its source's fields.

    A field that `fields` does not have is of an unknown type and refused by nobody.
    """
    from esql import ParserConfig, Schema, analyze  # noqa: PLC0415
    from esql.ast_builder import build_ast  # noqa: PLC0415
    from esql.errors import EsqlError  # noqa: PLC0415

    line = _grammar_version(version)
    schema = Schema({**dict.fromkeys(possible_fields(tree), "unknown"), **fields})
    try:
        context, _ = _read(tree.text, line)
        with ParserConfig(min_stack_version=line):
            analyze(build_ast(context), schema)
    except _Refused:
        return ()
    except EsqlError as error:
        return (_problem(error),)
    return ()
