"""`deploy synth`: a test made from a rule's own query."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import ChangedSinceOption, TagOption, selected
from entra_deployer.commands.terminal import note, say, say_lines, working
from entra_deployer.core.errors import UsageError

if TYPE_CHECKING:
    from entra_deployer.api import Synthesis


def synth(
    rule: Annotated[
        list[str] | None,
        typer.Argument(metavar="RULE...", help="Hunt folders, rule names or patterns (entra_*).", autocompletion=hunts),
    ] = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    write: Annotated[bool, typer.Option("--write", help="Write rules/HUNT/tests/synth.yaml.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --write: over a file that is there already.")] = False,
) -> None:
    """Make a test from a rule's own query.

    It has events that the query must find, and for each condition a near miss that fails it alone. Without --write it
    is printed; with it each case is tried on the embedded Elasticsearch first, and one that does not do what its name
    says is dropped and told. What cannot be solved is named on stderr, each reason once for a rule.
    """
    from entra_deployer.api import file_text, synth_code, synthesise, tried, write_tests
    from entra_deployer.reports.documents.synthesis import unsolved_as_text, written_as_text

    selection = selected(rule, tag, changed_since)
    if selection.is_all:
        raise UsageError("RULE is missing", hint="`deploy synth RULE...`, or --tag, or --changed-since")
    repository = project.repository()
    with working("making tests") as step:
        made = list(synthesise(repository, selection, step))
    found: list[Synthesis] = []
    files: list[str] = []
    with ExitStack() as stack:
        elastic = None
        for rule_tests in made:
            one = rule_tests
            if write and one.tests:
                if elastic is None:
                    elastic = stack.enter_context(project.on("local", "trying made tests on"))[1].elastic
                one = tried(one, elastic, elastic.now)
            found.append(one)
            for line in unsolved_as_text([one]):
                note(line)
            if write:
                files += write_tests(repository.root, one, force=force)
    if write:
        say_lines(written_as_text(found, files, rule or sorted({Path(file).parts[1] for file in files})))
    else:
        say("---\n".join(file_text(repository.root, test) for one in found for test in one.tests))
    raise typer.Exit(synth_code(tuple(found)))
