"""The schemas that editors read are those of the types that the files are decoded into."""

import json
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from entra_deployer.core.json import DoesNotFit, decode
from entra_deployer.data import load_text
from entra_deployer.project.schemas import SCHEMAS


def test_the_files_are_what_the_types_say():
    stored = {path.name for path in files("entra_deployer").joinpath("data/schemas").iterdir()}
    assert stored == {f"{name}.schema.json" for name in SCHEMAS}
    for name, schema in SCHEMAS.items():
        assert load_text(f"schemas/{name}.schema.json") == schema.text(name), "make schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name):
    Draft202012Validator.check_schema(json.loads(SCHEMAS[name].text(name)))


def words(schema):
    """Keys and constants of a schema: what makes values that nearly fit."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties":
                yield from value
            if key in ("enum", "default"):
                yield from value if isinstance(value, list) else [value]
            yield from words(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from words(item)


@pytest.mark.parametrize("name", SCHEMAS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(data=st.data())
def test_the_decoder_takes_what_the_schema_takes(name, data):
    schema = json.loads(SCHEMAS[name].text(name))
    known = sorted({word for word in words(schema) if isinstance(word, str)})
    samples = ["", "5m", "5m\n", "2d ago", "a", "sha256:" + "0" * 64, "DEP001", "https://k", "logs-a"]
    texts = st.sampled_from([*samples, *known])
    values = st.recursive(
        st.none() | st.booleans() | st.integers(-2, 2000) | st.sampled_from([0.5, 1.0, 47.0]) | texts,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=4),
    )
    value = data.draw(near(schema, values) | values)
    try:
        decode(value, SCHEMAS[name].kind)
    except DoesNotFit:
        fits = False
    else:
        fits = True
    assert fits == Draft202012Validator(schema).is_valid(value)


def near(schema, values):
    """Values that mostly fit a schema: its keys, each with a value that mostly fits."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | values
    if "properties" in schema:
        keys = {key: near(inner, values) for key, inner in schema["properties"].items()}
        required = {key: keys.pop(key) for key in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional=keys)
    inner = schema.get("additionalProperties") or {}
    of_type = {
        "boolean": st.booleans,
        "integer": lambda: st.integers(schema.get("minimum", 0), schema.get("maximum", 9)),
        "number": lambda: st.sampled_from([0, 0.5, 1]),
        "array": lambda: st.lists(near(schema["items"], values), min_size=schema.get("minItems", 0), max_size=2),
        "object": lambda: st.dictionaries(st.sampled_from(["a", "DEP001"]), near(inner, values), max_size=2),
        "string": lambda: st.sampled_from(["a", "5m", "2d ago", "sha256:" + "0" * 64, "https://k", "8.19", "A"]),
    }
    return of_type.get(schema.get("type"), lambda: values)()
