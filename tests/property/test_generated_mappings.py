"""Generated mappings on generated events: the generated code says what the interpreter says.

The same operations, the same warnings in the same order, the same skips and the same refusals.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipeline.mapping.codegen import Mapper
from pipeline.mapping.interpreter import Interpreter
from pipeline.model.event import Event
from tests.property.test_codegen import agree, events
from tests.unit.mapping.conftest import compiled

PATHS = [
    "traits", "traits.email", "traits.name", "traits.created_at", "traits.company.name", "traits.x",
    "traits.phones[0]", "traits.*", 'traits."a.b"', "context", "context.device",
    "context.traits.id", "properties", "properties.revenue", "properties.currency", "userId",
    "event", "$one", "$two", "$time", "integrations.Intercom",
]  # fmt: skip
OBJECTS = ["traits", "properties", "context", "context.traits", "traits.company", "$one"]
NAMES = ["email", "name", "x", "y", "createdAt", "revenue", "price", "a.b", "Total Price", "url"]
WORDS = st.sampled_from(NAMES)
CONSTANTS: Any = st.sampled_from([None, True, False, 0, 1, 1.5, "", "Ada", "2024-01-02", {"x": 1}])
TYPES = st.sampled_from(
    ["text", "number", "integer", "boolean", "scalar", "object", "list", "email", "url"]
)
FLAG = st.just(value=True)
POLICY = st.sampled_from(["drop", "drop", "flatten", "stringify"])

SCALAR_STEPS: dict[str, Any] = {
    "only": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "must_be": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
    "drop_empty": FLAG,
    "trim": FLAG,
    "lower": FLAG,
    "upper": FLAG,
    "prefix": st.just("p-"),
    "split": st.just(" "),
    "cut": st.sampled_from([1, 3, 10, 255]),
    "map": st.just({"Ada": "Eva", "true": None, "12": 3}),
    "map_only": st.just({"Ada": "Eva", "1": True}),
    "default": CONSTANTS,
    "wrap": FLAG,
    "to": st.sampled_from(
        ["unix_seconds", "cents", "integer", "number", "boolean", "text", "id", "json_text"]
    ),
    "money": st.just({"by": "iso4217", "currency": "properties.currency"})
    | st.just({"by": "hundred", "currency": "$two"}),
    "hash": st.sampled_from(["string_hash", "md5"]),
}
OBJECT_STEPS: dict[str, Any] = {
    "nested": st.fixed_dictionaries(
        {"policy": POLICY},
        optional={
            "keep": st.lists(st.sampled_from(["link", "money"]), min_size=1, unique=True),
            "keys": st.dictionaries(WORDS, POLICY, min_size=1, max_size=2),
            "separator": st.sampled_from([".", "_"]),
        },
    ),
    "dates": st.sampled_from(["_at", "_date"]),
    "keep_keys": st.lists(WORDS, min_size=1, max_size=4, unique=True),
    "drop_nulls": FLAG,
    "booleans": st.just("text"),
    "rename_keys": st.dictionaries(WORDS, WORDS, min_size=1, max_size=3),
    "key_case": st.sampled_from(["snake", "lower", "camel"]),
    "clean_keys": st.sampled_from(["._", {"allow": "_- ", "longest": 3}]),
    "cut": st.sampled_from([2, 10, 255]),
    "limit_keys": st.fixed_dictionaries(
        {"most": st.integers(0, 5)},
        optional={"first": st.lists(WORDS, max_size=2), "priority": st.lists(WORDS, max_size=2)},
    ),
    "drop_empty": FLAG,
}
TESTS: dict[str, Any] = {
    "exists": st.booleans(),
    "equals": CONSTANTS,
    "not_equals": CONSTANTS,
    "in": st.sampled_from([["Ada", "true"], [1, "Ada", None]]),
    "not_in": st.sampled_from([["Ada", "true"], [1, "Ada", None]]),
    "above": st.sampled_from([0, 1.5]),
    "at_most": st.sampled_from([0, 100]),
    "matches": st.sampled_from(["\\S", "^[a-z]+$"]),
    "starts_with": st.just("A"),
    "contains": st.just("d"),
    "is": TYPES,
    "has_keys": st.lists(WORDS, min_size=1, max_size=2),
}
KEEPING = {name: arg for name, arg in TESTS.items() if name != "exists"}
"""Tests that may stand among the steps of a value."""


@st.composite
def through(draw: st.DrawFn, source: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """A source with steps behind it, in any order."""
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True))
    steps = {name: draw(known[name]) for name in names if name not in source}
    if "required" not in source and draw(st.integers(0, 30)) == 0:
        steps["required"] = True
    if draw(st.integers(0, 9)) == 0:
        steps["nullable"] = True
    if draw(st.integers(0, 4)) == 0:
        steps["when"] = draw(conditions())
    return {**source, **steps}


@st.composite
def picks(draw: st.DrawFn, more: tuple[str, ...] = ()) -> Any:
    path = draw(st.sampled_from([*PATHS, *more]))
    return draw(through({"pick": path}, {**SCALAR_STEPS, **draw(st.sampled_from([{}, KEEPING]))}))


@st.composite
def rests(draw: st.DrawFn, more: tuple[str, ...] = ()) -> Any:
    source: dict[str, Any] = {"rest": draw(st.sampled_from([*OBJECTS, *more]))}
    if draw(st.booleans()):
        source["except"] = [
            draw(WORDS | st.fixed_dictionaries({"key": WORDS, "when": conditions()}))
            for _ in range(draw(st.integers(1, 3)))
        ]
    if draw(st.booleans()):
        source["keep"] = draw(st.lists(WORDS, min_size=1, max_size=2, unique=True))
    return draw(through(source, OBJECT_STEPS))


@st.composite
def values(draw: st.DrawFn, depth: int = 2, more: tuple[str, ...] = ()) -> Any:
    inner = values(depth=depth - 1, more=more) if depth else picks(more)
    kind = draw(
        st.sampled_from(["pick", "first", "rest", "rest", "merge", "merge", "object", "join",
                         "list", "const", "template"])
    )  # fmt: skip
    several = st.lists(inner, min_size=1, max_size=3)
    match kind:
        case "pick":
            return draw(picks(more))
        case "rest":
            return draw(rests(more))
        case "first":
            return draw(through({"first": draw(several)}, SCALAR_STEPS))
        case "merge":
            parts = draw(st.lists(rests(more) | inner, min_size=1, max_size=3))
            return draw(through({"merge": parts}, OBJECT_STEPS))
        case "object":
            members = draw(st.dictionaries(WORDS, inner, min_size=1, max_size=3))
            source: dict[str, Any] = {"object": members}
            if draw(st.booleans()):
                source["needs"] = [draw(st.sampled_from(sorted(members)))]
            return draw(through(source, OBJECT_STEPS))
        case "join":
            return draw(through({"join": draw(several), "with": "-"}, SCALAR_STEPS))
        case "list":
            return draw(through({"list": draw(several)}, {"drop_nulls": FLAG, "drop_empty": FLAG}))
        case "template":
            return draw(through({"template": "a {traits.name} {$one}"}, SCALAR_STEPS))
    return draw(through({"const": draw(CONSTANTS)}, SCALAR_STEPS))


@st.composite
def conditions(draw: st.DrawFn, depth: int = 1) -> Any:
    kind = draw(st.integers(0, 8))
    if kind == 0:
        return {"type": draw(st.sampled_from(["identify", "track", ["group", "page"]]))}
    if kind == 1:
        return {"event": draw(st.sampled_from(["Order Completed", ["u1", "Ada"]]))}
    if kind == 2:
        return {"integration": draw(st.sampled_from(["Intercom", "amount"]))}
    if kind in (3, 4, 5) and depth:
        parts = [draw(conditions(depth=depth - 1)) for _ in range(draw(st.integers(1, 3)))]
        return {"not": parts[0]} if kind == 3 else {"all" if kind == 4 else "any": parts}
    tests = draw(st.lists(st.sampled_from(sorted(TESTS)), min_size=1, max_size=2, unique=True))
    steps = draw(st.sampled_from([{}, {"to": "integer"}, {"must_be": "text"}]))
    asked = {name: draw(TESTS[name]) for name in tests}
    return {"pick": draw(st.sampled_from(PATHS)), **steps, **asked}


@st.composite
def operations(draw: st.DrawFn) -> Any:
    made: dict[str, Any] = {"operation": "send"}
    more: tuple[str, ...] = ()
    if draw(st.booleans()):
        made["for_each"] = draw(
            st.sampled_from(["traits.companies", "traits", "$one", "properties"])
        )
        more = ("item", "item.name", "item.company.x")
    if draw(st.booleans()):
        made["when"] = draw(conditions())
    made["fields"] = {"out": draw(values(more=more)), "custom_attributes": draw(values(more=more))}
    if draw(st.integers(0, 3)) == 0:
        made["needs"] = ["out"]
    return made


@st.composite
def rules(draw: st.DrawFn, number: int) -> Any:
    rule: dict[str, Any] = {"name": f"rule {number}", "when": draw(conditions(depth=2))}
    if draw(st.integers(0, 4)) == 0:
        return {**rule, "skip": "filtered"}
    if draw(st.integers(0, 3)) == 0:
        rule["require"] = {"missing_identity": draw(conditions())}
    if draw(st.booleans()):
        rule["person"] = {"user_id": draw(picks()), "email": "$two"}
    return {**rule, "do": draw(st.lists(operations(), min_size=1, max_size=3))}


@st.composite
def mappings(draw: st.DrawFn) -> str:
    no_variables = st.sampled_from([path for path in PATHS if not path.startswith("$")])
    one = draw(through({"pick": draw(no_variables)}, SCALAR_STEPS))
    mapping = {
        "version": 1,
        "destination": "demo",
        "let": {"one": without_variables(one), "two": {"first": ["$one", "traits.currency"]}},
        "skip": {"filtered": draw(conditions())} if draw(st.booleans()) else {},
        "rules": [draw(rules(number)) for number in range(draw(st.integers(1, 3)))],
    }
    return json.dumps({name: part for name, part in mapping.items() if part})


def without_variables(expr: dict[str, Any]) -> dict[str, Any]:
    """The expression, where it does not go in circles."""
    return {name: part for name, part in expr.items() if "$" not in json.dumps(part)}


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(text=mappings(), found=st.lists(events(), min_size=1, max_size=6))
def test_the_code_of_a_mapping_says_what_the_interpreter_says(
    text: str, found: Iterable[Event]
) -> None:
    plan = compiled(text).plan
    assume(plan is not None)
    assert plan is not None
    interpreter, mapper = Interpreter(plan), Mapper(plan)
    for event in found:
        agree(interpreter, mapper, event)
        agree(interpreter, mapper, event)  # by what was learnt the first time
