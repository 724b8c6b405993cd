"""Settings of one query's rule in the text of its `rule.yaml`: set and removed where they are in force."""

from collections.abc import Iterator, Mapping, Sequence

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.hunts.edit.yaml_text import look_up, remove_from_yaml, set_in_yaml

type Path = tuple[str, ...]


def set_setting(text: str, queries: Sequence[str], query: str, path: Path, value: Json) -> str:
    """The text with a setting of one query. `queries` are the keys of all of the hunt's queries, in its order.

    A hunt with several queries gets a section for each, under the keys that they have anyhow, so that no id changes.
    """
    home = _home(text, queries, query, path)
    if home and not look_up(text, ["queries"]):
        for key in queries:
            text = set_in_yaml(text, ["queries", key], {})
    if home and len(path) > 1 and look_up(text, [*home, path[0]]) is None and (shared := look_up(text, path[:1])):
        text = set_in_yaml(text, [*home, path[0]], shared)  # a query's own section takes the whole place of the shared
    return set_in_yaml(text, [*home, *path], value)


def remove_setting(text: str, queries: Sequence[str], query: str, path: Path) -> str:
    """The text without a setting of one query. KeyError where it is not set."""
    return remove_from_yaml(text, [*_home(text, queries, query, path), *path])


def patches(path: Path, before: Json, after: Json) -> Iterator[tuple[Path, Json]]:
    """The entries of a merge patch that makes `after` of `before`, each at its path; None removes."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield path, after
        return
    for key in sorted({*before, *after}):
        if key not in after:
            yield (*path, key), None
        elif canonical(before.get(key)) != canonical(after[key]):
            yield from patches((*path, key), before.get(key), after[key])


def _home(text: str, queries: Sequence[str], query: str, path: Path) -> Path:
    """Where the setting belongs: among the query's own, or at the top where the hunt has this query alone."""
    if len(queries) == 1 and look_up(text, ["queries", query, path[0]]) is None:
        return ()
    return ("queries", query)
