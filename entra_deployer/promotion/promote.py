"""Promote: production gets what staging has and proved, not what a branch holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import ExitCode, UsageError
from entra_deployer.core.git import commit_of
from entra_deployer.core.issue import Issue, Level
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.ledger.history import number_pushes, with_changes
from entra_deployer.objects.rule_fields import rule_digest
from entra_deployer.objects.state import RULE, LiveObject, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.difference import Difference, DriftKind
from entra_deployer.plan.drift import Compared, compare_spaces
from entra_deployer.plan.plan import Outcome, Plan
from entra_deployer.plan.push import Clock, PushRequest, now, plan_rules, push_code, push_rules
from entra_deployer.plan.report import Report
from entra_deployer.promotion.attestation import Attestor, Evidence, Promotion, intend
from entra_deployer.promotion.gates import Approvals, Gatekeeper, Standing, is_same_version, read_approvals
from entra_deployer.repository import Repository
from entra_deployer.verify.records import VerdictRecord, kept_verdicts, make_records
from entra_deployer.verify.run import verify
from entra_deployer.verify.verify_rules import contents, make_bench, rules_under_test, watch_rules, with_source

SOURCE_DRIFT = "DEP381"
TARGET_DRIFT = "DEP382"
TO_BE_VERIFIED = "DEP390"

_MET_IN_TARGET = frozenset({DriftKind.NOT_PUSHED, DriftKind.DIFFERENT, DriftKind.FAILING, DriftKind.SOURCE_CHANGED})
"""What a promotion may meet in its target: what it is there to change, or to mend."""


@dataclass(frozen=True)
class PromotionRequest:
    """What the user asked for, or only a look."""

    selection: Selection = ALL
    dry_run: bool = False
    lock: bool = True
    overwrite: bool = False
    agree: Callable[[Report], str] = lambda _: ""


def promote(
    repository: Repository, source: Connection, target: Connection, request: PromotionRequest, clock: Clock = now
) -> Promotion:
    """Bring to the target what the source has and proved; or tell all that stands against it, and write nothing."""
    if source.environment.name == target.environment.name:
        raise UsageError(f"{source.environment.name} cannot be promoted to itself")
    return _Promotion(repository, source, target, request, clock).run()


def promote_code(promotion: Promotion) -> ExitCode:
    """1 where it was refused; else as a push."""
    return ExitCode.FAILED if promotion.refused else push_code(promotion.report)


@dataclass
class _Promotion:
    """One run; `issues` and `evidence` fill up."""

    repository: Repository
    source: Connection
    target: Connection
    request: PromotionRequest
    clock: Clock
    issues: list[Issue] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    def run(self) -> Promotion:
        """Plan, look at everything that may stand against it, and push."""
        note = f"promoted from {self.source.environment.name}"
        asked = self.request
        push = PushRequest(asked.selection, lock=asked.lock, note=note, overwrite=asked.overwrite, agree=asked.agree)
        planned = plan_rules(self.repository, self.target, push)
        done = Promotion(self.source.environment.name, self.target.environment.name, planned)
        attestor = Attestor(self.target)
        completed = None if self.request.dry_run else attestor.complete_older()
        if planned.plan is None or not (planned.plan.changes or planned.errors):
            return replace(done, issues=tuple(attestor.issues), attestation=completed)
        self.issues += attestor.against()
        self._refuse_drift()
        self._gather(planned.plan)
        issues = sorted(set(self.issues), key=lambda issue: issue.order)
        done = replace(done, evidence=tuple(self.evidence), issues=tuple(issues))
        if done.refused:
            return done
        at = self.clock().isoformat(timespec="milliseconds")
        intention = intend(done, self.source, self.target, at=at, commit=commit_of(self.repository.root))
        if self.request.dry_run:
            return replace(done, attestation=intention.to_json())
        self.target.journal.remember_attestation(intention.to_json())  # what fails here fails before all else
        if unkept := tuple(attestor.unkept()):
            return replace(done, issues=(*done.issues, *unkept))
        report = push_rules(self.repository, self.target, push, plan=planned.plan, clock=self.clock)
        done = replace(done, report=replace(report, hunts=planned.hunts, issues=planned.issues))
        attestation = attestor.attest(intention, report)
        issues = sorted({*self.issues, *attestor.issues}, key=lambda issue: issue.order)
        return replace(done, issues=tuple(issues), attestation=attestation)

    # -- drift ------------------------------------------------------------------------------------------------------

    @cached_property
    def _compared(self) -> list[Compared]:
        """The source's spaces against its last push and the repository."""
        return compare_spaces(self.repository, self.source, self.request.selection)

    def _refuse_drift(self) -> None:
        source, target = self.source.environment.name, self.target.environment.name
        for difference in (one for space in self._compared for one in space.differences if one.counts):
            message = f"{source} does not hold what the repository says: {_said(difference)}"
            if difference.kind is DriftKind.NOT_PUSHED:
                message = f"another content than {source} has: {_said(difference)}"
            self._against(SOURCE_DRIFT, difference.name, message, f"deploy drift {source}")
        for space in compare_spaces(self.repository, self.target, self.request.selection):
            for difference in space.differences:
                if difference.counts and difference.kind not in _MET_IN_TARGET:
                    hint = f"deploy drift {target}; then deploy pull {target}, or set it back"
                    self._against(TARGET_DRIFT, difference.name, f"{target} has drifted: {_said(difference)}", hint)

    # -- the evidence -----------------------------------------------------------------------------------------------

    def _gather(self, plan: Plan) -> None:
        """Gather what speaks for each rule of the plan, and hold it against the gates."""
        gates = self.target.environment.gates
        environment = self.target.environment
        keeper = Gatekeeper(self.source.environment.name, gates, self.clock(), environment.trusted_keys)
        self.issues += keeper.taken_on_trust(environment.name)
        approvals = read_approvals(self.repository.root, gates.approvals_file) if gates.approvals else {}
        records = self._records()
        standing = {live.object.key: live for live in self._standing()}
        wanted = {c.key: c.desired for c in plan.changes if c.kind == RULE and c.desired}
        compiled = {rule.rule.key: rule for space in self._compared for rule in space.survey.compilation.rules}
        self.issues += (one for space in self._compared for one in space.survey.issues if one.level is Level.ERROR)
        proved = [key for key, rule in compiled.items() if key in wanted and not rule.settings.settings.retired]
        gathered = [self._evidence(compiled[key], records.get(key), approvals) for key in sorted(proved)]
        for evidence in gathered:
            live = standing.get(evidence.rule_id)
            there = _as_standing(live) if live else None
            self.issues += keeper.verdict(evidence, next(iter(evidence.verdicts), None), there)
            self.issues += keeper.soak(evidence, there)
            self.issues += keeper.approvals(evidence)
        self.evidence = gathered
        if not plan.blockers and not any(issue.level is Level.ERROR for issue in self.issues):
            self._prove_for_target(keeper, wanted)

    def _prove_for_target(self, keeper: Gatekeeper, wanted: dict[str, StateObject]) -> None:
        """Where nothing else stands against it: a verdict for the target's version, and what it says."""
        again = self._verify_for_target(
            {one.rule_id: wanted[one.rule_id] for one in self.evidence if self._is_new(one)}
        )
        for position, evidence in enumerate(self.evidence):
            if record := again.get(evidence.rule_id):
                self.issues += keeper.quality(evidence, record, f"deploy verify --on {self.target.environment.name}")
                self.evidence[position] = replace(evidence, verdicts=(*evidence.verdicts, record))

    def _evidence(self, rule: CompiledRule, record: VerdictRecord | None, approvals: Approvals) -> Evidence:
        key = rule.rule.key
        content = self._contents[key]
        return Evidence(
            rule_id=key,
            name=rule.rule.name,
            folder=rule.folder,
            content=content,
            verdicts=(record,) if record else (),
            since=self._since.get(key, ""),
            approved_by=approvals.get((rule.folder, content), ()),
        )

    @cached_property
    def _contents(self) -> dict[str, str]:
        """The digest of each rule's folder, by rule_id."""
        return contents(self._compared[0].survey.compilation)

    def _records(self) -> dict[str, VerdictRecord]:
        """The newest verdict of each rule that the source has."""
        return {record.rule_id: record for record in sorted(kept_verdicts(self.source.journal), key=lambda one: one.at)}

    def _standing(self) -> Iterable[LiveObject]:
        """The rules of the source's first space, where verdicts are reached."""
        return self._compared[0].survey.existing.same_key

    @cached_property
    def _since(self) -> dict[str, str]:
        """When each rule came to the source as it stands there, by rule_id."""
        found: dict[str, str] = {}
        for push in number_pushes(self.source.journal):
            for result in with_changes(self.source.journal, push).entry.results:
                if result.outcome is Outcome.APPLIED:
                    found.setdefault(result.change.key, push.entry.at)
        return found

    # -- verdicts for another version of the stack ------------------------------------------------------------------

    def _is_new(self, evidence: Evidence) -> bool:
        """Whether a rule has a verdict, and none for the target's version."""
        versions = (self.target.version, self.target.elastic.version())
        gates = self.target.environment.gates
        return gates.verdicts and any(not is_same_version(record, *versions) for record in evidence.verdicts)

    def _verify_for_target(self, rules: dict[str, StateObject]) -> dict[str, VerdictRecord]:
        """Try the rules, as they are to be pushed, on the target itself: they are seeded, run and judged there."""
        if not rules:
            return {}
        environment = self.target.environment
        if self.request.dry_run:
            names = ", ".join(sorted(one.name for one in rules.values()))
            message = f"{self.source.environment.name} is of another version: to be verified here first: {names}"
            self.issues.append(Issue(TO_BE_VERIFIED, Level.NOTE, message, environment.name))
            return {}
        space = environment.spaces[0]
        compilation = self.repository.compile(self.target.target(space), self.request.selection)
        payloads = {key: one.payload for key, one in rules.items()}
        under_test = [
            replace(rule, payload=payloads[rule.rule_id])
            for rule in rules_under_test(compilation, self.target, space)
            if rule.rule_id in payloads
        ]
        # the target's types count here too; that one has changed is something that a promotion may mend
        watched = watch_rules(under_test, self.target, {})
        under_test = [replace(with_source(rule, watched.get(rule.rule_id)), known=()) for rule in under_test]
        mutate = environment.gates.minimum_mutation_score is not None
        verdicts = verify(under_test, replace(make_bench(self.target, space), mutate=mutate))
        records = make_records(verdicts, payloads, self._contents, self.target)
        return {record.rule_id: record for record in records}

    def _against(self, code: str, subject: str, message: str, hint: str) -> None:
        self.issues.append(Issue(code, Level.ERROR, message, subject, hint=hint))


def _as_standing(live: LiveObject) -> Standing:
    return Standing(rule_digest(live.object.payload), bool(live.object.payload.get("enabled")), live.execution)


def _said(difference: Difference) -> str:
    fields = ", ".join(drift.path for drift in difference.fields)
    return ": ".join(part for part in (difference.kind.words, fields or difference.message) if part)
