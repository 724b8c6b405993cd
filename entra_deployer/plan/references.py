"""What a rule.yaml names and each environment numbers: connectors and shared exception lists."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.stack.kibana import KibanaClient

_USUAL_FREQUENCY = {"summary": True, "notifyWhen": "onActiveAlert", "throttle": None}


class Resolver:
    """Puts a space's own ids in place of names. Nothing is asked of Kibana unless a rule names something."""

    def __init__(self, client: KibanaClient, space: str, aliases: Mapping[str, str]) -> None:
        """`aliases` maps a name in rule.yaml to the connector's name in this environment."""
        self._client = client
        self._space = space
        self._aliases = aliases
        self._connectors: Mapping[str, Json] | None = None
        self._lists: dict[str, Json] = {}
        self.issues: list[Issue] = []

    def resolve(self, rule: CompiledRule) -> CompiledRule:
        """The rule with its actions and exception lists; what is missing here is in `issues`."""
        settings = rule.settings.settings
        fields: dict[str, Json] = {}
        if settings.actions:
            fields["actions"] = [found for item in settings.actions if (found := self._action(rule, item))]
        if settings.exceptions:
            fields["exceptions_list"] = self._exceptions(rule, settings.exceptions)
        if not fields:
            return rule
        return replace(rule, rule=replace(rule.rule, payload={**rule.rule.payload, **fields}))

    def named_actions(self, actions: Sequence[Mapping[str, Json]]) -> list[Json]:
        """A live rule's actions as rule.yaml says them. ValueError for one whose connector is not among the space's."""
        by_id = {one["id"]: name for name, one in self._all_connectors().items()}
        ours = {here: name for name, here in self._aliases.items()}
        named: list[Json] = []
        for action in actions:
            if action["id"] not in by_id:
                raise ValueError(f"no connector has the id {action['id']}")
            here = by_id[action["id"]]
            usual = {"group": "default", "params": {}, "frequency": _USUAL_FREQUENCY, "alerts_filter": None}
            further = {key: action.get(key) for key, value in usual.items() if action.get(key) not in (None, value)}
            named.append({"connector": ours.get(here, here), **further})
        return named

    def _all_connectors(self) -> Mapping[str, Json]:
        if self._connectors is None:
            self._connectors = self._client.connectors(self._space)
        return self._connectors

    def _action(self, rule: CompiledRule, item: Mapping[str, Json]) -> Json:
        name = str(item["connector"])
        here = self._aliases.get(name, name)
        connector = self._all_connectors().get(here)
        if not connector:
            self._missing(
                rule,
                f"there is no connector {here!r} in the space {self._space}",
                "create it there, or map its name under connectors",
            )
            return None
        further = {key: item[key] for key in ("alerts_filter",) if key in item}
        return {
            "id": connector["id"],
            "action_type_id": connector["connector_type_id"],
            "group": item.get("group", "default"),
            "params": item.get("params", {}),
            "frequency": item.get("frequency", _USUAL_FREQUENCY),
            **further,
        }

    def _exceptions(self, rule: CompiledRule, list_ids: Sequence[str]) -> list[Json]:
        found: list[Json] = []
        for list_id in list_ids:
            if list_id not in self._lists:
                self._lists[list_id] = self._client.exception_list(self._space, list_id)
            if one := self._lists[list_id]:
                found.append({name: one[name] for name in ("id", "list_id", "type", "namespace_type")})
            else:
                self._missing(
                    rule, f"there is no exception list {list_id!r} in the space {self._space}", "create it there first"
                )
        return found

    def _missing(self, rule: CompiledRule, message: str, hint: str) -> None:
        self.issues.append(Issue("DEP340", Level.ERROR, f"{rule.rule.name}: {message}", rule.folder, hint=hint))
