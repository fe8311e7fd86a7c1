"""Money, times and texts through the steps of the language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.functions import STEP_FUNCTIONS, TEST_FUNCTIONS
from pipeline.mapping.language import WARNINGS
from pipeline.mapping.paths import ABSENT
from pipeline.model.money import exponent_of
from tests.strategies import JSON

CENTS = st.integers(0, 10**15)


def step(name, value, args):
    notes = []
    return STEP_FUNCTIONS[name](value, args, notes.append), notes


def written(cents, group="", point="."):
    whole, rest = divmod(cents, 100)
    return f"{whole:,}".replace(",", group) + f"{point}{rest:02d}"


@settings(deadline=None)
@given(CENTS)
def test_any_amount_is_exactly_its_cents(cents):
    amount = Decimal(cents).scaleb(-2)
    assert step("to", amount, "cents") == (cents, [])
    assert step("money", amount, {"by": "hundred"}) == (cents, [])


@settings(deadline=None)
@given(CENTS, st.sampled_from([("", "."), (",", "."), (" ", "."), (".", ","), ("'", ".")]))
def test_any_amount_in_any_way_of_writing_is_exactly_its_cents(cents, style):
    group, point = style
    text = written(cents, group, point)
    for form in (text, "$" + text, text + " EUR", "USD " + text, f" {text} "):
        assert step("to", form, "cents") == (cents, [])
    assert step("to", f"-{text}", "cents") == (-cents, [])
    assert step("to", f"({text})", "cents") == (-cents, [])


@settings(deadline=None)
@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=4))
def test_a_half_cent_is_rounded_away_from_zero(amount):
    cents, _ = step("to", amount, "cents")
    assert abs(amount * 100 - cents) <= Decimal("0.5")
    assert abs(cents) >= abs(amount * 100) - Decimal("0.5")
    if abs(amount * 100 % 1) == Decimal("0.5"):
        assert abs(cents) > abs(amount * 100)


@settings(deadline=None)
@given(CENTS, st.sampled_from(["JPY", "USD", "KWD", "CLF", "eur"]))
def test_minor_units_by_currency_are_exact(minor, code):
    exponent = exponent_of(code)
    assert exponent is not None
    amount = Decimal(minor).scaleb(-exponent)
    assert step("money", amount, {"by": "iso4217", "currency": code}) == (minor, [])


@settings(deadline=None)
@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_seconds_stay_the_seconds_they_are(seconds):
    expected = seconds if seconds < 31_557_600_000 else seconds // 1000
    assert step("to", seconds, "unix_seconds") == (expected, [])
    if seconds >= 0:
        assert step("to", str(seconds), "unix_seconds") == (expected, [])


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_times_are_floored_to_seconds(moment):
    found, notes = step("to", moment.isoformat(), "unix_seconds")
    assert notes == []
    assert found == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


@settings(deadline=None)
@given(st.text(max_size=600), st.integers(1, 300))
def test_a_cut_text_is_a_beginning_within_the_limit(text, limit):
    short, notes = step("cut", text, limit)
    assert len(short) <= limit
    assert text.startswith(short)
    assert notes == ([] if len(text) <= limit else ["text_cut"])
    assert step("cut", short, limit) == (short, [])


ARGS = {
    "only": ("text",), "must_be": ("email",), "drop_empty": True, "trim": True, "lower": True,
    "upper": True, "prefix": "a", "suffix": "a", "replace": (("a", "b"),), "split": ",", "cut": 3,
    "map": {"a": 1}, "map_only": {"a": 1}, "default": 0, "wrap": True, "to": "number",
    "money": {"by": "iso4217", "currency": ABSENT}, "hash": "string_hash",
    "hmac": {"secret": "env:PENSTOCK_TEST_NOT_SET"},
    "nested": {"policy": "flatten"}, "dates": {"suffix": "_at"}, "keep_keys": ("a",),
    "drop_nulls": True, "booleans": "text", "rename_keys": {"a": "b"}, "key_case": "camel",
    "clean_keys": {"allow": "_", "longest": 5}, "limit_keys": {"most": 2, "first": ("a",)},
}  # fmt: skip


@pytest.mark.parametrize("name", ARGS)
@settings(deadline=None)
@given(value=JSON)
def test_no_step_ever_raises(name, value):
    assert STEP_FUNCTIONS.keys() == ARGS.keys()
    _, notes = step(name, value, ARGS[name])
    assert set(notes) <= WARNINGS.keys()


@pytest.mark.parametrize(
    "kind", ["unix_seconds", "cents", "integer", "boolean", "text", "id", "json_text"]
)
@settings(deadline=None)
@given(value=JSON)
def test_no_conversion_ever_raises(kind, value):
    found, notes = step("to", value, kind)
    assert len(notes) <= 1
    if found is not ABSENT:
        wanted = {"boolean": bool, "text": str, "id": str, "json_text": str}.get(kind, int)
        assert type(found) is wanted


@settings(deadline=None)
@given(JSON, JSON)
def test_no_test_ever_raises(value, other):
    for name in ("equals", "not_equals", "contains"):
        TEST_FUNCTIONS[name](value, other)
    for name in ("in", "not_in", "all_in"):
        TEST_FUNCTIONS[name](value, (other, value))
    for name in ("above", "below", "at_least", "at_most"):
        TEST_FUNCTIONS[name](value, 5)
    for name in ("starts_with", "ends_with", "matches"):
        TEST_FUNCTIONS[name](value, "a")
    TEST_FUNCTIONS["has_keys"](value, ("a",))
    TEST_FUNCTIONS["is"](value, ("integer", "url", "email"))
    assert TEST_FUNCTIONS["equals"](value, value)
