"""Decoding: a value becomes a type, or every fault of it is told in plain words."""

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, make_dataclass
from enum import StrEnum
from subprocess import run
from threading import Barrier
from types import GenericAlias
from typing import Annotated

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Meta

from entra_deployer.core.errors import InputError
from entra_deployer.core.json import (
    MAX_DEPTH,
    DoesNotFit,
    Json,
    Misfit,
    as_int,
    as_list,
    as_mapping,
    as_mappings,
    as_texts,
    canonical,
    decode,
    decode_each,
    decode_json,
    decode_texts,
    differing,
    encode_json,
    is_canonical,
    parse_json,
    same,
    schema_of,
    shared,
)
from tests.reading import part


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    name: str
    count: Annotated[int, Meta(ge=1, le=9)] = 1
    color: Color = Color.RED


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    note: str | None = None
    rest: Mapping[str, Json] = field(default_factory=dict)


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    interval: Annotated[str, Meta(pattern="^[0-9]+m$", description="like 5m")] = "5m"
    secret: Annotated[str, Meta(min_length=3, pattern="^[A-Z]+$", extra_json_schema={"writeOnly": True})] = "ABC"
    tags: Annotated[tuple[str, ...], Meta(min_length=1)] = ("a",)


def told(value, kind):
    with pytest.raises(DoesNotFit) as caught:
        decode(value, kind)
    return [str(misfit) for misfit in caught.value.misfits]


def test_a_value_becomes_its_type():
    value: Json = {"parts": [{"name": "a", "color": "blue", "unheard": 1}], "rest": {"x": [None, 1.5]}}
    assert decode(value, Whole) == Whole((Part("a", 1, Color.BLUE),), None, {"x": [None, 1.5]})


def test_every_fault_is_told_at_its_path():
    value = {"parts": [{"name": 1}, {"count": 10}, {"name": "x", "count": "many", "color": "green"}], "note": []}
    assert sorted(told(value, Whole)) == [
        "note: must be text, not []",
        "parts[0].name: must be text, not 1",
        "parts[1].count: must be at most 9, not 10",
        "parts[1]: lacks 'name'",
        'parts[2].color: must be one of blue, red, not "green"',
        'parts[2].count: must be a whole number, not "many"',
    ]


def test_an_unknown_key_of_a_strict_type_has_the_nearest_one():
    with pytest.raises(InputError, match=r"intervall: unknown key 'intervall' \(did you mean 'interval'\?\)"):
        decode({"intervall": "5m"}, Strict)


def test_a_description_is_the_next_step_and_a_secret_is_not_shown():
    assert told({"interval": "5 minutes"}, Strict) == ['interval: "5 minutes" is not of the expected form']
    with pytest.raises(DoesNotFit) as caught:
        decode({"interval": "5 minutes"}, Strict)
    assert caught.value.hint == "like 5m"
    assert told({"secret": "hunter2"}, Strict) == ["secret: this is not of the expected form"]
    assert told({"tags": []}, Strict) == ["tags: must not be empty"]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (int | None, "x", 'must be a whole number, not "x"'),
        (str | int | float | None, [], "must be text or a number, not []"),
        (str | list[str], 5, "must be text or a list, not 5"),
        (Part | None, {"name": 1}, "name: must be text, not 1"),
        (dict[str, Color | None], {"a": [1]}, "a: must be one of blue, red, not [1]"),
    ],
)
def test_a_value_of_several_types_is_told_what_it_may_be(kind, value, message):
    assert told(value, kind) == [message]


def test_a_rule_that_no_schema_has_is_told_in_our_words():
    class Even(msgspec.Struct):
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise ValueError("must be even")

    assert told({"number": 3}, Even) == ["must be even"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty where JSON was expected"),
        (b"{", "is not valid JSON: it ends too early"),
        (b"[1]]", "is not valid JSON at byte 4"),
        (b"NaN", "is not valid JSON"),
        (b'"\xff"', "is not UTF-8"),
        (b'"\\ud800"', "is not valid JSON"),
        (b"[" * 5000 + b"]" * 5000, f"is nested more than {MAX_DEPTH} levels deep"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), f"is nested more than {MAX_DEPTH} levels deep"),
        (b"<html>", "is not valid JSON at byte 0"),
    ],
)
def test_what_is_no_json_is_told(text, message):
    with pytest.raises(DoesNotFit, match=f"^{message}"):
        decode_json(text, Whole)


@pytest.mark.parametrize("kind", [int, str, object, dict[str, str], list[str], Annotated[int, Meta(ge=0)]])
@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("\ud800", ()),
        ({"a": "x\udfff"}, ("a",)),
        (["fine", "\ud800"], (1,)),
        ({"a": {"b": [{"\udbff": 1}]}}, ("a", "b", 0)),
    ],
)
def test_half_a_character_fits_no_type_and_is_told_with_its_place(kind, value, path):
    with pytest.raises(DoesNotFit) as told:
        decode(value, kind)
    assert told.value.misfits == (Misfit(path, "holds half of a character (a lone surrogate)"),)


