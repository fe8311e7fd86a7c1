from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.model.event import Event
from pipeline.model.refusal import Detail
from pipeline.validation.reference import ReferenceValidator
from pipeline.validation.registry import SchemaSet
from pipeline.validation.validator import Validator
from pipeline.validation.wording import allowed

TIME = SchemaSet.load().schemas["page"]["properties"]["timestamp"]


def check(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    """What both validators say, which is the same."""
    schemas = SchemaSet.of({"page": {"properties": {"v": schema}}})
    event = Event("page", "m", 0, {"v": value}, b"", "test")
    found = Validator(schemas).check(event)
    assert found == ReferenceValidator(schemas).check(event)
    return [(detail.path, detail.message) for detail in found]


@pytest.mark.parametrize(
    ("schema", "value", "path", "message"),
    [
        ({"type": "string"}, 5, "$.v", "received 5; allowed: text"),
        ({"type": ["null", "string"]}, [], "$.v", "received []; allowed: text or null"),
        ({"type": "string", "minLength": 1}, "", "$.v",
         'received ""; allowed: text that is not empty'),
        ({"maxLength": 2}, "abc", "$.v",
         'received "abc"; allowed: anything of at most 2 characters'),
        ({"enum": ["a", 1]}, "b", "$.v", 'received "b"; allowed: one of "a", 1'),
        ({"const": "a"}, None, "$.v", 'received null; allowed: "a"'),
        ({"type": "integer", "minimum": 1, "maximum": 9}, 0, "$.v",
         "received 0; allowed: an integer of at least 1 and at most 9"),
        ({"type": "string", "pattern": "^a+$"}, "b", "$.v",
         'received "b"; allowed: text that matches ^a+$'),
        ({"type": "string", "pattern": "^a+$", "examples": ["aa"]}, "b", "$.v",
         'received "b"; allowed: text like "aa"'),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, None, "$.v",
         "received null; allowed: text or an integer"),
        ({"required": ["x y"], "properties": {"x y": {"type": "boolean"}}}, {}, '$.v["x y"]',
         "is missing; needed: true or false"),
        ({"additionalProperties": False, "properties": {"a": True}}, {"a": 1, "b": 2}, "$.v.b",
         "received 2; this key is not allowed here"),
        ({"items": {"type": "string"}}, ["a", 1], "$.v[1]", "received 1; allowed: text"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_messages_for_people(schema: dict[str, Any], value: Any, path: str, message: str) -> None:
    assert check(schema, value) == [(path, message)]


def test_a_key_that_allows_nothing() -> None:
    schemas = SchemaSet.of({"page": {"properties": {"v": False}}})
    found = Validator(schemas).check(Event("page", "m", 0, {"v": 1}, b"", "test"))
    assert found == (Detail("$.v", "received 1; nothing is allowed here"),)


def test_every_missing_key_is_told() -> None:
    found = check({"required": ["a", "b"]}, {})
    assert [path for path, _ in found] == ["$.v.a", "$.v.b"]


def test_every_fault_is_told_in_the_order_of_paths() -> None:
    schema = {"properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    assert [path for path, _ in check(schema, {"b": 1, "a": 2})] == ["$.v.a", "$.v.b"]


def test_two_rules_that_say_the_same_are_told_once() -> None:
    assert len(check({"type": "number", "minimum": 5, "multipleOf": 5}, 3)) == 1


def test_what_was_received_is_cut_to_80_characters() -> None:
    ((_, message),) = check({"type": "integer"}, "x" * 1000)
    assert message == 'received "' + "x" * 78 + "…; allowed: an integer"


def test_a_rule_without_words_is_told_by_the_library() -> None:
    schemas = SchemaSet.of({"page": {"properties": {"v": {"uniqueItems": True}}}})
    event = Event("page", "m", 0, {"v": [1, 1]}, b"", "test")
    (detail,) = Validator(schemas).check(event)
    assert "the rule uniqueItems refuses it: [1,1] has non-unique elements" in detail.message


@pytest.mark.parametrize("value", [10**4000, Decimal("1e400"), Decimal("1.0"), Decimal("-1e-400")])
def test_large_and_small_numbers_get_one_verdict(value: Any) -> None:
    check({"type": "integer"}, value)
    check({"type": "number", "minimum": 0, "maximum": 10**15}, value)


def test_a_whole_decimal_is_an_integer() -> None:
    assert check({"type": "integer"}, Decimal("5.0")) == []


def test_a_line_feed_after_a_date_is_not_a_date() -> None:
    assert check(TIME, "2024-01-02\n") != []


def test_words_for_a_time() -> None:
    assert allowed(TIME) == (
        'text like "2024-01-02T03:04:05.678Z", '
        "a number of at least -62135596800 and at most 253402300799999 or null"
    )
