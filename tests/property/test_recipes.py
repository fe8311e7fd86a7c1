"""What a recipe makes of an object is what its steps make of it one by one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.plan import Place, Step
from pipeline.mapping.recipes import MERGE, Reshape, is_learnable
from pipeline.mapping.shapes import KeptKeys
from pipeline.model.text import normal_key

KEYS = st.sampled_from(
    ["a", "A", "paid", "paid_at", "paidAt", "Paid At", "due", "due_at", "price", "x.y", "x y", " ",
     "", "longer name", "total", "n"]
)  # fmt: skip
VALUES: Any = st.sampled_from(
    ["", "x", "text", "2024-01-02", "2024-01-02T03:04:05.678Z", "2024-13-41", " 2024-01-02",
     "2024-01-02 ", "1234-5", "x" * 12, "x" * 300, True, False, None, 0, 1, Decimal("1.5"), [], {},
     [1], {"k": 1}, {"url": "https://x.co", "value": "x"}, {"amount": 5, "currency": "usd"}]
)  # fmt: skip
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=6)

STEPS: dict[str, Any] = {
    "nested": st.sampled_from(
        [{"policy": "drop"}, {"policy": "drop", "keep": ("link",)},
         {"policy": "drop", "keep": ("link", "money"), "keys": {"a": "drop"}}]
    ),
    "dates": st.sampled_from([{"suffix": "_at", "unless": ("At",)}, {"suffix": "_date"}]),
    "keep_keys": st.sampled_from([("a", "paid", "n"), ("due at",)]),
    "drop_nulls": st.just(value=True),
    "booleans": st.just("text"),
    "rename_keys": st.sampled_from([{"a": "n"}, {"paid": "due", "due": "paid"}]),
    "key_case": st.sampled_from(["snake", "lower", "camel"]),
    "clean_keys": st.sampled_from([{"forbid": "."}, {"allow": "_- ", "longest": 4}]),
    "cut": st.sampled_from([0, 2, 4, 9, 10, 255]),
    "limit_keys": st.sampled_from([{"most": 2}, {"most": 3, "first": ("n",), "priority": ("A",)}]),
    "drop_empty": st.just(value=True),
}  # fmt: skip


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    names = draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=5))
    return [Step(name, draw(STEPS[name]), Place(1, 1)) for name in names]


@settings(max_examples=600, deadline=None)
@given(
    before=steps(),
    behind=steps(),
    without=st.frozensets(KEYS.map(normal_key), max_size=2),
    flag=st.booleans(),
    members=st.lists(OBJECTS, min_size=1, max_size=3),
    extra=st.none() | OBJECTS,
    merges=st.booleans(),
)
def test_a_recipe_says_what_the_steps_say(
    before: list[Step],
    behind: list[Step],
    without: frozenset[str],
    flag: bool,
    members: list[dict[str, Any]],
    extra: dict[str, Any] | None,
    merges: bool,
) -> None:
    kept = KeptKeys(without, ("price",))
    reshape = Reshape([kept, *before, *([MERGE] if merges else []), *behind])
    more: Any = [extra, 1] if merges and extra is not None else []
    for value in [*members, *members]:  # learnt, and remembered
        quick, slow = ["first", "of the extra"], ["first", "of the extra"]
        found = reshape(value, tuple(value), (flag,), quick, *more)
        wanted = reshape.one_by_one(value, (flag,), slow, *more)
        assert (repr(found), quick) == (repr(wanted), slow)


def reshape(*parts: Step | str) -> Reshape:
    return Reshape([KeptKeys(frozenset(), ()), *parts])


def step(name: str, args: Any) -> Step:
    return Step(name, args, Place(1, 1))


def test_warnings_of_the_steps_before_a_merge_come_before_those_of_what_comes_in() -> None:
    made = reshape(step("nested", {"policy": "drop"}), MERGE, step("limit_keys", {"most": 1}))
    warnings = ["early", "of the extra"]
    value = {"a": 1, "list": [1]}
    assert made(value, tuple(value), (), warnings, {"x": 2}, 1) == {"a": 1}
    assert warnings == ["early", "nested_dropped", "of the extra", "keys_over_limit"]


def test_what_depends_on_the_shape_alone_is_learnt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = reshape(step("nested", {"policy": "drop"}), step("dates", {"suffix": "_at"}))
    first = {"a": 1, "list": [1], "paid": "2024-01-02"}
    assert made(first, tuple(first), (), []) == {"a": 1, "paid_at": 1704153600}

    def never(*args: Any) -> None:
        message = "the steps ran again"
        raise AssertionError(message)

    monkeypatch.setattr("pipeline.mapping.recipes._learnt", never)
    monkeypatch.setattr(Reshape, "one_by_one", never)
    second = {"a": 2, "list": [], "paid": "2024-01-03"}
    assert made(second, tuple(second), (), []) == {"a": 2, "paid_at": 1704240000}


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.mapping.recipes.MOST_RECIPES", 10)
    made = reshape(step("drop_nulls", args=True))
    for number in range(100):
        made({f"key {number}": number}, (f"key {number}",), (), [])
    types = [1, "x", True, None, Decimal(1), [], {}]
    for one in types:
        for other in types:
            made({"a": one, "b": other}, ("a", "b"), (), [])
    assert len(made) <= 10
    assert sum(len(known.recipes) for known in made.values()) <= 10


def test_flattening_is_not_a_matter_of_the_shape_alone() -> None:
    assert is_learnable(step("nested", {"policy": "drop", "keys": {"a": "drop"}}))
    assert not is_learnable(step("nested", {"policy": "flatten"}))
    assert not is_learnable(step("nested", {"policy": "drop", "keys": {"a": "stringify"}}))
