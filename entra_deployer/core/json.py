"""JSON: a real type of its values, the operations on them that everyone needs, and their decoding into types.

`decode` and `decode_json` are the one way in which a value from outside (a file, a server's answer, a document that
was stored) becomes a type of ours. The type is a frozen dataclass or a frozen `msgspec.Struct`, with `Annotated[...,
msgspec.Meta(...)]` where a value has bounds; a Struct with `forbid_unknown_fields=True` refuses keys that it lacks,
a dataclass takes no notice of them.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import RLock
from types import GenericAlias
from typing import TYPE_CHECKING, Any, NoReturn, cast

from entra_deployer.core.errors import InputError
from entra_deployer.core.text import did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    type Json = bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None
    """A JSON value. Treated as frozen: nobody writes on one."""
else:
    Json = Any  # msgspec cannot analyse a type that contains itself

type JsonPath = tuple[str | int, ...]
"""The keys and indexes that lead to a part of a value; () is the whole."""

MAX_DEPTH = 64
"""How deep lists and mappings may be nested in what is read."""


@dataclass(frozen=True)
class Misfit:
    """One part of a value that is not of the type's form: where, what is wrong, and what to do."""

    path: JsonPath
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """`a.b[0]: must be text, not 5`."""
        return f"{say_path(self.path)}: {self.message}" if self.path else self.message


class DoesNotFit(InputError):
    """A value is not of the type that it was decoded into. `misfits` are all its faults, the first is the message.

    Who knows where the value came from (a file, a URL) translates this and says so.
    """

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__(str(misfits[0]), hint=misfits[0].hint)
        self.misfits = tuple(misfits)


_KNOWN: set[object] = set()
_WORKING_OUT = RLock()


def worked_out[T](kind: type[T]) -> type[T]:
    """`kind`, once msgspec has worked out how it is read: every type passes here before it is read into.

    Two threads that meet a type for the first time at once crash msgspec 0.22: the second reads what is half done.
    """
    if kind not in _KNOWN:
        import msgspec  # noqa: PLC0415 - see `decode`

        with _WORKING_OUT:
            msgspec.json.Decoder(kind)
            _KNOWN.add(kind)
    return kind


def decode[T](value: Json, kind: type[T]) -> T:
    """The value as a `kind`. Raises DoesNotFit with every fault, in plain words, values shortened and secrets left out.

    Sources of truth: the fast path is msgspec's; only where that refuses, the JSON Schema of the same type is asked,
    which tells all faults and not the first alone.
    """
    if halves := _half_characters(value):
        raise DoesNotFit(halves)
    return _converted(value, kind)


def decode_each[T](values: Collection[Json], kind: type[T]) -> list[T]:
    """Each of the values as a `kind`, in one go. Raises DoesNotFit without saying which one it is about."""
    return decode(list(values), cast("type[list[T]]", GenericAlias(list, (kind,))))


def decode_texts[T](texts: Iterable[bytes], kind: type[T]) -> list[T]:
    """Each of some JSON texts as a `kind`, in one go. Raises DoesNotFit without saying which one it is about, or how.

    A part of type `msgspec.Raw` is left as it is written, and nobody looks at what is in it.
    """
    import msgspec  # noqa: PLC0415 - see `_converted`

    read = msgspec.json.Decoder(worked_out(kind)).decode
    try:
        return [read(text) for text in texts]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DoesNotFit([_foreign_misfit(str(error))]) from error


def _converted[T](value: Json, kind: type[T]) -> T:
    import msgspec  # noqa: PLC0415 - `--help` needs none of it

    try:
        return msgspec.convert(value, worked_out(kind))
    except (msgspec.ValidationError, RecursionError) as error:
        raise DoesNotFit(_misfits(value, kind) or [_foreign_misfit(str(error))]) from error


def _half_characters(value: Json) -> list[Misfit]:
    """The texts and keys with a lone surrogate, which UTF-8 has no bytes for: nobody could write or send them."""
    import msgspec  # noqa: PLC0415 - see `decode`

    try:
        msgspec.json.encode(value)
    except UnicodeError:
        return [Misfit(path, "holds half of a character (a lone surrogate)") for path in _halves(value, ())]
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass  # no JSON: the type tells
    return []


