"""`deploy explain`: what a code means, from the checks themselves."""

from entra_deployer.checks import CHECKS
from entra_deployer.checks.check import Example, Explanation
from entra_deployer.checks.codes import OTHER_CODES, known_codes
from entra_deployer.core.errors import UsageError
from entra_deployer.core.text import did_you_mean


def find_explanation(code: str) -> Explanation:
    """What the code means; UsageError for one that there is not."""
    code = code.upper()
    if check := CHECKS.get(code):
        return Explanation(
            code=code,
            title=check.title,
            text=check.explanation,
            level=check.level.value,
            good=_example(check.good),
            bad=_example(check.bad),
            silenceable=check.silenceable,
        )
    if other := OTHER_CODES.get(code):
        return Explanation(code, other.title, other.explanation)
    raise UsageError(f"there is no code {code}", hint=did_you_mean(code, known_codes()))


def list_explanations() -> list[Explanation]:
    """All codes, sorted."""
    return [find_explanation(code) for code in known_codes()]


def _example(example: Example) -> str:
    around = [f"# rule.yaml: {line}" for line in example.rule_yaml.splitlines()]
    around += [f"# techniques: {', '.join(example.mitre)}"] if example.mitre != Example("").mitre else []
    around += [f"# for {example.version}, {example.license}"]
    return "\n".join([*around, example.query])
