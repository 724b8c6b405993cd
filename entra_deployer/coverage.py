"""ATT&CK by evidence: how far each technique has come, from a word in a hunt to an alert in an environment."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.core.files import RULES_FOLDER
from entra_deployer.core.git import export
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import Target
from entra_deployer.data import load_knowledge
from entra_deployer.data.attack import Attack, Technique
from entra_deployer.hunts.folder import RuleSource
from entra_deployer.live.list_rules import list_rules
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.push import now
from entra_deployer.repository import Compilation, Repository
from entra_deployer.verify.records import kept_verdicts
from entra_deployer.verify.verdict import Status
from entra_deployer.verify.verify_rules import contents

LAYER_VERSIONS = {"navigator": "5.1.0", "layer": "4.5"}
"""The form of a layer of MITRE's ATT&CK Navigator (github.com/mitre-attack/attack-navigator, layers/spec)."""


class Stage(StrEnum):
    """How far a rule has come, each stage beyond the one before it."""

    MAPPED = "mapped"
    COMPILED = "compiled"
    TESTED = "tested"
    PROVED = "proved"
    DEPLOYED = "deployed"
    ENABLED = "enabled"
    FIRED = "fired"

    @property
    def rank(self) -> int:
        """1 for the first."""
        return list(Stage).index(self) + 1


@dataclass(frozen=True)
class RuleEvidence:
    """One rule: the stages that it reached, and the share of mutants that its tests notice, where it was asked for."""

    name: str
    folder: str
    stages: tuple[Stage, ...]
    mutation_score: float | None = None

    @property
    def stage(self) -> Stage:
        """The furthest that it came without a gap: a rule that fired untested is compiled."""
        reached = Stage.MAPPED
        for stage in Stage:
            if stage not in self.stages:
                break
            reached = stage
        return reached


@dataclass(frozen=True)
class Covered:
    """A technique with the rules that are for it, the furthest first."""

    technique: Technique
    rules: tuple[RuleEvidence, ...]

    @property
    def stage(self) -> Stage:
        """That of its furthest rule."""
        return self.rules[0].stage


@dataclass(frozen=True)
class Shift:
    """A technique that is covered otherwise than before; None where no hunt names it."""

    technique: Technique
    before: Stage | None
    after: Stage | None

    @property
    def is_loss(self) -> bool:
        """Whether it came less far than before."""
        return self.before is not None and (self.after is None or self.after.rank < self.before.rank)


