"""Detection rules: who owns which field, how two of them differ, how they are found, read, written and removed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import batched
from typing import TYPE_CHECKING

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json, as_list, as_mapping, as_mappings, as_texts, differing, same, shared
from entra_deployer.core.target import StackVersion
from entra_deployer.data import load_knowledge
from entra_deployer.facts import RULES_FEATURE
from entra_deployer.objects.kind import Mark, Merged, OwnerOf, Standing, Wanted, import_by_parts, plain_text
from entra_deployer.objects.rule_fields import (
    COUNTED,
    KEPT_ALWAYS,
    REPEATED,
    RULE_FIELDS,
    SERVER_SET,
    WITNESS,
    Owner,
    is_as_pushed,
    is_default,
    is_witnessed,
    with_witness,
    witness_of,
)
from entra_deployer.objects.state import RULE, FieldDiff, FieldKept, LiveObject, StateObject
from entra_deployer.stack.answers import BulkAction, RuleBody, RulePage, RulePreviewed, RulesImported

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient

_API = "/api/detection_engine/rules"
_PAGE = 1000
"""Rules of one answer, which takes Kibana some 0.3 s and 1 to 10 MB."""
_DEEPEST = 10_000
"""Rules up to which Kibana pages."""
_OLDEST_FIRST = {"sort_field": "created_at", "sort_order": "asc"}
_FILTER_CHARACTERS = 3000
_BULK = 100
_PAIRS = ({"timeline_id", "timeline_title"},)
"""Fields of which Kibana takes none without the other."""

LIVE_OWNED = "owned by the live stack"
ANALYSTS = "an analyst's own"


class RuleKind:
    """ES|QL detection rules. Our fields win over what stands, but for those that the live stack owns."""

    name = RULE
    words = "rule"
    shared = False
    named_once = True
    feature = RULES_FEATURE

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> "RuleHandler":
        """The rules of a space."""
        return RuleHandler(client, space, version)

    def fields(self, payload: Mapping[str, Json]) -> Mapping[str, Json]:
        """All but what the server keeps for itself."""
        return {name: value for name, value in payload.items() if name not in KEPT_ALWAYS}

    def same(self, path: str, one: Json, other: Json) -> bool:
        """Whether two values say the same: a default is as good as none, and of a query its line ends mean nothing."""
        if same(one, other) or (is_default(path, one) and is_default(path, other)):
            return True
        return same(_comparable(path, one), _comparable(path, other))

    def difference(self, existing: StateObject, desired: StateObject) -> tuple[FieldDiff, ...]:
        """The fields in which two rules differ."""
        before, after = existing.payload, desired.payload
        if before is after:
            return ()
        names = differing(before, after, after.keys() - KEPT_ALWAYS)
        names += before.keys() - after.keys() - KEPT_ALWAYS
        differ = [name for name in names if not self.same(name, before.get(name), after.get(name))]
        return tuple(FieldDiff(name, before.get(name), after.get(name)) for name in sorted(differ))

    def merge(self, desired: StateObject, live: StateObject, base: StateObject | None, owner: OwnerOf) -> Merged:
        """Ours, but for the fields that the live stack owns, those that we know nothing of, and an analyst's tags."""
        payload = dict(desired.payload)
        kept: list[FieldKept] = []
        for name, value in sorted(live.payload.items()):
            if name in KEPT_ALWAYS or name not in RULE_FIELDS:
                payload.setdefault(name, value)
            elif _owner(owner, name) is Owner.LIVE and not self.same(name, value, payload.get(name)):
                payload[name] = value
                kept.append(FieldKept(name, value, LIVE_OWNED))
        for name in [name for name in payload if name not in live.payload]:
            if _owner(owner, name) is Owner.LIVE and not is_default(name, payload[name]):
                kept.append(FieldKept(name, None, LIVE_OWNED))
                del payload[name]
        payload["tags"], extra = _tags(desired, live, base)
        if extra:
            kept.append(FieldKept("tags", extra, ANALYSTS))
        final = with_witness(payload) if witness_of(desired.payload) else payload
        return Merged(StateObject(desired.kind, desired.key, desired.name, final), tuple(kept))

    def ours(self, final: StateObject, kept: Iterable[FieldKept]) -> StateObject:
        """The rule without an analyst's tags, and without what the server counts."""
        theirs = {tag for one in kept if one.path == "tags" for tag in as_texts(one.existing)}
        counted = final.payload.keys() & COUNTED
        if not theirs and not counted:
            return final
        payload = {name: value for name, value in final.payload.items() if name not in counted}
        if theirs:
            payload["tags"] = [tag for tag in as_texts(payload["tags"]) if tag not in theirs]
        return StateObject(final.kind, final.key, final.name, payload)

    def was_pushed(self, live: StateObject) -> bool | None:
        """Whether its witness names its own rule_id. None for one without a witness: the UI drops it at an edit."""
        witness = witness_of(live.payload)
        if not witness:
            return None
        return witness.get("rule_id") == live.key or is_as_pushed(live.payload)

    def is_as_pushed(self, live: StateObject, path: str = "") -> bool | None:
        """What the digest says of the whole rule, or of a field that is in it."""
        if path and not is_witnessed(path):
            return None
        return is_as_pushed(live.payload)


