"""From what a rule caught to what is to be said about it. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from entra_deployer.core.json import Json, canonical, shown
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.verify.verdict import EntityOutcome

type Record = Mapping[str, Json]
"""A row of the query's result, or an alert, by dotted field."""


def matches(entity: Mapping[str, Json], record: Record) -> bool:
    """Does the record have the entity's value in each of the entity's columns (for a list: among its values)."""
    return all(_same(value, record.get(column)) for column, value in entity.items())


def _same(expected: Json, actual: Json) -> bool:
    if isinstance(actual, list):
        return any(_same(expected, item) for item in actual)
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)


def is_alerts_own(column: str) -> bool:
    """Whether an alert has a value of its own there, whatever the row has that it was made of."""
    return column.startswith("kibana.") or column in ("@timestamp", "event.kind")


def judge(
    test: DetectionTest, rows: Sequence[Record], alerts: Sequence[Record], key_columns: Sequence[str]
) -> tuple[EntityOutcome, ...]:
    """What became of each entity of a test, in the test's order, then the entities that nobody expected, sorted.

    An entity is caught when the query's result has it and an alert was made of it; one that must be left alone is a
    false alarm already when one of the two has it.
    """
    outcomes = [_caught(test, item, rows, alerts) for item in test.catches]
    outcomes += [_ignored(test, item, rows, alerts) for item in test.ignores]
    expected = [item.entity for item in (*test.catches, *test.ignores)]
    strays = [row for row in rows if not any(matches(entity, row) for entity in expected)]
    names = sorted({record_name(row, key_columns) for row in strays})
    return (
        *outcomes,
        *(EntityOutcome(name, name, expected=False, caught=True, reason="nobody expected it") for name in names),
    )


def _caught(test: DetectionTest, item: Expectation, rows: Sequence[Record], alerts: Sequence[Record]) -> EntityOutcome:
    found = any(matches(item.entity, row) for row in rows)
    alerted = any(matches(item.entity, alert) for alert in alerts)
    reason = item.reason
    wanted = [column for column, value in item.entity.items() if value is not None]
    lost = [column for column in wanted if not any(column in alert for alert in alerts)]
    if found and not alerted and alerts and lost:
        reason = f"the query finds it, but no alert has the column {', '.join(lost)}"
    elif found and not alerted:
        reason = "the query finds it, but no alert was made of it"
    elif alerted and not found:
        reason = "an alert was made of it, but the query alone does not find it"
    return _outcome(test, item, expected=True, caught=found and alerted, reason=reason)


def _ignored(test: DetectionTest, item: Expectation, rows: Sequence[Record], alerts: Sequence[Record]) -> EntityOutcome:
    caught = any(matches(item.entity, record) for record in (*rows, *alerts))
    return _outcome(test, item, expected=False, caught=caught, reason=item.reason)


def _outcome(test: DetectionTest, item: Expectation, *, expected: bool, caught: bool, reason: str) -> EntityOutcome:
    return EntityOutcome(
        name=item.name,
        entity=describe(item.entity),
        expected=expected,
        caught=caught,
        reason=reason,
        events=events_of(test, item.entity),
    )


def describe(entity: Mapping[str, Json]) -> str:
    """An entity with its columns: user.name=mallory, host.name=web-1."""
    return ", ".join(f"{column}={shown(value)}" for column, value in entity.items())


def record_name(row: Record, key_columns: Sequence[str]) -> str:
    """What a row's entity is called: the values of the key columns, or of all columns where it has none of them."""
    columns = [column for column in key_columns if column in row] or sorted(row)
    return " / ".join(shown(row[column]) for column in columns)


def events_of(test: DetectionTest, entity: Mapping[str, Json]) -> tuple[str, ...]:
    """The names of the seeded events that have the entity's values, with their number where there are several."""
    return tuple(_counted(event) for event in test.events if belongs(event, entity))


def belongs(event: Event, entity: Mapping[str, Json]) -> bool:
    """Could the event be one of the entity's: it has its values wherever it has its fields, and lacks its nulls."""
    common = [column for column, value in entity.items() if column in event.document or value is None]
    return bool(common) and all(_same(entity[column], event.document.get(column)) for column in common)


def _counted(event: Event) -> str:
    return event.name if event.count == 1 else f"{event.name} x{event.count}"


def without_event(test: DetectionTest) -> tuple[Expectation, ...]:
    """Expectations that no seeded event can belong to although some event has such a field: most likely misspelt."""
    fields = {field for event in test.events for field in event.document}
    return tuple(
        item
        for item in (*test.catches, *test.ignores)
        if any(column in fields for column in item.entity)
        and not any(belongs(event, item.entity) for event in test.events)
    )


def same_rows(left: Iterable[Record], right: Iterable[Record]) -> bool:
    """Do both hold the same rows, whatever their order."""
    return sorted(map(canonical, left)) == sorted(map(canonical, right))
