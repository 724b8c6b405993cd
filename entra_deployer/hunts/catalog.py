"""Reads all folders under `rules/`, and never stops at the first broken one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.core.errors import InputError, Location, UnknownName
from entra_deployer.core.issue import Issue, Level, failure
from entra_deployer.core.text import did_you_mean
from entra_deployer.hunts.detection_test import read_detection_tests
from entra_deployer.hunts.fields import FaultyHunt
from entra_deployer.hunts.folder import Catalog, QuerySettings, RuleSource
from entra_deployer.hunts.hunt import Hunt
from entra_deployer.hunts.language import esql_queries
from entra_deployer.hunts.readers import READERS
from entra_deployer.hunts.rule_yaml import default_settings, read_rule_yaml

UNREADABLE = "DEP001"
DUPLICATE = "DEP003"
UNNAMED = "DEP006"


@dataclass(frozen=True)
class _Reading:
    """One folder: what could be read of it, and what is wrong."""

    folder: str
    source: RuleSource | None
    issues: tuple[Issue, ...]

    @property
    def names(self) -> set[str]:
        """What a user may call it by."""
        if self.source is None:
            return {self.folder}
        settings = {query.settings.name for query in self.source.queries if query.settings.name}
        return {self.folder, self.source.hunt.name, *settings}


def read_rules(folder: Path, *, names: Sequence[str] = ()) -> Catalog:
    """Read every folder under `folder`, or those that `names` names by folder or by the rule's name.

    What is wrong with a folder is an issue of level error, with its place; nothing is raised for it. Hunts that share
    a UUID or a name are an error too, for each of them. Raises UnknownName for a name that does not exist, InputError
    where `folder` is no directory.
    """
    if not folder.is_dir():
        raise InputError(
            "there are no rules here", location=Location(str(folder)), hint="make a folder rules/<hunt>/ with a hunt.md"
        )
    readings = [_read_safely(path) for path in sorted(folder.iterdir()) if path.is_dir() and _is_rule(path)]
    duplicates = list(_duplicates([reading.source for reading in readings if reading.source]))
    wanted = _select(readings, names)
    chosen = {reading.folder for reading in wanted}
    issues = [issue for reading in wanted for issue in reading.issues]
    issues += [issue for issue in duplicates if issue.subject in chosen]
    sources = tuple(reading.source for reading in wanted if reading.source)
    unread = tuple(reading.folder for reading in readings if reading.source is None)
    return Catalog(sources, tuple(sorted(issues, key=lambda issue: issue.order)), unread)


def read_hunt_file(path: Path) -> Catalog:
    """A single hunt file outside `rules/`, with the settings that stand in a `rule.yaml` beside it, if any."""
    reading = _read_hunt(path, path.stem if path.stem != "hunt" else path.parent.name, path.parent)
    sources = (reading.source,) if reading.source else ()
    return Catalog(sources, reading.issues)


def _is_rule(path: Path) -> bool:
    return not path.name.startswith((".", "_"))


def _select(readings: Sequence[_Reading], names: Sequence[str]) -> list[_Reading]:
    folders = [reading.folder for reading in readings]
    known = [*folders, *sorted({name for reading in readings for name in reading.names} - set(folders))]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) if known else "there is none under rules/"
            raise UnknownName("rule", name, f"no rule is named {name!r}", hint=hint)
    return [reading for reading in readings if not names or reading.names & set(names)]


def _read_safely(path: Path) -> _Reading:
    """A folder; what nobody expected, a fault of a parser included, is told of it alone."""
    try:
        return _read_folder(path)
    except Exception as error:
        return _Reading(path.name, None, (failure(error, path.name, Location(str(path))),))


def _read_folder(path: Path) -> _Reading:
    files = [file for suffix in READERS if (file := path / f"hunt{suffix}").is_file()]
    if len(files) != 1:
        message = "two hunts in one folder" if files else "no hunt here"
        hint = "keep one of " + " and ".join(f"hunt{suffix}" for suffix in READERS)
        return _Reading(path.name, None, (_unreadable(path.name, Location(str(path)), message, hint),))
    return _read_hunt(files[0], path.name, path)


def _read_hunt(file: Path, folder: str, beside: Path) -> _Reading:
    try:
        hunt = READERS[file.suffix](read_text(file), str(file))
    except FaultyHunt as error:
        return _Reading(folder, None, tuple(_issue(one, folder) for one in error.faults))
    except InputError as error:
        return _Reading(folder, None, (_issue(error, folder),))
    settings, issues = _read_settings(beside / "rule.yaml", hunt, folder)
    tests, more = read_detection_tests(beside, source=str(beside))
    source = RuleSource(folder, hunt, settings, tests) if settings else None
    return _Reading(folder, source, (*issues, *_unnamed(hunt, settings, folder), *more))


def _unnamed(hunt: Hunt, settings: Sequence[QuerySettings], folder: str) -> Iterator[Issue]:
    """A word on several ES|QL queries whose keys are made from what they say."""
    if len(esql_queries(hunt)) > 1 and [one.key for one in settings] == _made_keys(hunt):
        message = "the queries have no names: an edit may give their rules new ids"
        hint = "name them under `queries:` in rule.yaml"
        yield Issue(UNNAMED, Level.WARNING, message, folder, hunt.at_field("query"), hint)


def _made_keys(hunt: Hunt) -> list[str]:
    """The keys of the queries where nobody names them."""
    return [one.key for one in default_settings(hunt)]


def _read_settings(file: Path, hunt: Hunt, folder: str) -> tuple[tuple[QuerySettings, ...], tuple[Issue, ...]]:
    if not file.is_file():
        return default_settings(hunt), ()
    try:
        text = read_text(file)
    except InputError as error:
        return (), (_issue(error, folder),)
    return read_rule_yaml(text, source=str(file), hunt=hunt, subject=folder)


def read_text(file: Path) -> str:
    """A file's text. Raises InputError where it cannot be read or is not UTF-8."""
    try:
        data = file.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        place = Location(str(file), line, column)
        raise InputError("the file is not UTF-8", location=place, hint="save it as UTF-8") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be read: {reason}", location=Location(str(file)), hint="check the path") from error


def _issue(error: InputError, subject: str) -> Issue:
    return Issue(UNREADABLE, Level.ERROR, error.message, subject, error.location, error.hint)


def _unreadable(subject: str, location: Location, message: str, hint: str) -> Issue:
    return Issue(UNREADABLE, Level.ERROR, message, subject, location, hint)


def _duplicates(sources: Sequence[RuleSource]) -> Iterator[Issue]:
    """An issue for each hunt whose UUID or name another one has too: their rules would overwrite each other."""
    for attribute, word in (("uuid", "UUID"), ("name", "name")):
        same: defaultdict[str, list[RuleSource]] = defaultdict(list)
        for source in sources:
            same[getattr(source.hunt, attribute).lower()].append(source)
        for group in same.values():
            for source in group if len(group) > 1 else ():
                others = ", ".join(other.hunt.source for other in group if other is not source)
                message = f"the {word} {getattr(source.hunt, attribute)!r} is also that of {others}"
                hint = "give each hunt its own"
                place = source.hunt.at_field(attribute)
                yield Issue(DUPLICATE, Level.ERROR, message, source.folder, place, hint)
