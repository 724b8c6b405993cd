"""Rules of other tools become hunts of the repository: what is written compiles to them, and what does not is told."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import UUID, uuid5

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import InputError, Location, UsageError
from entra_deployer.core.files import MAX_DOCUMENT, RULES_FOLDER, read_text, write_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.exchange.detection_rules import read_detection_rule
from entra_deployer.exchange.foreign import ESQL, ForeignRule, foreign_rule
from entra_deployer.exchange.ndjson import read_export
from entra_deployer.exchange.sigma import read_sigma
from entra_deployer.hunts.edit import set_in_yaml
from entra_deployer.hunts.hunt import Hunt
from entra_deployer.hunts.toml import read_toml
from entra_deployer.objects import KINDS
from entra_deployer.objects.rule_fields import RULE_FIELDS, Owner
from entra_deployer.objects.state import RULE, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.survey import Resolver
from entra_deployer.pull.drafts import Brought, Builder, Draft, FileEdit, PullReport
from entra_deployer.pull.imported_rules import SCHEDULE, Newcomer, draft_of_newcomer
from entra_deployer.pull.pulled_fields import Bringer
from entra_deployer.repository import OFFLINE, Repository, rule_queries

NO_EDIT = "DEP371"
OTHERWISE = "DEP372"
NOT_IMPORTED = "DEP373"
_STACK = "stack"
_IDS = UUID("5d0e4c9e-8c07-5b2e-9d0a-6c1d3a5f7b21")
"""Makes rule_ids of names that are no UUIDs."""
_FOLLOWS = frozenset({"rule_id", "type", "language", "tags", "required_fields", "related_integrations"})
"""What the compiler adds to, or makes by itself: a difference there is no loss."""

type Read = ForeignRule | Hunt | InputError


@dataclass(frozen=True)
class Imported:
    """A hunt's own file, taken as it is."""

    hunt: Hunt
    text: str


class _NoNames:
    """Offline nobody knows a space's connectors and lists: they stay as rule.yaml names them."""

    def resolve(self, rule: CompiledRule) -> CompiledRule:
        """The rule itself."""
        return rule

    def named_actions(self, actions: Sequence[Mapping[str, Json]]) -> list[Json]:
        """Raises ValueError where there are some."""
        raise ValueError(f"{len(actions)} connectors are known by their ids alone")


OFFLINE_BUILDER = Builder(OFFLINE, _NoNames())


def import_files(repository: Repository, paths: Sequence[Path], *, dry_run: bool = False) -> PullReport:
    """Make hunts of the rules in files, or in all files of folders; each by what it says of itself.

    A table [rule] is of detection-rules, [hunt] a hunt, .ndjson an export of Kibana, .yml and .yaml Sigma.
    """
    run = _Import(repository, OFFLINE_BUILDER)
    for path in _files(paths):
        run.file(path)
    return run.report("files", "", dry_run=dry_run)


def import_space(
    repository: Repository, connection: Connection, patterns: Sequence[str] = (), *, dry_run: bool = False
) -> PullReport:
    """Make hunts of the ES|QL rules of an environment that are nobody's: neither Elastic's own nor of a hunt here."""
    reports = []
    for space in connection.environment.spaces:
        resolver = Resolver(connection.kibana, space, connection.environment.connectors)
        run = _Import(repository, Builder(connection.target(space), resolver), space)
        for live in connection.rules(space).of_type(ESQL):
            named = not patterns or any(fnmatchcase(live.object.name, pattern) for pattern in patterns)
            if named and not live.immutable:
                run.rule(foreign_rule(live.object.payload, f"{connection.environment.name}, space {space}"))
        reports.append(run.report(connection.environment.name, connection.stack, dry_run=dry_run))
    return replace(
        reports[0],
        edits=tuple(edit for one in reports for edit in one.edits),
        brought=tuple(brought for one in reports for brought in one.brought),
        issues=tuple(issue for one in reports for issue in one.issues),
    )


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that may hold rules, sorted. Raises UsageError where a folder has none."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(one for one in path.rglob("*") if one.suffix in _READERS and one.is_file())
        if not found:
            raise UsageError(f"{path} holds no file of rules", hint=f"they end in {', '.join(sorted(_READERS))}")
        yield from found


