"""One folder of rules in, Kibana rules and saved searches out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entra_deployer import facts
from entra_deployer.compiler import guide
from entra_deployer.compiler.compiled import Compiled, CompiledRule, Step, explain, rewrite_text
from entra_deployer.compiler.entities import entity_keys
from entra_deployer.compiler.executor import executor_steps, metadata_steps
from entra_deployer.compiler.identity import pinned_rule_id, rule_name, search_id
from entra_deployer.compiler.saved_search import View, saved_search
from entra_deployer.compiler.schedule import DAY, YEAR, Schedule, Wish, make_schedule, suppression
from entra_deployer.compiler.window import INGESTED, TIMESTAMP, Window, find_window
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, merge_patch, shown
from entra_deployer.core.target import StackVersion, Target, VersionRange
from entra_deployer.core.time import format_duration, say_duration
from entra_deployer.data.knowledge import Knowledge
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import key_columns, last_stats, output_columns, sources
from entra_deployer.esql.features import explain_refusal
from entra_deployer.esql.parse import UNCHECKED, Parsed, parse
from entra_deployer.esql.tree import Tree
from entra_deployer.hunts.folder import QuerySettings, RuleSettings, RuleSource
from entra_deployer.hunts.hunt import LANGUAGE, Query, esql_queries, is_behind_a_fence_word, is_esql
from entra_deployer.objects.rule_fields import RULE_FIELDS, rule_digest
from entra_deployer.objects.saved_search import content_digest
from entra_deployer.objects.state import RULE, StateObject
from entra_deployer.objects.tag import OWNER_TAG, owner_tag

type Parser = Callable[[str, StackVersion], Parsed]

MOST_SIGNALS = 1000
"""Kibana writes no alert at all, and says nothing, for a rule that asks for more in one run."""
USUAL_SIGNALS = 100
"""What Kibana takes where a rule does not say it."""


def compile_source(source: RuleSource, target: Target, knowledge: Knowledge, *, parser: Parser = parse) -> Compiled:
    """Compile each ES|QL query of a hunt for a target. Pure: the same input gives the same bytes.

    A query that does not parse is an issue of level error at its place in the hunt's file and has no rule; a hunt
    without ES|QL is a warning, at its language.
    """
    hunt = source.hunt
    if LANGUAGE not in hunt.languages:
        message = f"the hunt is written in {', '.join(hunt.languages)}: only ES|QL becomes a rule"
        return Compiled((), (_no_rule(source, message),))
    rules: list[CompiledRule] = []
    issues: list[Issue] = []
    elsewhere: dict[str, str] = {}
    for query, settings in zip(hunt.queries, source.queries, strict=True):
        if not is_esql(query.text, hunt.languages):
            issues.append(_not_esql(source, query))
            continue
        if reason := _not_for(settings.settings, target):
            elsewhere[settings.key] = reason
            issues.append(Issue("DEP007", Level.NOTE, reason, source.folder, hunt.at(query.line, query.column)))
            continue
        parsed = parser(query.text, target.version)
        issues += parse_issues(parsed, source, query, target.version)
        if parsed.tree and not parsed.refusals:
            rules.append(_Rule(source, query, settings, target, knowledge, parsed.tree).compile())
    if not esql_queries(hunt):
        issues.append(_no_rule(source, "the hunt names ES|QL, and none of its queries is"))
    return Compiled(tuple(rules), tuple(sorted(issues, key=lambda issue: issue.order)), elsewhere)


_CODES = {
    "syntax": "DEP010",
    "semantics": "DEP011",
    "version": "DEP012",
    "limit": "DEP010",
    "failure": "DEP009",
    UNCHECKED: "DEP009",
}
"""The code for each kind of problem."""


def parse_issues(parsed: Parsed, source: RuleSource, query: Query, version: StackVersion) -> list[Issue]:
    """What the parser refuses or could not read, in words for the author, at its place in the hunt's file."""
    issues = []
    for problem in parsed.problems:
        refusal = explain_refusal(problem, query.text, version)
        place = query.place(source.hunt.source, problem.line, problem.column)
        level = Level.WARNING if problem.kind == UNCHECKED else Level.ERROR
        issues.append(Issue(_CODES[refusal.kind], level, refusal.message, source.folder, place, refusal.hint))
    return issues


def _not_for(settings: RuleSettings, target: Target) -> str | None:
    """Why a rule is not for the target, by the word of its rule.yaml."""
    if settings.stack is None or VersionRange.parse(settings.stack).allows(target.version):
        return None
    return f"not for this environment: rule.yaml says stack {settings.stack}, this is {target.version}"


