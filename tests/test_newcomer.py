"""What a newcomer adds takes the files that docs/adding-to-it.md names, and no other: each is added to a copy and used.

The shared laws, cases and forms are run on what was added, by a process of its own.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PARTS = ("entra_deployer", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Addition:
    """New files and lines, by path from the repository's top; what is run in the copy, in turn; what is then told.

    `lines` are pairs: the text that stands there, and the same with the addition.
    """

    files: dict[str, str]
    lines: dict[str, tuple[tuple[str, str], ...]]
    runs: tuple[tuple[str, ...], ...]
    tells: str = ""
    samples: dict[str, tuple[tuple[str, str], ...]] | None = None
    """Lines of shared tests: what the laws are to run on."""


def pytest_of(*tests: str) -> tuple[str, ...]:
    return ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests)


FORMAT = Addition(
    files={
        "entra_deployer/hunts/properties.py": '''"""Reads a hunt of `key: value` lines, the query last."""

from entra_deployer.hunts.fields import NOT_THERE, Format, RawHunt
from entra_deployer.hunts.hunt import Hunt, Query

_FORMS = dict.fromkeys(("name", "description", "uuid", "language", "query"), "a line of that name")


def read_properties(text: str, source: str) -> Hunt:
    """The hunt. Raises FaultyHunt."""
    raw = RawHunt(source)
    head, _, query = text.partition("query:\\n")
    for number, line in enumerate(head.splitlines(), 1):
        key, _, value = line.partition(": ")
        raw.places[key] = number
        if key == "language":
            raw.lists[key] = [value]
        else:
            raw.texts[key] = value
    if query:
        raw.queries.append(Query(query.strip("\\n"), head.count("\\n") + 2))
    return raw.finish(_FORMS)


def replace_in_properties(text: str, query: Query, index: int, new: str) -> str:
    """As `Format.replace`."""
    if query.text not in text or index:
        raise ValueError(NOT_THERE)
    return text.replace(query.text, new)


FORMAT = Format(read_properties, replace_in_properties)
''',
        "tests/hunts/test_properties.py": '''"""A hunt, its Hunt, and an edit back."""

from entra_deployer.hunts import FORMATS
from entra_deployer.repository import OFFLINE, Repository

TEXT = """name: Rare
description: d
uuid: 5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f
language: ES|QL
query:
FROM logs-a-*
| LIMIT 5
"""


def test_it_is_read_compiled_and_edited(tmp_path):
    folder = tmp_path / "rules" / "rare"
    folder.mkdir(parents=True)
    (folder / "hunt.properties").write_text(TEXT, "utf-8")
    compilation = Repository(tmp_path).compile(OFFLINE)
    [rule] = compilation.deployable
    assert (rule.rule.name, rule.query.line) == ("Rare", 6)
    form = FORMATS[".properties"]
    edited = form.replace(TEXT, rule.query, 0, "FROM logs-b-*")
    assert edited == TEXT.replace("FROM logs-a-*\\n| LIMIT 5", "FROM logs-b-*")
    assert form.read(edited, "f").queries[0].text == "FROM logs-b-*"


def test_a_name_that_is_near_is_told(tmp_path):
    folder = tmp_path / "rules" / "rare"
    folder.mkdir(parents=True)
    (folder / "hunt.props").write_text(TEXT, "utf-8")
    [issue] = Repository(tmp_path).catalog().issues
    assert issue.hint == "did you mean hunt.properties?"
''',
    },
    lines={
        "entra_deployer/hunts/__init__.py": (
            ('late("toml", ".tml")}', 'late("toml", ".tml"), ".properties": late("properties", ".props")}'),
        )
    },
    runs=(pytest_of("tests/hunts/test_properties.py"),),
)

KIND_IMPORT = "from entra_deployer.objects.kind import Kind\n"
KIND = Addition(
    files={
        "entra_deployer/objects/dashboard.py": '''"""Dashboards."""

from entra_deployer.facts import SEARCHES_FEATURE
from entra_deployer.objects.saved_object import Form, SavedObjectHandler, SavedObjectKind


class DashboardKind(SavedObjectKind):
    """Dashboards, as another saved object."""

    name = "dashboard"
    words = "dashboard"
    shared = False
    named_once = False
    feature = SEARCHES_FEATURE

    def handler(self, client, space, version):
        """The dashboards of a space."""
        return SavedObjectHandler(client, space, Form(self.name, "dashboard", "title"))
'''
    },
    lines={
        "entra_deployer/objects/__init__.py": (
            (
                KIND_IMPORT,
                f"from entra_deployer.objects.dashboard import DashboardKind\n{KIND_IMPORT}",
            ),
            ("SavedSearchKind(), RuleKind()", "SavedSearchKind(), RuleKind(), DashboardKind()"),
        )
    },
    runs=(pytest_of("tests/objects/test_kinds.py", "tests/plan/test_planner.py", "tests/plan/test_drift.py"),),
    samples={
        "tests/objects/test_kinds.py": (
            (
                "    RULE: (rule(",
                """    "dashboard": tuple(replace(one, kind="dashboard") for one in (search(), search(columns=["b"]))),
    RULE: (rule(""",
            ),
        )
    },
)

CHECK = Addition(
    files={
        "entra_deployer/checks/shouting.py": '''"""DEP099: a rule that shouts."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    if "SHOUT" in subject.rule.query.text:
        yield Finding("it shouts")


CHECK = Check(
    code="DEP099",
    title="a rule that shouts",
    level=Level.NOTE,
    explanation="Nobody listens.",
    good=Example("from logs-a-*\\n| keep user.name"),
    bad=Example('from logs-a-*\\n| where user.name == "SHOUT"\\n| keep user.name'),
    run=_run,
)
''',
        "tests/checks/cases/DEP099.yaml": """loud:
  fail:
  - from a | where user.name == "SHOUT" | keep user.name
soft:
  pass:
  - from a | where user.name == "shout" | keep user.name
""",
    },
    lines={
        "entra_deployer/checks/__init__.py": (
            ("    stack_features,\n", "    shouting,\n    stack_features,\n"),
            (
                '    "DEP050": kibana_fields.CHECK,\n',
                '    "DEP050": kibana_fields.CHECK,\n    "DEP099": shouting.CHECK,\n',
            ),
        )
    },
    runs=(pytest_of("tests/checks", "-k", "DEP099"), ("-m", "entra_deployer", "explain", "DEP099")),
    tells="Nobody listens.",
)

COMMAND = Addition(
    files={
        "entra_deployer/commands/hello.py": '''"""`deploy hello`: says hello."""

from entra_deployer.commands.options import FormatOption
from entra_deployer.commands.terminal import show
from entra_deployer.core.errors import ExitCode
from entra_deployer.reports import TEXT


def hello(form: FormatOption = TEXT) -> None:
    """Say hello."""
    from entra_deployer.reports.document import Document

    def document(said: str) -> Document:
        return Document("hello", "here", summary=said, content={"said": said})

    show(form, lambda: "Hello.", document, lambda _: ExitCode.OK, lambda issues: Document("hello", "", issues=issues))
'''
    },
    lines={
        "entra_deployer/commands/app.py": (
            (
                '    "explain": ("explain.explain"',
                '    "hello": ("hello.hello", (0, 64), "deploy hello"),\n    "explain": ("explain.explain"',
            ),
        )
    },
    runs=(
        pytest_of("tests/reports/test_forms.py", "-k", "hello or every_command_has_a_file"),
        ("-m", "entra_deployer", "hello", "--format", "json"),
    ),
    tells='"said": "Hello."',
)

FORM = Addition(
    files={
        "entra_deployer/reports/lines.py": '''"""The closing line alone."""

from entra_deployer.reports.document import Document


def render(document: Document) -> str:
    """One line."""
    return f"{document.name}: {document.summary}\\n"
'''
    },
    lines={"entra_deployer/reports/__init__.py": (('"junit", "github")', '"junit", "github", "lines")'),)},
    runs=(
        pytest_of(
            "tests/reports/test_forms.py::test_a_form_is_a_module_with_a_render_and_one_entry",
            "tests/reports/test_forms.py::test_every_command_takes_every_form",
            "tests/reports/test_hostile_text.py::test_every_document_has_every_form",
        ),
        ("-m", "entra_deployer", "check", "--format", "lines"),
    ),
    tells="check: Checked 1 rule",
)

STACK = Addition(
    files={},
    lines={
        "entra_deployer/facts.py": (
            (
                "CAST = _since(",
                'SOFT_CAST = _since("the operator ?:", "the release notes of 9.6", None, 6)\nCAST = _since(',
            ),
        ),
        "entra_deployer/local/kibana/profiles.py": (('"9.x": V9}', '"9.x": V9, "9.6": replace(V9, version="9.6.0")}'),),
        "entra_deployer/stack/environment_file.py": (('"8.19", "9.x"]', '"8.19", "9.x", "9.6"]'),),
    },
    runs=(
        pytest_of(
            "tests/test_facts.py", "tests/local/kibana/test_settings.py", "-k", "not no_version or environment_file"
        ),
        (
            "-c",
            """
from entra_deployer.core.target import StackVersion
from entra_deployer.facts import ROWS, SOFT_CAST
from entra_deployer.local.kibana.profiles import PROFILES

assert SOFT_CAST in ROWS and PROFILES["9.6"].search_tabs
print(SOFT_CAST.holds(StackVersion(9, 6)), SOFT_CAST.holds(StackVersion(9, 5)))
""",
        ),
    ),
    tells="True False",
)

ROWS = {
    "a hunt format": (FORMAT, 2),
    "a kind of Kibana object": (KIND, 2),
    "a check": (CHECK, 2),
    "a command": (COMMAND, 2),
    "a report format": (FORM, 2),
    "the next Kibana or Elasticsearch": (STACK, 3),
}
"""What is added, and to how many files of the package."""


def changed(path: Path, pairs: tuple[tuple[str, str], ...]) -> None:
    text = path.read_text("utf-8")
    for before, after in pairs:
        assert text.count(before) == 1, f"{path.name}: {before!r} stands there {text.count(before)} times"
        text = text.replace(before, after)
    path.write_text(text, "utf-8")


@pytest.fixture
def copy(tmp_path):
    """The package and its tests, with a project of one hunt."""
    for name in PARTS:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy2(source, tmp_path / name)
    shutil.copytree(REPOSITORY / "tests" / "data" / "hunts" / "sound", tmp_path / "rules" / "sound")
    return tmp_path


@pytest.mark.parametrize("name", ROWS)
def test_an_addition_takes_the_files_that_the_table_names(copy, name):
    addition, count = ROWS[name]
    for path, text in addition.files.items():
        assert not (copy / path).exists()
        (copy / path).write_text(text, "utf-8")
    for path, pairs in {**addition.lines, **(addition.samples or {})}.items():
        changed(copy / path, pairs)
    touched = [path for path in (*addition.files, *addition.lines) if path.startswith("entra_deployer/")]
    assert len(touched) == count, touched
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    for arguments in addition.runs:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert addition.tells in done.stdout


def test_the_table_of_the_docs_is_this_one():
    page = (REPOSITORY / "docs" / "adding-to-it.md").read_text("utf-8")
    assert [name for name in ROWS if f"| {name} |" not in page] == []
