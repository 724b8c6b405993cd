"""ES|QL as HTML, line by line: Pygments finds the words."""

import re
from io import StringIO
from typing import ClassVar

from pygments.formatters.html import HtmlFormatter
from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text

from entra_deployer.core.text import visible

_COMMANDS = (
    "from|row|show|ts|where|stats|eval|keep|drop|rename|sort|limit|dissect|grok|enrich|mv_expand|lookup|inlinestats"
    "|inline|fork|fuse|sample|rerank|completion|change_point|explain|metrics"
)
_WORDS = "and|or|not|in|like|rlike|is|null|by|as|on|with|asc|desc|nulls|first|last|metadata|true|false|join"


class EsqlLexer(RegexLexer):
    """Elastic's query language. Columns, commas and blanks are plain text, which needs no markup."""

    name = "ES|QL"
    aliases: ClassVar[list[str]] = ["esql"]
    url = "https://www.elastic.co/docs/reference/query-languages/esql"
    flags = re.IGNORECASE | re.DOTALL
    tokens: ClassVar[dict[str, list[tuple[str, object]]]] = {
        "root": [
            (r'[^\w|"`/?@]+', Text),
            (r"[@a-z_]\w*([.-][\w@*]+)+\*?", Text),
            (rf"(?:{_COMMANDS})\b(?=\s+[^\s=<>!,|)])", Keyword),
            (rf"(?:{_WORDS})\b", Operator.Word),
            (r"[a-z_]\w*(?=\s*\()", Name.Function),
            (r"[@a-z_]\w*", Text),
            (r"\|", Operator),
            (r'""".*?("""|\Z)', String),
            (r'"(\\.|[^"\\\n])*"?', String),
            (r"\d+(\.\d+)?(e[+-]?\d+)?", Number),
            (r"`[^`\n]*`?", Text),
            (r"//[^\n]*", Comment),
            (r"/\*.*?(\*/|\Z)", Comment),
            (r"\?\??\w+", Name.Variable),
            (r".", Text),
        ],
    }


_LEXER = EsqlLexer(stripnl=False, ensurenl=False)
_FORMATTER: "HtmlFormatter[str]" = HtmlFormatter(nowrap=True)


def highlighted(query: str) -> list[str]:
    """The lines of a query as HTML that holds no markup but spans with a class; as many lines as the query has."""
    text = visible(query.replace("\r\n", "\n"), keep="\n\t")
    out = StringIO()
    _FORMATTER.format(_LEXER.get_tokens(text), out)
    lines = out.getvalue().split("\n")
    wanted = text.count("\n") + 1
    return [*lines, *[""] * wanted][:wanted]
