"""Telling people what is wrong with a value, from the schema alone.

Both validators are told about here in the same words, whatever their own messages are.
"""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import Any

from pipeline.model.jsontext import member_path, show
from pipeline.model.refusal import Detail

_TYPES = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true, false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_ORDER = tuple(_TYPES)
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}
_TOLD_BY_ALLOWED = frozenset(
    {"type", "const", "enum", "anyOf", "oneOf", "minLength", "maxLength", "pattern", "format"}
    | _BOUNDS.keys()
)


def json_path(steps: list[str | int]) -> str:
    """The JSON path of a place in an event.

    >>> json_path(["traits", "weird key", 0])
    '$.traits["weird key"][0]'
    """
    path = "$"
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else member_path(path, step)
    return path


def details(
    schema: Any, body: Any, place: list[str | int], rule: list[str | int], message: str
) -> list[Detail]:
    """What people are told about one fault.

    Args:
        schema: The whole schema.
        body: The whole event.
        place: The way to the faulty value, in the event.
        rule: The way to the keyword that refused it, in the schema.
        message: What the library says, for rules that have no words here.
    """
    node, keyword, operand = _rule(schema, rule)
    value = reduce(getitem, place, body)
    path = json_path(place)
    if keyword == "required":
        return [
            Detail(member_path(path, key), _missing(node, key))
            for key in operand
            if key not in value
        ]
    if keyword == "additionalProperties":
        return [
            Detail(member_path(path, key), f"received {show(extra)}; this key is not allowed here")
            for key, extra in value.items()
            if key not in node.get("properties", {}) or "patternProperties" in node
        ]
    if operand is False:
        return [Detail(path, f"received {show(value)}; nothing is allowed here")]
    if keyword in _TOLD_BY_ALLOWED:
        return [Detail(path, f"received {show(value)}; allowed: {allowed(node)}")]
    return [Detail(path, f"received {show(value)}; the rule {keyword} refuses it: {message[:200]}")]


def allowed(schema: Any) -> str:
    """What a schema allows, in words.

    >>> allowed({"type": ["null", "string"], "minLength": 1})
    'text that is not empty or null'
    """
    if not isinstance(schema, dict):
        return "anything" if schema else "nothing"
    if "const" in schema:
        return show(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(show(each) for each in schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return _either([allowed(each) for each in schema[keyword]])
    types = schema.get("type", [])
    types = sorted([types] if isinstance(types, str) else types, key=_ORDER.index)
    if not types:
        return "anything" + _text_limits(schema) + _bounds(schema)
    return _either([_of_type(each, schema) for each in types])


def _rule(schema: Any, rule: list[str | int]) -> tuple[Any, str, Any]:
    node, keyword, operand = schema, "", schema
    for step in rule:
        node, keyword, operand = operand, str(step), _child(operand, step)
    return node, keyword, operand


def _child(node: Any, step: str | int) -> Any:
    return node[int(step)] if isinstance(node, list) else node[step]


def _missing(node: dict[str, Any], key: str) -> str:
    schema = node.get("properties", {}).get(key, True)
    return f"is missing; needed: {allowed(schema)}"


def _of_type(name: str, schema: dict[str, Any]) -> str:
    word = _TYPES[name]
    if name == "string":
        return word + _text_limits(schema)
    if name in ("number", "integer"):
        return word + _bounds(schema)
    return word


def _text_limits(schema: dict[str, Any]) -> str:
    parts = []
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if least == 1:
        parts.append(" that is not empty")
    elif least:
        parts.append(f" of at least {least} characters")
    if most is not None:
        parts.append(f" of at most {most} characters")
    if "format" in schema:
        parts.append(f" in the format {schema['format']}")
    if "pattern" in schema:
        examples = [each for each in schema.get("examples", ()) if isinstance(each, str)]
        like = f"like {show(examples[0])}" if examples else f"that matches {schema['pattern']}"
        parts.append(" " + like)
    return "".join(parts)


def _bounds(schema: dict[str, Any]) -> str:
    parts = [f"{words} {show(schema[key])}" for key, words in _BOUNDS.items() if key in schema]
    return " of " + " and ".join(parts) if parts else ""


def _either(phrases: list[str]) -> str:
    words = [word for phrase in phrases for word in phrase.split(", ")]
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
