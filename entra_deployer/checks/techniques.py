"""DEP018: a technique that ATT&CK does not have, or no longer has."""

import re
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level

_ENTERPRISE = re.compile(r"T\d{4}(\.\d{3})?")


def _run(subject: Subject) -> Iterator[Finding]:
    attack = subject.attack
    for number, technique_id in enumerate(subject.hunt.mitre):
        place = f"mitre[{number}]"
        found = attack.resolve(technique_id)
        if found is None and not _ENTERPRISE.fullmatch(technique_id.upper()):
            message = f"{technique_id} is not an id of ATT&CK Enterprise: it is left out of the rule's threat"
            yield Finding(message, field=place, level=Level.NOTE)
        elif found is None and (other := attack.elsewhere(technique_id)):
            message = (
                f"{technique_id} is of ATT&CK {other}, and rules of this stack carry {attack.version}, which has no "
                "single technique for it: it is left out of the rule's threat"
            )
            yield Finding(message, field=place, level=Level.NOTE)
        elif found is None:
            message = f"ATT&CK {attack.version} has no technique {technique_id}: it is left out of the rule's threat"
            yield Finding(message, field=place, hint="look it up at attack.mitre.org")
        elif found.id != technique_id.upper() and technique_id.upper() not in attack.techniques:
            message = (
                f"{technique_id} is of ATT&CK {attack.elsewhere(technique_id)}: in {attack.version}, which rules of "
                f"this stack carry, it is {found.id} {found.name}"
            )
            yield Finding(message, field=place, level=Level.NOTE)
        elif found.id != technique_id.upper():
            message = f"{technique_id} was revoked: {found.id} {found.name} took its place, and stands in the rule"
            yield Finding(message, field=place, hint=f"write {found.id} in the hunt")


CHECK = Check(
    code="DEP018",
    title="a technique that ATT&CK does not have",
    level=Level.WARNING,
    explanation=(
        "The rule's `threat` is made from the hunt's technique ids with MITRE ATT&CK Enterprise: 18.1 for a stack "
        "before 9.5, 19.2 from then on, as Elastic's own rules have it; a hunt may name ids of either, and of 20. A "
        "revoked id follows its redirect; one that ATT&CK never had is left out, as are "
        "ids of other matrices (ATLAS, Mobile), for which Kibana has no place."
    ),
    good=Example("from logs-a-*\n| keep user.name", mitre=("T1110.003",)),
    bad=Example("from logs-a-*\n| keep user.name", mitre=("T1086",)),
    run=_run,
)
