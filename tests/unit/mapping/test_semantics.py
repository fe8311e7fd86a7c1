"""The corners of the language: null, absence, counting, what ``rest`` leaves out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.mapping.interpreter import Mapped
from pipeline.model.refusal import Refusal, Skip
from tests.unit.mapping.conftest import ABSENT, compiled, evaluate, holds, run


def traits(**members):
    return {"traits": members}


# --- absent, null and empty are three things -------------------------------------------------


def test_first_takes_a_null_but_not_what_is_absent():
    assert evaluate("{first: [traits.a, traits.b]}", traits(a=None, b=1)).value is None
    assert evaluate("{first: [traits.a, traits.b]}", traits(b=1)).value == 1
    assert evaluate("{first: [traits.a, traits.b]}", traits(a="", b=1)).value == ""
    assert evaluate("{first: [traits.a]}", {}).value == ABSENT


def test_a_conversion_loses_a_null_without_a_warning():
    found = evaluate("{first: [{pick: traits.a, to: integer}, traits.b]}", traits(a=None, b=1))
    assert (found.value, found.warnings) == (1, [])


def test_default_stands_in_for_absent_not_for_null():
    assert evaluate("{pick: traits.a, default: 5}", traits(a=None)).value is None
    text = "{pick: traits.a, not_equals: null, default: 5}"
    assert evaluate(text, traits(a=None)).value == 5
    assert evaluate("{pick: traits.a, to: integer, default: 5}", traits(a="x")).value == 5


def test_steps_run_in_the_order_written():
    assert evaluate("{pick: traits.a, upper: true, prefix: x}", traits(a="b")).value == "xB"
    assert evaluate("{pick: traits.a, prefix: x, upper: true}", traits(a="b")).value == "XB"


def test_a_flag_may_be_false_and_does_nothing():
    assert evaluate("{pick: traits.a, trim: false}", traits(a=" b ")).value == " b "


@pytest.mark.parametrize("value", [{}, [], 7, None, "", True, Decimal("0.1"), {"a": [1]}, "x"])
@pytest.mark.parametrize(
    "step",
    ["trim: true", "lower: true", "prefix: a", "replace: {a: b}", "split: a", "cut: 2",
     "map: {a: b}", "map_only: {a: b}", "wrap: true", "nested: flatten", "dates: _at",
     "limit_keys: 1", "key_case: snake", "hash: md5", "money: {by: hundred}", "to: cents",
     "to: text", "to: number", "to: boolean", "to: id", "to: json_text", "matches: a",
     "above: 1", "has_keys: [a]", "all_in: [a]", "contains: a", "keep_keys: a"],
)  # fmt: skip
def test_no_step_raises_on_a_value_of_another_type(step, value):
    evaluate(f"{{pick: traits.x, {step}}}", traits(x=value))


def test_map_leaves_null_lists_and_objects_alone():
    for value in (None, [1], {"a": 1}):
        assert evaluate("{pick: traits.a, map: {'': x, null: y}}", traits(a=value)).value == value


def test_map_of_numbers_and_booleans():
    table = "map: {1: one, true: yes!, 2.5: half}"
    assert evaluate(f"{{pick: traits.a, {table}}}", traits(a=1)).value == "one"
    assert evaluate(f"{{pick: traits.a, {table}}}", traits(a=True)).value == "yes!"
    assert evaluate(f"{{pick: traits.a, {table}}}", traits(a=Decimal("2.5"))).value == "half"


def test_join_takes_texts_numbers_and_lists():
    text = '{join: ["traits.products.*.name", traits.n], with: ", "}'
    body = traits(products=[{"name": "a"}, {"name": None}, {"name": ""}, {"name": "b"}], n=7)
    assert evaluate(text, body).value == "a, b, 7"
    assert evaluate("{join: [traits.a]}", traits(a="")).value == ABSENT


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (True, "true"), (Decimal("1E+3"), "1000"), (Decimal("0.10"), "0.10"), ("a", "a")],
)
def test_numbers_and_booleans_as_text_are_the_same_everywhere(value, text):
    for form in ("{pick: traits.a, to: text}", "{join: [traits.a]}", '{template: "{traits.a}"}'):
        assert evaluate(form, traits(a=value)).value == text


def test_equality_is_that_of_json():
    assert holds("{pick: traits.a, equals: 1}", traits(a=Decimal("1.0")))
    assert not holds("{pick: traits.a, equals: 1}", traits(a=True))
    assert not holds("{pick: traits.a, equals: '1'}", traits(a=1))
    assert holds("{pick: traits.a, equals: null}", traits(a=None))
    assert not holds("{pick: traits.a, equals: null}", {})
    assert holds("{pick: traits.a, equals: {b: [1]}}", traits(a={"b": [1]}))


def test_conditions_combine():
    body = {"type": "track", "event": "A", "traits": {"n": 5}}
    assert holds("{all: [{type: track}, {pick: traits.n, above: 4, below: 6}]}", body)
    assert not holds("{all: [{type: track}, {not: {event: [A, B]}}]}", body)
    assert holds("{any: [{type: page}, {pick: traits.n, in: [4, 5]}]}", body)
    assert holds("{all: []}", body)
    assert not holds("{any: []}", body)


def test_conditions_on_settings_are_decided_when_the_mapping_is_compiled():
    top = "about: x\n"
    assert holds("{setting: limit, equals: 5}", {}, top=top)
    text = "{const: 1, when: {setting: limit, above: 5}}"
    assert evaluate(text, {}).value == ABSENT
    assert evaluate(text, {}, limit="6").value == 1


# --- keys ------------------------------------------------------------------------------------


def test_keys_are_found_whatever_their_case_and_separators():
    for key in ("createdAt", "created_at", "Created At", "CREATED-AT"):
        assert evaluate("traits.createdAt", {"traits": {key: 1}}).value == 1
    assert evaluate("traits.a", {"traits": {"A": 1, "a": 2}}).value == 2
    assert evaluate('traits."createdAt"', {"traits": {"created_at": 1}}).value == ABSENT


def test_two_keys_that_become_one_lose_the_changed_one_and_count_it():
    found = evaluate("{pick: traits, key_case: snake}", {"traits": {"A B": 1, "a_b": 2}})
    assert (found.value, found.warnings) == ({"a_b": 2}, ["key_taken"])
    found = evaluate("{pick: traits, key_case: snake}", {"traits": {"A B": 1, "A-B": 2}})
    assert (found.value, found.warnings) == ({"a_b": 1}, ["key_taken"])


def test_dates_unless_the_key_ends_in_something_else():
    text = "{pick: traits, dates: {suffix: _at, unless: [At, When]}}"
    body = {"traits": {"a": "2024-01-02", "bAt": "2024-01-02", "cWhen": "2024-01-02"}}
    assert set(evaluate(text, body).value) == {"a_at", "bAt", "cWhen"}


def test_clean_keys_with_another_stand_in():
    text = '{pick: traits, clean_keys: {forbid: ".", with: "-", longest: 3}}'
    assert evaluate(text, {"traits": {"a.bcd": 1}}).value == {"a-b": 1}


def test_limit_keys_puts_first_then_priority_then_the_order_of_the_event():
    text = "{pick: traits, limit_keys: {most: 3, first: [p], priority: [C, d, zz]}}"
    found = evaluate(text, {"traits": dict.fromkeys("abcdp", 1)})
    assert list(found.value) == ["p", "c", "d"]
    assert found.warnings == ["keys_over_limit"] * 2


# --- rest ------------------------------------------------------------------------------------

REST = """\
version: 1
destination: demo
let: {{who: {{first: [traits.nick, traits.name]}}}}
person: {{user_id: traits.code}}
rules:
- name: all
  when: {{pick: traits.kind, exists: true}}
  do:
  - operation: send
    fields: {fields}
