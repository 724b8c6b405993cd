"""What `deploy init` made, and the next steps."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from entra_deployer.project.new_project import NewProject
from entra_deployer.reports.canvas import draw


def new_project_as_text(project: NewProject, *, width: int = 100, colour: bool = False) -> str:
    """A line a file, then what to do next, as commands to be typed."""
    return draw(_lines(project), width=width, colour=colour)


def _lines(project: NewProject) -> Iterator[RenderableType]:
    for file in project.files:
        line = Text()
        line.append("created  " if file.created else "kept     ", "green" if file.created else "dim")
        line.append(file.name)
        line.append("" if file.created else f"  is there already{f': {file.note}' if file.note else ''}", "dim")
        yield line
    if not project.files:
        yield Text("This is a project already; nothing was made.")
    yield Text()
    yield Text("Next:", "bold")
    steps = Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 2))
    for command, purpose in _environment_steps(project) if project.environment else _project_steps():
        steps.add_row(Text(f"  {command}"), Text(purpose, "dim"))
    yield steps


def _project_steps() -> Iterator[tuple[str, str]]:
    yield "deploy push", "brings the rules to an embedded stack on this machine"
    yield "deploy verify", "proves on it that they fire when they should, and only then"
    yield "deploy init staging", "makes the file of an environment of your own"


def _environment_steps(project: NewProject) -> Iterator[tuple[str, str]]:
    name = project.environment
    yield f"edit deploy/{name}.yaml", "its addresses and spaces"
    yield f"deploy doctor {name} --role --stack VERSION", "prints the least role for an API key"
    yield f"export {project.variable}=...", "the API key, for this shell alone"
    yield f"deploy doctor {name}", "tells whether all is well"
    yield f"deploy push {name}", "brings the rules there"
