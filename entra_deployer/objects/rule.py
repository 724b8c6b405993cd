"""Detection rules: how they are found, read, written and removed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import batched

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.rule_fields import RULE_FIELDS, SERVER_SET
from entra_deployer.objects.state import Kind, LiveObject, StateObject
from entra_deployer.stack.answers import BulkAction, RuleBody, RulePage, RulePreviewed, RulesImported
from entra_deployer.stack.kibana import KibanaClient

_RULES = "/api/detection_engine/rules"
_PAGE = 500
_FILTER_CHARACTERS = 3000
_BULK = 100


class RuleHandler:
    """The detection rules of one space of one Kibana."""

    kind = Kind.RULE

    def __init__(self, client: KibanaClient, space: str, version: StackVersion) -> None:
        self._client = client
        self._space = space
        self._version = version

    def marked(self, tag: str) -> list[LiveObject]:
        """Every rule that bears `tag`."""
        return list(self._find(f"alert.attributes.tags: {_quoted(tag)}"))

    def by_key(self, keys: Iterable[str]) -> list[LiveObject]:
        """The rules with these rule_ids: none, one, or (after a race of equal creates) several for one."""
        wanted = set(keys)
        found = self._find_any("alert.attributes.params.ruleId", wanted)
        return [live for live in found if live.object.key in wanted]

    def by_name(self, names: Iterable[str]) -> list[LiveObject]:
        """The rules of exactly these names, whoever made them."""
        wanted = set(names)
        return [live for live in self._find_any("alert.attributes.name", wanted) if live.object.name in wanted]

    def create(self, rules: Sequence[StateObject]) -> dict[str, str]:
        """Import new rules; what failed, by key. An answer of 200 says nothing: the caller reads back."""
        return self._import(rules, overwrite=False)

    def replace(self, rule: StateObject, fields: Collection[str]) -> None:
        """PUT the whole rule; where `fields` holds some that this version takes by import alone, import it on top."""
        body = {name: value for name, value in rule.payload.items() if self._takes(name)}
        self._client.put(_RULES, body, RuleBody, space=self._space)
        if any(self._only_imported(name) for name in fields):
            for error in self._import([rule], overwrite=True).values():
                raise Refused(error, status=400)

    def delete(self, live: Sequence[LiveObject]) -> None:
        """Disable, then delete by the server's own ids."""
        for some in batched(live, _BULK):
            self.set_enabled([one.object_id for one in some if one.object.payload.get("enabled")], enabled=False)
            ids = [one.object_id for one in some]
            body = {"action": "delete", "ids": ids}
            self._client.post(f"{_RULES}/_bulk_action", body, BulkAction, space=self._space)

    def set_enabled(self, object_ids: Sequence[str], *, enabled: bool) -> None:
        """Switch rules on or off by the server's own ids."""
        action = "enable" if enabled else "disable"
        for ids in batched(object_ids, _BULK):
            body = {"action": action, "ids": list(ids)}
            self._client.post(f"{_RULES}/_bulk_action", body, BulkAction, space=self._space)

    def preview(self, rule: Mapping[str, Json], *, timeframe_end: str, invocations: int = 1) -> RulePreviewed:
        """Start a preview and wait for it."""
        dropped = {"rule_id", "actions", "exceptions_list", "response_actions", *SERVER_SET}
        body = {name: value for name, value in rule.items() if name not in dropped}
        body |= {"invocationCount": invocations, "timeframeEnd": timeframe_end}
        return self._client.post(f"{_RULES}/preview", body, RulePreviewed, space=self._space)

    def _takes(self, name: str) -> bool:
        field = RULE_FIELDS.get(name)
        return field is None or field.writable(self._version)

    def _only_imported(self, name: str) -> bool:
        field = RULE_FIELDS.get(name)
        return field is not None and field.importable(self._version) and not field.writable(self._version)

    def _import(self, rules: Sequence[StateObject], *, overwrite: bool) -> dict[str, str]:
        lines = [self._line(rule) for rule in rules]
        params = {"overwrite": str(overwrite).lower()}
        answer = self._client.upload(f"{_RULES}/_import", lines, RulesImported, space=self._space, params=params)
        return {item.key: item.error.message for item in (*answer.errors, *answer.action_connectors_errors)}

    def _line(self, rule: StateObject) -> Json:
        """A rule as an import takes it: older versions want to be told of each required field whether it is ECS."""
        payload = {
            name: value
            for name, value in rule.payload.items()
            if (field := RULE_FIELDS.get(name)) is None or field.importable(self._version)
        }
        if not RULE_FIELDS["required_fields"].writable(self._version) and "required_fields" in payload:
            payload["required_fields"] = [{"ecs": False, **item} for item in payload["required_fields"]]
        return payload

    def _find_any(self, field: str, values: Iterable[str]) -> Iterator[LiveObject]:
        """Rules in which `field` is any of `values`, asked in filters short enough for a URL."""
        some: list[str] = []
        for value in [*sorted(values), None]:
            if some and (value is None or sum(map(len, some)) + len(value) > _FILTER_CHARACTERS):
                yield from self._find(f"{field}: ({' or '.join(some)})")
                some = []
            if value is not None:
                some.append(_quoted(value))

    def _find(self, kql: str) -> Iterator[LiveObject]:
        page = 1
        seen: set[str] = set()
        while True:
            order = {"sort_field": "created_at", "sort_order": "asc"}
            params: dict[str, str | int] = {"filter": kql, "per_page": _PAGE, "page": page, **order}
            answer = self._client.get(f"{_RULES}/_find", RulePage, space=self._space, params=params)
            for item in answer.data:
                if item["id"] not in seen:
                    seen.add(item["id"])
                    yield from_answer(item)
            if page * _PAGE >= answer.total or not answer.data:
                return
            page += 1


def from_answer(answer: Mapping[str, Json]) -> LiveObject:
    """A rule as Kibana tells it, without what Kibana adds by itself."""
    payload = {name: value for name, value in answer.items() if name not in SERVER_SET and value is not None}
    if "required_fields" in payload:
        payload["required_fields"] = [
            {"name": item["name"], "type": item["type"]} for item in payload["required_fields"]
        ]
    return LiveObject(
        object=StateObject(Kind.RULE, payload["rule_id"], payload["name"], payload),
        object_id=answer["id"],
        revision=f"{answer.get('revision', '')}/{answer.get('updated_at', '')}",
        updated_at=answer.get("updated_at", ""),
        updated_by=answer.get("updated_by", ""),
        immutable=bool(answer.get("immutable")),
        execution=(answer.get("execution_summary") or {}).get("last_execution"),
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
