"""The parser's answers, kept by content: an unchanged query is not parsed again, nor the parser loaded for it."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from importlib.metadata import version as installed_version
from importlib.resources import files
from pathlib import Path

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.codec import parsed_from_json, parsed_to_json, problems_from_json, problems_to_json
from entra_deployer.esql.parse import Parsed, Problem, allow_depth, parse, type_problems
from entra_deployer.esql.tree import Tree


class SyntaxCache:
    """Answers as `parse` and `type_problems` do. What cannot be read or written in `folder` is simply asked again.

    An answer is known by the query, the version, the fields' types, the release of Elastic's parser and our own code
    that reads its tree, so that none outlives what it came from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trees: dict[tuple[str, StackVersion], Parsed] = {}

    def parse(self, text: str, version: StackVersion) -> Parsed:
        """As `syntax.parser.parse`."""
        if (text, version) not in self._trees:
            allow_depth()
            key = self._key("tree", text, version)
            self._trees[text, version] = self._answer(
                key, lambda: parse(text, version), parsed_to_json, parsed_from_json
            )
        return self._trees[text, version]

    def type_problems(self, tree: Tree, version: StackVersion, fields: Mapping[str, str]) -> tuple[Problem, ...]:
        """As `syntax.parser.type_problems`."""
        key = self._key("types", tree.text, version, canonical(dict(fields)))
        return self._answer(key, lambda: type_problems(tree, version, fields), problems_to_json, problems_from_json)

    def _answer[T](self, key: str, ask: Callable[[], T], write: Callable[[T], Json], read: Callable[[Json], T]) -> T:
        file = self._folder / key[:2] / f"{key}.json"
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return read(json.loads(file.read_text("utf-8")))
        answer = ask()
        with suppress(OSError, ValueError, RecursionError):
            _write(file, json.dumps(write(answer), separators=(",", ":")))
        return answer

    def _key(self, kind: str, text: str, version: StackVersion, *more: str) -> str:
        parts = (self._code, kind, f"{version.major}.{version.minor}", text, *more)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @cached_property
    def _code(self) -> str:
        """A digest of what makes the answers."""
        own = files("entra_deployer.esql")
        digest = hashlib.sha256(installed_version("detection-rules-esql-py").encode())
        for name in ("brackets", "builder", "expression_builder", "columns", "conditions", "tree", "parse", "codec"):
            digest.update(own.joinpath(f"{name}.py").read_bytes())
        return digest.hexdigest()


@cache
def syntax_cache() -> SyntaxCache:
    """The user's cache, in the place that the system has for such."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - not needed by every command

    return SyntaxCache(user_cache_path("entra-deployer", appauthor=False) / "syntax")


def _write(file: Path, text: str) -> None:
    """Write as a whole or not at all: others may read at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
