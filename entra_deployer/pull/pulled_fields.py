"""One field of a live rule is brought into the files: edits are tried, and the first that compiles to it is taken.

Whatever is tried is compiled again, so that an edit is right by its result: the field is as in Kibana, and nothing else
of the hunt's rules has changed, except what follows from another query or is wanted too.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.json import Json, as_mapping, as_mappings, as_texts
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.edit import (
    look_up,
    merge_lines,
    merge_words,
    patches,
    remove_setting,
    set_in_yaml,
    set_setting,
)
from entra_deployer.objects import KINDS
from entra_deployer.objects.rule_fields import KEPT_ALWAYS
from entra_deployer.objects.state import RULE
from entra_deployer.pull.drafts import Builder, Built, Draft

type Edit = Callable[[Draft], Draft]
"""Raises ValueError or KeyError where it cannot be made."""

_OWN_KEYS = (
    *("name", "description", "severity", "risk_score", "enabled", "interval", "max_signals", "setup"),
    "false_positives",
)
"""Fields of the rule that rule.yaml has under the same name."""

_CONSEQUENCES = {
    "query": frozenset({"note", "required_fields", "tags", "related_integrations", "investigation_fields"}),
    "threat": frozenset({"tags"}),
}
"""What else may become another when a field does: the compiler makes it of it, and a push brings it to Kibana."""


@dataclass(frozen=True)
class Wish:
    """What one live rule says that its files do not: by field, the value in Kibana (None: it is not set)."""

    key: str
    fields: Mapping[str, Json]


@dataclass(frozen=True)
class Bringer:
    """Brings fields for one space; `overlay` puts all of them into the environment's file."""

    builder: Builder
    overlay: bool = False

    def bring(self, draft: Draft, wish: Wish, name: str) -> Draft | None:
        """The draft with one field as wished; None where no edit does it. The draft itself where it says so already."""
        built = self.builder.build(draft)
        if built is None or wish.key not in built.rules:
            return None
        rule = built.rules[wish.key]
        if _same(name, rule.rule.payload.get(name), wish.fields[name]):
            return draft
        for edit in self._edits(draft, built, rule, name, wish.fields[name]):
            with suppress(ValueError, KeyError):
                changed = edit(draft)
                if _fits(built, self.builder.build(changed), wish, name):
                    return changed
        return None

    def bring_all(
        self, draft: Draft, key: str, fields: Mapping[str, Json], left: Container[str] = ()
    ) -> tuple[Draft, tuple[str, ...]]:
        """The draft of a new rule with each of its fields but those of `left`, and the names of those not brought."""
        unsaid = []
        for name in fields:
            if name in left:
                continue
            tags = self.with_tags(draft, key, as_texts(fields.get("tags")))  # which follow from the tactics
            after = self.bring(draft, Wish(key, {**fields, "tags": tags}), name)
            if after is None:
                unsaid.append(name)
            else:
                draft = after
        return draft, tuple(unsaid)

    def bring_search_query(self, draft: Draft, key: str, text: str) -> Draft | None:
        """The draft with the query of the saved search: it is the hunt's own."""
        built = self.builder.build(draft)
        rule = built.rules.get(key) if built else None
        if built is None or rule is None:
            return None
        if rule.query.text == text:
            return draft
        with suppress(ValueError, KeyError):
            changed = _with_query(draft, built, rule, text)
            again = self.builder.build(changed)
            if again and key in again.rules and again.rules[key].query.text == text:
                return changed
        return None

    def with_tags(self, draft: Draft, key: str, tags: Sequence[str]) -> list[str]:
        """The tags that the draft compiles to, and behind them those of `tags` that are not among them."""
        built = self.builder.build(draft)
        compiled = as_texts(built.rules[key].rule.payload["tags"]) if built and key in built.rules else []
        return [*compiled, *(tag for tag in tags if tag not in compiled)]

    # -- the edits that may do it, the smallest first ---------------------------------------------------------------

    def _edits(self, draft: Draft, built: Built, rule: CompiledRule, name: str, value: Json) -> Iterator[Edit]:
        before = rule.rule.payload.get(name)
        home = _overlay_home(draft, built, rule, name)
        if self.overlay or home:
            yield partial(_into_overlay, home=home or ("overlays", rule.folder), name=name, before=before, value=value)
            return
        if name == "query":
            yield from _query_edits(built, rule, str(value))
            return
        settings = _Settings(built, rule)
        yield from self._own_settings(settings, name, value)
        yield settings.removal(("fields", name))
        yield settings.patch(name, before, value)

    def _own_settings(self, settings: "_Settings", name: str, value: Json) -> Iterator[Edit]:
        if name in _OWN_KEYS and value is not None:
            yield settings.setting((name,), value)
        if name == "from" and (lookback := _lookback(value)):
            yield settings.setting(("lookback",), lookback)
        if name == "threat":
            yield settings.setting(("tactics",), [as_mapping(entry["tactic"])["name"] for entry in as_mappings(value)])
        if name == "tags":
            yield from _tag_edits(settings, as_texts(value))
        if name == "actions":
            yield partial(self._with_actions, settings=settings, value=value)
        if name == "exceptions_list":
            yield settings.setting(("exceptions",), [one["list_id"] for one in as_mappings(value)])

    def _with_actions(self, draft: Draft, *, settings: "_Settings", value: Json) -> Draft:
        return settings.setting(("actions",), self.builder.resolver.named_actions(as_mappings(value)))(draft)


