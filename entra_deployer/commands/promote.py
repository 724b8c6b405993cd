"""`deploy promote`: production gets what staging has and proved."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Never

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import environments
from entra_deployer.commands.options import (
    ChangedSinceOption,
    DryRunOption,
    FormatOption,
    NoLockOption,
    OverwriteOption,
    RuleOption,
    TagOption,
    YesOption,
    selected,
)
from entra_deployer.commands.terminal import agreement, show, working
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Promotion, PromotionRequest

_AttestationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Only hold an attestation against the trusted_keys of the environment that it was made for.",
    ),
]
_SourceArgument = Annotated[
    str | None,
    typer.Argument(metavar="FROM", help="The environment that has and proved it.", autocompletion=environments),
]
_TargetArgument = Annotated[
    str | None, typer.Argument(metavar="TO", help="The environment that is to get it.", autocompletion=environments)
]


def promote(
    source: _SourceArgument = None,
    target: _TargetArgument = None,
    rule: RuleOption = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the attestation there too.")] = None,
    verify: _AttestationOption = None,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
    no_lock: NoLockOption = False,
    yes: YesOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Bring to an environment what another proved.

    All that stands against it is told, and then nothing is written. The gates stand in deploy/TO.yaml. Where the two
    run different versions, the rules are tried on TO before the push.
    """
    from entra_deployer.api import Promotion, PromotionRequest, Report, promote_code
    from entra_deployer.reports.documents.promotion import promotion_document

    if verify:
        _verify(verify, (source, target), form)
    if source is None or target is None:
        raise UsageError("promote needs FROM and TO", hint="deploy promote staging production")
    request = PromotionRequest(
        selected(rule, tag, changed_since), dry_run, not no_lock, overwrite, agreement("promote", yes=yes)
    )

    def work() -> "Promotion":
        return _promote(source, target, request, out)

    show(
        form,
        work,
        promotion_document,
        promote_code,
        lambda issues: promotion_document(Promotion(source, target, Report(target), issues=issues)),
    )


def _promote(source: str, target: str, request: "PromotionRequest", out: Path | None) -> "Promotion":
    """Promote, and write the attestation to `out` where there is one."""
    from entra_deployer.api import promote as work_off
    from entra_deployer.core.files import write_text

    repository = project.repository()
    with (
        project.connection(repository.root, source) as there,
        project.connection(repository.root, target) as here,
        working(f"promoting from {source} to {target}"),
    ):
        found = work_off(repository, there, here, request)
    if out and found.attestation:
        text = json.dumps(found.attestation, indent=2, sort_keys=True, ensure_ascii=False)
        write_text(out, f"{text}\n", shown=str(out))
    return found


def _verify(file: Path, environments: tuple[str | None, str | None], form: str) -> Never:
    """Hold an attestation against keys; no server is asked."""
    from entra_deployer.api import Promotion, Report, check_attestation
    from entra_deployer.reports.documents.promotion import attestation_document, promotion_document

    if any(environments):
        hint = "deploy promote --verify FILE: the file says which environment it was made for"
        raise UsageError("--verify takes no FROM and TO", hint=hint)
    show(
        form,
        lambda: check_attestation(project.root(), file),
        attestation_document,
        lambda found: found.code,
        lambda issues: promotion_document(Promotion("", "", Report(""), issues=issues)),
    )
