"""What the documentation says is there, is there, and what is there is documented."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from entra_deployer.commands.app import app
from tests.reading import there

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "entra_deployer"
MADE = ("commands.md", "environment-file.md")
"""What `make docs` writes beside the pages."""
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(set((REPOSITORY / "docs").glob("*.md")) - {REPOSITORY / "docs" / name for name in MADE}),
    PACKAGE / "local" / "README.md",
    REPOSITORY / "tests" / "data" / "kibana-8.12.2" / "README.md",
]
COMMANDS = typer.main.get_group(app()).commands
FILE = re.compile(r"`([\w<>./-]+/[\w<>.-]*\.(?:py|md|yml|yaml|json|tsv|xz|lock|toml)|[\w/-]+/)`")
EXAMPLES = re.compile(r"rules/|deploy/|approvals/|tests/synth|test/$|reports/$|secrets/|certificates/")
"""Files of a user's own project, which the pages tell of too."""


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def options_of(words: list[str]) -> set[str]:
    """The options of a command by its words, those of its group's commands included where a group is named."""
    command = COMMANDS[words[0]]
    inner = getattr(command, "commands", {})
    commands = [inner[words[1]]] if len(words) > 1 and words[1] in inner else [command, *inner.values()]
    return {name for one in commands for option in one.params for name in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"````.*?````", "", text_of(page), flags=re.DOTALL))
    inner = [link for link in links if "://" not in link]
    assert [link for link in inner if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_finds_it(page):
    for link, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)]*)\)", text_of(page)):
        headings = re.findall(r"^#+ (.*)", text_of(page.parent / link if link else page), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    """Paths within the repository or within the package, as they stand between backticks; `<name>` stands for any."""
    missing = []
    for name in FILE.findall(text_of(page)):
        if EXAMPLES.match(name) or name.startswith(("~", "/")):
            continue
        pattern = re.sub(r"<\w+>", "*", name.rstrip("/"))
        roots = (REPOSITORY, PACKAGE, PACKAGE / "local", page.parent)
        if not any(list(root.glob(pattern)) for root in roots):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_readme_names_every_command(command):
    assert f"deploy {command}" in text_of(REPOSITORY / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_is_there(page):
    wrong = []
    for line in re.findall(r"(?:`|^\$? ?|&& )deploy ([a-z][^`\n&|#]*)", text_of(page), re.MULTILINE):
        words = line.split()
        if words[0] not in COMMANDS:
            wrong.append(line)
            continue
        named = {word.strip("[],.") for word in words if word.startswith("--") and len(word) > 2}
        wrong += [f"{words[0]} {option}" for option in named - options_of(words)]
    assert wrong == []


def test_how_it_works_tells_of_every_room():
    rooms = {f"{one.name}/" for one in PACKAGE.iterdir() if one.is_dir() and not one.name.startswith("__")}
    rooms |= {one.name for one in PACKAGE.glob("*.py") if not one.name.startswith("__")}
    told = set(re.findall(r"^\| `([^`]+)` \|", text_of(REPOSITORY / "docs" / "how-it-works.md"), re.MULTILINE))
    assert told == rooms


def test_the_order_of_the_rooms_is_the_one_that_lint_holds():
    contracts = tomllib.loads(text_of(REPOSITORY / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    held = [sorted(layer.split(" | ")) for layer in layers if layer != "__main__"]
    told = there(
        re.search(r"Imports go down only.*?```\n(.*?)```", text_of(REPOSITORY / "docs/how-it-works.md"), re.DOTALL)
    )
    assert [line.split(", ") for line in told[1].splitlines()] == held


def test_the_readme_and_the_ci_run_the_same_test_command():
    assert "make test" in text_of(REPOSITORY / "README.md")
    assert "make test" in text_of(REPOSITORY / ".ci" / "run")