"""


def rest_of(fields, body):
    result = run(REST.format(fields=fields), {"traits": {"kind": 1, **body}})
    assert isinstance(result, Mapped)
    return dict(result.operations[0].fields)["custom_attributes"]


def test_rest_leaves_out_every_key_that_the_rule_can_read():
    body = {"nick": "n", "name": "a", "Nick": 2, "code": 7, "more": 1}
    fields = "{out: $who, custom_attributes: {rest: traits}}"
    assert rest_of(fields, body) == {"kind": 1, "more": 1}


def test_rest_does_not_count_what_only_conditions_read():
    fields = (
        "{out: {const: 1, when: {pick: traits.x, equals: 2}}, custom_attributes: {rest: traits}}"
    )
    assert rest_of(fields, {"x": 2}) == {"kind": 1, "x": 2}


def test_rest_keep_and_except():
    fields = "{out: traits.x, custom_attributes: {rest: traits, keep: [X], except: [kind, a-b]}}"
    assert rest_of(fields, {"x": 2, "a_b": 1, "c": 3}) == {"x": 2, "c": 3}


def test_rest_except_under_a_condition():
    text = "{except: [{key: x, when: {pick: traits.y, equals: 1}}], rest: traits}"
    fields = f"{{custom_attributes: {text}}}"
    assert rest_of(fields, {"x": 2, "y": 1}) == {"kind": 1, "y": 1}
    assert rest_of(fields, {"x": 2, "y": 2}) == {"kind": 1, "x": 2, "y": 2}


def test_rest_of_an_inner_object():
    fields = "{out: traits.Address.city, custom_attributes: {rest: traits.address}}"
    assert rest_of(fields, {"address": {"city": 1, "zip": 2}}) == {"zip": 2}


def test_rest_of_an_item_that_other_fields_read_by_its_path():
    text = REST.format(fields="{out: traits.x, custom_attributes: {rest: item}}")
    text = text.replace("send\n", "send\n    for_each: traits\n")
    result = run(text, {"traits": {"kind": 1, "x": 2, "y": 3}})
    assert result.operations[0].fields["custom_attributes"] == {"kind": 1, "y": 3}


def test_rest_of_an_item_does_not_mind_the_items_of_another_list():
    text = REST.format(fields="{custom_attributes: {rest: item}}") + (
        "  - {operation: send, for_each: traits.pets, fields: {out: item.name}}\n"
        "  - {operation: send, for_each: traits.cars, fields: {out: item.make}}\n"
    )
    text = text.replace("send\n", "send\n    for_each: traits.cars\n", 1)
    result = run(text, {"traits": {"kind": 1, "cars": [{"name": "a", "make": "b"}]}})
    assert result.operations[0].fields["custom_attributes"] == {"name": "a"}


def test_rest_of_what_is_no_object_is_absent():
    assert evaluate("{rest: traits.a}", traits(a=5)).value == ABSENT


# --- variables, warnings, rules --------------------------------------------------------------


def test_a_variable_is_computed_once_and_counts_once():
    top = "let: {n: {pick: traits.n, to: integer}}\n"
    text = "{list: [$n, {const: 1, when: {pick: $n, exists: false}}, $n]}"
    found = evaluate(text, traits(n="x"), top=top)
    assert (found.value, found.warnings) == ([1], ["not_an_integer"])


def test_a_variable_counts_even_if_only_a_condition_reads_it():
    top = "let: {n: {pick: traits.n, to: integer}}\n"
    text = "{const: 1, when: {pick: $n, exists: false}}"
    assert evaluate(text, traits(n="x"), top=top).warnings == ["not_an_integer"]


def test_what_a_condition_loses_by_itself_is_not_counted():
    text = "{const: 1, when: {pick: traits.n, to: integer, exists: false}}"
    assert evaluate(text, traits(n="x")).warnings == []


def test_a_variable_nobody_needs_is_not_computed():
    top = "let: {n: {pick: traits.n, to: integer}}\n"
    assert evaluate("{first: [traits.a, $n]}", traits(a=1, n="x"), top=top).warnings == []


def test_time_is_built_in():
    assert evaluate("$time", {}).value == 1714564800


RULES = """\
version: 1
destination: demo
blocks:
  base: {id: item.id}
