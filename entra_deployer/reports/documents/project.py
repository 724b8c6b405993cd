"""What `deploy init` made, and the next steps."""

from collections.abc import Iterator

from entra_deployer.project.new_project import NewFile, NewProject
from entra_deployer.reports.document import Cell, Document, Gap, Line, Table, Tone, words

_INDENT = 2


def project_document(project: NewProject) -> Document:
    """A line a file, then what to do next, as commands to be typed."""
    steps = _environment_steps(project) if project.environment else _project_steps()
    made = [_file(file) for file in project.files] or [Line(words("This is a project already; nothing was made."))]
    return Document(
        name="init",
        blocks=(
            *made,
            Gap(),
            Line(words(("Next:", Tone.STRONG))),
            Table(
                tuple((Cell(words(command)), Cell(words((purpose, Tone.DIM)))) for command, purpose in steps),
                indent=_INDENT,
            ),
        ),
        content={
            "environment": project.environment or None,
            "files": [{"path": file.name, "created": file.created} for file in project.files],
        },
    )


def _file(file: NewFile) -> Line:
    there = f"  is there already{f': {file.note}' if file.note else ''}"
    word = ("created  ", Tone.GOOD) if file.created else ("kept     ", Tone.DIM)
    return Line(words(word, file.name, ("" if file.created else there, Tone.DIM)))


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
