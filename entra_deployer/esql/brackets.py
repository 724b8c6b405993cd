"""Deep brackets: how far Elasticsearch lets expressions nest, and how ANTLR is kept from taking seconds over them.

To choose between two readings of an open bracket ANTLR's Python runtime looks ahead over all that the bracket holds, at
each level anew and with a new state for each level: 250 nested calls take it 17 s, where the server takes milliseconds.
What stands deep below the place of a choice hardly ever decides it, and is shown to it as one name or one string.
"""

import re
from functools import cache
from typing import Any, Self

from entra_deployer.esql.expression_builder import Context, children, kind_of

MOST_LEVELS = 300
"""How deep an expression may nest (measured on Elasticsearch 8.19.21: "maximum expression depth allowed (300)")."""

LEVELS_OF_USUAL = 1
"""How many levels of brackets a choice looks into first: of 386 public queries every one has the same tree so, made in
two thirds of the time."""
LEVELS_OF_DEEP = 3
"""How many where that is refused, in a query too deep to be read without."""

MOST_COMMENT_LEVELS = 50
"""How deep comments may nest here; the server sets no limit that anybody reaches."""

_COMMENT_EDGES = re.compile(r'"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*|\*/')

_ONE_DEEPER = {
    "WhereCommand",
    "Field",
    "OrderExpression",
    "AggField",
    "LogicalNot",
    "LogicalBinary",
    "LogicalIn",
    "IsNull",
    "Comparison",
    "ArithmeticUnary",
    "ArithmeticBinary",
    "LikeExpression",
    "RlikeExpression",
    "LikeListExpression",
    "RlikeListExpression",
    "MatchBooleanExpression",
    "OperatorExpressionDefault",
    "ParenthesizedExpression",
    "InlineCast",
}
"""The rules of the grammar whose parts Elasticsearch counts as one level deeper than themselves."""


def too_deep(context: Context) -> Context | None:
    """The outermost expression of the first that nests deeper than Elasticsearch allows."""
    waiting = [(context, 0, context)]
    while waiting:
        node, depth, outermost = waiting.pop()
        if depth > MOST_LEVELS:
            return outermost
        deeper = kind_of(node) in _ONE_DEEPER
        waiting += (
            (child, depth + deeper, outermost if depth else child)
            for child in reversed(children(node))
            if kind_of(child)
        )
    return None


def pairs(tokens: list[Any]) -> tuple[dict[int, int], int]:
    """The number of the closing bracket (of the last token where there is none) for that of each opening one.

    Beside it how deep brackets or signs nest.
    """
    opened: list[int] = []
    found: dict[int, int] = {}
    deepest = signs = 0
    for number, token in enumerate(tokens):
        if token.text == "(":
            opened.append(number)
        elif token.text == ")" and opened:
            found[opened.pop()] = number
        if token.channel == 0:
            signs = signs + 1 if token.text in ("-", "+") else 0
        deepest = max(deepest, len(opened), signs)
    return {**found, **dict.fromkeys(opened, len(tokens) - 1)}, deepest


def comment_depth(text: str) -> int:
    """How deep block comments nest in a query, closed or not: the lexer's time grows with the square of it."""
    depth = deepest = 0
    for found in _COMMENT_EDGES.finditer(text):
        if found[0] == "/*":
            depth += 1
        elif found[0] == "*/":
            depth = max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def look_ahead_shortly(parser: Any, tokens: list[Any], closing: dict[int, int], levels: int) -> None:  # noqa: ANN401 - ANTLR's
    """Let the parser choose between readings by looking into so many levels of brackets."""
    parser._interp = _simulator_class()(parser, _Shortened(tokens, closing, parser.UNQUOTED_IDENTIFIER, levels))


@cache
def _simulator_class() -> Any:  # noqa: ANN401 - see above
    from antlr4.atn.ParserATNSimulator import ParserATNSimulator  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy

    class _Simulator(ParserATNSimulator):  # type: ignore[misc]
        """ANTLR's own choice, made on shortened input."""

        def __init__(self, parser: Any, shortened: "_Shortened") -> None:  # noqa: ANN401
            usual = parser._interp
            super().__init__(parser, usual.atn, usual.decisionToDFA, usual.sharedContextCache)
            self._shortened = shortened

        def adaptivePredict(self, input: Any, decision: int, outerContext: Any) -> int:  # noqa: A002, ANN401, N802, N803
            chosen: int = super().adaptivePredict(self._shortened.begin(input.index), decision, outerContext)
            return chosen

    return _Simulator


class _Shortened:
    """The tokens from one place on as ANTLR's TokenStream, with one name in place of what deep brackets hold.

    A position counts from where it begins. `_numbers` holds the token at each position that was looked at, negative
    for the bracket whose content is seen as a name.
    """

    def __init__(self, tokens: list[Any], closing: dict[int, int], name: int, levels: int) -> None:
        self._tokens = tokens
        self._closing = closing
        self._name = name
        self._levels_seen = levels
        self.begin(0)

    def begin(self, number: int) -> Self:
        """Start at a token."""
        self._numbers = [number]
        self._levels = [0]
        self.index = 0
        return self

    def LA(self, offset: int) -> int:  # noqa: N802 - ANTLR's name
        """The type of the token ahead."""
        number = self._number(self.index + offset - 1)
        if number >= 0:
            return int(self._tokens[number].type)
        first = self._tokens[1 - number]
        return int(first.type) if first.text.startswith('"') else self._name

    def LT(self, offset: int) -> Any:  # noqa: ANN401, N802 - ANTLR's name
        """The token ahead."""
        return self.get(self.index + offset - 1)

    def get(self, position: int) -> Any:  # noqa: ANN401 - ANTLR's token
        """The token at a position."""
        return self._tokens[abs(self._number(position))]

    def consume(self) -> None:
        """One token on."""
        self.index += 1

    def seek(self, position: int) -> None:
        """Go to a position."""
        self.index = position

    def mark(self) -> int:
        """Nothing is dropped: there is nothing to mark."""
        return 0

    def release(self, _marker: int) -> None:
        """The end of a mark."""

    def _number(self, position: int) -> int:
        while len(self._numbers) <= position:
            number, level = self._next(self._numbers[-1], self._levels[-1])
            self._numbers.append(number)
            self._levels.append(level)
        return self._numbers[position]

    def _next(self, number: int, level: int) -> tuple[int, int]:
        if number < 0:
            return self._closing[-number], level
        token = self._tokens[number]
        if token.text == "(":
            level += 1
            if level > self._levels_seen and self._closing.get(number, 0) > number + 2:
                return -number, level
        elif token.text == ")":
            level -= 1
        number = min(number + 1, len(self._tokens) - 1)
        while self._tokens[number].channel != 0:
            number += 1
        return number, level
