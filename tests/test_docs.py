"""What the documentation says is there, is there."""

import re
from pathlib import Path

import pytest

from entra_deployer.commands.app import app

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
COMMANDS = [(one.name or one.callback.__name__).rstrip("_") for one in app.registered_commands]
GROUPS = [one.name for one in app.registered_groups]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    inner = [link for link in links if "://" not in link]
    assert [link for link in inner if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command):
    assert f"deploy {command}" in (REPOSITORY / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_command_that_is_not_there(page):
    named = set(re.findall(r"`deploy ([a-z]+)[ `]", page.read_text("utf-8")))
    assert named - {*COMMANDS, *GROUPS} == set()


def test_how_it_works_tells_of_every_room():
    package = REPOSITORY / "entra_deployer"
    rooms = {f"{one.name}/" for one in package.iterdir() if one.is_dir() and not one.name.startswith("__")}
    rooms |= {one.name for one in package.glob("*.py") if not one.name.startswith("__")}
    told = set(
        re.findall(r"^\| `([^`]+)` \|", (REPOSITORY / "docs" / "how-it-works.md").read_text("utf-8"), re.MULTILINE)
    )
    assert told == rooms


def test_the_readme_and_the_ci_run_the_same_test_command():
    assert "make test" in (REPOSITORY / "README.md").read_text("utf-8")
    assert "make test" in (REPOSITORY / ".ci" / "run").read_text("utf-8")
