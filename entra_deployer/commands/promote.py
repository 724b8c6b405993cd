"""`deploy promote`: production gets what staging has and proved."""

import json
from pathlib import Path
from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import FormatOption, ReportFormat, RuleOption
from entra_deployer.commands.show import show
from entra_deployer.core.errors import InputError, Location
from entra_deployer.ledger.attestation import Promotion
from entra_deployer.plan.report import Report


def promote(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The environment that has and proved it.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The environment that is to get it.")],
    rule: RuleOption = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the attestation there too.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show plan, evidence and reasons against it; write nothing.")
    ] = False,
    no_lock: Annotated[bool, typer.Option("--no-lock", help="Push without the lease that parts two pushes.")] = False,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Bring to an environment what another has and proved; all that stands against it is told, and nothing written.

    The gates stand in deploy/TO.yaml. Where the two run different versions, the rules are tried on TO before the push.
    """
    from entra_deployer.promotion.promote import PromotionRequest, promote_code
    from entra_deployer.promotion.promote import promote as work_off
    from entra_deployer.reports.promotion_as_json import promotion_as_json

    request = PromotionRequest(tuple(rule or ()), dry_run, not no_lock)

    def work() -> Promotion:
        top = project.root()
        with (
            project.connection(top, source) as there,
            project.connection(top, target) as here,
            terminal.working(f"promoting from {source} to {target}"),
        ):
            found = work_off(top, there, here, request)
        if out and found.attestation:
            _write(out, found.attestation)
        return found

    if form is ReportFormat.JSON:
        show(
            work,
            promote_code,
            promotion_as_json,
            lambda issues: promotion_as_json(Promotion(source, target, Report(target), issues=issues)),
        )
    else:
        show(work, promote_code, _as_text)


def _as_text(promotion: Promotion) -> str:
    from entra_deployer.reports.promotion_as_text import promotion_as_text

    return promotion_as_text(promotion, width=terminal.width(), colour=terminal.coloured())


def _write(path: Path, document: object) -> None:
    try:
        path.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", location=Location(str(path))) from error