def _not_esql(source: RuleSource, query: Query) -> Issue:
    place = source.hunt.at(query.line, query.column)
    if is_behind_a_fence_word(query.text):
        message = "this query becomes no rule: before it stands what belongs to a code fence"
        return Issue("DEP005", Level.WARNING, message, source.folder, place, "take its first line out")
    return Issue("DEP005", Level.NOTE, "this query is not ES|QL and becomes no rule", source.folder, place)


def _no_rule(source: RuleSource, message: str) -> Issue:
    hint = "add an ES|QL query, or set the hunt aside: a folder whose name begins with _ is passed over"
    return Issue("DEP004", Level.WARNING, message, source.folder, source.hunt.at_field("language"), hint)


@dataclass(frozen=True)
class _Rule:
    """One query on its way to a rule and a saved search."""

    source: RuleSource
    query: Query
    settings: QuerySettings
    target: Target
    knowledge: Knowledge
    tree: Tree

    def compile(self) -> CompiledRule:
        window = find_window(self.tree, ingested=self._goes_by_arrival())
        keys = key_columns(self.tree)
        schedule = make_schedule(self.settings.settings, self.target, self._wish(window, keys))
        steps = [*self._window_steps(window), *metadata_steps(self.tree, self.target.version)]
        steps += executor_steps(self.tree, self.target.version)
        text = rewrite_text(self.query, steps)
        rule = self._rule(text, schedule, window)
        tag = owner_tag(self.target.space)
        search = self._search(schedule, tag, rule.name)
        return CompiledRule(
            source=self.source,
            query=self.query,
            settings=self.settings,
            rule=rule,
            search=search,
            tags=(tag,),
            key_columns=keys,
            rewrites=explain(self.query, [*steps, *self._settings_steps(schedule, rule.payload)]),
            remarks=schedule.remarks,
            edits=tuple(edit for step in steps for edit in step.edits),
            digest=rule_digest(rule.payload),
            search_digest=content_digest(search),
            read_tree=lambda: self.tree,
        )

    def _goes_by_arrival(self) -> bool:
        """Whether a rule may go by the time of ingestion: rule.yaml or the environment says it, or it is known."""
        said = (self.settings.settings.fields, self.target.overlay)
        if any(fields.get("timestamp_override") == INGESTED for fields in said):
            return True
        return self.knowledge.has_everywhere(INGESTED, sources(self.tree))

    def _wish(self, window: Window, keys: tuple[str, ...]) -> Wish:
        future = window.future and not window.end
        return Wish(
            window=window.start,
            end=-YEAR if future else window.end,
            aggregates=last_stats(self.tree) is not None,
            keys=entity_keys(keys, window.time_keys),
            recency=window.recency,
            covers=window.covers,
            baseline=window.baseline,
            bucket=window.bucket,
            fewer=_looks_for_fewer(self.tree),
            picker=window.picker,
            by_arrival=window.by_arrival,
        )

    def _window_steps(self, window: Window) -> list[Step]:
        if not window.spans and not window.edits:
            return []
        return [Step("window", window.reason, window.edits, window.spans[0].start if window.spans else 0)]

    def _settings_steps(self, schedule: Schedule, payload: Mapping[str, Json]) -> list[Step]:
        """What was decided about the rule around the query, by its effects."""
        steps = [Step("schedule", _say_schedule(schedule) + _say_patched(schedule, payload))]
        if last_stats(self.tree) is not None:
            costs = f"; {schedule.costs}" if schedule.costs else ""
            steps.append(Step("duplicates", f"duplicates: {schedule.duplicates}, because {schedule.reason}{costs}"))
        steps += [Step("remark", f"{remark.code}: {remark.message}") for remark in schedule.remarks]
        if (limit := self._limit()) and limit != USUAL_SIGNALS:
            steps.append(Step("max-signals", f"the query ends in LIMIT {limit}: a run may write as many alerts"))
        return steps

    def _limit(self) -> int | None:
        """The number of rows that the query is cut to at its end, where that says how many alerts are wanted."""
        last = next((one for one in reversed(self.tree.commands) if not isinstance(one, nodes.Sort | nodes.Keep)), None)
        return last.count if isinstance(last, nodes.Limit) else None

    def _max_signals(self) -> int:
        if self.settings.settings.max_signals is not None:
            return self.settings.settings.max_signals
        return min(max(self._limit() or USUAL_SIGNALS, USUAL_SIGNALS), MOST_SIGNALS)

    def _rule(self, text: str, schedule: Schedule, window: Window) -> StateObject:
        hunt, settings = self.source.hunt, self.settings.settings
        attack = self.knowledge.attack_for(nineteen=facts.ATTACK_19.holds(self.target.version))
        tactics = guide.tactics_of(attack, hunt.mitre, settings.tactics)
        rule_id, name = pinned_rule_id(hunt, self.settings), rule_name(hunt, self.settings)
        payload: dict[str, Json] = {
            "rule_id": rule_id,
            "type": "esql",
            "language": "esql",
            "name": name,
            "description": settings.description or hunt.description,
            "query": text,
            "severity": settings.severity,
            "risk_score": settings.risk_score,
            "enabled": self.target.enabled if settings.enabled is None else settings.enabled,
            "tags": guide.tags(hunt, self.tree, tactics, settings.tags, OWNER_TAG),
            **_times(schedule),
            "max_signals": self._max_signals(),
            "author": [hunt.author] if hunt.author else [],
            "license": hunt.license,
            "references": list(hunt.references),
            "false_positives": list(settings.false_positives),
            "note": guide.guide(hunt, self.query, [query for query in hunt.queries if query != self.query]),
            "setup": settings.setup or "",
            "threat": guide.threat(attack, hunt.mitre, settings.tactics),
            "related_integrations": guide.related_integrations(hunt, self.tree, self.knowledge),
            "required_fields": guide.required_fields(self.tree, self.knowledge),
            "actions": [dict(action) for action in settings.actions],
            "exceptions_list": [{"list_id": list_id} for list_id in settings.exceptions],
        }
        if looked_at := guide.investigation_fields(self.tree, key_columns(self.tree), window.time_keys):
            payload["investigation_fields"] = {"field_names": looked_at}
        if window.column != TIMESTAMP:
            # the hunt's condition holds for no event without the field: such ones must not fall back to @timestamp
            payload |= {"timestamp_override": window.column, "timestamp_override_fallback_disabled": True}
        if folded := suppression(schedule):
            payload["alert_suppression"] = folded
        overlays = self.target.overlays
        own = next((overlays[one] for one in (self.source.folder, hunt.name, name) if one in overlays), {})
        patched = _patched(payload, settings.fields, self.target.overlay, own) | {"rule_id": rule_id}
        return StateObject(RULE, rule_id, str(patched["name"]), patched)

    def _search(self, schedule: Schedule, tag: StateObject, title: str) -> StateObject:
        hunt = self.source.hunt
        view = View(title, hunt.description, output_columns(self.tree), schedule.lookback or DAY)
        key = search_id(hunt, self.settings.key, self.target.space)
        return saved_search(key, self.tree, view, tag)


