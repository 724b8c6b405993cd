"""`deploy synth`: a test made from a rule's own query."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import ChangedSinceOption, TagOption, selected
from entra_deployer.commands.terminal import Step, note, say, say_lines, working
from entra_deployer.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from entra_deployer.api import Synthesis
    from entra_deployer.stack.elasticsearch import ElasticClient


def synth(
    rule: Annotated[
        list[str] | None,
        typer.Argument(metavar="RULE...", help="Hunt folders, rule names or patterns (entra_*).", autocompletion=hunts),
    ] = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    write: Annotated[bool, typer.Option("--write", help="Write rules/HUNT/tests/synth.yaml.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --write: over files that are there already.")] = False,
) -> None:
    """Make a test from a rule's own query.

    It has events that the query must find, and for each condition a near miss that fails it alone. Without --write it
    is printed; with it each case is tried on the embedded Elasticsearch first, and one that does not do what its name
    says is dropped and told. What cannot be solved is named on stderr, each reason once for a rule.
    """
    from entra_deployer.api import file_text, synth_code, synthesise

    selection = selected(rule, tag, changed_since)
    if selection.is_all:
        raise UsageError("RULE is missing", hint="`deploy synth RULE...`, or --tag, or --changed-since")
    repository = project.repository()
    with working("making tests") as step:
        made = list(synthesise(repository, selection, step))
    if write:
        raise typer.Exit(_write(repository.root, made, rule, force=force))
    for one in made:
        _tell_unsolved(one)
    say("---\n".join(file_text(repository.root, test) for one in made for test in one.tests))
    raise typer.Exit(synth_code(made))


def _tell_unsolved(one: "Synthesis") -> None:
    from entra_deployer.reports.documents.synthesis import unsolved_as_text

    for line in unsolved_as_text([one]):
        note(line)


def _write(root: Path, made: "Sequence[Synthesis]", rule: list[str] | None, *, force: bool) -> ExitCode:
    """Try what was made, rule by rule, and write what is right; 1 where a rule has nothing written."""
    from entra_deployer.reports.documents.synthesis import written_as_text

    written: dict[str, Synthesis] = {}
    with ExitStack() as stack:
        trial: _Trial | None = None
        for number, one in enumerate(made, 1):
            if one.tests and _may_be_written(root, one, force=force):
                trial = trial or stack.enter_context(_trial(root))
                one = trial.believed(one)  # noqa: PLW2901 - the same rule's, as far as it is believed
                written |= dict.fromkeys(_files(root, one, force=force), one)
            _tell_unsolved(one)
            if trial:
                trial.step(number, len(made))
    found = list({one.rule_id: one for one in written.values()}.values())
    say_lines(written_as_text(found, list(written), rule or sorted({Path(file).parts[1] for file in written})))
    return ExitCode.OK if len(found) == len(made) else ExitCode.FAILED


def _may_be_written(root: Path, one: "Synthesis", *, force: bool) -> bool:
    from entra_deployer.api import standing

    there = "" if force else standing(root, one)
    if there:
        note(f"not written: {one.name}: {there} is there already (--force overwrites it)")
    return not there


def _files(root: Path, one: "Synthesis", *, force: bool) -> tuple[str, ...]:
    """Write the files of one rule; their names."""
    from entra_deployer.api import remove_leftovers, write_tests

    files = write_tests(root, one, force=force)
    for name in remove_leftovers(root, one) if force else ():
        note(f"removed: {name}: an earlier synth wrote it")
    return files


@dataclass(frozen=True)
class _Trial:
    """Where made tests are tried, and who is told of how many rules they were."""

    elastic: "ElasticClient"
    step: Step

    def believed(self, one: "Synthesis") -> "Synthesis":
        """What was made of a rule, as far as Elasticsearch saw it do what it says."""
        from entra_deployer.api import tried

        return tried(one, self.elastic, self.elastic.now)


@contextmanager
def _trial(root: Path) -> "Iterator[_Trial]":
    with project.connection(root, "local") as connection, working("trying made tests on local") as step:
        yield _Trial(connection.elastic, step)
