"""`deploy synth`: a test made from a rule's own query."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import ChangedSinceOption, TagOption, selected
from entra_deployer.commands.terminal import Step, note, say, say_lines, working
from entra_deployer.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from entra_deployer.api import Repository, Synthesis
    from entra_deployer.hunts.selection import Selection
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
    if write:
        raise typer.Exit(_write(repository, selection, rule, force=force))
    with working("making tests") as step:
        made = list(synthesise(repository, selection, step))
    for one in made:
        _tell_unsolved(one)
    say("---\n".join(file_text(repository.root, test) for one in made for test in one.tests))
    raise typer.Exit(synth_code(made))


def _tell_unsolved(one: "Synthesis") -> None:
    from entra_deployer.reports.documents.synthesis import unsolved_as_text

    for line in unsolved_as_text([one]):
        note(line)


@dataclass
class _Told:
    """Who is told how far it is: one while nothing is tried, and another one afterwards."""

    step: Step = lambda _done, _total: None

    def __call__(self, done: int, total: int) -> None:
        self.step(done, total)


def _write(repository: "Repository", selection: "Selection", rule: list[str] | None, *, force: bool) -> ExitCode:
    """Try what was made of a rule while the next ones are made, and write what is right; 1 where a rule has no file.

    The stack is asked for when there is something to try.
    """
    from entra_deployer.api import synthesise
    from entra_deployer.reports.documents.synthesis import written_as_text

    root, told, count = repository.root, _Told(), 0
    written: dict[str, Synthesis] = {}
    with closing(synthesise(repository, selection, told)) as made, ExitStack() as stack:
        with working("making tests") as told.step:
            early = list(_up_to_first(made, partial(_is_to_try, root, force=force)))
        elastic = None
        if early and _is_to_try(root, early[-1], force=force):
            elastic = stack.enter_context(project.connection(root, "local")).elastic
            told.step = stack.enter_context(working("making tests and trying them on local"))
        for count, one in enumerate(chain(early, made), 1):  # noqa: B007 - the number of all is asked for below
            written |= _written(root, one, elastic, force=force)
    found = {one.rule_id for one in written.values()}
    names = rule or sorted({Path(file).parts[1] for file in written})
    say_lines(written_as_text(list({one.rule_id: one for one in written.values()}.values()), list(written), names))
    return ExitCode.OK if len(found) == count else ExitCode.FAILED


def _up_to_first(made: "Iterable[Synthesis]", is_it: "Callable[[Synthesis], bool]") -> "Iterator[Synthesis]":
    """Those before the first one that is it, and that one."""
    for one in made:
        yield one
        if is_it(one):
            return


def _is_to_try(root: Path, one: "Synthesis", *, force: bool) -> bool:
    from entra_deployer.api import standing

    return bool(one.tests) and (force or not standing(root, one))


def _written(root: Path, one: "Synthesis", elastic: "ElasticClient | None", *, force: bool) -> "dict[str, Synthesis]":
    """The files that were written of one rule, with what is believed of it; what is not there is told."""
    from entra_deployer.api import remove_leftovers, standing, tried, write_tests

    files: tuple[str, ...] = ()
    if elastic and _is_to_try(root, one, force=force):
        one = tried(one, elastic, elastic.now)
        files = write_tests(root, one, force=force)
    elif there := standing(root, one):
        note(f"not written: {one.name}: {there} is there already (--force overwrites it)")
    _tell_unsolved(one)
    for name in remove_leftovers(root, one) if force else ():
        note(f"removed: {name}: an earlier synth wrote it")
    return dict.fromkeys(files, one)
