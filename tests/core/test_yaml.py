"""YAML: what is read, what is refused and where, and that no input takes long or much."""

from collections.abc import Mapping

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.errors import InputError
from entra_deployer.core.json import MAX_DEPTH, Json, as_mapping
from entra_deployer.core.yaml import MAX_VALUES, parse_yaml, read_yaml
from tests.reading import there


class File(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    count: int = 0
    rest: Mapping[str, Json] = {}
    items: tuple[int, ...] = ()


def told(text):
    document = read_yaml(text, source="f.yaml", kind=File, subject="s")
    assert document.decoded is None
    return [f"{there(issue.location).line}:{there(issue.location).column} {issue.message}" for issue in document.issues]


def test_a_file_becomes_its_type_and_each_part_has_a_place():
    document = read_yaml("name: a\nrest:\n  x: [1, {y: 2}]\nitems:\n- 3\n", source="f.yaml", kind=File)
    assert document.value == File("a", 0, {"x": [1, {"y": 2}]}, (3,))
    places = [("rest",), ("rest", "x"), ("rest", "x", 1, "y"), ("items", 0), ("rest", "z"), ()]
    assert [str(document.at(*path)) for path in places] == [
        "f.yaml:2:1", "f.yaml:3:3", "f.yaml:3:11", "f.yaml:5:3", "f.yaml:2:1", "f.yaml:1:1",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~\n"])
def test_a_file_without_content_says_nothing(text):
    assert read_yaml(text, source="f.yaml", kind=File).value == File()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("count: 047", "1:8 047 is an octal number to YAML, and does not look like one"),
        ("rest: {a: -010}", "1:11 -010 is an octal number"),
        ("rest: {a: 1:30}", "1:11 1:30 is a number of base 60"),
        ("rest: {a: 1:30.5}", "1:11 1:30.5 is a number of base 60"),
        ("count: 0x_", "1:8 0x_ is not a number"),
        ("count: 0b_", "1:8 0b_ is not a number"),
        ("count: " + "1" * 5000, "1:8 1111111111111111111111111111111111111... is not a number"),
        ("rest: {a: .nan}", "1:11 .nan is not a number that JSON has"),
        ("rest: {a: -.INF}", "1:11 -.INF is not a number that JSON has"),
        ("rest: {a: 1.0e+999}", "1:11 1.0e+999 is not a number that JSON has"),
        ("rest:\n  a: 2026-13-45", "2:6 2026-13-45 is not a date"),
        ("rest:\n  a: 2026-02-30T00:00:00Z", "2:6 2026-02-30T00:00:00Z is not a date"),
        ("name: !!python/object:os.system x", "1:7 the tag 'tag:yaml.org,2002:python/object:os.system' cannot be read"),
        ("name: !own x", "1:7 the tag '!own' cannot be read here"),
        ("rest: !!set {a}", "1:7 the tag 'tag:yaml.org,2002:set' cannot be read here"),
        ("count: !!int x", "1:8 the tag 'tag:yaml.org,2002:int' cannot be read here"),
        ('name: "a\\0b"', "1:7 the character U+0000 is not text"),
        ('rest: {"a\\e": 1}', "1:8 the character U+001B is not text"),
        ("name: a\x07", "1:8 the character U+0007 is not text"),
        ("name: \ud800", "1:7 the character U+D800 is not text"),
        ('name: "\\ud800"', "1:10 not valid YAML: found invalid Unicode character escape code"),
        ("rest: &a {b: *a}", "1:14 *a stands within &a: the value would contain itself"),
        ("rest: {b: *a}", "1:11 there is no anchor &a above for *a"),
        ("rest: {[1]: 2}", "1:8 a key must be text"),
        ("name: a\n---\nname: b", "2:1 a second document begins here"),
        ("name: a\nname: b", "2:1 the key 'name' stands here twice"),
        ("rest: {<<: 1}", "1:8 `<<` takes a mapping"),
        ("name: [", "2:1 not valid YAML"),
        ("- a", '1:1 the file: must be a mapping, not ["a"]'),
        ("nome: a", "1:1 unknown key 'nome'"),
        ("items: [1, x]", '1:12 items[1]: must be a whole number, not "x"'),
        ("rest: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH, f"1:{6 + MAX_DEPTH} nested more than {MAX_DEPTH} levels deep"),
        ("- " * 5000, f"1:{1 + 2 * MAX_DEPTH} nested more than {MAX_DEPTH} levels deep"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, complaint):
    complaints = told(text)
    assert any(one.startswith(complaint) for one in complaints), complaints


def test_all_faults_are_told_at_once():
    assert told("nome: a\ncount: 047\nitems: x\n") == [
        "1:1 unknown key 'nome'",
        "2:8 047 is an octal number to YAML, and does not look like one",
        '3:1 items: must be a list, not "x"',
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 0x1F\nb: 1_000\nc: 0\nd: -0\ne: 08\nf: 1e3\ng: 1.5e+3", [31, 1000, 0, 0, "08", "1e3", 1500.0]),
        ("a: 2026-01-02\nb: 2026-01-02T03:04:05Z", ["2026-01-02", "2026-01-02T03:04:05+00:00"]),
        ("a: '2026-13-45'", ["2026-13-45"]),
        ("a: yes\nb: Off\nc: ~\nd:\ne: 'no'\nf: !!str 5", [True, False, None, None, "no", "5"]),
        ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", [{"p": 1, "q": 2}, {"p": 1, "q": 3}]),
        ("a: &x {p: 1, q: 2}\nc: {q: 4, <<: [{p: 5}, *x]}", [{"p": 1, "q": 2}, {"p": 5, "q": 4}]),
        ("on: 1\n2: 2\n~: 3\n&k key: 4\nx: {*k : 5}", [1, 2, 3, 4, {"key": 5}]),
    ],
)  # fmt: skip
def test_values_are_those_of_yaml_and_keys_are_text(text, value):
    parsed = as_mapping(parse_yaml(text, "f.yaml"))
    assert list(parsed.values()) == value
    assert all(isinstance(key, str) for key in parsed)


def test_an_alias_may_stand_often_but_not_without_end():
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    with pytest.raises(InputError, match=f"more than {MAX_VALUES:,} values"):
        parse_yaml(bomb, "f.yaml")
    assert "more than" in told(bomb)[0]
    with pytest.raises(InputError, match="more than"):
        parse_yaml("- 1\n" * (MAX_VALUES + 1), "f.yaml")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=20)
    | st.sampled_from(["047", "1:30", "0x_", "2026-13-45", "yes", "<<", "=", ".nan", "~", "!x", "&a", "*a"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "<<", "1", "yes", "é"]), inner),
)  # fmt: skip


@given(values)
def test_what_a_library_writes_is_read_as_it_was(value):
    assert parse_yaml(yaml.safe_dump(value, allow_unicode=True), "f.yaml") == value


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#,?~ \n\t0x.1_<=\\u"), max_size=40))
def test_no_text_raises_anything_but_an_input_error(text):
    try:
        parse_yaml(text, "f.yaml")
    except InputError as error:
        assert error.location  # noqa: PT017