def _read_toml(text: str, source: str) -> Iterator[ForeignRule | Imported | InputError]:
    try:
        tables = tomllib.loads(text.replace("\r\n", "\n")).keys()
    except (ValueError, RecursionError):
        tables = {"hunt": None}.keys()  # whose reader tells the place
    yield Imported(read_toml(text, source), text) if "hunt" in tables else read_detection_rule(text, source)


_READERS = {".toml": _read_toml, ".ndjson": read_export, ".yml": read_sigma, ".yaml": read_sigma}


@dataclass
class _Import:
    """One run: texts of new files fill up, and so does what is to be told."""

    repository: Repository
    builder: Builder
    space: str = ""
    texts: dict[Path, str] = field(default_factory=dict)
    brought: list[Brought] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    _here: dict[str, str] | None = None

    def file(self, path: Path) -> None:
        """The rules of one file; what is wrong with it is told of it alone."""
        if (reader := _READERS.get(path.suffix)) is None:
            known = ", ".join(sorted(_READERS))
            self._refuse(str(path), "nothing reads such a file", f"rules are in files that end in {known}")
            return
        try:
            for read in reader(read_text(path, limit=MAX_DOCUMENT), str(path)):
                if isinstance(read, InputError):
                    self._refuse(str(path), read.message, read.hint, read.location)
                elif isinstance(read, Imported):
                    self.hunt(read)
                else:
                    self.rule(read)
        except InputError as error:
            self._refuse(str(path), error.message, error.hint, error.location)

    def hunt(self, read: Imported) -> None:
        """A file that is a hunt already."""
        hunt = read.hunt
        if folder := self._known.get(hunt.uuid.lower()):
            self._refuse(hunt.name, f"rules/{folder} has its uuid already", None)
            return
        path = self._free(hunt.name, hunt.uuid) / "hunt.toml"
        self._known[hunt.uuid.lower()] = path.parent.name
        self.texts[path] = read.text
        self.brought.append(Brought(RULE, hunt.name, self.space, "", self._shown(path)))

    def rule(self, rule: ForeignRule) -> None:
        """A rule; what cannot be said of it is told field by field."""
        kind = str(rule.payload.get("type"))
        if kind != ESQL or not str(rule.payload.get("query", "")).strip():
            reason = f"it is of type {kind}" if kind != ESQL else "it has no query"
            self._refuse(rule.name, f"{rule.source}: {reason}: only ES|QL rules become hunts", None)
            return
        key = self._key(rule)
        if folder := self._known.get(key):
            self._refuse(rule.name, f"{rule.source}: rules/{folder} has its rule_id already", None)
            return
        payload = {**rule.payload, "rule_id": key}
        builder = self._builder(rule)
        newcomer = Newcomer(StateObject(RULE, key, rule.name, payload), is_marked=False)
        draft, fields = draft_of_newcomer(self.repository.root, newcomer, builder.target, self.texts, rule.techniques)
        settings = {**(_schedule(payload) if rule.scheduled else {}), **rule.settings}
        stack = settings.pop(_STACK, None)
        for name, value in settings.items():
            draft = draft.edited(draft.settings_path, set_in_yaml(draft.settings, [name], value))
        if faults := builder.faults(draft):
            why = "; ".join(dict.fromkeys(issue.message for issue in faults))
            self._refuse(rule.name, f"{rule.source}: it does not compile: {why}", None)
            return
        draft = self._with_fields(draft, rule, key, fields)
        self._tell_changes(draft, rule, key)
        if stack:  # at the end: no rule is compiled for a version that it is not for
            draft = draft.edited(draft.settings_path, set_in_yaml(draft.settings, [_STACK], stack))
        self._keep(draft, rule, key)

    def _builder(self, rule: ForeignRule) -> Builder:
        """One for the oldest stack that can run the rule, where that is newer than the one at hand."""
        found = re.fullmatch(r">=([\d.]+)", str(rule.settings.get(_STACK, "")))
        oldest = StackVersion.parse(found[1]) if found else None
        if oldest is None or oldest <= self.builder.target.version:
            return self.builder
        return replace(self.builder, target=replace(self.builder.target, version=oldest))

    def _keep(self, draft: Draft, rule: ForeignRule, key: str) -> None:
        for path in (draft.hunt_path, draft.settings_path):
            self.texts[path] = draft.texts[path]
        self._known[key] = draft.folder
        self.brought.append(Brought(RULE, rule.name, self.space, "", self._shown(draft.hunt_path)))
        for loss in rule.losses:
            self._tell(OTHERWISE, Level.WARNING, rule.name, f"{loss.field}: {loss.why}", None)

    def _tell_changes(self, draft: Draft, rule: ForeignRule, key: str) -> None:
        """The fields that the compiled rule has otherwise."""
        built = self._builder(rule).build(draft)
        compiled = built.rules[key].rule.payload if built else {}
        for name in sorted(_changed(rule.payload, compiled)):
            hint = f"`deploy compile {draft.folder} --explain` tells why"
            self._tell(OTHERWISE, Level.NOTE, rule.name, f"{name}: it compiles to another value", hint)

    def _with_fields(self, draft: Draft, rule: ForeignRule, key: str, fields: Mapping[str, Json]) -> Draft:
        left = () if rule.scheduled else SCHEDULE
        draft, unsaid = Bringer(self._builder(rule)).bring_all(draft, key, fields, left)
        for name in unsaid:
            message = f"{name}: it cannot be said in rule.yaml"
            self._tell(NO_EDIT, Level.WARNING, rule.name, message, "the rule gets what the compiler makes of it")
        return draft

    def report(self, name: str, stack: str, *, dry_run: bool) -> PullReport:
        """Write the files, unless only asked what would be written."""
        if not dry_run:
            for path, text in sorted(self.texts.items()):
                write_text(path, text, shown=self._shown(path), new=True)
        edits = tuple(FileEdit(self._shown(path), "", text) for path, text in sorted(self.texts.items()))
        issues = tuple(sorted(set(self.issues), key=lambda issue: issue.order))
        return PullReport(name, stack, edits, tuple(self.brought), issues, written=not dry_run)

    @property
    def _known(self) -> dict[str, str]:
        """The folders of the rule_ids and uuids that the repository has."""
        if self._here is None:
            self._here = {}
            for source in self.repository.catalog().sources if _has_hunts(self.repository.root) else ():
                self._here[source.hunt.uuid.lower()] = source.folder
                for query in rule_queries(source):
                    if query.settings.rule_id:
                        self._here[query.settings.rule_id] = source.folder
        return self._here

    def _key(self, rule: ForeignRule) -> str:
        """Its rule_id; one made of it where it is no UUID, as rule.yaml wants it."""
        told = str(rule.payload.get("rule_id", ""))
        try:
            return str(UUID(told))
        except ValueError:
            key = str(uuid5(_IDS, told or f"{rule.source} {rule.name}"))
            if told:
                message = f"rule_id: {told!r} is no UUID; the hunt's rule is {key}, a new one for Kibana"
                self._tell(OTHERWISE, Level.WARNING, rule.name, message, "switch the old rule off after the push")
            return key

    def _free(self, name: str, uuid: str) -> Path:
        slug = "_".join("".join(one if one.isascii() and one.isalnum() else " " for one in name.lower()).split())[:80]
        path = self.repository.root / RULES_FOLDER / (slug or "hunt")
        taken = path.exists() or any(one.parent == path for one in self.texts)
        return path.with_name(f"{path.name}_{uuid[:8]}") if taken else path

    def _refuse(self, subject: str, message: str, hint: str | None, place: Location | None = None) -> None:
        self.issues.append(Issue(NOT_IMPORTED, Level.ERROR, message, subject, place, hint))

    def _tell(self, code: str, level: Level, subject: str, message: str, hint: str | None) -> None:
        self.issues.append(Issue(code, level, message, subject, hint=hint))

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.repository.root).as_posix()


def _has_hunts(root: Path) -> bool:
    return any(path.is_dir() for path in (root / RULES_FOLDER).iterdir())


def _schedule(payload: Mapping[str, Json]) -> dict[str, Json]:
    """How often the rule runs and how far it looks back, said so that no other compiler decides otherwise."""
    start = str(payload.get("from", RULE_FIELDS["from"].default))
    said: dict[str, Json] = {"interval": payload.get("interval", RULE_FIELDS["interval"].default)}
    if re.fullmatch(r"now-[1-9]\d*[smhd]", start):
        said["lookback"] = start.removeprefix("now-")
    return said


def _changed(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterable[str]:
    """The fields that git decides on and that are another after the import."""
    for name, known in RULE_FIELDS.items():
        asked = known.owner is Owner.GIT and name not in _FOLLOWS and name in before
        if asked and not KINDS[RULE].same(name, before[name], after.get(name)):
            yield name
