"""The parser's answers, kept by content: an unchanged query is not parsed again, nor the parser loaded for it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from importlib.metadata import version as installed_version
from importlib.resources import files

from entra_deployer.core.cache import Cache, digest, user_cache
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.codec import parsed_from_json, parsed_to_json, problems_from_json, problems_to_json
from entra_deployer.esql.parse import Parsed, Problem, allow_depth, parse, type_problems
from entra_deployer.esql.tree import Tree


class SyntaxCache:
    """Answers as `parse` and `type_problems` do. What is not kept is asked.

    An answer is known by the query, the version, the fields' types, the release of Elastic's parser and our own code
    that reads its tree, so that none outlives what it came from.
    """

    def __init__(self, kept: Cache) -> None:
        self._kept = kept
        self._trees: dict[tuple[str, StackVersion], Parsed] = {}

    def parse(self, text: str, version: StackVersion) -> Parsed:
        """As `esql.parse.parse`."""
        if (text, version) not in self._trees:
            allow_depth()
            key = self._key("tree", text, version)
            self._trees[text, version] = self._answer(
                key, lambda: parse(text, version), parsed_to_json, parsed_from_json
            )
        return self._trees[text, version]

    def type_problems(self, tree: Tree, version: StackVersion, fields: Mapping[str, str]) -> tuple[Problem, ...]:
        """As `esql.parse.type_problems`."""
        key = self._key("types", tree.text, version, canonical(dict(fields)))
        return self._answer(key, lambda: type_problems(tree, version, fields), problems_to_json, problems_from_json)

    def _answer[T](self, key: str, ask: Callable[[], T], write: Callable[[T], Json], read: Callable[[Json], T]) -> T:
        if (kept := self._kept.get(key)) is not None:
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
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
        own = files("entra_deployer.esql")
        code = hashlib.sha256(installed_version("detection-rules-esql-py").encode())
        for name in ("brackets", "builder", "expression_builder", "columns", "conditions", "tree", "parse", "codec"):
            code.update(own.joinpath(f"{name}.py").read_bytes())
        return code.hexdigest()


@cache
def syntax_cache() -> SyntaxCache:
    """The user's cache of syntax."""
    return SyntaxCache(user_cache("syntax"))
