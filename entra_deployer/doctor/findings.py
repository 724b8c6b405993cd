"""What the facts about an environment mean for pushing to it and for the rules that run there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from entra_deployer import facts
from entra_deployer.core.issue import Issue
from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import say_duration
from entra_deployer.stack.privileges import LEDGER, VERIFY
from entra_deployer.stack.search import Grade, Identity, License, SourceField

SOON = timedelta(days=30)
"""A key or license that ends earlier is worth a warning."""
_SKEW_NOTICED = 10.0
_SKEW_HARMFUL = 120.0
"""Seconds: a rule that looks back a few minutes misses events by then."""
_STALE = timedelta(days=1)
_ROLE_HINT = "`deploy doctor --role` prints the least role"


class Health(StrEnum):
    """ok: as it should be; warning: not all works, or not for long; error: no push works, or rules will not run."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `about` names it in a word or two, `hint` is the next step where it is not ok."""

    about: str
    health: Health
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Examination:
    """All that was looked at in one environment, in the order of looking. `stack` says where that is."""

    environment: str
    findings: tuple[Finding, ...] = ()
    issues: tuple[Issue, ...] = ()
    stack: str = ""

    def count(self, health: Health) -> int:
        """How many findings are of one health."""
        return sum(finding.health is health for finding in self.findings)


def judge_versions(kibana: StackVersion, elastic: StackVersion) -> Finding:
    """Do both servers belong together, and do we know them?"""
    both = f"Kibana {kibana}, Elasticsearch {elastic}"
    if kibana.major > facts.NEWEST_MAJOR:
        hint = f"{facts.OLDEST.major}.{facts.OLDEST.minor} to {facts.NEWEST_MAJOR}.x are known: update this tool"
        return Finding("versions", Health.WARNING, f"{both}: newer than this tool", hint)
    if (kibana.major, kibana.minor) == (elastic.major, elastic.minor):
        return Finding("versions", Health.OK, both)
    newer = (kibana.major, kibana.minor) > (elastic.major, elastic.minor)
    hint = "update Elasticsearch first" if newer else f"rules are compiled for {kibana}; update Kibana as well"
    return Finding("versions", Health.WARNING, f"{both} do not agree", hint)


def judge_license(license_: License, version: StackVersion, now: datetime) -> Finding:
    """Is it in force, for how long, and can repeats of an alert be suppressed under it?"""
    if not license_.active:
        return Finding("license", Health.ERROR, f"{license_.type} has expired", "renew it under Stack Management")
    left = license_.expires - now if license_.expires else None
    if left is not None and left < SOON:
        hint = "without it alert suppression and connectors stop"
        return Finding("license", Health.WARNING, f"{license_.type}, it ends in {_days(left)}", hint)
    suppresses = license_.type in facts.SUPPRESSING_LICENSES and facts.SUPPRESSION.holds(version)
    more = "" if suppresses else ": no alert suppression, so rules that aggregate wait or repeat"
    return Finding("license", Health.OK, f"{license_.type}{more}")


def judge_clock(server: str, seconds: float) -> Finding:
    """`seconds` is how far a server's clock is ahead of ours."""
    about, off = "clock", abs(seconds)
    if off < _SKEW_NOTICED:
        return Finding(about, Health.OK, f"{server} agrees with this machine")
    way = "ahead of" if seconds > 0 else "behind"
    if off < _SKEW_HARMFUL:
        message = f"{server} is {say_duration(round(off))} {way} this machine"
        return Finding(about, Health.WARNING, message, "let both follow a time server")
    message = f"{server} is {say_duration(round(off / 60) * 60)} {way} this machine"
    return Finding(about, Health.ERROR, message, "let both follow a time server: the windows of rules are wrong")


def judge_identity(who: Identity, now: datetime) -> Finding:
    """Who we are to Kibana: rules stop when the API key that pushed them dies."""
    if not who.key_id:
        roles = f" ({', '.join(who.roles)})" if who.roles else ""
        return Finding(
            "key", Health.OK, f"user {who.user}{roles}: Kibana makes a key for each rule, which does not expire"
        )
    name = f"API key {who.key_name or who.key_id} of {who.user}"
    if who.expires is None:
        return Finding("key", Health.OK, f"{name}, it does not expire")
    left = who.expires - now
    if left >= SOON:
        message = f"{name}, valid until {who.expires:%Y-%m-%d}; the rules that it pushed stop then"
        return Finding("key", Health.OK, message)
    hint = "rules stop when the key that pushed them dies: push once with a new key, better one that does not expire"
    return Finding("key", Health.WARNING, f"{name} expires in {_days(left)}", hint)


def judge_encryption(*, has_key: bool) -> Finding:
    """Kibana stores the keys of rules encrypted, or makes no rules."""
    if has_key:
        return Finding("encryption", Health.OK, "Kibana can store the keys of rules")
    hint = "set xpack.encryptedSavedObjects.encryptionKey in kibana.yml"
    return Finding("encryption", Health.ERROR, "Kibana has no encryption key and makes no rules", hint)


def judge_spaces(wanted: Sequence[str], visible: Sequence[str]) -> list[Finding]:
    """One finding a space."""
    hint = "create it in Kibana, or let the key see it; spaces go by their ids"
    return [
        Finding("space", Health.OK, f"{space} is there")
        if space in visible
        else Finding("space", Health.ERROR, f"there is no space {space}, or this key may not see it", hint)
        for space in wanted
    ]


