"""Parses a query with Elastic's own grammar for a version of the stack.

Elastic's parser is the authority offline: what it refuses a real Elasticsearch refuses, at the same place. A version
older than its oldest grammar (8.19) is read by that one; what such a version lacks is the business of the checks.
"""

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.brackets import (
    LEVELS_OF_DEEP,
    LEVELS_OF_USUAL,
    MOST_COMMENT_LEVELS,
    MOST_LEVELS,
    comment_depth,
    look_ahead_shortly,
    pairs,
    too_deep,
)
from entra_deployer.esql.columns import possible_fields
from entra_deployer.esql.expression_builder import source_text
from entra_deployer.esql.tree import Span, Tree

MOST_CHARACTERS = 1_000_000
"""What Elasticsearch takes of a query (8.19.21: "ESQL statement is too large")."""
MOST_PIPES = 500
"""8.19.21: "exceeded the maximum query depth allowed (500)"."""
MOST_TOKENS = 50_000
"""More would take the offline parser longer than anybody waits for a check."""

_FRAMES = 20_000
"""Python's calls for `MOST_LEVELS` levels: one takes up to a dozen here and in Elastic's parser."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a query, at its 1-based line and column.

    `kind` says whose word it is: `syntax`, `semantics` and `version` are the parser's refusals, `limit` is more than
    the server takes; `failure` and `unchecked` are faults of ours or of the parser's: with the one there is no tree,
    with the other only a part of the parser's own checks was not made.
    """

    kind: str
    message: str
    line: int
    column: int


UNCHECKED = "unchecked"


@dataclass(frozen=True)
class Parsed:
    """The tree of a query, None where it does not parse, and what is wrong with it."""

    tree: Tree | None
    problems: tuple[Problem, ...] = ()

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """The problems with which no rule is made of the query."""
        return tuple(problem for problem in self.problems if problem.kind != UNCHECKED)


_DEEP = 8
"""From so many levels of brackets on the parser never looks ahead to the end; what people write has fewer."""
_END = -1
"""ANTLR's type of the token behind the last one."""
_TOO_DEEP = f"nests deeper than the {MOST_LEVELS} levels that Elasticsearch takes"


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
    allow_depth()
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


def allow_depth() -> None:
    """Let Python nest its calls as deep as Elasticsearch lets expressions nest. They take no room on C's stack."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))


def _parse(text: str, grammar: str) -> Parsed:
    """Parse with the grammar of a line ("8.19"). Nothing is raised, whatever the parser or our own builder does."""
    from entra_deployer.esql.builder import build_commands  # noqa: PLC0415 - with the grammars, where first needed

    try:
        context, tokens = _read(text, grammar)
        _refuse_deep(context)
        comments, strings = _hidden(tokens)
        tree = Tree(text, build_commands(context), comments, strings)
    except _Refused as error:
        return Parsed(None, (error.problem,))
    except Exception as error:  # a foreign parser's, or a shape of tree that the builder does not know
        return Parsed(None, (_failure("failure", error),))
    return Parsed(tree, _checked(lambda: _verify(context, grammar)))


def _checked(check: Callable[[], None]) -> tuple[Problem, ...]:
    """What one of Elastic's own checks says of a query that parses, or that it could not say anything."""
    from esql.errors import EsqlError  # noqa: PLC0415 - heavy

    try:
        check()
    except EsqlError as error:
        return (_problem(error),)
    except Exception as error:  # the library has faults of its own
        return (_failure(UNCHECKED, error),)
    return ()


def _failure(kind: str, error: Exception) -> Problem:
    return Problem(kind, f"could not be analysed: {type(error).__name__} in the offline parser", 1, 1)


@lru_cache(maxsize=4)
def _read(text: str, line: str) -> tuple[Any, list[Any]]:
    """ANTLR's parse tree and all tokens, comments included. Raises _Refused at the first fault, as the server does.

    A query is read for its tree and soon again for its types: the last ones are kept.
    """
    from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy
    from esql.grammar_registry import get_grammar_module  # noqa: PLC0415

    if len(text) > MOST_CHARACTERS:
        raise _Refused(_limit(f"the query has {len(text):,} characters, Elasticsearch takes {MOST_CHARACTERS:,}"))
    if comment_depth(text) > MOST_COMMENT_LEVELS:
        raise _Refused(_limit(f"comments nest deeper than the {MOST_COMMENT_LEVELS} levels that are read offline"))
    grammar = get_grammar_module(line)
    tokens, refusal = _tokens(_strict(grammar.lexer_cls(InputStream(text))))
    closing, deepest = pairs(tokens)
    if refusal and deepest > _DEEP:
        raise refusal
    if deepest > MOST_LEVELS:
        raise _Refused(_limit(_TOO_DEEP, tokens[min(closing, default=0)]))

    def read(levels: int) -> Any:  # noqa: ANN401 - ANTLR has no types
        parser = _strict(grammar.parser_cls(CommonTokenStream(_TokenSource(tokens, refusal))))
        if levels and not refusal:
            look_ahead_shortly(parser, tokens, closing, levels)
        return getattr(parser, "statements", parser.singleStatement)()

    with suppress(_Refused):
        return read(LEVELS_OF_USUAL), tokens
    return read(LEVELS_OF_DEEP if deepest > _DEEP else 0), tokens