def _halves(value: Json, path: JsonPath) -> Iterator[JsonPath]:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            yield path
        return
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, Sequence) else ()
    for key, item in parts:
        if isinstance(key, str) and _SURROGATE.search(key):
            yield path
        yield from _halves(item, (*path, key))


_SURROGATE = re.compile("[\ud800-\udfff]")


def decode_json[T](text: bytes | str, kind: type[T]) -> T:
    """A JSON text as a `kind`. Raises DoesNotFit as `decode` and `parse_json` do."""
    return _converted(parse_json(text), kind)  # which has refused halves of characters


def encode_json(value: object, *, ordered: bool = False) -> bytes:
    """A value of our types as JSON: `decode_json` reads an equal one. `ordered` writes keys in their order."""
    import msgspec  # noqa: PLC0415 - see `decode`

    return msgspec.json.encode(value, order="sorted" if ordered else None)


def pack(value: object) -> bytes:
    """A value of our types in a compact form of this tool's own. Raises ValueError where it has none."""
    import msgspec  # noqa: PLC0415 - see `decode`

    try:
        return msgspec.msgpack.encode(value)
    except (TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error


def shared(fields: Mapping[str, Json], names: Iterable[str]) -> dict[str, Json]:
    """Of some fields those that are there, each as the one copy that this process holds of all that are equal."""
    import msgspec  # noqa: PLC0415 - see `decode`

    if len(_SHARED) > _MOST_SHARED:
        _SHARED.clear()
    there = {name: fields[name] for name in names if name in fields}
    return {name: _SHARED.setdefault(msgspec.json.encode(value), value) for name, value in there.items()}


_SHARED: dict[bytes, Json] = {}
_MOST_SHARED = 100_000
"""Values of which the next one begins anew: a process that watches for days does not grow without end."""


def unpack[T](data: bytes | memoryview, kind: type[T]) -> T:
    """The value that `pack` made `data` of. Raises ValueError for anything else."""
    import msgspec  # noqa: PLC0415 - see `decode`

    try:
        return msgspec.msgpack.decode(data, type=worked_out(kind))
    except RecursionError as error:
        raise ValueError(str(error)) from error


def parse_json(text: bytes | str) -> Json:
    """The value of a JSON text. Raises DoesNotFit for NaN, lone surrogates, and more than MAX_DEPTH levels, too."""
    import msgspec  # noqa: PLC0415 - see above

    try:
        value: Json = msgspec.json.decode(text)
    except UnicodeError as error:
        raise DoesNotFit([Misfit((), "is not UTF-8")]) from error
    except RecursionError as error:
        raise DoesNotFit([too_deep()]) from error
    except msgspec.DecodeError as error:
        raise DoesNotFit([Misfit((), _not_json(text, str(error)))]) from error
    if nested_deeper(value, MAX_DEPTH):
        raise DoesNotFit([too_deep()])
    return value


def too_deep() -> Misfit:
    """What is said of a value with more than MAX_DEPTH levels."""
    return Misfit((), f"is nested more than {MAX_DEPTH} levels deep")


def _not_json(text: bytes | str, complaint: str) -> str:
    if not text.strip():
        return "is empty where JSON was expected"
    if "truncated" in complaint:
        return "is not valid JSON: it ends too early"
    found = re.search(r"\(byte (\d+)\)", complaint)
    return f"is not valid JSON at byte {found[1]}" if found else "is not valid JSON"


def nested_deeper(value: Json, limit: int) -> bool:
    """Whether lists and mappings are nested in more than `limit` levels."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        parts = (part for item in level for part in (item.values() if isinstance(item, dict) else item))
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def schema_of(kind: object, *, title: str = "", description: str = "") -> dict[str, Json]:
    """The JSON Schema (draft 2020-12) of a type, in one piece: where a type is used, its keys are written out.

    So what a use says (a description, that it is writeOnly) stands beside what the type says. `in_order` in the
    `extra_json_schema` of a Literal gives its values in another order than the alphabet's.
    """
    import msgspec  # noqa: PLC0415 - see above

    made = msgspec.json.schema(kind)
    whole = _written_out(made, made.pop("$defs", {}))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    named = {key: text for key, text in (("title", title), ("description", description)) if text}
    return {**head, **named, **{key: item for key, item in whole.items() if key not in named}}


def _written_out(node: Any, types: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the library's own schema
    if isinstance(node, list):
        return [_written_out(item, types) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if reference := node.pop("$ref", None):
        node = {**types[reference.removeprefix("#/$defs/")], **node}
    node.pop("title", None) if isinstance(node.get("title"), str) else None
    if order := node.pop("in_order", None):
        node["enum"] = order
    return {key: _written_out(item, types) for key, item in node.items() if (key, item) != ("required", [])}


@cache
def _cached_schema(kind: object) -> dict[str, Json]:
    return schema_of(kind)


def _misfits(value: Json, kind: object) -> list[Misfit]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only a fault needs it

    try:
        errors = [
            leaf for error in Draft202012Validator(_cached_schema(kind)).iter_errors(value) for leaf in _leaves(error)
        ]
        return [misfit for error in errors for misfit in _misfits_of(error)]
    except RecursionError:
        return [too_deep()]


def _leaves(error: "ValidationError") -> "Iterator[ValidationError]":
    """Of a value that may be of several types: the faults within it, where its own type is one of those."""
    inner = list(error.context or ()) if error.validator in ("anyOf", "oneOf") else []
    within = [one for one in inner if one.relative_path or one.validator not in ("type", "enum")]
    if not within:
        yield error
    for one in within:
        yield from _leaves(one)


def _misfits_of(error: "ValidationError") -> Iterator[Misfit]:
    path: JsonPath = tuple(error.absolute_path)
    rule: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties" and rule["additionalProperties"] is False:
        known = list(rule.get("properties", {}))
        for key in instance:
            if key not in known:
                yield Misfit((*path, key), f"unknown key {str(key)!r}", did_you_mean(str(key), known))
        return
    yield Misfit(path, _say(error), rule.get("description") if isinstance(rule, Mapping) else None)


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


_BOUNDS = {
    "minimum": "must be at least {bound}{not_this}",
    "exclusiveMinimum": "must be more than {bound}{not_this}",
    "maximum": "must be at most {bound}{not_this}",
    "exclusiveMaximum": "must be less than {bound}{not_this}",
    "minLength": "must have at least {bound} characters",
    "maxLength": "must have at most {bound} characters",
    "minItems": "must have at least {bound} entries",
    "maxItems": "must have at most {bound} entries",
    "minProperties": "must have at least {bound} keys",
    "maxProperties": "must have at most {bound} of these keys",
    "uniqueItems": "must not name one thing twice",
    "pattern": "{this} is not of the expected form",
}


def _say(error: "ValidationError") -> str:
    """The complaint in words for people, by the keyword that failed.

    A value that the schema calls writeOnly may be a secret in the wrong place: it is not shown.
    """
    bound: Any = error.validator_value
    instance: Any = error.instance
    secret = isinstance(error.schema, Mapping) and error.schema.get("writeOnly")
    this = "this" if secret else _short(instance)
    not_this = "" if secret else f", not {this}"
    match error.validator:
        case "type" | "enum" | "anyOf" | "oneOf":
            return f"must be {' or '.join(_choices(error))}{not_this}"
        case "required":
            return f"lacks {', '.join(repr(key) for key in bound if key not in instance)}"
        case "minLength" | "minItems" | "minProperties" if bound == 1:
            return "must not be empty"
        case keyword:
            form = _BOUNDS.get(str(keyword), "is not of the expected form")
            return form.format(bound=bound, this=this, not_this=not_this)


def _choices(error: "ValidationError") -> list[str]:
    """What a value may be: a kind of value, one of some texts, or either; what may be nothing is told without that."""
    found = []
    alternatives = list(error.context or ()) or [error]
    for one in alternatives:
        bound: Any = one.validator_value
        if one.validator == "enum":
            found.append(f"one of {', '.join(map(str, bound))}")
        elif one.validator == "type":
            found += [_TYPES.get(name, name) for name in ([bound] if isinstance(bound, str) else bound)]
    needless = {_TYPES["null"]} if len(found) > 1 else set()
    needless |= {_TYPES["integer"]} if _TYPES["number"] in found else set()
    return [word for word in found if word not in needless]


_FOREIGN_TYPES = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "a mapping", "null": "nothing",
}  # fmt: skip
_FOREIGN = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)


def _foreign_misfit(complaint: str) -> Misfit:
    """The library's complaint where the schema knows none: a rule that a type has beside its schema."""
    found = _FOREIGN.match(complaint)
    what, path = (found["what"], found["path"] or "") if found else (complaint, "")
    if expected := re.match(r"Expected `(\w+)", what):
        what = f"must be {_FOREIGN_TYPES.get(expected[1], 'of another type')}"
    elif what[:7] in ("Object ", "Invalid"):
        what = "is not of the expected form"
    return Misfit(tuple(part for part in re.split(r"[.\[\]]+", path) if part), what)


def say_path(path: JsonPath) -> str:
    """`a.b[0].c`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


_COMPARED_AS_THEY_ARE = frozenset({str, bool, int})
_EMPTY_ALIKE = frozenset({list, dict})
_JSON_TYPES = frozenset({str, bool, int, float, list, dict, type(None)})
"""Types of which no two write a value alike."""
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Json) -> str:
    """The one text of a JSON value: sorted keys, no spaces; equal values give equal bytes."""
    return _ENCODER.encode(value)


def is_canonical(text: str) -> bool:
    """Whether a text is surely the canonical one of its value; of one with a fraction only writing it would tell."""
    import msgspec  # noqa: PLC0415 - see `decode`

    try:
        return encode_json(msgspec.json.Decoder(float_hook=_no_fraction).decode(text), ordered=True) == text.encode()
    except (ValueError, OverflowError, RecursionError):
        return False


def _no_fraction(number: str) -> NoReturn:
    raise ValueError(number)


def same(one: Json, other: Json) -> bool:
    """Whether two values have the same canonical text, mostly without writing it."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        known = kind in _JSON_TYPES and type(other) in _JSON_TYPES
        return not known and canonical(one) == canonical(other)
    if kind in _COMPARED_AS_THEY_ARE:
        return one == other
    if kind in _EMPTY_ALIKE and not (one and other):
        return not one and not other
    return _written_alike(one, other) or canonical(one) == canonical(other)


def differing(one: Mapping[str, Json], other: Mapping[str, Json], names: Collection[str]) -> list[str]:
    """Those of `names` of which `same` is to be asked: the others hold the same text, as most fields do."""
    lefts, rights = list(map(one.get, names)), list(map(other.get, names))
    if _written_alike(lefts, rights):
        return []
    return [
        name
        for name, left, right in zip(names, lefts, rights, strict=True)
        if left is not right and not (type(left) is str and type(right) is str and left == right)
    ]


def _written_alike(one: Json, other: Json) -> bool:
    """Whether two values have the same bytes in the order that their keys stand in, by the fastest writer."""
    import msgspec  # noqa: PLC0415 - see `decode`

    try:
        return msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False


def as_mapping(value: Json) -> Mapping[str, Json]:
    """A value that is a mapping, {} for None. Raises DoesNotFit for anything else, as the readers below do."""
    if isinstance(value, Mapping):
        return value
    return {} if value is None else _refuse(value, "object")


def as_list(value: Json) -> Sequence[Json]:
    """A value that is a list, () for None."""
    if isinstance(value, list | tuple):
        return value
    return () if value is None else _refuse(value, "array")


def as_texts(value: Json) -> Sequence[str]:
    """A value that is a list of texts, () for None."""
    return [one if isinstance(one, str) else _refuse(one, "string") for one in as_list(value)]


def as_mappings(value: Json) -> Sequence[Mapping[str, Json]]:
    """A value that is a list of mappings, () for None."""
    return [one if isinstance(one, Mapping) else _refuse(one, "object") for one in as_list(value)]


def as_int(value: Json) -> int:
    """A value that is a whole number, 0 for None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return 0 if value is None else _refuse(value, "integer")


def _refuse(value: Json, kind: str) -> NoReturn:
    raise DoesNotFit([Misfit((), f"must be {_TYPES[kind]}, not {_short(value)}")])


def shown(value: Json) -> str:
    """A value for people: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical(value)


def merge_patch(target: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """Apply a JSON merge patch (RFC 7386) and return the new value; null removes a key, a list replaces a list."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            old = merged.get(key)
            merged[key] = merge_patch(old if isinstance(old, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def flatten(value: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Dotted fields of a nested, dotted or mixed document; lists and empty mappings are values."""
    fields: dict[str, Json] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            fields |= flatten(item, f"{prefix}{key}.")
        else:
            fields[f"{prefix}{key}"] = item
    return fields
