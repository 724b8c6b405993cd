"""How to ask for one of several values, with what the version has for good."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entra_deployer import facts
from entra_deployer.core.target import StackVersion

_LIKE_SIGNS = "*?\\"

# what stands between the values when they are joined: hardly any value holds it, unlike a comma
_BETWEEN = r"\n"
_JOINED_LIKE: Mapping[str, Callable[[str], str]] = {
    "==": lambda text: f"*{_BETWEEN}{text}{_BETWEEN}*",
    "starts_with": lambda text: f"*{_BETWEEN}{text}*",
    "ends_with": lambda text: f"*{text}{_BETWEEN}*",
    "contains": lambda text: f"*{text}*",
}


@dataclass(frozen=True)
class ArrayCondition:
    """A condition on a column that may hold several values: that it is one of `texts`, in the way of `way`.

    `way` is `==` (for !=, IN and a LIKE without wildcards as well), `like`, `rlike`, `cidr_match` or a function that
    asks for a part of a text. `negated`: the condition itself is for what the value is not (!=, NOT IN, NOT LIKE).
    `unwanted`: so it is with all NOTs around it counted.
    """

    name: str
    type: str
    way: str
    texts: tuple[str, ...]
    negated: bool
    unwanted: bool


def array_hint(one: ArrayCondition, version: StackVersion) -> str:
    """What to write instead, so that it holds where one of the values is it, and not where none is."""
    match_is_ga = facts.MATCH_GENERAL.holds(version)
    if one.way == "==":
        return _instead(one, [_is(one, text, version, match_is_ga=match_is_ga) for text in one.texts])
    if one.way == "cidr_match" and match_is_ga and one.type == "ip":
        return _instead(one, [f'{one.name} : "{_written(text)}"' for text in one.texts])
    if not one.unwanted:
        return f"put `| MV_EXPAND {one.name}` before this WHERE: a row for each value, so count documents with care"
    forms = [_joined(one, text) for text in one.texts]
    if all(forms):
        return _instead(one, [form for form in forms if form])
    return (
        f'ask `MV_CONCAT({one.name}, "{_BETWEEN}")`, the text of all values: behind MV_EXPAND one value that passes '
        "would be enough"
    )


def _instead(one: ArrayCondition, forms: list[str]) -> str:
    text = " OR ".join(forms)
    if one.negated:
        return f"write `NOT ({text})`"
    return f"write `{f'({text})' if len(forms) > 1 else text}`"


def _is(one: ArrayCondition, text: str, version: StackVersion, *, match_is_ga: bool) -> str:
    value = f'"{_written(text)}"'
    if facts.MV_CONTAINS.holds(version):
        return f"MV_CONTAINS({one.name}, {f'TO_IP({value})' if one.type == 'ip' else value})"
    if match_is_ga:
        return f"{one.name} : {value}"
    return f'MV_CONCAT({one.name}, ",") LIKE "*{text}*"'


def _joined(one: ArrayCondition, text: str) -> str | None:
    """The condition on all values in one text; None where a wildcard could reach from one value into the next."""
    way = one.way
    if way == "like":
        way, text = _affix(text)
    if one.type == "ip" or way not in _JOINED_LIKE or any(sign in text for sign in (*_LIKE_SIGNS, '"', "\n")):
        return None
    values = f'CONCAT("{_BETWEEN}", MV_CONCAT({one.name}, "{_BETWEEN}"), "{_BETWEEN}")'
    return f'{values} LIKE "{_JOINED_LIKE[way](text)}"'


def _affix(pattern: str) -> tuple[str, str]:
    """A pattern of LIKE as a way to ask for a part, and that part."""
    ways = {(False, False): "==", (False, True): "starts_with", (True, False): "ends_with", (True, True): "contains"}
    return ways[pattern.startswith("*"), pattern.endswith("*")], pattern.removeprefix("*").removesuffix("*")


def is_plain(pattern: str) -> bool:
    """Whether a pattern of LIKE is a text without wildcards."""
    return not any(sign in pattern for sign in _LIKE_SIGNS)


def _written(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