def _strict(recognizer: Any) -> Any:  # noqa: ANN401 - ANTLR has no types
    """A lexer or parser that ends with the first fault."""
    from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy
    from esql.grammar_registry import build_esql_config  # noqa: PLC0415

    class _Listener(ErrorListener):  # type: ignore[misc]
        def syntaxError(self, _recognizer: Any, _symbol: Any, line: int, column: int, msg: str, _e: Any) -> None:  # noqa: ANN401, N802
            raise _Refused(Problem("syntax", _short(msg), line, column + 1))

    recognizer.removeErrorListeners()
    recognizer.addErrorListener(_Listener())
    recognizer.setEsqlConfig(build_esql_config({}))
    return recognizer


def _tokens(lexer: Any) -> tuple[list[Any], _Refused | None]:  # noqa: ANN401 - ANTLR has no types
    """The tokens of a query, its end included, up to the first text that is none, and the refusal of that text.

    It is not raised here: the parser may refuse an earlier token. More than a server takes is refused at once.
    """
    found: list[Any] = []
    pipes = 0
    while not found or found[-1].type != _END:
        try:
            token = lexer.nextToken()
        except _Refused as refusal:
            return found, refusal
        except Exception:  # the lexer's: it leaves a mode that nothing has entered
            line, column = lexer._tokenStartLine, lexer._tokenStartColumn + 1
            return found, _Refused(Problem("syntax", "closes what nothing has opened", line, column))
        token.tokenIndex = len(found)
        found.append(token)
        pipes += token.text == "|"
        if pipes > MOST_PIPES:
            raise _Refused(_limit(f"has more than the {MOST_PIPES} steps that Elasticsearch takes", token))
        if len(found) > MOST_TOKENS:
            raise _Refused(_limit(f"the query has more than the {MOST_TOKENS:,} words that are read offline"))
    return found, None


class _TokenSource:
    """Tokens that were read before, for ANTLR, with the refusal that comes behind the last."""

    def __init__(self, tokens: list[Any], refusal: _Refused | None) -> None:
        self._tokens = iter(tokens)
        self._refusal = refusal

    def nextToken(self) -> Any:  # noqa: ANN401, N802 - ANTLR's name
        """The next one. Raises _Refused where there is none."""
        if (token := next(self._tokens, None)) is not None:
            return token
        raise self._refusal or _Refused(Problem("syntax", "ends too early", 1, 1))


def _refuse_deep(context: Any) -> None:  # noqa: ANN401 - ANTLR has no types
    if deep := too_deep(context):
        raise _Refused(_limit(_TOO_DEEP, deep.start))


def _limit(message: str, token: Any = None) -> Problem:  # noqa: ANN401 - ANTLR's token
    return Problem("limit", message, token.line if token else 1, token.column + 1 if token else 1)


def _short(message: str) -> str:
    """ANTLR's message without pages of input: the first and the last words of what it quotes or expects."""
    message = re.sub(r"(\\n|\s)+", " ", message)
    message = re.sub(r"'([^']{40})[^']*([^']{20})'", r"'\1 ... \2'", message)
    return re.sub(r"expecting \{([^}]{60})[^}]*\}", r"expecting one of {\1, ...}", message)


def _grammar_version(version: StackVersion) -> str:
    return str(max(version, facts.OLDEST_GRAMMAR))


def _hidden(tokens: list[Any]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Where the comments and the strings stand."""
    comments = [
        Span(token.start, token.start + len(token.text.rstrip("\r\n")))
        for token in tokens
        if token.text.startswith(("//", "/*"))
    ]
    strings = [Span(token.start, token.stop + 1) for token in tokens if token.text.startswith('"')]
    return tuple(comments), tuple(strings)


def _build_ast(context: Any) -> Any:  # noqa: ANN401 - neither ANTLR nor Elastic's tree has types
    """Elastic's own tree. A column without a name gets the one that the server gives it: its text.

    Elastic's builder leaves such a column bare, and its checks fail on it.
    """
    from esql import ast  # noqa: PLC0415 - heavy
    from esql.ast_builder import AstBuilder  # noqa: PLC0415

    class _Builder(AstBuilder):
        def _visit_field_alias(self, field: Any) -> Any:  # noqa: ANN401
            found: Any = super()._visit_field_alias(field)
            if not isinstance(found, ast.Expression) or isinstance(found, ast.Alias | ast.ColumnRef):
                return found
            return ast.Alias(source_text(field), found, found.line, found.column)

    return _Builder().visit(context)


def _verify(context: Any, stack: str) -> None:  # noqa: ANN401 - ANTLR has no types
    """Elastic's checks of names, arities and of what the version has."""
    from esql import ParserConfig, check_catalog_names, verify_features  # noqa: PLC0415

    ast = _build_ast(context)
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

    allow_depth()
    line = _grammar_version(version)
    schema = Schema({**dict.fromkeys(possible_fields(tree), "unknown"), **fields})

    def check() -> None:
        context, _ = _read(tree.text, line)
        with ParserConfig(min_stack_version=line):
            analyze(_build_ast(context), schema)

    try:
        return _checked(check)
    except _Refused:
        return ()