skip:
  filtered: {pick: traits.robot, equals: true}
require:
  identity_unverified: {pick: traits.bad, exists: false}
rules:
- {name: pages, when: {type: page}, skip: filtered}
- name: all
  when: {type: identify}
  require:
    missing_identity: {pick: userId, exists: true}
  do:
  - operation: need
    for_each: traits.list
    when: {pick: item.off, exists: false}
    needs: id
    fields: {include: base, name: item.name}
  - operation: send
    when: {pick: traits.send, equals: true}
    fields: {out: {pick: traits.x, required: true}}
"""


def test_rules_skip_require_and_make_many_operations():
    items = [{"id": 1, "name": "a"}, {"off": 1, "id": 2}, {"name": "no id"}, 7]
    result = run(RULES, {"userId": "u", "traits": {"list": items}})
    assert [dict(one.fields) for one in result.operations] == [{"id": 1, "name": "a"}]
    assert run(RULES, {"type": "page"}) == Skip("filtered")
    assert run(RULES, {"userId": "u", "traits": {"robot": True}}) == Skip("filtered")
    assert run(RULES, {"type": "track"}) == Skip("not_mapped")
    assert run(RULES, {"userId": "u"}) == Skip("not_mapped")


def test_requirements_of_the_mapping_come_before_those_of_the_rule():
    result = run(RULES, {"traits": {"bad": 1}})
    assert isinstance(result, Refusal)
    assert result.reason == "identity_unverified"
    assert run(RULES, {}).reason == "missing_identity"


def test_a_required_field_without_a_value_refuses_the_event():
    result = run(RULES, {"userId": "u", "traits": {"send": True}})
    assert isinstance(result, Refusal)
    assert result.reason == "mapping_error"
    line = len(RULES.splitlines())
    assert "'out'" in result.details[0].message
    assert f"line {line}" in result.details[0].message


def test_for_each_takes_one_value_as_a_list_of_one():
    result = run(RULES, {"userId": "u", "traits": {"list": {"id": 5}}})
    assert [dict(one.fields) for one in result.operations] == [{"id": 5}]


def test_a_block_that_nobody_includes_is_checked_as_well():
    text = RULES.replace("blocks:\n", "blocks:\n  idle: {out: {pik: item.x}}\n")
    (found,) = compiled(text).diagnostics
    assert (found.code, found.span.line) == ("M102", 4)
