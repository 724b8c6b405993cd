"""DEP019: rule.yaml keeps a tactic that does not exist, or that none of the hunt's techniques serves."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    attack = subject.attack
    techniques = [found for one in subject.hunt.mitre if (found := attack.resolve(one))]
    served = {slug for technique in techniques for slug in technique.tactics}
    names = ", ".join(tactic.name for slug, tactic in attack.tactics.items() if slug in served)
    for number, word in enumerate(subject.settings.settings.tactics):
        tactic = attack.find_tactic(word)
        if tactic is None:
            hint = "use a tactic's name, id or short name: Initial Access, TA0001, initial-access"
            yield Finding(
                f"rule.yaml keeps the tactic {word!r}, which ATT&CK does not have",
                hint=hint,
                setting=("tactics", number),
            )
        elif tactic.slug not in served:
            message = f"rule.yaml keeps the tactic {tactic.name}, which none of the hunt's techniques serves"
            yield Finding(message, hint=f"they serve: {names}" if names else None, setting=("tactics", number))


CHECK = Check(
    code="DEP019",
    title="a tactic that the hunt's techniques do not serve",
    level=Level.WARNING,
    explanation=(
        "A technique may serve several tactics; the rule names all of them, or those that `tactics` in rule.yaml "
        "keeps. A tactic kept that is not among them has no effect."
    ),
    good=Example("from logs-a-*\n| keep user.name", rule_yaml="tactics: [Initial Access]"),
    bad=Example("from logs-a-*\n| keep user.name", rule_yaml="tactics: [Exfiltration]"),
    run=_run,
)
