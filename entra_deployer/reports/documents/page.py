"""That the page of `deploy report` was written, and what is on it."""

from collections import Counter

from entra_deployer.core.issue import Issue
from entra_deployer.overview import Overview, Proof
from entra_deployer.reports.document import Block, Case, Document, Gap, Issues, issue_faults
from entra_deployer.reports.words import counted


def page_document(overview: Overview, path: str) -> Document:
    """Where it is and what it counts; each rule is a case."""
    proofs = Counter(rule.proof for rule in overview.rules)
    told = ", ".join(f"{proofs[proof]} {proof.value}" for proof in Proof if proofs[proof])
    environment = overview.live.inventory.environment if overview.live else ""
    blocks: tuple[Block, ...] = (Issues(overview.issues), Gap()) if overview.issues else ()
    return Document(
        name="report",
        title=environment,
        blocks=blocks,
        summary=f"{path}: {counted(len(overview.rules), 'rule')} of {counted(overview.hunts, 'hunt')}"
        f"{f': {told}' if told else ''}.",
        content={
            "environment": environment or None,
            "path": path,
            "hunts": overview.hunts,
            "rules": [
                {"name": rule.name, "hunt": rule.source.folder, "proof": rule.proof.value, "mutation_score": rule.score}
                for rule in overview.rules
            ],
        },
        issues=overview.issues,
        cases=tuple(Case(rule.source.folder, rule.name, output=rule.proof.value) for rule in overview.rules),
    )


def no_page(environment: str, issues: tuple[Issue, ...]) -> Document:
    """What kept it from being made."""
    return Document(
        name="report",
        title=environment,
        content={"environment": environment or None, "path": None, "hunts": 0, "rules": []},
        issues=issues,
        cases=(Case("report", "page", issue_faults(issues)),),
    )