_REQUIRED = frozenset({"type", "language", "name", "description", "query", "severity", "risk_score"})
"""What no rule is without."""


def _patched(payload: Mapping[str, Json], *patches: Mapping[str, Json]) -> dict[str, Json]:
    """The payload with merge patches on it. Of what every rule has, a null leaves the usual: the hunt's or Kibana's."""
    patched = dict(payload)
    for patch in patches:
        patched = merge_patch(patched, patch)
    for name in payload.keys() - patched.keys():
        usual = payload[name] if name in _REQUIRED else RULE_FIELDS[name].default
        patched |= {} if usual is None else {name: usual}
    return patched


def _say_schedule(schedule: Schedule) -> str:
    if schedule.lookback <= 0:
        return f"runs every {say_duration(schedule.interval)} over events after now ({schedule.why})"
    until = f" until {say_duration(schedule.end)} ago" if schedule.end > 0 else ""
    over = f"the last {say_duration(schedule.lookback)}{until}"
    return f"runs every {say_duration(schedule.interval)} over {over} ({schedule.why})"


def _times(schedule: Schedule) -> dict[str, str]:
    """The fields of a rule that a schedule makes."""
    return {
        "interval": format_duration(schedule.interval),
        "from": schedule.start_math,
        "to": schedule.end_math,
    }


def _say_patched(schedule: Schedule, payload: Mapping[str, Json]) -> str:
    """What `fields` or an overlay made of the schedule, "" for nothing."""
    times = _times(schedule).items()
    other = [f"{name} is {shown(payload.get(name))}" for name, value in times if payload.get(name) != value]
    return f"; but by `fields` or an overlay {', '.join(other)}" if other else ""


def _looks_for_fewer(tree: Tree) -> bool:
    """Whether a condition on groups holds for small numbers: half a bucket would fulfil it."""
    stats = last_stats(tree)
    after = tree.commands[tree.commands.index(stats) + 1 :] if stats else ()
    return any(
        isinstance(node, nodes.Binary) and node.operator in ("<", "<=", "==")
        for command in after
        for node in command.walk()
    )
