"""Reads all folders under `rules/`, and never stops at the first broken one."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from uuid import UUID, uuid5

from entra_deployer.core.cache import Bundle, digest, user_cache
from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.files import MAX_TEXT, read_bytes, read_text
from entra_deployer.core.issue import Issue, Level, failure
from entra_deployer.core.json import pack, unpack
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.detection_test import FOLDER, read_detection_tests
from entra_deployer.hunts.fields import FaultyHunt
from entra_deployer.hunts.folder import Catalog, Clash, QuerySettings, RuleSettings, RuleSource
from entra_deployer.hunts.hunt import Hunt, esql_queries
from entra_deployer.hunts.rule_yaml import default_settings, read_rule_yaml
from entra_deployer.hunts.selection import folders_named, part_of

UNREADABLE = "DEP001"
DUPLICATE = "DEP003"
UNNAMED = "DEP006"
_RULE_ID = "rule_id"
_SETTINGS = "rule.yaml"


@dataclass(frozen=True)
class _Reading:
    """One folder: what could be read of it, and what is wrong."""

    folder: str
    source: RuleSource | None
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class _Kept:
    """What is kept of a reading, beside the digest of the files."""

    hunt: Hunt
    queries: tuple[tuple[str, RuleSettings], ...]
    issues: tuple[Issue, ...]


def read_rules(folder: Path, *, names: Sequence[str] = (), kept: Bundle | None = None) -> Catalog:
    """Read every folder under `folder`, or those that `names` names by folder or by the rule's name, or by a pattern.

    What is wrong with a folder is an issue of level error, with its place; nothing is raised for it. Hunts that share
    a UUID or a name are an error too, told once. Raises UnknownName for a name that does not exist, InputError
    where `folder` is no directory. `kept` holds how hunts were read that have not changed since.
    """
    where = str(folder.absolute())
    kept = kept or Bundle(user_cache("hunts", 2), where)
    readings = [_read_safely(path, kept) for path in hunt_folders(folder)]
    kept.save(whole=True)
    sources = tuple(reading.source for reading in readings if reading.source)
    clashes = tuple(_clashes(sources))
    issues = [*(issue for reading in readings for issue in reading.issues), *(clash.issue for clash in clashes)]
    unread = tuple(reading.folder for reading in readings if reading.source is None)
    ordered = tuple(sorted(issues, key=lambda issue: issue.order))
    found = Catalog(sources, ordered, unread, clashes, where, whole=True)
    return part_of(found, folders_named(found, names)) if names else found


def read_hunt_file(path: Path) -> Catalog:
    """A single hunt file outside `rules/`, with the settings that stand in a `rule.yaml` beside it, if any."""
    reading = _read_hunt(path, path.stem if path.stem != "hunt" else path.parent.name, path.parent)
    sources = (reading.source,) if reading.source else ()
    return Catalog(sources, reading.issues)


def hunt_folders(folder: Path) -> list[Path]:
    """The folders that hold a hunt each. None at all is a wrong checkout, and not a repository without faults."""
    hint = "make a folder rules/<hunt>/ with a hunt.md"
    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries if not one.name.startswith((".", "_")) and one.is_dir())
    except (NotADirectoryError, FileNotFoundError):
        raise InputError("there are no rules here", location=Location(str(folder)), hint=hint) from None
    except OSError as error:
        reason = error.strerror or "I/O error"
        raise InputError(f"cannot be read: {reason}", location=Location(str(folder)), hint="check the path") from error
    if not names:
        raise InputError("there are no hunts here", location=Location(str(folder)), hint=hint)
    return [folder / name for name in names]


def _read_safely(path: Path, kept: Bundle) -> _Reading:
    """A folder; what nobody expected, a fault of a parser included, is told of it alone."""
    try:
        return _read_folder(path, kept)
    except Exception as error:
        return _Reading(path.name, None, (failure(error, path.name, Location(str(path))),))


def _read_folder(path: Path, kept: Bundle) -> _Reading:
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208 - without a Path for each
    except OSError as error:
        message = f"cannot be read: {error.strerror or 'I/O error'}"
        return _Reading(path.name, None, (_unreadable(path.name, Location(str(path)), message, "check the path"),))
    near = tuple(_near_names(path, names))
    hunts = [name for suffix in FORMATS if (name := f"hunt{suffix}") in names]
    if len(hunts) == 1:
        reading = _read_unchanged(path / hunts[0], path.name, path, kept)
        return replace(reading, issues=(*near, *reading.issues)) if near else reading
    if not hunts and any(issue.message == _NOT_READ for issue in near):
        return _Reading(path.name, None, near)
    message = "two hunts in one folder" if hunts else "no hunt here"
    hint = "keep one of " + " and ".join(f"hunt{suffix}" for suffix in FORMATS)
    return _Reading(path.name, None, (*near, _unreadable(path.name, Location(str(path)), message, hint)))


_NOT_READ = "is not read under this name"
_YAML = (".yaml", ".yml", ".yalm", ".ymal", ".yaml.txt", ".yml.txt")


def _near_names(folder: Path, names: Sequence[str]) -> Iterator[Issue]:
    """Files that somebody took for a part of the hunt, and that nothing reads: silence would change the rule."""
    for name in names:
        if meant := _meant(folder, name, names):
            yield _unreadable(folder.name, Location(str(folder / name)), _NOT_READ, f"did you mean {meant}?")


def _meant(folder: Path, name: str, names: Sequence[str]) -> str | None:
    """The name of a part of a hunt that `name` is near to; None for any other file: it is nobody's business."""
    if name in _PARTS:
        return None
    lower = name.lower()
    stem, _, rest = lower.partition(".")
    suffix = f".{rest}"
    if suffix in _YAML and (stem in ("rule", "rules") or ("rule.yaml" not in names and _is_misspelt(stem, "rule"))):
        return "rule.yaml"
    if stem in ("hunt", "hunts") and suffix in _HUNT_SUFFIXES:
        meant = f"hunt{_HUNT_SUFFIXES[suffix]}"
        return None if meant in names and stem == "hunts" else meant
    if lower in ("test", "tests") and any((folder / name).glob("*.y*ml")):
        return f"{FOLDER}/"
    return None


