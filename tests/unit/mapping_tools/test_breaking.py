"""Breaking changes of schemas are found, at their line, and nothing that breaks is missed."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.validation.breaking import breaking

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def found(old: Any, new: Any) -> list[str]:
    both = [{"$schema": DIALECT, **schema} for schema in (old, new)]
    texts = [{"a.schema.json": json.dumps(schema)} for schema in both]
    return [fault.code for _, fault in breaking(*texts) if fault.code != "S208"]


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        (obj(a={}), obj(), ["S201"]),
        (obj(a={}), {**obj(a={}), "required": ["a"]}, ["S202"]),
        ({"type": ["string", "null"]}, {"type": "string"}, ["S203"]),
        ({}, {"type": "string"}, ["S203"]),
        ({"type": "number"}, {"type": "integer"}, ["S203"]),
        (obj(a={}), obj(a=False), ["S203"]),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, ["S204"]),
        ({}, {"const": 1}, ["S204"]),
        ({"enum": [1, True]}, {"enum": [1]}, ["S204"]),
        ({"const": 0}, {"const": False}, ["S204"]),
        ({"not": {"const": 1}}, {"not": {"const": True}}, ["S209"]),
        ({"minimum": 1}, {"minimum": 2}, ["S205"]),
        ({"minimum": 1}, {"exclusiveMinimum": 1}, ["S205"]),
        ({}, {"maximum": 9}, ["S205"]),
        ({"maxLength": 9}, {"maxLength": 8}, ["S205"]),
        ({}, {"minLength": 1}, ["S205"]),
        ({"multipleOf": 3}, {"multipleOf": 2}, ["S205"]),
        ({}, {"uniqueItems": True}, ["S205"]),
        (obj(), {**obj(), "additionalProperties": False}, ["S206"]),
        (obj(), {**obj(), "additionalProperties": {"type": "string"}}, ["S206"]),
        ({}, {"format": "date-time"}, ["S207"]),
        ({"pattern": "a"}, {"pattern": "b"}, ["S207"]),
        ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "null"}]}, ["S209"]),
        ({}, {"not": {"type": "null"}}, ["S209"]),
        ({"items": {"type": "string"}}, {"items": {"type": "null"}}, ["S203"]),
        (
            {"$defs": {"x": {}, "y": {"type": "null"}}, "$ref": "#/$defs/x"},
            {"$defs": {"x": {}, "y": {"type": "null"}}, "$ref": "#/$defs/y"},
            ["S203"],
        ),
        (
            {"$defs": {"x": {"minimum": 1}}, "$ref": "#/$defs/x"},
            {"$defs": {"x": {"minimum": 2}}, "$ref": "#/$defs/x"},
            ["S205"],
        ),
        # what breaks nothing
        (obj(a={}), obj(a={}, b={"type": "string"}), []),
        ({**obj(a={}), "required": ["a"]}, obj(a={}), []),
        ({"type": "integer"}, {"type": "number"}, []),
        ({"type": "string"}, {}, []),
        ({"enum": ["a"]}, {"enum": ["b", "a"]}, []),
        ({"const": "a"}, {"enum": ["a", "b"]}, []),
        ({"minimum": 2}, {"minimum": 1}, []),
        ({"exclusiveMinimum": 2}, {"minimum": 2}, []),
        ({"minimum": 3}, {"exclusiveMinimum": 2}, []),
        ({"minLength": 1}, {"minLength": 0}, []),
        ({"multipleOf": 4}, {"multipleOf": 2}, []),
        ({**obj(), "additionalProperties": False}, obj(a={"type": "string"}), []),
        ({"pattern": "a"}, {}, []),
        ({"description": "x"}, {"description": "y"}, []),
        ({"not": {}}, {}, []),
    ],
)
def test_each_rule(old, new, codes) -> None:
    assert found(old, new) == codes


def test_the_place_is_the_line_of_the_change() -> None:
    old = {"a.schema.json": json.dumps({"$schema": DIALECT, **obj(a={"type": "string"})})}
    new = json.dumps({"$schema": DIALECT, **obj(a={"type": "null"})}, indent=1)
    [(file, fault), (_, version)] = breaking(old, {"a.schema.json": new})
    assert (file, fault.code) == ("a.schema.json", "S203")
    assert new.splitlines()[fault.place.line - 1] == '   "type": "null"'
    assert version.code == "S208"


def test_a_new_version_is_no_excuse_but_is_seen() -> None:
    old = {"a.schema.json": json.dumps({"$id": "a/1", "type": "string"})}
    new = {"a.schema.json": json.dumps({"$id": "a/2", "type": "null"})}
    assert [fault.code for _, fault in breaking(old, new)] == ["S203"]


def test_references_to_other_files_are_followed() -> None:
    def texts(reference: str) -> dict[str, str]:
        common = {"$defs": {"id": {"type": "string"}, "text": {"type": "string"}, "n": {}}}
        return {
            "events/a.schema.json": json.dumps({"$ref": f"common.schema.json#/$defs/{reference}"}),
            "events/common.schema.json": json.dumps(common),
        }

    assert [fault.code for _, fault in breaking(texts("id"), texts("text"))] == []
    assert "S203" in [fault.code for _, fault in breaking(texts("n"), texts("id"))]


def test_a_schema_that_is_gone_is_breaking() -> None:
    assert [(file, fault.code) for file, fault in breaking({"a": "{}"}, {})] == [("a", "S201")]


# --- nothing that breaks is missed -----------------------------------------------------------

NAMES = ("a", "b", "c")
NUMBERS = st.integers(-2, 4)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def keywords(depth: int) -> dict[str, st.SearchStrategy[Any]]:
    inner = schemas(depth - 1) if depth else st.just({})
    return {
        "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=4, unique=True)),
        "enum": st.lists(st.sampled_from([1, True, None, "a", "bb", 2.5]), min_size=1),
        "const": st.sampled_from([0, False, "a"]),
        "minimum": NUMBERS,
        "exclusiveMinimum": NUMBERS,
        "maximum": NUMBERS,
        "exclusiveMaximum": NUMBERS,
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 2),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "minProperties": st.integers(0, 2),
        "pattern": st.sampled_from(["a", "b"]),
        "required": st.lists(st.sampled_from(NAMES), unique=True),
        "properties": st.dictionaries(st.sampled_from(NAMES), inner, min_size=1),
        "additionalProperties": st.one_of(st.booleans(), inner),
        "items": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
    }


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Any:
    """A schema of a few keywords: with many of them nothing would be valid."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.booleans())
    known = keywords(depth)
    names = draw(st.lists(st.sampled_from(list(known)), max_size=2, unique=True))
    return {name: draw(known[name]) for name in names}


