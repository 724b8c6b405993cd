"""What the compiler makes of one query of a hunt, and the edits that it made on the way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from entra_deployer.compiler.identity import search_id
from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.esql.edits import Edit, apply_edits, original_offset, touched_lines
from entra_deployer.hunts.folder import QuerySettings, RuleSource
from entra_deployer.hunts.hunt import Query, esql_queries
from entra_deployer.objects import order_of
from entra_deployer.objects.state import State, StateObject
from entra_deployer.objects.tag import owner_tag, reference_to

if TYPE_CHECKING:
    from entra_deployer.esql.tree import Tree


@dataclass(frozen=True)
class Rewrite:
    """One change that the compiler made to the author's query or to the schedule, and why.

    `line` is the 1-based line in the hunt's file that it concerns; `before` and `after` are the lines as they were and
    as they are ("" where nothing stood).
    """

    code: str
    reason: str
    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Remark:
    """What the compiler has to tell about a rule, by the check's code that tells it, and the next step."""

    code: str
    message: str
    hint: str = ""
    level: Level = Level.WARNING


def _no_tree() -> "Tree":
    raise AssertionError("a rule without its query's syntax")


@dataclass(frozen=True, kw_only=True)
class Made:
    """A detection rule and a saved ES|QL search, with what was rewritten on the way to them.

    `key_columns` are the columns of the result that tell entities apart (the BY columns; () where the query does not
    aggregate). `tags` are the saved-object tags that the search refers to, `remarks` what its author should know.
    `edits` made the rule's query of the hunt's. `digest` is the rule's own (`rule_digest`), and `search_digest` that
    of the search's content: what a space adds, which is ids of searches, actions, exceptions, tags and if a rule is
    enabled, is not in them.
    """

    rule: StateObject
    search: StateObject
    tags: tuple[StateObject, ...]
    key_columns: tuple[str, ...]
    rewrites: tuple[Rewrite, ...] = ()
    remarks: tuple[Remark, ...] = ()
    edits: tuple[Edit, ...] = ()
    digest: str = ""
    search_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class CompiledRule(Made):
    """What was made of one query, with the hunt that it was made from; `read_tree` reads the syntax of the query."""

    source: RuleSource
    query: Query
    settings: QuerySettings
    read_tree: "Callable[[], Tree]" = field(default=_no_tree, repr=False, compare=False)

    @cached_property
    def tree(self) -> "Tree":
        """The syntax of the query as the hunt has it: read when somebody first asks for it."""
        return self.read_tree()

    @property
    def folder(self) -> str:
        """The folder of its hunt."""
        return self.source.folder

    @property
    def query_key(self) -> str:
        """Its query's key: part of every id made from it."""
        return self.settings.key

    def place(self, offset: int) -> Location:
        """Where in the hunt's file that stands which stands at an offset of the rule's query."""
        line, column = self.tree.position(original_offset(self.query.text, self.edits, offset))
        return self.query.place(self.source.hunt.source, line, column)

    @property
    def own_key(self) -> str | None:
        """Its query's key where the hunt makes several rules, None where it makes this one only."""
        return self.query_key if len(esql_queries(self.source.hunt)) > 1 else None


@dataclass(frozen=True)
class Compiled:
    """What the compiler made of one hunt: a rule for each of its ES|QL queries, and what it has to say about them.

    A query with an issue of level error has no rule here, nor has one that the target cannot run by its author's own
    word: `elsewhere` holds the keys of those, each with the reason.
    """

    rules: tuple[CompiledRule, ...]
    issues: tuple[Issue, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """What the compiler made of one hunt, and what the checks say of that."""

    compiled: Compiled
    findings: tuple[Issue, ...] = ()

    def in_space(self, space: str) -> "Checked":
        """The same for another space: its searches have other ids there, and bear another tag."""
        tag = owner_tag(space)
        compiled = self.compiled
        rules = tuple(_in_space(rule, space, tag) for rule in compiled.rules)
        return Checked(Compiled(rules, compiled.issues, compiled.elsewhere), self.findings)


def _in_space(rule: CompiledRule, space: str, tag: StateObject) -> CompiledRule:
    payload = {**rule.search.payload, "references": [reference_to(tag)]}
    key = search_id(rule.source.hunt, rule.query_key, space)
    search = StateObject(rule.search.kind, key, rule.search.name, payload)
    return replace(rule, search=search, tags=(tag,))


@dataclass(frozen=True)
class CompileReport:
    """What `deploy compile` has to tell: the rules, what is wrong, and the target ("8.19.21, platinum")."""

    target: str
    rules: tuple[CompiledRule, ...]
    issues: tuple[Issue, ...] = ()

    @property
    def errors(self) -> tuple[Issue, ...]:
        """What keeps rules from being deployed. A rule may be compiled, and the target still not run it."""
        return tuple(issue for issue in self.issues if issue.level is Level.ERROR)

    @property
    def failed(self) -> bool:
        """Whether anything is wrong that keeps a rule from being deployed."""
        return bool(self.errors)


@dataclass(frozen=True)
class Step:
    """Edits that belong together. Without edits it is a word on what was left as it is, at `offset`."""

    code: str
    reason: str
    edits: tuple[Edit, ...] = ()
    offset: int = 0


def rewrite_text(query: Query, steps: Iterable[Step]) -> str:
    """The query with all edits of all steps made."""
    return apply_edits(query.text, [edit for step in steps for edit in step.edits])


def explain(query: Query, steps: Sequence[Step]) -> tuple[Rewrite, ...]:
    """The steps in the order of the hunt's lines, each with the lines before and after."""
    return tuple(sorted((_explain(query, step) for step in steps), key=lambda rewrite: (rewrite.line, rewrite.code)))


def _explain(query: Query, step: Step) -> Rewrite:
    edits = step.edits or (Edit(step.offset, step.offset, ""),)
    line, before, after = touched_lines(query.text, edits)
    if not step.edits:
        after = before
    return Rewrite(step.code, step.reason, query.line + line - 1, before, after)


def desired_state(rules: Iterable[CompiledRule], space: str) -> State:
    """What a space should hold for these rules: each object once, in the order of writing."""
    return state_of((one for rule in rules for one in (rule.rule, rule.search, *rule.tags)), space)


def state_of(objects: Iterable[StateObject], space: str) -> State:
    """What a space should hold for these objects: each once, in the order of writing."""
    once = {(one.kind, one.key): one for one in objects}
    return State(space, tuple(sorted(once.values(), key=order_of)))