def _is_misspelt(word: str, meant: str) -> bool:
    return SequenceMatcher(None, word, meant).ratio() >= 0.75


_PARTS = frozenset({"rule.yaml", FOLDER, *(f"hunt{suffix}" for suffix in FORMATS)})
"""The parts of a hunt's folder."""
_HUNT_SUFFIXES = {name: suffix for suffix, form in FORMATS.items() for name in (suffix, *form.near)}


def _read_unchanged(file: Path, folder: str, beside: Path, kept: Bundle) -> _Reading:
    """A hunt as it was read before, where its files are still the same; else it is read, and kept."""
    stated = _digest(file, folder, beside)
    if stated and (known := kept.get(stated)) is not None:
        with suppress(ValueError):
            return _kept_reading(unpack(known, _Kept), stated, file, folder, beside)
    reading = _read_and_state(file, folder, beside)
    if (source := reading.source) and source.digest:
        with suppress(ValueError):
            queries = tuple((one.key, one.settings) for one in source.queries)
            kept.put(source.digest, pack(_Kept(source.hunt, queries, reading.issues)))
    return reading


def _read_and_state(file: Path, folder: str, beside: Path) -> _Reading:
    """A hunt with the digest of its files, where they stood still meanwhile."""
    before = _digest(file, folder, beside)
    reading = _read_hunt(file, folder, beside)
    if reading.source is None or before != _digest(file, folder, beside):
        return reading
    return replace(reading, source=replace(reading.source, digest=before))


def _digest(file: Path, folder: str, beside: Path) -> str:
    """The digest of all that a reading depends on; "" where a file cannot be read."""
    settings = f"{beside}/{_SETTINGS}"
    try:
        parts = [read_bytes(file, limit=MAX_TEXT)]
        if os.path.exists(settings):  # noqa: PTH110 - a thousand Paths cost more than what is looked at
            parts.append(read_bytes(settings))
        return digest((f"{file}\n{folder}".encode(), *parts))
    except (InputError, UnicodeError):
        return ""


def _kept_reading(kept: _Kept, stated: str, file: Path, folder: str, beside: Path) -> _Reading:
    queries = tuple(QuerySettings(key, settings) for key, settings in kept.queries)
    tests = partial(read_detection_tests, beside, source=str(beside))
    again = partial(_read_again, file, folder, beside)
    return _Reading(folder, RuleSource(folder, kept.hunt, queries, tests, stated, again), kept.issues)