@dataclass(frozen=True)
class _Settings:
    """Edits of the rule.yaml of one query."""

    built: Built
    rule: CompiledRule

    def setting(self, path: tuple[str, ...], value: Json) -> Edit:
        """Set one setting."""
        return lambda draft: draft.edited(
            draft.settings_path,
            set_setting(draft.settings, self.built.query_keys, self.rule.query_key, path, value),
        )

    def removal(self, path: tuple[str, ...]) -> Edit:
        """Take one setting out."""
        return lambda draft: draft.edited(
            draft.settings_path, remove_setting(draft.settings, self.built.query_keys, self.rule.query_key, path)
        )

    def patch(self, name: str, before: Json, value: Json) -> Edit:
        """Say it as a field of Kibana's, in the merge patch on the compiled rule."""

        def edit(draft: Draft) -> Draft:
            for path, part in patches(("fields", name), before, value):
                draft = self.setting(path, part)(draft)
            return draft

        return edit


def _overlay_home(draft: Draft, built: Built, rule: CompiledRule, name: str) -> tuple[str, str] | None:
    """The overlay of this rule where an overlay decides on a field in this environment, else None."""
    shared = as_mapping(look_up(draft.environment, ["overlay"]))
    overlays = as_mapping(look_up(draft.environment, ["overlays"]))
    known = (rule.folder, built.source.hunt.name, rule.rule.name)
    home = next((one for one in known if one in overlays), rule.folder)
    return ("overlays", home) if name in shared or name in as_mapping(overlays.get(home)) else None


def _into_overlay(draft: Draft, *, home: tuple[str, str], name: str, before: Json, value: Json) -> Draft:
    text = draft.environment
    for path, part in patches((*home, name), before, value):
        text = set_in_yaml(text, path, part)
    return draft.edited(draft.environment_path, text)


def _tag_edits(settings: _Settings, live: Sequence[str]) -> Iterator[Edit]:
    """Tags that rule.yaml adds are taken out there, and further ones added."""
    mine = list(settings.rule.settings.settings.tags)
    compiled = as_texts(settings.rule.rule.payload.get("tags"))
    wanted = [tag for tag in mine if tag in live] + [tag for tag in live if tag not in compiled]
    if wanted != mine:
        yield settings.setting(("tags",), wanted) if wanted else settings.removal(("tags",))


def _lookback(value: Json) -> str:
    """The duration of `now-14d`, "" for anything else."""
    text = str(value)
    return text.removeprefix("now-") if text.startswith("now-") and "/" not in text else ""


def _query_edits(built: Built, rule: CompiledRule, live: str) -> Iterator[Edit]:
    """The hunt's query with what was changed in Kibana; or the live query, with the time range that it lost."""
    own, compiled = rule.query.text, str(rule.rule.payload["query"])
    for merge in (merge_lines, merge_words):
        if merged := merge(compiled, own, live):
            yield partial(_with_query, built=built, rule=rule, text=merged)
    yield partial(_with_query, built=built, rule=rule, text=live)
    if lookback := _lookback(rule.rule.payload.get("from")):
        settings = _Settings(built, rule)
        yield lambda draft: settings.setting(("lookback",), lookback)(_with_query(draft, built, rule, live))


def _with_query(draft: Draft, built: Built, rule: CompiledRule, text: str) -> Draft:
    index = built.source.hunt.queries.index(rule.query)
    form = FORMATS[draft.hunt_path.suffix]
    changed = form.replace(draft.hunt, rule.query, index, text.strip("\n"))
    return draft.edited(draft.hunt_path, changed)


# -- whether an edit is right ---------------------------------------------------------------------------------------


def _fits(before: Built, after: Built | None, wish: Wish, name: str) -> bool:
    if after is None or before.rules.keys() != after.rules.keys():
        return False
    for key, rule in after.rules.items():
        for changed in _changed_fields(before.rules[key], rule):
            follows = changed in _CONSEQUENCES.get(name, ())
            value = rule.rule.payload.get(changed)
            wanted = key == wish.key and changed in wish.fields and _same(changed, value, wish.fields[changed])
            if not (follows or wanted):
                return False
    return _same(name, after.rules[wish.key].rule.payload.get(name), wish.fields[name])


def _changed_fields(before: CompiledRule, after: CompiledRule) -> Iterator[str]:
    was, now = before.rule.payload, after.rule.payload
    for name in (was.keys() | now.keys()) - KEPT_ALWAYS:
        if not _same(name, was.get(name), now.get(name)):
            yield name


def _same(name: str, one: Json, other: Json) -> bool:
    return KINDS[RULE].same(name, one or () if name == "tags" else one, other or () if name == "tags" else other)
