"""What rules need of their sources' fields against what an environment maps: the schema watch.

The measure of a type is the one that the field had at the rule's last push; where the source had no such field then, it
is the one that ECS or the integration documents, as the rule's own `required_fields` say it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from msgspec import Struct

from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import as_mappings
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.plain_sources import plain_sources
from entra_deployer.objects.state import StateObject
from entra_deployer.plan.journal import Types
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.stack.search import FieldCaps, Grade, SourceField

NO_SOURCE = "DEP330"
OTHER_TYPE = "DEP333"
PARTLY_MAPPED = "DEP334"
ABSENT = "DEP335"
NOT_TOLD = "DEP336"

_ESQL_TYPES = {
    "match_only_text": "text",
    "constant_keyword": "keyword",
    "wildcard": "keyword",
    "byte": "integer",
    "short": "integer",
    "half_float": "double",
    "float": "double",
    "scaled_float": "double",
}
"""What ES|QL takes a mapped type for; every other type it takes for itself."""
_NO_TYPES = frozenset({"object", "nested"})
_CODES = {Grade.OTHER_TYPE: OTHER_TYPE, Grade.PARTLY_MAPPED: PARTLY_MAPPED, Grade.ABSENT: ABSENT}
_HINTS = {
    Grade.OTHER_TYPE: "`deploy verify` tries the rule on the type that is there; `deploy push --accept-types` takes it",
    Grade.PARTLY_MAPPED: "there it is null, and most conditions drop a null without a word",
    Grade.ABSENT: "Elasticsearch refuses a column that no index maps: the rule fails in each run",
}
_UNREFUSED = frozenset({OTHER_TYPE, PARTLY_MAPPED, NOT_TOLD})
_MOST_NAMED = 3
_FORBIDDEN = 403


type _Asked = tuple[str, str, str | None]
"""A field, the type that is documented for it, and the one that it had at a rule's last push."""


@dataclass(frozen=True)
class Watched:
    """A rule and what its source is like. `pattern` is what it reads from, with commas.

    `caps` is None where nothing is told of the source: `refusal` says why, "" where this key may not look into it.
    `then` are the types at the rule's last push, {} where the source had none of its fields or the push is not known.
    """

    rule: StateObject
    pattern: str
    caps: FieldCaps | None
    then: Types = field(default_factory=dict)
    refusal: str = ""
    seen: dict[_Asked, SourceField] = field(default_factory=dict, compare=False, repr=False)
    """What was found of fields so far; all rules of a source share it."""

    @cached_property
    def fields(self) -> tuple[SourceField, ...]:
        """Each field that the rule requires; () where the source is not there or cannot be looked at."""
        if self.caps is None or not (self.caps.indices or self.then):
            return ()
        return tuple(self._field(name, kind) for name, kind in _required(self.rule).items())

    @property
    def types(self) -> dict[str, str]:
        """The fields that are mapped, with their types."""
        return {one.name: one.found for one in self.fields if one.found}

    def _field(self, name: str, documented: str) -> SourceField:
        asked = (name, documented, self.then.get(name))
        if asked not in self.seen:
            self.seen[asked] = self._looked_at(name, documented)
        return self.seen[asked]

    def _looked_at(self, name: str, documented: str) -> SourceField:
        caps = self.caps or FieldCaps()
        found = caps.fields.get(name)
        wanted = _esql_type(self.then.get(name, "" if documented == "unknown" else documented))
        types = _esql_type(", ".join(found.types)) if found else ""
        return SourceField(name, wanted, types, found.unmapped_in if found and types else (), len(caps.indices))


def _esql_type(types: str) -> str:
    """One type, or several with a comma between."""
    known = {kind for kind in types.split(", ") if kind and kind not in _NO_TYPES}
    return ", ".join(sorted({_ESQL_TYPES.get(kind, kind) for kind in known}))


def retyped(watched: Watched) -> dict[str, tuple[str, str]]:
    """By field, the wanted type and the one that it has now, "" for none, where they are not the same.

    A field that had no type at the push and has none now is no difference.
    """
    return {
        one.name: (one.wanted, one.found)
        for one in watched.fields
        if one.wanted not in ("", one.found) and (one.found or one.name in watched.then)
    }


# -- what is said of it ----------------------------------------------------------------------------------------------


def problems_of_rule(watched: Watched) -> list[Issue]:
    """The errors that stand against trusting a rule: fields of another type or of none, a source that is gone."""
    subject = watched.rule.name
    return [
        Issue(fault.code, fault.level, fault.message, subject, hint=fault.hint)
        for fault in _faults(watched)
        if fault.level is Level.ERROR
    ]


def warnings_of_rules(watched: Sequence[Watched], environment: str) -> list[Issue]:
    """What else there is to know: sources that are not there yet, fields that some of their indices lack."""
    told = ((fault, one.rule) for one in watched for fault in _faults(one) if fault.level is Level.WARNING)
    return _warnings(told, environment)


def issues_of_plan(watched: Sequence[Watched], written: Collection[str], environment: str) -> list[Issue]:
    """Warnings about the rules that a plan writes (`written` are their rule_ids), and of all others what has changed.

    What Elasticsearch itself refuses or misses in a query that is to be written is not told here a second time.
    """
    told = (
        (fault, one.rule)
        for one in watched
        for fault in _faults(one)
        if fault.changed or (one.rule.key in written and fault.code in _UNREFUSED)
    )
    return _warnings(told, environment)


