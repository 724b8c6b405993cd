"""The gates of a promotion: what stands against one rule, as issues; and the file of approvals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path

from entra_deployer.core.files import read_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.signing import problem_of_signature
from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import parse_moment, say_duration
from entra_deployer.core.yaml import read_yaml
from entra_deployer.plan.live_rule import FAILED
from entra_deployer.promotion.attestation import Evidence
from entra_deployer.stack.answers import LastExecution
from entra_deployer.stack.environment import Gates
from entra_deployer.stack.environment_file import ApprovalsFile
from entra_deployer.stack.environments import InvalidFile
from entra_deployer.verify.records import VerdictRecord, record_to_json
from entra_deployer.verify.verdict import Status

NO_VERDICT = "DEP383"
FAILED_VERDICT = "DEP384"
STALE_VERDICT = "DEP385"
LOW_SCORE = "DEP386"
NOT_SOAKED = "DEP387"
NOT_APPROVED = "DEP388"
NOT_TRUSTED = "DEP392"


@dataclass(frozen=True)
class Standing:
    """A rule as it stands in the source: the digest of it there, whether it is switched on, its last run."""

    rule: str
    enabled: bool
    execution: LastExecution | None


@dataclass(frozen=True)
class Gatekeeper:
    """Holds the rules of one promotion against the target's gates. `now` is the target's time.

    `trusted` are the public keys, in PEM, of which one has to have signed each verdict; () takes them on trust.
    """

    source: str
    gates: Gates
    now: datetime
    trusted: tuple[str, ...] = ()

    def taken_on_trust(self, target: str) -> Iterator[Issue]:
        """That verdicts and approvals are worth what the right to write them down is worth."""
        taken = [f"verdicts as the ledger of {self.source} holds them"] if self.gates.verdicts else []
        taken = [] if self.trusted else taken
        taken += [f"approvals as {self.gates.approvals_file} names them"] if self.gates.approvals else []
        if taken:
            hint = "trusted_keys in its file asks for signed verdicts" if taken[0].startswith("verdicts") else None
            yield Issue(NOT_TRUSTED, Level.NOTE, f"taken on trust: {' and '.join(taken)}", target, hint=hint)

    def verdict(self, evidence: Evidence, record: VerdictRecord | None, standing: Standing | None) -> Iterator[Issue]:
        """What is wrong with the verdict that the source has of a rule."""
        if not self.gates.verdicts:
            return
        again = f"deploy verify {evidence.folder} --on {self.source}"
        if record is None:
            yield _against(evidence, NO_VERDICT, f"nobody has verified it in {self.source}", again)
            return
        if self.trusted and (problem := problem_of_signature(record_to_json(record), self.trusted)):
            message = f"its verdict of {record.at[:16]} does not count: {problem}"
            yield _against(evidence, NOT_TRUSTED, message, f"{again}, where its signing_key is set")
        if record.content != evidence.content:
            message = f"another digest: {_short(record.content)} was verified, and here is {_short(evidence.content)}"
            yield _against(evidence, STALE_VERDICT, message, f"take that commit, or push this one and {again}")
        elif standing and record.rule != standing.rule:
            message = f"the rule in {self.source} is no longer the one that was verified"
            yield _against(evidence, STALE_VERDICT, message, again)
        yield from self.quality(evidence, record, again)

    def quality(self, evidence: Evidence, record: VerdictRecord, again: str) -> Iterator[Issue]:
        """Whether a verdict for the right content is good enough."""
        where = f"on Kibana {record.kibana}"
        if record.status is not Status.PASSED:
            said = "failed" if record.status is Status.FAILED else "came to no verdict"
            yield _against(evidence, FAILED_VERDICT, f"its verification {where} {said}", again)
        if self.gates.verdict_age is not None and self._age(record.at) > self.gates.verdict_age:
            allowed = say_duration(self.gates.verdict_age)
            message = f"its verdict of {record.at[:16]} is older than the {allowed} of gates.verdict_age"
            yield _against(evidence, STALE_VERDICT, message, again)
        least = self.gates.minimum_mutation_score
        if least is None or record.status is not Status.PASSED:
            return
        if record.mutation_score is None:
            message = f"it has no mutation score, and gates.minimum_mutation_score asks for {least:.0%}"
            yield _against(evidence, LOW_SCORE, message, f"{again} --mutate")
        elif record.mutation_score < least:
            message = f"its tests tell {record.mutation_score:.0%} of the mutants, not the {least:.0%} of the gate"
            yield _against(evidence, LOW_SCORE, message, "add tests for the mutants that survive")

    def _age(self, at: str) -> float:
        """The seconds since a time that is written down; without end where it is none."""
        moment = parse_moment(at)
        return (self.now - moment).total_seconds() if moment else inf

    def soak(self, evidence: Evidence, standing: Standing | None) -> Iterator[Issue]:
        """Whether the rule has stood long enough in the source, and worked there."""
        if not self.gates.soak:
            return
        wanted = say_duration(self.gates.soak)
        if standing is None or not evidence.since:
            yield _against(evidence, NOT_SOAKED, f"no push to {self.source} is known that brought it there", "")
            return
        if parse_moment(evidence.since) is None or self._age(evidence.since) < self.gates.soak:
            message = f"it stands in {self.source} since {evidence.since[:16]}, not for the {wanted} of gates.soak"
            yield _against(evidence, NOT_SOAKED, message, "wait")
        if not standing.enabled:
            message = f"it is switched off in {self.source}: it cannot soak"
            yield _against(evidence, NOT_SOAKED, message, "switch it on there")
        elif not standing.execution:
            yield _against(evidence, NOT_SOAKED, f"it has not run in {self.source} yet", "wait for its first run")
        elif standing.execution.status == FAILED:
            message = f"its last run in {self.source} failed: {standing.execution.message}"
            yield _against(evidence, NOT_SOAKED, " ".join(message.split()), "mend it there")

    def approvals(self, evidence: Evidence) -> Iterator[Issue]:
        """Whether enough people approve of exactly this content."""
        lacking = self.gates.approvals - len(evidence.approved_by)
        if lacking > 0:
            people = "person has" if lacking == 1 else "people have"
            message = f"{lacking} more {people} to approve of it in {self.gates.approvals_file}"
            hint = f"- {{rule: {evidence.folder}, digest: {evidence.content}, by: NAME}}"
            yield _against(evidence, NOT_APPROVED, message, hint)


def is_same_version(record: VerdictRecord, kibana: StackVersion, elasticsearch: StackVersion) -> bool:
    """Whether a verdict was reached on the versions of a stack, whatever their patch releases."""
    theirs = (StackVersion.parse(record.kibana), StackVersion.parse(record.elasticsearch))
    return all(
        (one.major, one.minor) == (other.major, other.minor)
        for one, other in zip(theirs, (kibana, elasticsearch), strict=True)
    )


def _against(evidence: Evidence, code: str, message: str, hint: str) -> Issue:
    return Issue(code, Level.ERROR, message, evidence.name, hint=hint or None)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


# -- approvals: a file of the repository that says who approves of which exact content -------------------------------

type Approvals = dict[tuple[str, str], tuple[str, ...]]
"""(hunt folder, digest of its content) -> who approves, each once, sorted."""


def read_approvals(root: Path, name: str) -> Approvals:
    """The approvals of a file; {} where there is none yet. Raises InputError for one that is malformed."""
    path = root / name
    if not path.exists():
        return {}
    document = read_yaml(read_text(path, shown=name), source=name, kind=ApprovalsFile)
    if document.issues:
        raise InvalidFile(document)
    found: dict[tuple[str, str], set[str]] = {}
    for item in document.value.approvals:
        found.setdefault((item.rule, item.digest), set()).add(item.by)
    return {key: tuple(sorted(people)) for key, people in found.items()}
