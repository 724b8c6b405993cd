"""Inputs: the repository's own files, changed a little or a lot, and now and then something else altogether."""

import json

from hypothesis import strategies as st

TOKENS = [
    "", "\0", "\x1b[31m", "\ud800", "\u202e", "\u200b", "\ufeff", "\u2028", "\x85", "\r", "\r\n", "\n", "\n\n", "\t",
    " ", "- ", "* ", "# ", "## ", "```", "~~~", "> ", "1. ", "|", "**", "**X:**", "`", "[", "]", "{", "}", "(", ")",
    "<!--", "'", '"', "'''", '"""', "\\", "\\u0000", "\\ud800", "\\x", "=", "==", ":", ": ", "::", ",", "&a ", "*a",
    "<<: *a", "!!int ", "!x ", "? ", "%YAML 9", "---\n", "...\n", "[[hunt]]\n", "[hunt]\n", "[hunt.query]\n",
    "hunt = {", "query.a = ", "null", "~", "true", "yes", "047", "0x_", "1:30", "1e999", "-0", ".nan", "2026-13-45",
    "2026-02-30T99:99:99Z", "9" * 50, "9" * 5000, "[" * 70, "{" * 70, "(" * 130, "- " * 70, "> " * 200, "x" * 3000,
    "\u00e9", "\U0001f600", "now", "99999d", "0s",
]  # fmt: skip

VALUES: list[object] = [
    None, True, False, 0, -1, 1.5, 10**30, 1e308, "", "x", "\ud800", "\0", "a" * 3000, [], {}, [[]], [None],
    {"": None}, [{}], {"id": []}, "2026-13-45T00:00:00Z", "2026-11-26T00:00:00Z", "create", "rule", "applied", "done",
    "passed", 8, "8.x.1",
]  # fmt: skip


@st.composite
def near_texts(draw, corpus):
    """A text of the corpus after a few edits: cut, repeated, joined with another, with something strange put in."""
    text = draw(st.sampled_from(corpus))
    for _ in range(draw(st.sampled_from([1, 1, 2, 3, 6]))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 1, 2, 5, 20, 200])))
        match draw(st.sampled_from(["put", "put", "cut", "replace", "repeat", "join", "move", "line"])):
            case "put":
                text = text[:start] + draw(st.sampled_from(TOKENS)) + text[start:]
            case "cut":
                text = text[:start] + text[end:]
            case "replace":
                text = text[:start] + draw(st.sampled_from(TOKENS)) + text[end:]
            case "repeat":
                text = text[:start] + text[start:end] * draw(st.sampled_from([2, 3, 50])) + text[end:]
            case "join":
                text = text[:start] + draw(st.sampled_from(corpus))[start:end]
            case "move":
                text = text[:start] + text[end:] + text[start:end]
            case "line":
                lines = text.split("\n")
                index = draw(st.integers(0, len(lines) - 1))
                lines[index] = draw(st.sampled_from(TOKENS)) + lines[index][draw(st.integers(0, 12)) :]
                text = "\n".join(lines)
    return text[:300_000]


def texts(corpus):
    """Mostly near texts; some of tokens alone, some of anything."""
    tokens = st.lists(st.sampled_from(TOKENS), max_size=30).map("".join)
    return st.one_of(*[near_texts(corpus)] * 8, tokens, st.text(max_size=200))


def blobs(corpus):
    """The same as bytes, now and then not UTF-8."""
    encoded = texts(corpus).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.one_of(
        encoded, encoded, encoded, st.binary(max_size=200), st.tuples(encoded, st.binary(max_size=4)).map(b"".join)
    )


values = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@st.composite
def near_values(draw, corpus):
    """A JSON value of the corpus with some parts replaced, removed, renamed or doubled."""
    value = json.loads(json.dumps(draw(st.sampled_from(corpus))))
    for _ in range(draw(st.integers(1, 4))):
        value = _changed(draw, value, draw(st.integers(0, 6)))
    return value


def _changed(draw, value, depth):
    if depth and isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: _changed(draw, value[key], depth - 1)}
    if depth and isinstance(value, list) and value:
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], _changed(draw, value[index], depth - 1), *value[index + 1 :]]
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        rest = {name: inner for name, inner in value.items() if name != key}
        return rest if draw(st.booleans()) else {**rest, draw(st.text(max_size=4)): value[key]}
    if isinstance(value, list) and draw(st.booleans()):
        return value * 2
    return draw(st.sampled_from(VALUES) | values)


def documents(corpus):
    """JSON texts: near values of the corpus as bytes, broken ones among them."""
    whole = near_values(corpus).map(lambda value: json.dumps(value).encode())
    return st.one_of(*[whole] * 6, blobs([json.dumps(value) for value in corpus]))