def _owner(owner: OwnerOf, name: str) -> Owner:
    if said := owner(name):
        return Owner(said)
    known = RULE_FIELDS.get(name)
    return known.owner if known else Owner.LIVE


def _tags(desired: StateObject, live: StateObject, base: StateObject | None) -> tuple[Sequence[str], list[str]]:
    """Our tags and, behind them, those that an analyst added; in the live order where nothing else differs."""
    ours = as_texts(desired.payload.get("tags"))
    standing = as_texts(live.payload.get("tags"))
    pushed = as_texts(base.payload.get("tags")) if base else ()
    extra = [tag for tag in standing if tag not in ours and tag not in pushed]
    final = [*ours, *extra]
    return (standing if sorted(final) == sorted(standing) else final), extra


def _comparable(name: str, value: Json) -> Json:
    """Without what means nothing: an action's own id, the order of tags, line ends and white space around a query.

    The server gives the first; a text field of a browser makes the last.
    """
    if name == "actions" and isinstance(value, list):
        return [{key: inner for key, inner in action.items() if key != "uuid"} for action in as_mappings(value)]
    if name == "query" and isinstance(value, str):
        return plain_text(value)
    if name == "tags" and isinstance(value, list):
        return sorted(as_texts(value))
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


# -- the API -----------------------------------------------------------------------------------------------------------