SCALARS = [None, True, False, 0, 1, 2, -1, 2.5, "", "a", "bb", "abc"]
LISTS = [[], *([one] for one in SCALARS), [1, 1], [1, "a"], [[1]], [{"a": 1}], [1, 2, 3]]
OBJECTS = [
    {},
    *({"a": one} for one in [*SCALARS, *LISTS]),
    *({"b": one} for one in SCALARS),
    *({"a": one, "b": other} for one in SCALARS[::2] for other in SCALARS[::3]),
    {"a": {"a": 1, "b": "a"}},
    {"a": 1, "b": 2, "c": 3},
]
VALUES: list[Any] = [*SCALARS, *LISTS, *OBJECTS]


def described(value: Any, schema: Any) -> bool:
    """Whether the value has only members that the schema names: others are forgiven."""
    if isinstance(value, dict):
        named = schema.get("properties", {}) if isinstance(schema, dict) else {}
        return all(key in named and described(value[key], named[key]) for key in value)
    if isinstance(value, list):
        inner = schema.get("items", {}) if isinstance(schema, dict) else {}
        return all(described(item, inner) for item in value)
    return True


@st.composite
def changes(draw: st.DrawFn) -> tuple[Any, Any]:
    """A schema, and the same with one keyword lost, added or changed."""
    old = draw(schemas())
    if not isinstance(old, dict):
        return old, draw(schemas())
    known = keywords(1)
    name = draw(st.sampled_from([*old, *known]))
    new = {key: value for key, value in old.items() if key != name}
    if draw(st.booleans()):
        new[name] = draw(known[name])
    return old, new


@example(({"const": 0}, {"const": False}))
@settings(max_examples=600, deadline=None)
@given(changes())
def test_what_was_valid_stays_valid_where_nothing_is_found(change) -> None:
    old, new = change
    wrapped = [json.dumps({"$schema": DIALECT, **obj(v=schema)}) for schema in change]
    if list(breaking({"a": wrapped[0]}, {"a": wrapped[1]})):
        return
    before, after = map(jsonschema_rs.Draft202012Validator, change)
    for value in VALUES:
        if before.is_valid(value) and described(value, old):
            assert after.is_valid(value), (old, new, value)
