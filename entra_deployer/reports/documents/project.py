"""What `deploy init`, `new` and `schema` made, and the next steps."""

from collections.abc import Iterable, Iterator, Sequence

from entra_deployer.project.new_hunt import NewHunt
from entra_deployer.project.new_project import NewFile, NewProject
from entra_deployer.reports.document import Block, Cell, Document, Gap, Line, Table, Tone, words

_INDENT = 2


def project_document(project: NewProject) -> Document:
    """A line a file, then what to do next, as commands to be typed."""
    steps = _environment_steps(project) if project.environment else _project_steps()
    made = [_file(file) for file in project.files] or [Line(words("This is a project already; nothing was made."))]
    return Document(
        name="init",
        blocks=(*made, *_next(steps)),
        content={
            "environment": project.environment or None,
            "files": [{"path": file.name, "created": file.created} for file in project.files],
        },
    )


def new_hunt_document(made: NewHunt) -> Document:
    """The hunt's files, what no test could be made of, and what to do next."""
    why = dict.fromkeys(case.why for case in made.unsolved)
    return Document(
        name="new",
        title=made.folder,
        blocks=(
            *(_file(NewFile(file, created=True)) for file in made.files),
            *(Line(words(("untested ", Tone.DOUBT), reason)) for reason in why),
            *_next(_hunt_steps(made)),
        ),
        content={
            "hunt": made.folder,
            "name": made.name,
            "uuid": made.uuid,
            "files": list(made.files),
            "unsolved": list(why),
        },
    )


def schema_document(files: Sequence[NewFile]) -> Document:
    """A line a file."""
    return Document(
        name="schema",
        blocks=tuple(_file(file) for file in files),
        content={"files": [{"path": file.name, "created": file.created} for file in files]},
    )


def _next(steps: Iterable[tuple[str, str]]) -> Iterator[Block]:
    """What to do next."""
    rows = tuple((Cell(words(command)), Cell(words((purpose, Tone.DIM)))) for command, purpose in steps)
    yield from (Gap(), Line(words(("Next:", Tone.STRONG))), Table(rows, indent=_INDENT))


def _hunt_steps(made: NewHunt) -> Iterator[tuple[str, str]]:
    tests = [file for file in made.files if "/tests/" in file]
    yield f"edit {made.files[0]}", "says what it finds, and what an analyst does"
    if not tests:
        yield f"edit rules/{made.folder}/tests/first.yaml", "says which events the rule must catch"
    yield f"deploy check {made.folder}", "tells mistakes, offline"
    yield f"deploy push --rule {made.folder}", "brings it to an embedded stack on this machine"
    yield f"deploy verify {made.folder}", "proves on it that it fires when it should"


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