class RuleHandler:
    """The detection rules of one space of one Kibana."""

    deletes_at_once = _BULK

    def __init__(self, client: "KibanaClient", space: str, version: StackVersion) -> None:
        self.client = client
        self._space = space
        self._version = version

    # -- reading ------------------------------------------------------------------------------------------------------

    def marked(self, mark: Mark) -> list[LiveObject]:
        """Every rule that bears our tag."""
        return list(self._find(f"alert.attributes.tags: {_quoted(mark.tag)}"))

    def by_key(self, keys: Iterable[str]) -> list[LiveObject]:
        """The rules with these rule_ids: none, one, or (after a race of equal creates) several for one."""
        wanted = set(keys)
        found = self._find_any("alert.attributes.params.ruleId", wanted)
        return [live for live in found if live.object.key in wanted]

    def by_name(self, names: Iterable[str]) -> list[LiveObject]:
        """The rules of exactly these names, whoever made them."""
        wanted = set(names)
        return [live for live in self._find_any("alert.attributes.name", wanted) if live.object.name in wanted]

    def of_type(self, kind: str) -> list[LiveObject]:
        """Every rule of a type ("esql"), whoever made it, the oldest first."""
        return list(self._find(f"alert.attributes.params.type: {_quoted(kind)}"))

    def look(self, mark: Mark, wanted: Wanted, *, many: bool = False) -> Standing:
        """Our rules, and those without our mark that have one of these rule_ids or names, in one go.

        Where no filter could name all of them, everybody's rules are read, in large pages: before it is known which
        ones are wanted, where there are `many`.
        """
        found = self._everybodys(mark) if many else None
        keys, names = map(set, wanted())
        if found is None:
            kql = _any_of(mark, keys, names)
            found = list(self._find(kql)) if len(kql) <= _FILTER_CHARACTERS else self._everybodys(mark)
        return Standing(
            tuple(live for live in found if mark.tag in as_list(live.object.payload.get("tags"))),
            tuple(live for live in found if live.object.key in keys),
            tuple(live for live in found if live.object.name in names),
        )

    def _everybodys(self, mark: Mark) -> list[LiveObject]:
        """All rules of the space; in two halves where Kibana does not page as far as its end."""
        first = self._page("", 1)
        if first.total <= _DEEPEST:
            return list(self._find("", first))
        ours = f"alert.attributes.tags: {_quoted(mark.tag)}"
        return [*self._find(ours), *self._find(f"not {ours}")]

    def read(self, object_id: str) -> LiveObject | None:
        """One rule by Kibana's own id, read in real time; None where it is gone."""
        try:
            answer = self.client.get(_API, RuleBody, space=self._space, params={"id": object_id})
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return _live(answer)

    def _find_any(self, field: str, values: Iterable[str]) -> Iterator[LiveObject]:
        """Rules in which `field` is any of `values`, asked in filters short enough for a URL."""
        some: list[str] = []
        for value in [*sorted(values), None]:
            if some and (value is None or sum(map(len, some)) + len(value) > _FILTER_CHARACTERS):
                yield from self._find(f"{field}: ({' or '.join(some)})")
                some = []
            if value is not None:
                some.append(_quoted(value))

    def _find(self, kql: str, first: RulePage | None = None) -> Iterator[LiveObject]:
        """The rules that a filter finds, "" for all; `first` is their first page where that was read."""
        page = 1
        seen: set[str] = set()
        while True:
            answer = first if first and page == 1 else self._page(kql, page)
            first = None  # a page is let go once its rules are told
            for rule in answer.data:
                if rule.read["id"] not in seen:
                    seen.add(rule.read["id"])
                    yield _live(rule)
            if page * _PAGE >= answer.total or not answer.data:
                return
            page += 1

    def _page(self, kql: str, page: int) -> RulePage:
        params: dict[str, str | int] = {"per_page": _PAGE, "page": page, **_OLDEST_FIRST}
        if kql:
            params["filter"] = kql
        return self.client.get(f"{_API}/_find", RulePage, space=self._space, params=params)

    # -- writing ------------------------------------------------------------------------------------------------------

    def create(self, objects: Sequence[StateObject]) -> dict[str, str]:
        """Import new rules; what failed, by key. An answer of 200 says nothing: the caller reads back."""
        return import_by_parts(
            objects,
            lambda some: self._import([one.payload for one in some], overwrite=False),
            lambda some: [live.object.key for live in self.by_key(one.key for one in some)],
        )

    def update(self, live: LiveObject, desired: StateObject, paths: Collection[str]) -> None:
        """PATCH these fields by the server's id; PUT where one is to be unset, which a PATCH cannot say.

        What this version takes by import alone is imported over, with all that the rule has now: an import without
        actions and exceptions would take them away.
        """
        names = set(paths)
        for pair in _PAIRS:
            names |= pair if pair & names else set()
        written = {name: desired.payload.get(name, _default(name)) for name in sorted(names)}
        if witness := witness_of(desired.payload):
            written["meta"] = {**as_mapping(live.object.payload.get("meta")), WITNESS: witness}
        plain = {name: value for name, value in written.items() if self._takes(name)}
        imported = {name: value for name, value in written.items() if self._only_imported(name)}
        if any(value is None for value in plain.values()):
            whole = {**live.object.payload, **plain}
            body = {name: value for name, value in whole.items() if value is not None and self._takes(name)}
            body.pop("rule_id", None)
            self.client.put(_API, {"id": live.object_id, **body}, RuleBody, space=self._space)
        elif plain.keys() - {"meta"} or not imported:
            self.client.patch(_API, {"id": live.object_id, **plain}, RuleBody, space=self._space)
        if imported:
            self._import_over(live, imported, plain)

    def _import_over(self, live: LiveObject, imported: Mapping[str, Json], plain: Mapping[str, Json]) -> None:
        """Write fields that only an import keeps, with everything else as it is this moment."""
        now = self.read(live.object_id)
        if now is None:
            raise Refused("it was deleted in Kibana meanwhile", status=404)
        line = {"actions": [], "exceptions_list": [], **now.object.payload, **imported}
        if "meta" in plain:
            line["meta"] = plain["meta"]
        for error in self._import([line], overwrite=True).values():
            raise Refused(error, status=400)

    def delete(self, live: Sequence[LiveObject]) -> None:
        """Disable, then delete by the server's own ids."""
        for some in batched(live, _BULK):
            self.set_enabled([one.object_id for one in some if one.object.payload.get("enabled")], enabled=False)
            body = {"action": "delete", "ids": [one.object_id for one in some]}
            self.client.post(f"{_API}/_bulk_action", body, BulkAction, space=self._space)

    def set_enabled(self, object_ids: Sequence[str], *, enabled: bool) -> None:
        """Switch rules on or off by the server's own ids."""
        action = "enable" if enabled else "disable"
        for ids in batched(object_ids, _BULK):
            body = {"action": action, "ids": list(ids)}
            self.client.post(f"{_API}/_bulk_action", body, BulkAction, space=self._space)

    def preview(self, rule: Mapping[str, Json], *, timeframe_end: str, invocations: int = 1) -> RulePreviewed:
        """Start a preview and wait for it."""
        dropped = {"rule_id", "actions", "exceptions_list", "response_actions", *SERVER_SET}
        body = {name: value for name, value in rule.items() if name not in dropped}
        body |= {"invocationCount": invocations, "timeframeEnd": timeframe_end}
        return self.client.post(f"{_API}/preview", body, RulePreviewed, space=self._space)

    def _takes(self, name: str) -> bool:
        known = RULE_FIELDS.get(name)
        return known is None or known.writable(self._version)

    def _only_imported(self, name: str) -> bool:
        known = RULE_FIELDS.get(name)
        return known is not None and known.importable(self._version) and not known.writable(self._version)

    def _import(self, payloads: Sequence[Mapping[str, Json]], *, overwrite: bool) -> dict[str, str]:
        """What Kibana says against some of them, by key; "" for one that it does not name."""
        params = {"overwrite": str(overwrite).lower()}
        lines = [self._line(payload) for payload in payloads]
        answer = self.client.upload(f"{_API}/_import", lines, RulesImported, space=self._space, params=params)
        keys = {str(payload["rule_id"]) for payload in payloads}
        return {
            item.key if item.key in keys else "": item.error.message or "refused without a reason"
            for item in (*answer.errors, *answer.action_connectors_errors)
        }

    def _line(self, payload: Mapping[str, Json]) -> Json:
        """A rule as an import takes it: older versions want to be told of each required field whether it is ECS."""
        line = {
            name: value
            for name, value in payload.items()
            if (known := RULE_FIELDS.get(name)) is None or known.importable(self._version)
        }
        if not RULE_FIELDS["required_fields"].writable(self._version) and "required_fields" in line:
            ecs = load_knowledge().ecs
            line["required_fields"] = [
                {**item, "ecs": ecs.get(str(item["name"])) == item["type"]}
                for item in as_mappings(line["required_fields"])
            ]
        return line


