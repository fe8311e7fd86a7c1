"""Steps and tests as Python expressions, where that says the same as the function of the step.

Values of events are of the exact types of JSON, with Decimal for numbers that are no integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pipeline.mapping import plan
from pipeline.mapping.runtime import LONGEST_EMAIL

SLOW: Final = "the function of the step"

_EXACT: dict[str, str] = {
    "text": "str",
    "object": "dict",
    "list": "list",
    "boolean": "bool",
    "number": "int, Decimal, float",
}
_TEXTS = frozenset(["text", "email", "url"])
_METHODS = {"trim": "strip", "lower": "lower", "upper": "upper"}

_COMPARED = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}

KEEPS: Final = frozenset(
    ["trim", "lower", "upper", "prefix", "suffix", "replace", "split", "cut", "map", "wrap",
     "nested", "dates", "keep_keys", "drop_nulls", "booleans", "rename_keys", "key_case",
     "clean_keys", "limit_keys"]
)  # fmt: skip
"""Steps that never make a value absent."""


@dataclass(frozen=True, slots=True)
class Inline:
    """A step as code.

    Attributes:
        unless: An expression that is true where the step leaves the value as it is; "" for never.
        becomes: An expression for what the value becomes else, or SLOW.
        kind: ``text`` where the value, if it is there behind the step, is certainly a text.
    """

    unless: str
    becomes: str
    kind: str = ""


def inline_step(step: plan.Step, value: str, kind: str, note: str) -> Inline | None:
    """A step on the value in a local variable, of a kind known before; None where SLOW is all.

    ``note`` is the name of the function that counts warnings.
    """
    match step.name, step.args:
        case (("only" | "must_be"), tuple(types)):
            test = type_test(types, value, kind)
            if test is None:
                return None
            after = "text" if _TEXTS.issuperset(types) else ""
            return Inline(test, "ABSENT" if step.name == "only" else SLOW, after)
        case "to", "id":
            not_blank = f"{value} and not {value}.isspace()"
            return Inline(_if_text(value, kind, not_blank), SLOW, "text")
        case "to", ("text" | "json_text"):
            return Inline(_if_text(value, kind, ""), SLOW, "text")
        case "to", "unix_seconds":
            return Inline("", f"unix_seconds({value}, {note})")
        case "to", "integer":
            return Inline(f"type({value}) is int", SLOW)
        case (("trim" | "lower" | "upper"), _):
            changed = f"{value}.{_METHODS[step.name]}()"
            return Inline("" if kind == "text" else f"type({value}) is not str", changed, kind)
        case "drop_empty", _:
            is_there = value if kind == "text" else f"{value} not in ('', [], {{}})"
            return Inline(is_there, "ABSENT", kind)
        case "cut", int(limit):
            return Inline(_if_text(value, kind, f"len({value}) <= {limit}"), SLOW, kind)
        case "wrap", _:
            return Inline(f"type({value}) is list", f"[{value}]")
        case (("hash" | "hmac"), _):
            return Inline("", SLOW, "text")
    return None


def _if_text(value: str, kind: str, test: str) -> str:
    """A test for texts; other values fail it."""
    if kind == "text":
        return test or "True"
    is_text = f"type({value}) is str"
    return f"{is_text} and {test}" if test else is_text


def type_test(types: tuple[str, ...], value: str, kind: str = "") -> str | None:
    """An expression that is true if a value is of one of the types; None where none is known."""
    if all(name in _EXACT for name in types):
        if kind == "text":
            return str("text" in types)
        if len(types) == 1 and types[0] != "number":
            return f"type({value}) is {_EXACT[types[0]]}"
        return f"type({value}) in ({', '.join(_EXACT[name] for name in types)},)"
    if types == ("email",):
        looks = f"'@' in {value} and len({value}) <= {LONGEST_EMAIL} and known_email({value})"
        return _if_text(value, kind, looks)
    if types == ("url",):
        return _if_text(value, kind, f"looks_like_url({value})")
    if types == ("scalar",):
        return f"type({value}) is not dict and type({value}) is not list"
    return None


def inline_test(test: plan.Step, value: str, constant: Any) -> str | None:
    """An expression for a test; ``constant`` gives one for data. None where none is known."""
    match test.name, test.args:
        case "exists", bool(wanted):
            return f"{value} is not ABSENT" if wanted else f"{value} is ABSENT"
        case "equals", (bool() | None) as wanted:
            return f"{value} is {wanted!r}"
        case "equals", str(wanted):
            return f"{value} == {constant(wanted)}"
        case (("above" | "at_least" | "below" | "at_most"), int(bound)) if type(bound) is int:
            compared = f"{value} {_COMPARED[test.name]} {constant(bound)}"
            return f"type({value}) in (int, Decimal, float) and {compared}"
        case "not_equals", (bool() | None) as wanted:
            return f"{value} is not {wanted!r}"
        case "not_equals", str(wanted):
            return f"{value} != {constant(wanted)}"
        case "in", tuple(members) if all(type(member) is str for member in members):
            return f"type({value}) is str and {value} in {constant(frozenset(members))}"
        case "not_in", tuple(members) if all(type(member) is str for member in members):
            return f"type({value}) is not str or {value} not in {constant(frozenset(members))}"
        case "is", tuple(types):
            return type_test(types, value)
    return None
