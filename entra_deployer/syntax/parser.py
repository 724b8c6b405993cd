"""Parses a query with Elastic's own grammar for a version of the stack.

Elastic's parser is the authority offline: what it refuses a real Elasticsearch refuses, at the same place. A version
older than its oldest grammar (8.19) is read by that one; what such a version lacks is the business of the checks.
"""

import re
from dataclasses import dataclass
from typing import Any

from entra_deployer.model.target import StackVersion
from entra_deployer.syntax.nodes import Span, Tree

OLDEST_GRAMMAR = StackVersion(8, 19)


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
    """Parse `text` as the stack's `version` would. Nothing is raised for a query that is refused."""
    from esql.ast_builder import build_ast  # noqa: PLC0415 - heavy: the grammars load where first needed
    from esql.errors import EsqlError  # noqa: PLC0415

    from entra_deployer.syntax.builder import build_commands  # noqa: PLC0415

    try:
        context, tokens = _read(text, version)
    except _Refused as error:
        return Parsed(None, (error.problem,))
    comments, strings = _hidden(tokens)
    tree = Tree(text, build_commands(context), comments, strings)
    try:
        _verify(build_ast(context), version)
    except EsqlError as error:
        return Parsed(tree, (_problem(error),))
    return Parsed(tree)


def _read(text: str, version: StackVersion) -> tuple[Any, list[Any]]:
    """ANTLR's parse tree and all tokens, comments included. Raises _Refused at the first fault, as the server does."""
    from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]  # noqa: PLC0415
    from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]  # noqa: PLC0415
    from esql.grammar_registry import build_esql_config, get_grammar_module  # noqa: PLC0415

    class _Listener(ErrorListener):  # type: ignore[misc]
        def syntaxError(self, _recognizer: Any, _symbol: Any, line: int, column: int, msg: str, _e: Any) -> None:  # noqa: ANN401, N802
            raise _Refused(Problem("syntax", _short(msg), line, column + 1))

    grammar = get_grammar_module(_grammar_version(version))
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
    comments = [Span(token.start, token.stop + 1) for token in tokens if token.text.startswith(("//", "/*"))]
    strings = [Span(token.start, token.stop + 1) for token in tokens if token.text.startswith('"')]
    return tuple(span for span in comments if span.end > span.start), tuple(strings)


def _verify(ast: Any, version: StackVersion) -> None:  # noqa: ANN401 - Elastic's tree has no types
    """Elastic's checks of names, arities and of what the version has."""
    from esql import ParserConfig, check_catalog_names, verify_features  # noqa: PLC0415

    stack = _grammar_version(version)
    with ParserConfig(min_stack_version=stack):
        verify_features(ast, stack)
        check_catalog_names(ast)


def _problem(error: Exception) -> Problem:
    from esql.errors import EsqlVersionError  # noqa: PLC0415

    kind = "version" if isinstance(error, EsqlVersionError) else "semantics"
    line, column = getattr(error, "line", 0) or 0, getattr(error, "column", 0) or 0
    return Problem(kind, str(getattr(error, "error_msg", error)), line + 1, column + 1)
