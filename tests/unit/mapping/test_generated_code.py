"""No text of a mapping and none of an event becomes code."""

from __future__ import annotations

import ast
import json
import keyword
from typing import Any

import pytest

from pipeline.mapping.codegen import Mapper, listing, units
from pipeline.mapping.interpreter import Interpreter
from pipeline.mapping.writing import Writer
from pipeline.model.event import Event
from tests.unit.mapping.conftest import compiled

HOSTILE = [
    "'", '"', "')", "'''", '"""', "\\", "\\'", "\n", "\r", "\u2028", "\x00", "\f", "{", "}", "{}",
    "{__import__('os')}", "%s", "#", "# \nimport os", "\nimport os\n", "__import__('os').abort()",
    "class", "None", "lambda", "body", "note", "warnings", "event", "ABSENT", "K1", "é",
    "x\\", "]", "if True:\n    pass", "'; raise SystemExit; '", "\t", "a" * 500,
]  # fmt: skip


def mapping_of(evil: str) -> dict[str, Any]:
    """A mapping in which one text stands wherever the language takes a text of its own."""
    return {
        "version": 1,
        "name": evil,
        "destination": "demo",
        "settings": {"s": {"default": evil}},
        "rules": [
            {
                "name": evil,
                "when": {"any": [{"event": [evil]}, {"pick": "traits.x", "equals": evil},
                                 {"pick": "traits.x", "in": [evil, 1]}]},
                "require": {"missing_identity": {"not": {"integration": evil}}},
                "do": [
                    {
                        "operation": "send",
                        "fields": {
                            "out": {
                                "object": {evil: {"const": evil}, "b": {"setting": "s"}},
                                "rename_keys": {evil: evil + "2"},
                                "key_case": "lower",
                            },
                            "custom_attributes": {
                                "merge": [
                                    {"rest": "traits", "except": [evil], "dates": evil},
                                    {"object": {evil: {"join": ["traits.x", "traits.x"],
                                                       "with": evil}}},
                                ],
                                "clean_keys": evil,
                                "limit_keys": {"most": 9, "first": [evil]},
                            },
                        },
                    }
                ],
            }
        ],
    }  # fmt: skip


def path_of(evil: str) -> str:
    """A path with a text as its exact names."""
    quoted = '"' + evil.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{quoted}.{quoted}"


@pytest.mark.parametrize("evil", HOSTILE)
def test_no_text_of_a_mapping_becomes_code(evil: str) -> None:
    plan = compiled(json.dumps(mapping_of(evil))).plan
    assert plan is not None
    codes = listing(plan, units(plan))
    for code in codes:
        (function,) = ast.parse(code.source).body
        assert isinstance(function, ast.FunctionDef)
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        assert "__import__" not in names
        assert not any(isinstance(node, ast.Import | ast.Raise) for node in ast.walk(function))
    interpreter, mapper = Interpreter(plan), Mapper(plan)
    for body in (
        {"event": evil, "traits": {"x": "y", evil: evil, "due": "2024-01-02"}},
        {"event": "other", "traits": {"x": evil}},
    ):
        event = Event("track", "m", 0, body, b"{}", "test:1")
        assert repr(mapper(event)) == repr(interpreter.map(event))


@pytest.mark.parametrize("evil", HOSTILE)
def test_no_text_of_a_path_becomes_code(evil: str) -> None:
    text = json.dumps(
        {
            "version": 1,
            "destination": "demo",
            "rules": [
                {"name": "a", "when": True,
                 "do": [{"operation": "send", "fields": {"out": {"pick": path_of(evil)}}}]}
            ],
        }
    )  # fmt: skip
    plan = compiled(text).plan
    assert plan is not None
    event = Event("track", "m", 0, {evil: {evil: 1}}, b"{}", "test:1")
    assert repr(Mapper(plan)(event)) == repr(Interpreter(plan).map(event))


@pytest.mark.parametrize("evil", [*HOSTILE, "\ud800"])
def test_no_key_of_an_event_becomes_code(evil: str) -> None:
    plan = compiled(
        "version: 1\ndestination: demo\nrules:\n- name: all\n  when: true\n  do:\n"
        "  - operation: send\n    fields:\n"
        "      out: {rest: traits, dates: _at, clean_keys: '.', cut: 5}\n"
    ).plan
    assert plan is not None
    mapper = Mapper(plan)
    before = mapper.source
    event = Event("track", "m", 0, {"event": evil, "traits": {evil: evil}}, b"{}", "test:1")
    assert repr(mapper(event)) == repr(Interpreter(plan).map(event))
    assert mapper.source == before


@pytest.mark.parametrize("hint", [*HOSTILE, "\ud800", *keyword.kwlist, "1a", "_", ""])
def test_names_are_ascii_names_of_their_own(hint: str) -> None:
    writer = Writer()
    names = [writer.fresh(hint), writer.fresh(hint)]
    assert len(set(names)) == 2
    for name in names:
        assert name.isascii()
        assert name.isidentifier()
        assert not keyword.iskeyword(name)


@pytest.mark.parametrize("text", [text for text in HOSTILE if not text.isalnum()])
def test_only_plain_texts_stand_in_the_code(text: str) -> None:
    writer = Writer()
    name = writer.constant(text)
    assert writer.constants[name] is text
    assert Writer().constant("plan") == "'plan'"