def judge_features(space: str, wanted: Mapping[str, Sequence[str]], held: frozenset[str]) -> Finding:
    """`wanted` are the things to be done in Kibana and the privileges of which one is enough for each."""
    lacking = {about: names for about, names in wanted.items() if not held.intersection(names)}
    if not lacking:
        return Finding("kibana", Health.OK, f"may write {', '.join(wanted)} in the space {space}")
    told = ", ".join(f"{about} ({names[0]})" for about, names in lacking.items())
    return Finding("kibana", Health.ERROR, f"lacks in the space {space}: {told}", _ROLE_HINT)


def judge_source(pattern: str, lacking: Sequence[str]) -> Finding:
    """May what a rule reads be read? `lacking` are privileges in the form "read on logs-*"."""
    if not lacking:
        return Finding("source", Health.OK, f"may read {pattern}")
    hint = f"a rule runs with the privileges of the key that pushed it; {_ROLE_HINT}"
    return Finding("source", Health.ERROR, f"lacks {', '.join(lacking)}", hint)


def judge_remote(pattern: str) -> Finding:
    """A pattern on another cluster cannot be asked for."""
    return Finding("source", Health.WARNING, f"{pattern} is on another cluster: not looked at", "try a rule's preview")


def judge_data(pattern: str, newest: datetime | None, now: datetime, *, exists: bool) -> Finding:
    """Are there events, and new ones? `newest` is the time of the newest."""
    if not exists:
        hint = "install the integration, or correct FROM; rules on it warn at each run until then"
        return Finding("data", Health.WARNING, f"there is no index {pattern}", hint)
    if newest is None:
        return Finding("data", Health.WARNING, f"{pattern} holds no events yet", "look at the agent that ships them")
    age = now - newest
    if age > _STALE:
        hint = "look at the agent that ships them"
        return Finding("data", Health.WARNING, f"{pattern}: the newest event is {_days(age)} old", hint)
    return Finding("data", Health.OK, f"{pattern}: the newest event is {_days(age)} old")


def judge_fields(pattern: str, fields: Sequence[SourceField]) -> Finding:
    """Does the source have what the rules that read it need, each field once, and of the type that they need."""
    by_grade = {grade: [one for one in fields if one.grade is grade] for grade in Grade}
    parts = [f"{pattern}: {len(by_grade[Grade.MAPPED])} of {len(fields)} fields as the rules need them"]
    parts += (
        f"{grade.value}: {', '.join(_field(one) for one in by_grade[grade])}"
        for grade in Grade
        if by_grade[grade] and grade is not Grade.MAPPED
    )
    message = "; ".join(parts)
    if any(one.grade is Grade.ABSENT or "," in one.found for one in fields):
        hint = "Elasticsearch refuses a query with a column that has no type, or several: its rule fails in each run"
        return Finding("fields", Health.ERROR, message, hint)
    if len(by_grade[Grade.MAPPED]) < len(fields):
        hint = "where a field is not mapped it is null; `deploy verify` tries the rules on the types that are there"
        return Finding("fields", Health.WARNING, message, hint)
    return Finding("fields", Health.OK, message)


def _field(one: SourceField) -> str:
    match one.grade:
        case Grade.OTHER_TYPE:
            return f"{one.name} ({one.found}{f', not {one.wanted}' if one.wanted else ''})"
        case Grade.PARTLY_MAPPED:
            return f"{one.name} (not in {len(one.unmapped_in)} of {one.indices} indices)"
    return one.name


def judge_ledger(lacking: Sequence[str]) -> Finding:
    """Without it the journal is kept on one machine, and nothing parts two pushes."""
    if not lacking:
        return Finding("ledger", Health.OK, f"may write {LEDGER}")
    hint = f"the journal goes to files of this machine and a push needs --no-lock; {_ROLE_HINT}"
    return Finding("ledger", Health.WARNING, f"lacks {', '.join(lacking)}", hint)


def judge_verification(environment: str, lacking: Sequence[str]) -> Finding:
    """What `deploy verify` needs to seed its events here and to read what the preview made of them."""
    if not lacking:
        return Finding("verify", Health.OK, f"may seed events in {VERIFY} and read previews")
    hint = f"`deploy verify --on {environment}` needs it, a push does not; {_ROLE_HINT}"
    return Finding("verify", Health.WARNING, f"lacks {', '.join(lacking)}", hint)


def judge_plan(blockers: Sequence[Issue], changes: int) -> list[Finding]:
    """What a push would do now: one finding for each thing that blocks it, or how many objects it would write."""
    if not blockers:
        message = f"a push would change {changes} object{'s' if changes != 1 else ''}" if changes else "nothing to push"
        return [Finding("plan", Health.OK, message)]
    return [
        Finding("plan", Health.ERROR, f"a push is blocked: {issue.message}", issue.hint or "`deploy plan` tells more")
        for issue in blockers
    ]


def not_looked_at(about: str, why: str, health: Health = Health.WARNING) -> Finding:
    """What could not be asked, and why."""
    return Finding(about, health, f"not looked at: {why}")


def judge_hunts(readable: int, broken: int) -> Finding:
    """What the privileges are asked for."""
    if broken:
        message = f"{broken} errors in the hunts: what those rules need is not looked at"
        return Finding("hunts", Health.WARNING, message, "`deploy check` tells them")
    return Finding("hunts", Health.OK, f"{readable} rule{'s' if readable != 1 else ''} to run here")


def _days(left: timedelta) -> str:
    """A length of time in its largest unit, rounded down."""
    seconds = max(0, int(left.total_seconds()))
    for size in (86400, 3600, 60):
        if seconds >= size:
            return say_duration(seconds // size * size)
    return say_duration(seconds)
