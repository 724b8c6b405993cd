"""Another query in the place of one in a hunt's file: nothing else of the file changes."""

from typing import TYPE_CHECKING

from entra_deployer.hunts.hunt import Query

if TYPE_CHECKING:
    from tomlkit.items import Item, String


def replace_query(text: str, suffix: str, query: Query, index: int, new: str) -> str:
    """The file's text with `new` in the place of `query`, the hunt's `index`-th. ValueError where it cannot be.

    `suffix` is that of the file: .md or .toml; the text's lines end in a line feed alone.
    """
    changed = _in_toml(text, index, new) if suffix == ".toml" else _in_markdown(text, query, new)
    if changed == text:
        raise ValueError("the query does not stand where it was read")
    return changed


def _in_markdown(text: str, query: Query, new: str) -> str:
    """The lines of a fenced block are replaced; they may be indented, within a list."""
    lines = text.split("\n")
    start, count = query.line - 1, query.text.count("\n") + 1
    first = query.text.split("\n", 1)[0]
    if not lines[start].endswith(first):
        raise ValueError("the query does not stand where it was read")
    indentation = lines[start][: len(lines[start]) - len(first)]
    lines[start : start + count] = [indentation + line if line else line for line in new.split("\n")]
    return "\n".join(lines)


def _in_toml(text: str, index: int, new: str) -> str:
    import tomlkit  # noqa: PLC0415 - only an edit needs it

    document = tomlkit.parse(text)
    hunt = document["hunt"]
    alone = isinstance(hunt["query"], str)
    queries, key = (hunt, "query") if alone else (hunt["query"], index)
    queries[key] = tomlkit.value(_written(queries[key], new))
    return tomlkit.dumps(document)


def _written(old: "String", new: str) -> str:
    """`new` as TOML: in the quotes of the old text, and with its blank lines around it."""
    import tomlkit  # noqa: PLC0415 - see above

    before = old.as_string()
    quotes = next(mark for mark in ('"""', "'''", '"', "'") if before.startswith(mark))
    if len(quotes) == 1 and "\n" not in new:
        return tomlkit.string(new, literal=quotes == "'" and "'" not in new).as_string()
    lead, _, tail = str(old).partition(str(old).strip("\n"))
    return on_lines(
        lead + new + tail,
        literal=quotes.startswith("'"),
        opened=before[len(quotes) :].startswith("\n"),
    ).as_string()


def on_lines(text: str, *, literal: bool, opened: bool) -> "Item":
    """A TOML string of several lines: `literal` where the text allows it, `opened` by a line of its own."""
    import tomlkit  # noqa: PLC0415 - see above

    literal = literal and "'''" not in text and not text.endswith("'")
    written = tomlkit.string(text, literal=literal, multiline=True).as_string()
    if opened and not written[3:].startswith("\n"):
        written = written[:3] + "\n" + written[3:]
    return tomlkit.value(written)