def issues_of_sources(watched: Sequence[Watched], environment: str) -> list[Issue]:
    """Warnings about sources that are not there, or that this key may not look into."""
    return _warnings(((fault, one.rule) for one in watched for fault in _faults(one) if not fault.field), environment)


class _Fault(Struct, frozen=True):
    """What is wrong with a field ("" for the source as a whole), the same for every rule that reads it.

    `changed` says that it was not so at the last push.
    """

    code: str
    level: Level
    field: str
    message: str
    hint: str
    changed: bool = False


def _warnings(told: Iterable[tuple[_Fault, StateObject]], environment: str) -> list[Issue]:
    """One for each fault, with the names of all rules that it is about."""
    readers: dict[_Fault, set[str]] = {}
    for fault, rule in told:
        readers.setdefault(fault, set()).add(rule.name)
    return [
        Issue(
            code=fault.code,
            level=Level.WARNING,
            message=f"{fault.message}; read by {', '.join(sorted(names))}",
            subject=environment,
            hint=fault.hint,
        )
        for fault, names in readers.items()
    ]


def _faults(watched: Watched) -> Iterator[_Fault]:
    pattern = watched.pattern
    if watched.caps is None and watched.refusal:
        message = f"the fields of {pattern} could not be looked at: {watched.refusal}"
        yield _Fault(
            NOT_TOLD, Level.WARNING, "", message, "whether they are as at the last push is not known this time"
        )
    elif watched.caps is None:
        hint = f"give it the privilege view_index_metadata on {pattern}"
        message = f"this key may not look at the fields of {pattern}"
        yield _Fault(NOT_TOLD, Level.WARNING, "", message, hint)
    elif not watched.caps.indices:
        was_there = bool(watched.then)
        message = f"no data {'any more' if was_there else 'yet'}: there is no index {pattern} that this key may see"
        level = Level.ERROR if was_there else Level.WARNING
        hint = "rules find nothing there until there is one"
        yield _Fault(NO_SOURCE, level, "", message, hint, changed=was_there)
    else:
        yield from (_fault(one, watched) for one in watched.fields if one.grade is not Grade.MAPPED)


def _fault(one: SourceField, watched: Watched) -> _Fault:
    level = Level.WARNING if one.grade is Grade.PARTLY_MAPPED else Level.ERROR
    message = f"{one.name} {_said(one, watched)}"
    changed = one.name in retyped(watched)
    return _Fault(_CODES[one.grade], level, one.name, message, _HINTS[one.grade], changed=changed)


def _said(one: SourceField, watched: Watched) -> str:
    """The rest of a sentence that begins with the field's name."""
    if one.grade is Grade.PARTLY_MAPPED:
        more = len(one.unmapped_in) - _MOST_NAMED
        named = ", ".join(one.unmapped_in[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"is missing from {len(one.unmapped_in)} of {one.indices} indices of {watched.pattern} ({named})"
    is_now = f"is {one.found.replace(', ', ' and ')}" if one.found else "is not mapped"
    if one.wanted in ("", one.found) or (not one.found and one.name not in watched.then):
        return f"{is_now} in {watched.pattern}"
    before = f"was {one.wanted} at the last push" if one.name in watched.then else f"is documented as {one.wanted}"
    return f"{before} and {is_now} in {watched.pattern}"


# -- looking at them -------------------------------------------------------------------------------------------------


def watch_sources(
    elastic: ElasticClient, version: StackVersion, rules: Iterable[StateObject], then: Mapping[str, Types]
) -> list[Watched]:
    """Each rule that requires fields with what its source is like, one question for each source. Reads only.

    `then` tells by rule_id which types the fields had at the rule's last push.
    """
    by_source: defaultdict[str, list[StateObject]] = defaultdict(list)
    for rule in rules:
        if pattern := _pattern(rule, version):
            by_source[pattern].append(rule)
    found: list[Watched] = []
    for pattern, readers in by_source.items():
        caps, why = _look(elastic, pattern, sorted({name for rule in readers for name in _required(rule)}))
        seen: dict[_Asked, SourceField] = {}
        found += (Watched(rule, pattern, caps, then.get(rule.key, {}), why, seen) for rule in readers)
    return found


def _pattern(rule: StateObject, version: StackVersion) -> str:
    """What a rule reads from, "" where it requires no field of it."""
    if not rule.payload.get("required_fields"):
        return ""
    query = str(rule.payload["query"])
    found = plain_sources(query)
    if found is None:
        from entra_deployer.esql.cache import syntax_cache  # noqa: PLC0415 - loads what reads queries

        found = syntax_cache().sources(query, version)
    return ",".join(found)


def _required(rule: StateObject) -> Mapping[str, str]:
    """The fields that a rule requires, with the types that are documented for them."""
    return {str(item["name"]): str(item["type"]) for item in as_mappings(rule.payload.get("required_fields"))}


def _look(elastic: ElasticClient, pattern: str, fields: list[str]) -> tuple[FieldCaps | None, str]:
    """What is told of the fields; or None and why, "" where this key may not look."""
    try:
        return elastic.field_caps(pattern, fields), ""
    except Refused as error:
        cause = error.attributes.get("caused_by")
        # Elasticsearch answers with 403 here, too.
        if isinstance(cause, Mapping) and cause.get("type") == "no_such_remote_cluster_exception":
            return None, str(cause.get("reason"))
        return None, "" if error.status == _FORBIDDEN else error.message
