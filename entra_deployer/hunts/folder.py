"""One folder under `rules/`: the hunt, its settings (`rule.yaml`) and its seeded events (`tests/*.yaml`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Json
from entra_deployer.core.yaml import YamlFile
from entra_deployer.hunts.hunt import Hunt


@dataclass(frozen=True)
class RuleSettings:
    """What `rule.yaml` says for one query's rule; None means "not said", the compiler's policy decides.

    Durations are Kibana's: `<n>s|m|h|d`. `fields` are further fields of the rule payload in Kibana's own names
    (a merge patch). `owners` maps a payload field to "git" or "live". `rule_id` is that of a rule which was there
    before the hunt; without it the id is made of the hunt's UUID. `stack` is the range of versions that can run it. A
    `retired` rule is switched off where it stands, made nowhere, and deleted by a later prune.
    """

    name: str | None = None
    description: str | None = None
    severity: str = "medium"
    risk_score: int = 47
    enabled: bool | None = None
    interval: str | None = None
    lookback: str | None = None
    ingest_delay: str | None = None
    max_signals: int | None = None
    duplicates: str | None = None
    tags: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    setup: str | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    actions: tuple[Mapping[str, Json], ...] = ()
    exceptions: tuple[str, ...] = ()
    silence: Mapping[str, str] = field(default_factory=dict)
    minimum_mutation_score: float | None = None
    rule_id: str | None = None
    stack: str | None = None
    retired: bool = False


@dataclass(frozen=True)
class QuerySettings:
    """Settings of one query of the hunt: its stable `key` (part of every id made from it), and its rule's settings.

    `file` is the rule.yaml that they are from, None where there is none.
    """

    key: str
    settings: RuleSettings
    file: YamlFile[Any] | None = field(default=None, compare=False, repr=False)

    def place(self, *path: str | int) -> Location | None:
        """Where rule.yaml says this of the query, or nearly this; None where it does not."""
        for where in (("queries", self.key, *path), path):
            if self.file and self.file.finds(*where[: len(where) - len(path) + 1]):
                return self.file.at(*where)
        return None


@dataclass(frozen=True)
class Event:
    """One seeded event: a document with its time as an offset from now, seeded `count` times.

    `name` is what the verdict calls it by; `document` is nested or dotted, as the integration would ship it; `age` is
    how many seconds before now it happened; copies are `every` seconds apart (older ones last).
    """

    name: str
    document: Mapping[str, Json]
    age: float
    count: int = 1
    every: float = 1.0


@dataclass(frozen=True)
class Expectation:
    """An entity in the key columns of the query's result, e.g. {"user.name": "mallory"}, and why it is expected."""

    name: str
    entity: Mapping[str, Json]
    reason: str = ""


@dataclass(frozen=True)
class DetectionTest:
    """The seeded events of one test file with what the rule must catch and what it must leave alone.

    `query` is the key of the query it tests, None where the hunt has one only. `lookups` are the rows, by dotted field,
    of each index that the query's LOOKUP JOINs read. `run_at` is the time of day, or of a day of the week, at which the
    rule runs for it, in UTC; "" for any.
    """

    name: str
    source: str
    index: str
    events: tuple[Event, ...]
    catches: tuple[Expectation, ...]
    ignores: tuple[Expectation, ...]
    query: str | None = None
    lookups: Mapping[str, tuple[Mapping[str, Json], ...]] = field(default_factory=dict)
    run_at: str = ""


type ReadTests = tuple[tuple[DetectionTest, ...], tuple[Issue, ...]]
"""The detection tests of a hunt, and what is wrong with those that could not be read."""


def _no_tests() -> ReadTests:
    return (), ()


@dataclass(frozen=True)
class RuleSource:
    """All that one folder under `rules/` holds. `queries` are in the hunt's order, one for each of its queries.

    Its tests are read when somebody first asks for them: a plan and a push do not.
    """

    folder: str
    hunt: Hunt
    queries: tuple[QuerySettings, ...]
    read_tests: Callable[[], ReadTests] = field(default=_no_tests, repr=False, compare=False)
    digest: str = field(default="", repr=False, compare=False)
    """The digest of what it was read from; "" where nothing may be kept of it."""
    read_again: "Callable[[], RuleSource | None] | None" = field(default=None, repr=False, compare=False)
    """Reads its files, where it was kept from an earlier run: without the places of its rule.yaml."""

    @cached_property
    def _tests(self) -> ReadTests:
        return self.read_tests()

    @property
    def tests(self) -> tuple[DetectionTest, ...]:
        """The detection tests that could be read, by file name."""
        return self._tests[0]

    @property
    def test_issues(self) -> tuple[Issue, ...]:
        """What is wrong with the others."""
        return self._tests[1]


@dataclass(frozen=True)
class Clash:
    """Hunts with one identity, told at the last of them: in the order of folders a copy stands behind its model."""

    folders: frozenset[str]
    issue: Issue


@dataclass(frozen=True)
class Catalog:
    """All folders under `rules/` that could be read, sorted by folder, and what is wrong with the others.

    `unread` are the folders of which nobody knows which rules are theirs, those that were not asked for included.
    `clashes` tell which folders share a UUID or a name; their issues are among `issues`. `folder` is where they all
    are, "" for several places; `whole` says that these are all that there are.
    """

    sources: tuple[RuleSource, ...]
    issues: tuple[Issue, ...] = ()
    unread: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()
    folder: str = ""
    whole: bool = False

    @property
    def clashing(self) -> dict[str, str]:
        """The folders that share a UUID or a name with another one, each with what is wrong."""
        return {folder: clash.issue.message for clash in self.clashes for folder in sorted(clash.folders)}
