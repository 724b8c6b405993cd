"""The attestation of a promotion: one document that says what was promoted and what speaks for it.

It is written before the push as an intention, and after it as what was done, with the rules that were written, signed
where the target names a key. An intention that stays open is completed by the next promotion.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from entra_deployer.core.errors import DeployError, ExitCode, InputError, Location, SecretError
from entra_deployer.core.files import read_bytes
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import DoesNotFit, Json, canonical, decode, decode_json
from entra_deployer.core.signing import Signature, fingerprint, problem_of_signature, public_key_of, sign
from entra_deployer.objects.rule_fields import rule_digest
from entra_deployer.objects.state import RULE
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Outcome, Plan
from entra_deployer.plan.report import Report
from entra_deployer.plan.serial import plan_to_json
from entra_deployer.stack.environments import trusted_keys
from entra_deployer.verify.records import VerdictRecord, record_to_json

ATTESTATION_FORMAT = 1
INTENDED = "intended"
DONE = "done"
ABANDONED = "abandoned"
NOT_SIGNED = "DEP389"
NOT_KEPT = "DEP391"


@dataclass(frozen=True)
class Stack:
    """An environment as it was, with the versions of its servers."""

    environment: str
    kibana: str
    elasticsearch: str
    licence: str  # the key of its documents


@dataclass(frozen=True)
class AttestedRule:
    """What speaks for a rule: `content` is the digest of its hunt's folder, `rule` that of the rule as it was written.

    `in_source_since` is ISO 8601 in UTC, "" where no push is known that brought it there.
    """

    rule_id: str
    name: str
    folder: str
    content: str
    rule: str
    verdicts: tuple[VerdictRecord, ...] = ()
    in_source_since: str = ""
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attestation:
    """The document. `at` is ISO 8601 in UTC, `plan` the digest of the plan that was promoted, `state` how far it came.

    `signature` is over all the rest, None where nobody signed.
    """

    format_version: int
    at: str
    by: str
    commit: str
    source: Stack
    target: Stack
    gates: Mapping[str, Json]
    rules: tuple[AttestedRule, ...]
    plan: str
    state: str = DONE
    signature: Signature | None = None

    def to_json(self) -> dict[str, Json]:
        """As it is kept; `read_attestation` reads an equal one."""
        rules = [
            {**asdict(rule), "verdicts": [record_to_json(one) for one in rule.verdicts]}
            | {"approved_by": list(rule.approved_by)}
            for rule in self.rules
        ]
        found = {**asdict(self), "gates": dict(self.gates), "rules": rules}
        return {name: value for name, value in found.items() if name != "signature" or value}


def read_attestation(document: Json, place: str) -> Attestation:
    """A document as an attestation. Raises InputError, with its place, for what is none."""
    try:
        found = decode(document, Attestation)
    except DoesNotFit as error:
        hint = "somebody else wrote it, or it is broken"
        raise InputError(f"it is not an attestation: {error}", location=Location(place), hint=hint) from error
    if found.format_version > ATTESTATION_FORMAT:
        message = f"an attestation of format {found.format_version}: this version reads {ATTESTATION_FORMAT}"
        raise InputError(message, location=Location(place), hint="take a newer version of deploy")
    return found


@dataclass(frozen=True)
class Evidence:
    """What speaks for one rule: its content, its verdicts, since when it stands in the source, who approved it.

    `verdicts` holds the one of the source's stack and, where the target's is of another version, one of that.
    """

    rule_id: str
    name: str
    folder: str
    content: str
    verdicts: tuple[VerdictRecord, ...] = ()
    since: str = ""
    approved_by: tuple[str, ...] = ()

    def attested(self, rule: str) -> AttestedRule:
        """The same in an attestation; `rule` is the digest of the rule that is written."""
        return AttestedRule(
            *(self.rule_id, self.name, self.folder, self.content, rule, self.verdicts, self.since, self.approved_by)
        )


@dataclass(frozen=True)
class Promotion:
    """The outcome of a promotion: what speaks for it, what against it (issues of level error), the plan or push.

    `attestation` is the document, None where the promotion was refused or there was nothing to promote.
    """

    source: str
    target: str
    report: Report
    evidence: tuple[Evidence, ...] = ()
    issues: tuple[Issue, ...] = ()
    attestation: Json = None

    @property
    def errors(self) -> tuple[Issue, ...]:
        """What stands against it."""
        return tuple(issue for issue in (*self.issues, *self.report.issues) if issue.level is Level.ERROR)

    @property
    def refused(self) -> bool:
        """Whether something stands against it."""
        return bool(self.errors)


def intend(promotion: Promotion, source: Connection, target: Connection, *, at: str, commit: str) -> Attestation:
    """What is going to be promoted, not signed yet."""
    plan = promotion.report.plan or Plan(promotion.target, ())
    rules = {c.key: rule_digest(c.desired.payload) for c in plan.changes if c.kind == RULE and c.desired}
    return Attestation(
        format_version=ATTESTATION_FORMAT,
        at=at,
        by=target.elastic.whoami(),
        commit=commit,
        source=_stack(source),
        target=_stack(target),
        gates=asdict(target.environment.gates),
        rules=tuple(one.attested(rules[one.rule_id]) for one in promotion.evidence),
        plan=f"sha256:{hashlib.sha256(canonical(plan_to_json(plan)).encode()).hexdigest()}",
        state=INTENDED,
    )


def _stack(connection: Connection) -> Stack:
    environment = connection.environment.name
    return Stack(environment, str(connection.version), str(connection.elastic.version()), connection.license)


@dataclass
class Attestor:
    """Keeps what promotions to a target rest on; `issues` tell what could not be kept."""

    target: Connection
    issues: list[Issue] = field(default_factory=list)

    def against(self) -> Iterator[Issue]:
        """What stands against a promotion that has to be attested. Raises SecretError for a key that is not set."""
        environment = self.target.environment
        if environment.signing_key == "":
            raise SecretError(f"the signing_key of {environment.name} is not set", hint="it signs promotions to there")
        if environment.gates.signed and environment.signing_key is None:
            message, hint = "gates.signed asks for a signature, and no signing_key is named", "{variable: NAME}"
            yield self._error(NOT_SIGNED, message, f"name one: signing_key: {hint}")
        if environment.signing_key and environment.trusted_keys:
            mine = fingerprint(public_key_of(environment.signing_key))
            if mine not in {fingerprint(pem) for pem in environment.trusted_keys}:
                message = f"the signing_key ({mine}) is none of trusted_keys: nobody could verify the attestation"
                yield self._error(NOT_SIGNED, message, "add its public key to trusted_keys")
        yield from self.unkept()

    def unkept(self) -> Iterator[Issue]:
        """That a signed attestation would stay on this machine alone, which is no keeping."""
        if self.target.environment.gates.signed and tuple(self.target.journal.issues):
            message = "gates.signed asks for an attestation that is kept, and this key may not write the ledger"
            yield self._error(NOT_KEPT, message, "give it the privileges read and write on entra-deployer-ledger")

    def attest(self, intention: Attestation, report: Report) -> Json:
        """The attestation of what a push has done; while it is not known of each rule, the intention stays."""
        if not report.count(Outcome.FAILED):
            return self._complete(intention, _promoted(report))
        message = "what failed may have arrived all the same: the attestation is completed by the next run"
        hint = "run the same promotion again"
        self.issues.append(Issue(NOT_KEPT, Level.WARNING, message, self.target.environment.name, hint=hint))
        return None

    def complete_older(self) -> Json:
        """Complete the attestations of promotions that died before they could say what they did; the last of them."""
        document, where = None, f"the ledger of {self.target.environment.name}"
        kept = [one for one in self.target.journal.attestations() if one.get("state") == INTENDED]
        for intention in [read_attestation(one, where) for one in kept]:
            if self.target.environment.signing_key == "":
                list(self.against())
            standing = {
                live.object.key: rule_digest(live.object.payload)
                for space in self.target.environment.spaces
                for live in self.target.rules(space).by_key([rule.rule_id for rule in intention.rules])
            }
            document = self._complete(intention, standing)
        return document

    def _complete(self, intention: Attestation, promoted: Mapping[str, str]) -> Json:
        """Write what was done; where that fails the rules are there, and the next run completes it.

        `promoted` are the digests of the rules that stand in the target now, by rule_id: those are listed. Where
        nothing was done it is abandoned.
        """
        rules = tuple(rule for rule in intention.rules if promoted.get(rule.rule_id) == rule.rule)
        document = replace(intention, rules=rules, state=DONE if rules else ABANDONED).to_json()
        if key := self.target.environment.signing_key:
            document = sign(document, key)
        try:
            self.target.journal.remember_attestation(document)
        except DeployError as error:
            message = f"the rules are there, but their attestation could not be kept: {error.message}"
            hint = "run the same promotion again: it completes the attestation"
            self.issues.append(self._error(NOT_KEPT, message, hint))
            return None
        return document if rules else None

    def _error(self, code: str, message: str, hint: str) -> Issue:
        return Issue(code, Level.ERROR, message, self.target.environment.name, hint=hint)


def _promoted(report: Report) -> dict[str, str]:
    """The digests of the rules that a push wrote, by rule_id."""
    return {
        result.change.key: rule_digest(result.change.desired.payload)
        for result in report.results
        if result.outcome is Outcome.APPLIED and result.change.kind == RULE and result.change.desired
    }


# -- one that somebody has -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttestationCheck:
    """What became of looking at an attestation: `problem` says why it does not hold, "" where it does.

    `environment` is the one whose keys it was held against, `signed_by` the key that its signature names.
    """

    source: str
    environment: str
    attestation: Attestation
    signed_by: str = ""
    problem: str = ""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The problem as an issue."""
        told = Issue(NOT_SIGNED, Level.ERROR, self.problem, self.environment, Location(self.source))
        return (told,) if self.problem else ()

    @property
    def code(self) -> ExitCode:
        """0 where it holds, 2 where it does not."""
        return ExitCode.DIFFERENT if self.problem else ExitCode.OK


def check_attestation(root: Path, path: Path) -> AttestationCheck:
    """Hold a file against the keys that the environment trusts which it was made for. Asks no server.

    Raises InputError for a file that is no attestation, and where there is no key to hold it against.
    """
    shown = str(path)
    try:
        document = decode_json(read_bytes(path, shown=shown), dict[str, Json])
    except DoesNotFit as error:
        raise InputError(f"it is not an attestation: {error}", location=Location(shown)) from error
    found = read_attestation(document, shown)
    environment = found.target.environment
    if not (trusted := trusted_keys(root, environment)):
        hint = f"name PEM files: trusted_keys: [keys/{environment}.pem]"
        raise InputError(f"deploy/{environment}.yaml names no trusted_keys to verify it by", hint=hint)
    return AttestationCheck(
        source=shown,
        environment=environment,
        attestation=found,
        signed_by=fingerprint(found.signature.public_key) if found.signature else "",
        problem=problem_of_signature(document, trusted) or _unfinished(found),
    )


def _unfinished(found: Attestation) -> str:
    return "" if found.state == DONE else f"it says {found.state!r}, not that anything was promoted"