def _read_again(file: Path, folder: str, beside: Path) -> RuleSource | None:
    return _read_and_state(file, folder, beside).source


def _read_hunt(file: Path, folder: str, beside: Path) -> _Reading:
    try:
        hunt = read_hunt(file)
    except FaultyHunt as error:
        return _Reading(folder, None, tuple(_issue(one, folder) for one in error.faults))
    except InputError as error:
        return _Reading(folder, None, (_issue(error, folder),))
    settings, issues = _read_settings(beside / _SETTINGS, hunt, folder)
    tests = partial(read_detection_tests, beside, source=str(beside))
    source = RuleSource(folder, hunt, settings, tests) if settings else None
    return _Reading(folder, source, (*issues, *_unnamed(hunt, settings, folder)))


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


def read_hunt(file: Path) -> Hunt:
    """The hunt in a file. Raises InputError for what is none: a FaultyHunt where several things may be wrong."""
    text = read_text(file)
    if not text.strip():
        raise InputError("the file is empty", location=Location(str(file), 1, 1), hint="write the hunt into it")
    return FORMATS[file.suffix].read(text, str(file))


def _issue(error: InputError, subject: str) -> Issue:
    return Issue(UNREADABLE, Level.ERROR, error.message, subject, error.location, error.hint)


def _unreadable(subject: str, location: Location, message: str, hint: str) -> Issue:
    return Issue(UNREADABLE, Level.ERROR, message, subject, location, hint)


def _clashes(sources: Sequence[RuleSource]) -> Iterator[Clash]:
    """A clash for each further hunt with a UUID, or else a name, of another: their rules would overwrite each other.

    So would those of two hunts that pin one rule_id.
    """
    told: set[str] = set()
    for attribute, word in (("uuid", "UUID"), ("name", "name"), (_RULE_ID, _RULE_ID)):
        same: defaultdict[str, list[RuleSource]] = defaultdict(list)
        for source in sources:
            for identity in _identities(source, attribute):
                same[identity].append(source)
        for identity, (first, *others) in same.items():
            for source in others:
                if source.folder in told:
                    continue
                told.add(source.folder)
                said, place = _identities(source, attribute)[identity], _place(source, attribute, identity)
                theirs = first.hunt.source if attribute != _RULE_ID else Path(first.hunt.source).with_name(_SETTINGS)
                message = f"the {word} {said!r} is also that of {theirs}"
                issue = Issue(DUPLICATE, Level.ERROR, message, source.folder, place, _own_identity(source, first))
                yield Clash(frozenset({first.folder, source.folder}), issue)


def _identities(source: RuleSource, attribute: str) -> dict[str, str]:
    """What a hunt may share with another, as it is compared and as it is written."""
    if attribute == _RULE_ID:
        return {one.settings.rule_id: one.settings.rule_id for one in source.queries if one.settings.rule_id}
    said: str = getattr(source.hunt, attribute)
    return {said.lower(): said}


def _place(source: RuleSource, attribute: str, identity: str) -> Location | None:
    if attribute != _RULE_ID:
        return source.hunt.at_field(attribute)
    whole = (source.read_again() if source.read_again else None) or source
    return next((one.place(_RULE_ID) for one in whole.queries if one.settings.rule_id == identity), None)


def _own_identity(source: RuleSource, first: RuleSource) -> str:
    """What to write into a hunt that has the identity of another; the same text each time for the same folder."""
    is_pinned = bool(_identities(source, _RULE_ID).keys() & _identities(first, _RULE_ID).keys())
    without = f"take {_RULE_ID} out of its {_SETTINGS}"
    if source.hunt.uuid.lower() != first.hunt.uuid.lower():
        is_named = source.hunt.name.lower() == first.hunt.name.lower()
        return "give each hunt its own" if is_named else f"{without}: only the hunt that the rule is from keeps it"
    also = ", and a name of its own" if source.hunt.name.lower() == first.hunt.name.lower() else ""
    own = f"give it its own uuid: {uuid5(UUID(source.hunt.uuid), source.folder)}{also}"
    return f"{own}; {without}" if is_pinned else own
