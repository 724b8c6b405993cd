"""`deploy new`: a further hunt of a project, with settings and a test that is made of its query."""

import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from uuid import UUID

from entra_deployer.core.errors import InputError, Location, UsageError
from entra_deployer.core.files import RULES_FOLDER, schema_line, write_text
from entra_deployer.data import load_text
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import sources
from entra_deployer.hunts.fields import trim_blank_lines
from entra_deployer.hunts.selection import Selection
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.verify.generate.tests import UnsolvedCase
from entra_deployer.verify.generate_tests import synthesise, write_tests

_NAME = re.compile(r"[^\W_][\w .,:()&'/+-]{0,119}")
_FOLDER = re.compile(r"[^a-z0-9]+")
_STREAM = re.compile(r"(?:logs|metrics)-(?P<package>[a-z0-9_]+)\.")
_FENCE = re.compile(r"^\s*(`{3,})", re.MULTILINE)


@dataclass(frozen=True)
class NewHunt:
    """The hunt that was made: its files from the project's folder on, and what no test could be made of."""

    folder: str
    name: str
    uuid: str
    files: tuple[str, ...]
    unsolved: tuple[UnsolvedCase, ...] = ()


def new_hunt(root: Path, name: str, uuid: UUID, query: str | None = None, *, source: str = "") -> NewHunt:
    """Write a hunt's folder: the hunt, its rule.yaml, and a test made of its query, offline.

    `name` is the rule's, or the folder's, of which a name is then made. `query` is ES|QL, read from `source`; without
    it a template stands there. Raises UsageError for a name that cannot be one, InputError for a query that does not
    parse, and where the folder is there already.
    """
    title, folder = _names(name)
    top = f"{RULES_FOLDER}/{folder}"
    if (root / top).exists():
        raise InputError("the folder is there already", location=Location(top), hint="take another name")
    text = load_text("templates/new/query.esql") if query is None else query.replace("\r\n", "\n")
    text, skipped = trim_blank_lines(text)
    _check(text, source or "the query", skipped)
    hunt = _hunt_text(title, uuid, text)
    for path, content in ((f"{top}/hunt.md", hunt), (f"{top}/rule.yaml", _settings_text(root))):
        write_text(root / path, content, shown=path, new=True)
    (made,) = synthesise(Repository(root), Selection((folder,)))
    tests = write_tests(root, made)
    return NewHunt(folder, title, str(uuid), (f"{top}/hunt.md", f"{top}/rule.yaml", *tests), made.unsolved)


def _names(name: str) -> tuple[str, str]:
    """The rule's name and the hunt's folder."""
    name = " ".join(name.split())
    folder = _FOLDER.sub("_", name.lower()).strip("_")[:80]
    if not _NAME.fullmatch(name) or not folder:
        raise UsageError(
            f"{name[:60]!r} cannot be the name of a hunt", hint="letters, digits, spaces and . , : ( ) & ' / + - _"
        )
    if re.fullmatch(r"[a-z0-9_-]+", name):
        words = re.split(r"[_-]+", name.strip("_-"))
        name = " ".join(words).capitalize()
    return name, folder


def _check(text: str, source: str, skipped: int) -> None:
    """Raises InputError with the place of what is wrong with a query."""
    if not text:
        raise InputError("the query is empty", location=Location(source), hint="write an ES|QL query into it")
    if refused := syntax_cache().parse(text, OFFLINE.version).refusals:
        first = refused[0]
        place = Location(source, first.line + skipped, first.column)
        raise InputError(first.message, location=place, hint="nothing was made: the query has to be ES|QL")


def _hunt_text(title: str, uuid: UUID, query: str) -> str:
    longest = max((len(one) for one in _FENCE.findall(query)), default=2)
    packages = _packages(query)
    return Template(load_text("templates/new/hunt.md")).substitute(
        title=title,
        uuid=uuid,
        integration=f"\n- **Integration:** `{', '.join(packages)}`" if packages else "",
        fence="`" * max(3, longest + 1),
        query=query,
    )


def _packages(query: str) -> list[str]:
    """The integrations whose data streams a query reads."""
    tree = syntax_cache().parse(query, OFFLINE.version).tree
    read = sources(tree) if tree else ()
    names = (_STREAM.match(name.strip('"').rpartition(":")[2]) for name in read)
    return sorted({found["package"] for found in names if found})


def _settings_text(root: Path) -> str:
    return schema_line(root, "rule", above=2) + load_text("templates/new/rule.yaml")
