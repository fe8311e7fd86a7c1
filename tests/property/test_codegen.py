"""The generated code means what the interpreter means, on any event and any mapping."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping import language
from pipeline.mapping.codegen import Mapper
from pipeline.mapping.interpreter import Interpreter
from pipeline.model.decode import decode_line
from pipeline.model.event import EVENT_TYPES, Event
from pipeline.model.refusal import Skip
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file
from tests.unit.mapping.conftest import RULE, SETTINGS, compiled

ROOT = Path(__file__).resolve().parents[2]

SCALARS: Any = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**21)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9)
    | st.sampled_from(["", " ", "Ada", "a@b.co", "2024-01-02", "2024-01-02T03:04:05Z", "$19.99",
                       "12", "1.5", "true", "https://x.co/y", "x" * 300, "usd", "jpy"])
)  # fmt: skip
KEYS = st.sampled_from(
    ["email", "Email", "name", "firstName", "last_name", "phone", "phones", "avatar", "createdAt",
     "created_at", "company", "companies", "id", "plan", "revenue", "currency", "price", "total",
     "amount", "url", "value", "remove", "active", "ip", "traits", "Intercom", "All", "a.b",
     "signup at", "user_hash", "unsubscribed", "anonymous id", "x", "y", "device", "type", "$z"]
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=15,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=8)


@st.composite
def events(draw: st.DrawFn) -> Event:
    body: dict[str, Any] = {"type": draw(st.sampled_from(EVENT_TYPES))}
    for key in ("traits", "properties", "context", "integrations", "options"):
        if draw(st.booleans()):
            body[key] = draw(OBJECTS | JSON)
    for key in ("userId", "anonymousId", "groupId", "event", "name", "previousId"):
        if draw(st.booleans()):
            body[key] = draw(SCALARS | st.sampled_from(["Order Completed", "u1"]))
    return Event(body["type"], "m", draw(st.integers(-(10**15), 10**16)), body, b"{}", "test:1")


@cache
def shipped(*overrides: str) -> tuple[Interpreter, Mapper]:
    pairs = dict(text.split("=", 1) for text in overrides)
    plan = compile_mapping_file(DEFAULT_MAPPING, pairs).plan
    assert plan is not None
    return Interpreter(plan), Mapper(plan)


def agree(interpreter: Interpreter, mapper: Mapper, event: Event) -> None:
    expected, found = interpreter.map(event), mapper(event)
    assert repr(found) == repr(expected)  # repr tells 1 from True and 1.0, == does not
    unwanted = mapper.wants(event)
    assert unwanted is None or unwanted == expected


VARIANTS = [
    (),
    ("nested=flatten", "page=event", "collect_context=true", "last_seen_context=true"),
    ("nested=stringify", "page=touch", "create_contact_on_group=false", "minor_units=iso4217"),
    ("total_fallback=any_event", "metadata_limit=2", "priority=[x, y]", "company_hash=md5"),
    ("anonymous=lead", "identity_verification=require"),
]


@pytest.mark.parametrize("overrides", VARIANTS)
@settings(max_examples=60, deadline=None)
@given(event=events())
def test_shipped_mapping_on_generated_events(overrides: tuple[str, ...], event: Event) -> None:
    agree(*shipped(*overrides), event)


def test_shipped_mapping_on_the_example_events() -> None:
    for line in (ROOT / "examples" / "events.jsonl").read_bytes().splitlines():
        for event in decode_line(line, origin="x", now=0):
            if isinstance(event, Event):
                agree(*shipped(), event)


WORDS = {**language.SOURCES, **language.MODIFIERS, **language.STEPS}


@cache
def of_value(value: str) -> tuple[Interpreter, Mapper]:
    plan = compiled(f"version: 1\ndestination: demo\n{SETTINGS}{RULE}{value}\n").plan
    assert plan is not None
    return Interpreter(plan), Mapper(plan)


@pytest.mark.parametrize("word", WORDS)
@settings(max_examples=15, deadline=None)
@given(event=events())
def test_every_word_on_its_example_and_on_generated_events(word: str, event: Event) -> None:
    example = WORDS[word].example
    assert example is not None
    both = of_value(example[0])
    own = Event("identify", "m", 0, {"type": "identify", **example[1]}, b"{}", "test:1")
    agree(*both, own)
    agree(*both, event)


def test_a_variable_is_computed_once_and_only_if_it_is_needed() -> None:
    text = (
        "version: 1\ndestination: demo\nlet:\n  n: {pick: traits.x, to: integer}\nrules:\n"
        "- name: all\n  when: true\n  do:\n  - operation: send\n    for_each: traits.items\n"
        "    fields:\n      out: {first: [item.y, $n]}\n      custom_attributes: $n\n"
    )
    plan = compiled(text).plan
    assert plan is not None
    body = {"traits": {"x": "no number", "items": [{"y": 1}, {}, {"y": Decimal("1.0")}]}}
    event = Event("identify", "m", 0, {"type": "identify", **body}, b"{}", "test:1")
    agree(Interpreter(plan), Mapper(plan), event)


OFF: Any = {"integrations": {"All": False}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"type": "identify", "userId": "u1", **OFF}, "integrations_off"),
        ({"type": "page", "userId": "u1"}, "not_mapped"),
        ({"type": "page", "userId": "u1", **OFF}, "integrations_off"),
        ({"type": "track", "event": "Signed Up"}, None),
        ({"type": "track", "event": ["no", "name"]}, None),
    ],
)
def test_an_event_that_is_surely_not_wanted_is_told_without_mapping_it(
    body: dict[str, Any], reason: str | None
) -> None:
    _, mapper = shipped()
    found = mapper.wants(Event(body["type"], "m", 0, body, b"{}", "test:1"))
    assert (found and found.reason) == reason


def test_events_whose_names_no_rule_wants_are_told_without_mapping_them() -> None:
    text = (
        "version: 1\ndestination: demo\nrules:\n"
        "- name: noise\n  when: {event: [Ping]}\n  skip: filtered\n"
        "- name: some\n  when: {all: [{event: [A, B]}, {pick: traits.x, exists: true}]}\n"
        "  do: [{operation: send, fields: {out: traits.x}}]\n"
    )
    plan = compiled(text).plan
    assert plan is not None
    mapper = Mapper(plan)
    found = {
        name: mapper.wants(Event("track", "m", 0, {"event": name}, b"{}", "test:1"))
        for name in ("A", "Ping", "C")
    }
    assert found == {"A": None, "Ping": Skip("filtered"), "C": Skip("not_mapped")}


def test_texts_of_a_mapping_are_literals_and_never_code() -> None:
    evil = "')\\nimport os  # {}"
    plan = compiled(f'version: 1\ndestination: demo\n{SETTINGS}{RULE}{{const: "{evil}"}}\n').plan
    assert plan is not None
    mapper = Mapper(plan)
    assert "\nimport os" not in mapper.source
    agree(Interpreter(plan), mapper, Event("identify", "m", 0, {}, b"{}", "test:1"))


FAR = 150
PATHS = [f"traits.k{number}.x" for number in range(FAR)]
LONG_CHAINS = {
    "first": f"{{first: [{', '.join(PATHS)}]}}",
    "any": "{const: yes!, when: {any: ["
    + ", ".join(f"{{pick: {path}, equals: 1}}" for path in PATHS)
    + "]}}",
    "all": "{const: yes!, when: {all: ["
    + ", ".join(f"{{pick: {path}, exists: true}}" for path in PATHS)
    + "]}}",
    "template": '{template: "' + "-".join(f"{{{path}}}" for path in PATHS) + '"}',
}


@pytest.mark.parametrize("name", LONG_CHAINS)
@pytest.mark.parametrize("without", [None, 0, 70, FAR - 1])
@pytest.mark.parametrize("only", [None, 0, 70, FAR - 1])
def test_chains_may_be_as_long_as_they_like(
    name: str, without: int | None, only: int | None
) -> None:
    interpreter, mapper = long_chain(name)
    numbers = range(FAR) if only is None else [only]
    traits = {f"k{number}": {"x": 1} for number in numbers if number != without}
    event = Event("identify", "m", 1, {"type": "identify", "traits": traits}, b"{}", "test:1")
    assert mapper(event) == interpreter.map(event)


@cache
def long_chain(name: str) -> tuple[Interpreter, Mapper]:
    result = compiled(f"version: 1\ndestination: demo\n{SETTINGS}{RULE}{LONG_CHAINS[name]}\n")
    assert result.plan is not None, result.diagnostics
    return Interpreter(result.plan), Mapper(result.plan)