@dataclass(frozen=True)
class Coverage:
    """All techniques that hunts name, by id. `environment` is "" where none was asked.

    `unknown` are ids of no technique, each with its hunt. `against` says what it was compared with, "" for nothing;
    `shifts` are the techniques that differ, losses first.
    """

    attack: Attack
    techniques: tuple[Covered, ...] = ()
    environment: str = ""
    stack: str = ""
    issues: tuple[Issue, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    against: str = ""
    shifts: tuple[Shift, ...] = ()


def find_coverage(repository: Repository, target: Target, connection: Connection | None = None) -> Coverage:
    """What the repository covers, and, with a connection, what its environment makes of it. Reads only."""
    return coverage_of(repository.compile(target), connection)


def coverage_of(compilation: Compilation, connection: Connection | None = None) -> Coverage:
    """The same of what is compiled already."""
    attack = load_knowledge().attack
    proofs = _Proofs(connection, compilation) if connection else None
    compiled: defaultdict[str, list[CompiledRule]] = defaultdict(list)
    for rule in compilation.deployable:
        compiled[rule.folder].append(rule)
    by_technique: dict[str, list[RuleEvidence]] = {}
    unknown: dict[str, str] = {}
    for source in compilation.sources:
        evidence = list(_evidence(source, compiled[source.folder], proofs))
        for word in source.hunt.mitre:
            technique = attack.resolve(word)
            if technique is None:
                unknown[word] = source.folder
            else:
                by_technique.setdefault(technique.id, []).extend(evidence)
    return Coverage(
        attack=attack,
        techniques=tuple(
            Covered(attack.techniques[key], _furthest_first(by_technique[key])) for key in sorted(by_technique)
        ),
        environment=connection.environment.name if connection else "",
        stack=connection.stack if connection else "",
        issues=tuple(issue for issue in compilation.issues if issue.level is Level.ERROR)
        + (tuple(proofs.issues) if proofs else ()),
        unknown=unknown,
    )


def compared(found: Coverage, before: Coverage, against: str) -> Coverage:
    """The coverage with what is otherwise than it was before."""
    then, now_there = ({one.technique.id: one.stage for one in some.techniques} for some in (before, found))
    known = found.attack.techniques
    shifts = [Shift(known[key], then.get(key), now_there.get(key)) for key in sorted(then | now_there)]
    changed = [shift for shift in shifts if shift.before is not shift.after]
    return replace(found, against=against, shifts=tuple(sorted(changed, key=lambda shift: not shift.is_loss)))


def find_coverage_at(
    repository: Repository, commit: str, target: Target, connection: Connection | None = None
) -> Coverage:
    """What the repository covered at a commit, branch or tag. Raises UsageError for one that git does not know."""
    with tempfile.TemporaryDirectory(prefix="deploy-") as name:
        export(repository.root, commit, RULES_FOLDER, Path(name))
        if not (Path(name) / RULES_FOLDER).is_dir():
            return Coverage(load_knowledge().attack)
        return find_coverage(Repository(Path(name)), target, connection)


def layer_of(coverage: Coverage, name: str) -> dict[str, Json]:
    """A layer for MITRE's ATT&CK Navigator: a score from 1 (mapped) to 7 (fired) for each technique."""
    return {
        "name": name,
        "versions": {"attack": coverage.attack.version.split(".")[0], **LAYER_VERSIONS},
        "domain": "enterprise-attack",
        "description": "How far the rules of each technique have come: " + ", ".join(Stage),
        "techniques": [
            {
                "techniqueID": covered.technique.id,
                "score": covered.stage.rank,
                "comment": "; ".join(f"{rule.name}: {rule.stage.value}" for rule in covered.rules),
                "enabled": True,
                "showSubtechniques": "." in covered.technique.id,
            }
            for covered in coverage.techniques
        ],
        "gradient": {"colors": ["#fee8c8", "#fdbb84", "#31a354"], "minValue": 1, "maxValue": len(Stage)},
        "hideDisabled": False,
    }


def _furthest_first(rules: Iterable[RuleEvidence]) -> tuple[RuleEvidence, ...]:
    return tuple(sorted(set(rules), key=lambda rule: (-rule.stage.rank, rule.name, rule.folder)))


def _evidence(source: RuleSource, compiled: Sequence[CompiledRule], proofs: "_Proofs | None") -> Iterable[RuleEvidence]:
    if not compiled:
        yield RuleEvidence(source.hunt.name, source.folder, (Stage.MAPPED,))
    for rule in compiled:
        stages = [Stage.MAPPED, Stage.COMPILED]
        if any(test.query in (None, rule.query_key) for test in source.tests):
            stages.append(Stage.TESTED)
        stages += proofs.stages(rule.rule.key) if proofs else []
        score = proofs.scores.get(rule.rule.key) if proofs else None
        yield RuleEvidence(rule.rule.name, source.folder, tuple(stages), score)


class _Proofs:
    """What an environment knows of the rules: verdicts on what the repository holds now, live rules, alerts."""

    def __init__(self, connection: Connection, compilation: Compilation) -> None:
        current = contents(compilation)
        self._proved: dict[str, bool] = {}
        self.scores: dict[str, float | None] = {}
        for record in sorted(kept_verdicts(connection.journal), key=lambda record: record.at):
            if current.get(record.rule_id) == record.content:
                self._proved[record.rule_id] = record.status is Status.PASSED
                self.scores[record.rule_id] = record.mutation_score
        inventory = list_rules(connection, now)
        self._live = {rule.rule_id: rule.enabled for rule in inventory.rules}
        self.issues: list[Issue] = [*connection.journal.issues, *inventory.issues]
        self._fired = self._alerts(connection)

    def stages(self, rule_id: str) -> Sequence[Stage]:
        """Those that only an environment can tell."""
        told = (
            (Stage.PROVED, self._proved.get(rule_id, False)),
            (Stage.DEPLOYED, rule_id in self._live),
            (Stage.ENABLED, self._live.get(rule_id, False)),
            (Stage.FIRED, rule_id in self._fired),
        )
        return [stage for stage, reached in told if reached]

    def _alerts(self, connection: Connection) -> frozenset[str]:
        """The rules that have alerts in any space; where nobody may look, that is told."""
        found: set[str] = set()
        for space in connection.environment.spaces:
            index = f".alerts-security.alerts-{space}"
            text = f"FROM {index} | STATS alerts = COUNT(*) BY kibana.alert.rule.rule_id | LIMIT 10000"
            try:
                if connection.elastic.index_exists(index):
                    found |= {str(row[-1]) for row in connection.elastic.query(text).rows}
            except (Refused, Unreachable) as error:
                message = f"nobody knows which rules fired: {error.message}"
                self.issues.append(Issue("DEP352", Level.WARNING, message, connection.environment.name))
        return frozenset(found)