def _live(answer: RuleBody) -> LiveObject:
    """A rule as Kibana tells it, without what Kibana adds by itself."""
    payload: dict[str, Json] = {
        name: value for name, value in answer.whole.items() if name not in SERVER_SET and value is not None
    }
    read = answer.read
    if "required_fields" in read:
        payload["required_fields"] = [{"name": one["name"], "type": one["type"]} for one in read["required_fields"]]
    payload |= shared(payload, REPEATED)
    summary = read.get("execution_summary")
    return LiveObject(
        object=StateObject(RULE, read["rule_id"], read["name"], payload),
        object_id=read["id"],
        revision=str(read.get("revision", "")),
        updated_at=read.get("updated_at", ""),
        updated_by=read.get("updated_by") or "",
        immutable=bool(read.get("immutable")),
        execution=summary.last_execution if summary else None,
        created_at=read.get("created_at", ""),
    )


def _default(name: str) -> Json:
    known = RULE_FIELDS.get(name)
    return known.default if known else None


def _any_of(mark: Mark, keys: Set[str], names: Set[str]) -> str:
    """The filter for rules with our mark, one of the rule_ids, or one of the names."""
    fields = {
        "alert.attributes.tags": {mark.tag},
        "alert.attributes.params.ruleId": keys,
        "alert.attributes.name": names,
    }
    named = (f"{field}: ({' or '.join(map(_quoted, sorted(values)))})" for field, values in fields.items() if values)
    return " or ".join(named)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