def test_as_many_levels_as_allowed_are_read():
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 12) | st.floats(allow_nan=False) | st.sampled_from(["red", "5m", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["parts", "name", "count", "color", "note", "rest", "interval", "tags"]), inner
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", [Whole, Part, Strict])
@given(value=json_values)
def test_the_decoder_and_the_schema_of_a_type_agree(kind, value):
    """What the one takes the other takes: so the schema tells the faults, and editors use it."""
    if Draft202012Validator(schema_of(kind)).is_valid(value):
        decoded = decode(value, kind)
        assert decode(msgspec.to_builtins(decoded), kind) == decoded
    else:
        assert all(told(value, kind))


def test_a_good_value_needs_no_schema():
    code = "import sys\nfrom entra_deployer.core.json import decode\ndecode({'a': [1]}, dict[str, list[int]])\n"
    code += "print('jsonschema' in sys.modules, 'msgspec' in sys.modules)"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False True\n"


def test_the_schema_of_a_type_is_in_one_piece():
    schema = schema_of(Whole, title="The whole")
    assert schema["title"] == "The whole"
    assert schema["required"] == ["parts"]
    assert part(schema, "properties", "parts", "items", "properties", "color", "enum") == ["blue", "red"]
    assert "$defs" not in schema
    assert asdict(decode({"parts": []}, Whole)) == {"parts": (), "note": None, "rest": {}}


LEAVES = st.none() | st.booleans() | st.sampled_from([0, 1, -1, 0.0, -0.0, 1.0, 1.5]) | st.sampled_from(["", "1", "a"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab1"), inner, max_size=3),
    max_leaves=6,
)


TEXTS = st.dictionaries(st.text(max_size=2), st.text(max_size=3) | VALUES, max_size=3)


@given(VALUES | TEXTS)
@example({chr(number): chr(number) for number in range(256)})
@example({"\U0001f600": 1, "\uffee": 2, "\u2028": 1 << 70})
def test_a_text_that_is_called_canonical_is(value):
    text = canonical(value)
    assert is_canonical(text) or any(sign in text for sign in (".", str(1 << 70)))
    for other in (text, json.dumps(value), json.dumps(value, separators=(",", ":")), f" {text}"):
        assert canonical(json.loads(other)) == other or not is_canonical(other)


@pytest.mark.parametrize("text", ["1e2", "{", "", '{"a":1,"a":1}', '"\\ud800"', "\ud800", "[" * 2000, "NaN"])
def test_any_other_text_is_not(text):
    assert not is_canonical(text)


@given(VALUES, VALUES)
def test_values_are_the_same_where_their_canonical_texts_are(one, other):
    assert same(one, other) == (canonical(one) == canonical(other))
    assert same(one, parse_json(canonical(one).encode()))


@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.dictionaries(st.sampled_from("abc"), VALUES))
def test_what_is_not_told_to_differ_is_the_same(one, other):
    alike = {*"abc"} - {*differing(one, other, "abc")}
    assert all(same(one.get(name), other.get(name)) for name in alike)


@pytest.mark.parametrize(
    ("read", "fitting", "nothing", "unfit", "told"),
    [
        (as_mapping, {"a": 1}, {}, ["a"], 'must be a mapping, not ["a"]'),
        (as_list, [1, "a"], (), "ab", 'must be a list, not "ab"'),
        (as_texts, ["a", "b"], [], ["a", 1], "must be text, not 1"),
        (as_mappings, [{"a": 1}], [], [{"a": 1}, None], "must be a mapping, not null"),
        (as_int, 5, 0, True, "must be a whole number, not true"),
    ],
)
def test_a_part_of_a_document_is_of_the_form_that_it_is_read_in(read, fitting, nothing, unfit, told):
    assert read(fitting) == fitting
    assert read(None) == nothing
    with pytest.raises(DoesNotFit) as caught:
        read(unfit)
    assert str(caught.value) == told


def test_many_values_are_decoded_as_each_of_them_would_be():
    values: list[Json] = [{"name": "a"}, {"name": "b", "unheard": 1}]
    assert decode_each(values, Part) == [decode(one, Part) for one in values]
    assert decode_each((), Part) == []
    with pytest.raises(DoesNotFit):
        decode_each([*values, {"name": 1}], Part)


def test_many_texts_are_decoded_as_each_of_them_would_be():
    texts = [b'{"name": "a"}', b'{"name": "b", "unheard": 1}']
    assert decode_texts(texts, Part) == [decode_json(one, Part) for one in texts]
    for wrong in (b'{"name": 1}', b"{", b'{"name": "\xff"}', rb'{"name": "\ud800"}'):
        with pytest.raises(DoesNotFit):
            decode_texts([*texts, wrong], Part)


@given(VALUES)
def test_in_their_order_equal_values_are_equal_bytes(value):
    assert encode_json(value, ordered=True) == encode_json(parse_json(canonical(value).encode()), ordered=True)
    assert decode_json(encode_json(value, ordered=True), object) == value


def test_a_type_that_threads_meet_at_once_is_worked_out_by_one_of_them():
    """Without that the process dies: it is the first use of a type that counts, so each round has new ones."""
    value: Json = {"first": dict.fromkeys(NAMES, "x"), "rest": [dict.fromkeys(NAMES, "x")]}
    start = Barrier(3)

    def read(kind: type) -> object:
        start.wait()
        return decode(value, kind)

    slow = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(3) as threads:
            for _ in range(100):
                inner = make_dataclass("Inner", [(name, str) for name in NAMES])
                outer = make_dataclass("Outer", [("first", inner), ("rest", GenericAlias(tuple, (inner, ...)))])
                whole = inner(*"x" * len(NAMES))
                assert list(threads.map(read, [outer] * 3)) == [outer(whole, (whole,))] * 3
    finally:
        sys.setswitchinterval(slow)


NAMES = [f"field_{number}" for number in range(20)]


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("abcd"), TREES), st.dictionaries(st.sampled_from("abcd"), TREES))
def test_what_is_shared_is_what_it_was_and_the_same_in_all(one, other):
    first, second = shared(one, "abc"), shared(other, "abc")
    for before, after in ((one, first), (other, second)):
        assert encode_json(after) == encode_json({name: before[name] for name in "abc" if name in before})
    for name in first.keys() & second.keys():
        assert (first[name] is second[name]) == (encode_json(one[name]) == encode_json(other[name]))
