"""Flattening, merging, renaming and limiting: nothing is lost unseen."""

from __future__ import annotations

import copy

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.mapping import plan
from pipeline.mapping.functions import STEP_FUNCTIONS
from pipeline.mapping.interpreter import Evaluation
from pipeline.mapping.paths import Path
from pipeline.model.event import Event
from pipeline.model.text import normal_key
from tests.strategies import JSON, KEYS, OBJECTS, SCALARS


def step(name, value, args):
    notes = []
    before = copy.deepcopy(value)
    result = STEP_FUNCTIONS[name](value, args, notes.append)
    assert value == before
    return result, notes


def leaves(value):
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    if isinstance(value, list):
        return [leaf for member in value for leaf in leaves(member)]
    return [value]


@settings(deadline=None)
@given(OBJECTS, st.sampled_from(["_", "-", ".", ""]))
def test_flattening_keeps_every_leaf_or_counts_it(value, separator):
    flat, notes = step("nested", value, {"policy": "flatten", "separator": separator})
    assert not any(isinstance(member, dict | list) for member in flat.values())
    assert len(flat) + len(notes) == len(leaves(value))
    assert set(notes) <= {"key_taken"}
    kept = [(type(leaf), leaf) for leaf in leaves(value)]
    for member in flat.values():
        kept.remove((type(member), member))


@settings(deadline=None)
@given(st.dictionaries(st.text("ab", min_size=1), JSON, max_size=5))
def test_flattened_keys_are_the_way_to_the_leaf(value):
    flat, notes = step("nested", value, {"policy": "flatten", "separator": "/"})
    assume(not notes)
    for key, leaf in flat.items():
        found = value
        for part in key.split("/"):
            found = found[int(part)] if isinstance(found, list) else _member(found, part)
            if found is None:
                break
        else:
            assert found == leaf


def _member(value, name):
    return value.get(name) if isinstance(value, dict) else None


@settings(deadline=None)
@given(OBJECTS)
def test_dropping_and_stringifying_leave_scalars_alone(value):
    scalars = {key: one for key, one in value.items() if not isinstance(one, dict | list)}
    dropped, notes = step("nested", value, {"policy": "drop"})
    assert dropped == scalars
    assert len(notes) == len(value) - len(scalars)
    text, notes = step("nested", value, {"policy": "stringify"})
    assert text.keys() == value.keys()
    assert notes == []
    assert not any(isinstance(member, dict | list) for member in text.values())


@settings(deadline=None)
@given(
    st.dictionaries(KEYS, SCALARS, max_size=12),
    st.integers(0, 12),
    st.lists(KEYS, max_size=3),
    st.lists(KEYS, max_size=3),
)
def test_limits_keep_the_first_and_the_priority_and_the_order(value, most, first, priority):
    args = {"most": most, "first": tuple(first), "priority": tuple(priority)}
    kept, notes = step("limit_keys", value, args)
    assert len(kept) == min(most, len(value))
    assert len(notes) == len(value) - len(kept)
    assert kept.items() <= value.items()
    wanted = {normal_key(name) for name in (*first, *priority)}
    others = [key for key in kept if normal_key(key) not in wanted]
    assert others == [key for key in value if key in others]
    if first and most and (name := _find(value, first[0])) is not None:
        assert next(iter(kept)) == name


def _find(value, name):
    return next((key for key in value if normal_key(key) == normal_key(name)), None)


@settings(deadline=None)
@given(OBJECTS, st.sampled_from(["snake", "lower", "camel"]))
def test_renaming_loses_only_what_it_counts(value, case):
    renamed, notes = step("key_case", value, case)
    assert len(renamed) + len(notes) == len(value)


@settings(deadline=None)
@given(OBJECTS)
def test_clean_keys_are_legal_and_stay_so(value):
    args = {"allow": "_- ", "longest": 10}
    clean, notes = step("clean_keys", value, args)
    for key in clean:
        assert key.strip()
        assert len(key) <= 10
        assert all(letter.isalnum() or letter in "_- " for letter in key)
    assert len(clean) >= len(value) - len(notes)
    assert step("clean_keys", clean, args) == (clean, [])


@settings(deadline=None)
@given(OBJECTS)
def test_dates_become_seconds_under_their_suffix(value):
    dated, notes = step("dates", value, {"suffix": "_at"})
    assert len(dated) + len(notes) == len(value)
    for key, member in dated.items():
        if value.get(key) != member or type(value.get(key)) is not type(member):
            assert key.endswith("_at")
            assert type(member) is int


def merge(*objects):
    event = Event("track", "m", 0, {"traits": list(objects)}, b"", "x")
    evaluation = Evaluation(event, {}, None)
    values = tuple(plan.Expr(plan.Const(one)) for one in objects)
    return evaluation.value(plan.Expr(plan.Merge(values)))


@settings(deadline=None)
@given(OBJECTS, OBJECTS)
def test_merging_takes_the_later_value_at_the_earlier_place(one, other):
    merged = merge(one, other)
    assert merged == {**one, **other}
    assert list(merged) == [*one, *(key for key in other if key not in one)]


@settings(deadline=None)
@given(OBJECTS)
def test_merging_with_nothing_changes_nothing(one):
    assert merge(one, {}) == merge({}, one) == merge(one, one) == one


@settings(deadline=None)
@given(OBJECTS, st.sets(KEYS, max_size=4))
def test_rest_and_what_it_leaves_out_are_the_whole(value, used):
    event = Event("track", "m", 0, {"traits": value}, b"", "x")
    names = frozenset(normal_key(key) for key in used)
    found = Evaluation(event, {}, None).value(plan.Expr(plan.Rest(Path("traits"), used=names)))
    assert found == {key: one for key, one in value.items() if normal_key(key) not in names}
