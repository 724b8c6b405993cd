"""The parser's answers, kept by content: an unchanged query is not parsed again, nor the parser loaded for it."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from entra_deployer.core.cache import Cache, digest, user_cache
from entra_deployer.core.json import DoesNotFit, Json, as_int, as_list, as_mapping, canonical, decode
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import Parsed, Problem, allow_depth, parse, type_problems
from entra_deployer.esql.tree import Tree

_PLAIN_FROM = re.compile(r"\s*from\s[\w\s.,:*-]*", re.IGNORECASE)
"""A FROM of index patterns alone, without comments, quotes and subqueries; METADATA may stand behind them."""


class SyntaxCache:
    """Answers as `parse` and `type_problems` do. What is not kept is asked.

    An answer is known by the query, the version, the fields' types, the release of Elastic's parser and our own code
    that reads its tree, so that none outlives what it came from.
    """

    def __init__(self, kept: Cache) -> None:
        self._kept = kept
        self._trees: dict[tuple[str, StackVersion], Parsed] = {}
        self._fields: dict[int, tuple[Mapping[str, str], str]] = {}

    def parse(self, text: str, version: StackVersion) -> Parsed:
        """As `esql.parse.parse`."""
        if (text, version) not in self._trees:
            allow_depth()
            key = self._key("tree", text, version)
            self._trees[text, version] = self._answer(
                key, lambda: parse(text, version), parsed_to_json, parsed_from_json
            )
        return self._trees[text, version]

    def sources(self, text: str, version: StackVersion) -> tuple[str, ...]:
        """The index patterns that a query reads from; () where it does not parse.

        A plain FROM is read alone: hundreds of rules have the same one.
        """
        head = text.partition("|")[0]
        plain = _PLAIN_FROM.fullmatch(head)
        tree = self.parse(head if plain else text, version).tree
        return sources(tree) if tree else ()

    def type_problems(self, tree: Tree, version: StackVersion, fields: Mapping[str, str]) -> tuple[Problem, ...]:
        """As `esql.parse.type_problems`."""
        key = self._key("types", tree.text, version, self._stated(fields))
        return self._answer(key, lambda: type_problems(tree, version, fields), problems_to_json, problems_from_json)

    def _stated(self, fields: Mapping[str, str]) -> str:
        """The fields of a source as a text, made once for each mapping: many queries read the same source."""
        known = self._fields.get(id(fields))
        if known is None or known[0] is not fields:
            known = self._fields[id(fields)] = (fields, canonical(dict(fields)))
        return known[1]

    def _answer[T](self, key: str, ask: Callable[[], T], write: Callable[[T], Json], read: Callable[[Json], T]) -> T:
        if (kept := self._kept.get(key)) is not None:
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError, DoesNotFit):
                return read(json.loads(kept))
        answer = ask()
        with suppress(ValueError, RecursionError):
            self._kept.put(key, json.dumps(write(answer), separators=(",", ":")).encode())
        return answer

    def _key(self, kind: str, text: str, version: StackVersion, *more: str) -> str:
        parts = (self._code, kind, f"{version.major}.{version.minor}", text, *more)
        return digest(part.encode("utf-8", "surrogatepass") for part in parts)

    @cached_property
    def _code(self) -> str:
        """What makes the answers."""
        from importlib.metadata import version as installed_version  # noqa: PLC0415 - it loads mail and zip files

        own = files("entra_deployer.esql")
        code = hashlib.sha256(installed_version("detection-rules-esql-py").encode())
        for name in ("brackets", "builder", "expression_builder", "columns", "conditions", "tree", "parse", "cache"):
            code.update(own.joinpath(f"{name}.py").read_bytes())
        return code.hexdigest()


@cache
def syntax_cache() -> SyntaxCache:
    """The user's cache of syntax."""
    return SyntaxCache(user_cache("syntax"))


# -- what the parser said, as JSON -----------------------------------------------------------------------------------

_KIND = "_"


def parsed_to_json(parsed: Parsed) -> Json:
    """A JSON value that `parsed_from_json` reads back as an equal `Parsed`."""
    return {"tree": _encode(parsed.tree), "problems": problems_to_json(parsed.problems)}


def parsed_from_json(value: Json) -> Parsed:
    """The inverse. DoesNotFit, KeyError, TypeError or AttributeError for what `parsed_to_json` never wrote."""
    kept = as_mapping(value)
    return Parsed(_decode(kept["tree"]), problems_from_json(kept["problems"]))


def problems_to_json(problems: tuple[Problem, ...]) -> Json:
    """Problems as JSON."""
    return [asdict(one) for one in problems]


def problems_from_json(value: Json) -> tuple[Problem, ...]:
    """The inverse. Raises DoesNotFit for anything else."""
    return decode(value, tuple[Problem, ...])


def _encode(value: Any) -> Json:  # noqa: ANN401 - any field of any node
    if isinstance(value, nodes.Span):
        return {_KIND: "Span", "at": [value.start, value.end]}
    if isinstance(value, nodes.Node | nodes.Tree):
        kept = {item.name: _encode(getattr(value, item.name)) for item in fields(value)}
        return {_KIND: type(value).__name__, **kept}
    return [_encode(one) for one in value] if isinstance(value, tuple) else value


def _decode(value: Json) -> Any:  # noqa: ANN401 - any field of any node
    if isinstance(value, list):
        return tuple(_decode(one) for one in value)
    if not isinstance(value, dict):
        return value
    if value[_KIND] == "Span":
        return nodes.Span(*map(as_int, as_list(value["at"])))
    kind = getattr(nodes, value[_KIND])
    return kind(**{name: _decode(one) for name, one in value.items() if name != _KIND})
