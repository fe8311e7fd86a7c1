"""The JSON Schema that editors complete and check mapping files with, made from the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.mapping import language
from pipeline.mapping.diagnostics import Findings
from pipeline.mapping.rules import OperationShape
from pipeline.mapping.source import plain, read_yaml
from pipeline.mapping.spec import Arg, Table, Word
from pipeline.model.event import EVENT_TYPES
from pipeline.model.refusal import DEAD_REASONS, SKIP_REASONS

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
ADDRESS = "mapping.schema.json"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {**_list_of(item), "uniqueItems": True}]}


def _object(properties: Mapping[str, Schema], **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def _reasons(known: Mapping[str, str]) -> Schema:
    return _object(
        {name: {"description": about, **_all(_ref("condition"))} for name, about in known.items()}
    )


def _all(reference: Schema) -> Schema:
    """A reference beside which other keywords count: draft-07 ignores them next to ``$ref``."""
    return {"allOf": [reference]}


_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}

_KINDS: dict[str, Callable[[Arg], Schema]] = {
    # plain data
    "text": lambda arg: _TEXT,
    "integer": lambda arg: {"type": "integer", "minimum": 0},
    "number": lambda arg: {"type": "number"},
    "boolean": lambda arg: {"type": "boolean"},
    "flag": lambda arg: {"type": "boolean"},
    "literal": lambda arg: {},
    "literals": lambda arg: _list_of({}),
    "anything": lambda arg: {},
    "choice": lambda arg: {"enum": list(arg.choices)},
    "choices": lambda arg: _one_or_more({"enum": list(arg.choices)}),
    "types": lambda arg: _one_or_more({"enum": list(language.VALUE_TYPES)}),
    "event_types": lambda arg: _one_or_more({"enum": list(EVENT_TYPES)}),
    "names": lambda arg: _one_or_more(_TEXT),
    "pattern": lambda arg: _TEXT,
    "secret": lambda arg: {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$"},
    "pairs": lambda arg: {"type": "object"},
    "table": lambda arg: {
        "type": "object",
        **({"additionalProperties": {"enum": list(arg.choices)}} if arg.choices else {}),
    },
    "record": lambda arg: _record(arg),
    # values and conditions
    "setting": lambda arg: _NAME,
    "path": lambda arg: _NAME,
    "template": lambda arg: _TEXT,
    "value": lambda arg: _ref("value"),
    "values": lambda arg: _list_of(_ref("value")),
    "members": lambda arg: {"type": "object", "additionalProperties": _ref("value")},
    "condition": lambda arg: _ref("condition"),
    "conditions": lambda arg: _list_of(_ref("condition")),
    "rest_keys": lambda arg: _one_or_more(
        {
            "anyOf": [
                _NAME,
                _object({"key": _NAME, "when": _ref("condition")}, required=["key"]),
            ]
        }
    ),
    # parts of a mapping
    "version": lambda arg: {"const": 1},
    "destination": lambda arg: _ref("destination"),
    "settings": lambda arg: {"type": "object", "additionalProperties": _ref("setting")},
    "lets": lambda arg: {"type": "object", "additionalProperties": _ref("value")},
    "blocks": lambda arg: {"type": "object", "additionalProperties": _ref("fields")},
    "person": lambda arg: _ref("person"),
    "skips": lambda arg: _reasons(SKIP_REASONS),
    "requirements": lambda arg: _reasons(DEAD_REASONS),
    "skip_reason": lambda arg: {"enum": list(SKIP_REASONS)},
    "rules": lambda arg: _list_of(_ref("rule")),
    "operations": lambda arg: _list_of(_ref("operation")),
    "operation": lambda arg: _NAME,
    "fields": lambda arg: _ref("fields"),
}
"""Kind of argument -> its schema. Every kind of the language is here; a test holds it to that."""

_NO_STAND_IN = frozenset(
    ["setting", "path", "template", "value", "values", "members", "condition", "conditions",
     "rest_keys", "literal", "anything"]
)  # fmt: skip


def _of(arg: Arg) -> Schema:
    """The schema of what stands behind a word: itself, or a setting in its place."""
    schema = _KINDS[arg.kind](arg)
    return schema if arg.kind in _NO_STAND_IN else {"anyOf": [schema, _ref("setting_value")]}


def _record(arg: Arg) -> Schema:
    members = {
        name: _described(_of(member), member.about or name) for name, member in arg.members.items()
    }
    record = _object(members, required=sorted(arg.needed)) if arg.needed else _object(members)
    if arg.shorthand is None:
        return record
    return {"anyOf": [_of(arg.members[arg.shorthand]), record]}


def _described(schema: Schema, about: str) -> Schema:
    return {**(_all(schema) if "$ref" in schema else schema), "description": about}


def _word(name: str, word: Word, schema: Schema) -> Schema:
    """The schema of a key, with what an editor shows when the mouse rests on it."""
    example = word.example[0]
    node = read_yaml(example, file="example", findings=Findings())
    shown = plain(node) if node is not None else None
    value = shown.get(name) if isinstance(shown, dict) else shown
    return {
        **_described(schema, word.about),
        "title": name,
        "markdownDescription": f"{word.about}\n\n```yaml\n{example}\n```",
        "examples": [_json(value)],
    }


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_json(member) for member in value]
    return value if value is None or isinstance(value, bool | int | str) else float(value)


def _part(table: Table) -> Schema:
    keys = {
        name: _word(name, word, _KINDS[word.arg.kind](word.arg))
        for name, word in table.keys.items()
    }
    needed = {"required": list(table.needed)} if table.needed else {}
    return _object(keys, **needed, description=table.about)


def _value() -> Schema:
    words = {**language.SOURCES, **language.MODIFIERS, **language.STEPS, **language.TESTS}
    keys = {name: _word(name, word, _of(word.arg)) for name, word in words.items()}
    belongs: dict[str, list[str]] = {}
    for source, word in language.SOURCES.items():
        for name, arg in word.modifiers.items():
            keys[name] = _described(_of(arg), f"Beside `{source}`: {arg.about}.")
            belongs[name] = [source]
    return {
        "description": "A path, or one source with the steps that its value goes through.",
        "anyOf": [
            _described(_NAME, "A path, short for `{pick: path}`."),
            _object(keys, oneOf=_one_source(), dependencies=belongs),
        ],
    }


def _one_source() -> list[Schema]:
    return [{"required": [source]} for source in language.SOURCES]


def _condition() -> Schema:
    words = _value()["anyOf"][1]["properties"]
    value = {name: {"$ref": f"#/definitions/value/anyOf/1/properties/{name}"} for name in words}
    combined = [
        _object({name: _word(name, word, _KINDS[word.arg.kind](word.arg))}, required=[name])
        for name, word in language.CONDITIONS.items()
    ]
    question = _object(
        value,
        oneOf=_one_source(),
        anyOf=[{"required": [test]} for test in language.TESTS],
    )
    return {
        "description": "Something that holds or does not: a question about a value, or several "
        "conditions combined.",
        "anyOf": [{"type": "boolean"}, *combined, question],
    }


def _fields(names: Mapping[str, str] | None = None) -> Schema:
    include = _described(_one_or_more(_NAME), "Puts in the fields of a block, or of several.")
    if names is None:
        return {
            "type": "object",
            "properties": {"include": include},
            "additionalProperties": _ref("value"),
        }
    fields = {name: _described(_ref("value"), about) for name, about in names.items()}
    return _object({"include": include, **fields})


def _operation(operations: Mapping[str, OperationShape]) -> Schema:
    """An operation; once its kind is written, only the fields of that kind."""
    part = _part(language.OPERATION)
    part["properties"]["operation"]["enum"] = list(operations)
    part["allOf"] = [
        {
            "if": {"properties": {"operation": {"const": kind}}},
            "then": {"properties": {"fields": _fields(shape.fields)}},
        }
        for kind, shape in operations.items()
    ]
    return part


def editor_schema(vocabulary: Mapping[str, Mapping[str, OperationShape]]) -> Schema:
    """The schema of mapping files for the destinations of ``vocabulary``."""
    operations = {kind: shape for shapes in vocabulary.values() for kind, shape in shapes.items()}
    setting = _part(language.SETTING)
    return {
        "$schema": DRAFT,
        "$id": ADDRESS,
        "title": "A Penstock mapping",
        **_part(language.MAPPING),
        "definitions": {
            "destination": {"enum": list(vocabulary)},
            "setting": {"anyOf": [setting, {"not": {"type": "object"}}]},
            "setting_value": _described(
                _object({"setting": _NAME}, required=["setting"]), "The value of a setting."
            ),
            "person": _part(language.PERSON),
            "rule": {
                **_part(language.RULE),
                "anyOf": [{"required": ["do"]}, {"required": ["skip"]}],
            },
            "operation": _operation(operations),
            "fields": _fields(),
            "value": _value(),
            "condition": _condition(),
        },
    }
