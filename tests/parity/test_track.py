"""T1-T10: what track makes of an event."""

from __future__ import annotations

import pytest

from tests.parity.conftest import SECONDS


def test_t1_event_name_as_sent(track):
    assert track(event="Item $ Bought. v2 ").event["event_name"] == "Item $ Bought. v2 "


@pytest.mark.parametrize("name", ["", None, 7, ["a"]])
def test_t1_missing_or_empty_name_is_a_dead_letter(track, shape, name):
    assert track(event=name).refused == "mapping_error"
    assert shape({"type": "track", "userId": "u1"}).refused == "mapping_error"


def test_t2_created_at_is_the_time_of_the_event_floored(track):
    shaped = track()
    assert shaped.event == {"event_name": "Item Bought", "created_at": SECONDS}
    assert shaped.kinds == ["submit_event"]
    assert shaped.person.user_id == "u1"


def test_t2_email_alone_is_enough(shape):
    shaped = shape({"type": "track", "event": "E", "properties": {"email": "a@example.com"}})
    assert shaped.person.user_id is None
    assert shaped.person.email == "a@example.com"


def test_t3_metadata_scalars(track):
    sent = {"text": "x", "empty": "", "number": 1, "gone": None, "yes": True, "no": False}
    assert track(sent).metadata == {
        "text": "x", "empty": "", "number": 1, "yes": "true", "no": "false",
    }  # fmt: skip


def test_t3_null_is_dropped_inside_flattened_values_as_well(track):
    assert track({"cart": {"id": 1, "gone": None}}, nested="flatten").metadata == {"cart_id": 1}


def test_t3_email_used_as_identity_is_not_repeated(shape):
    event = {"type": "track", "event": "E", "properties": {"email": "a@example.com", "x": 1}}
    assert shape(event).metadata == {"x": 1}
    assert shape({**event, "userId": "u1"}).metadata == {"x": 1}


def test_t3_another_email_stays(track):
    friend = {"email": "friend@example.com"}
    shaped = track(friend, context={"traits": {"email": "ada@example.com"}})
    assert shaped.person.email == "ada@example.com"
    assert shaped.metadata == friend


def test_t3_nothing_is_no_metadata(track):
    assert "metadata" not in track({"gone": None}).event


def test_t4_nested_values_follow_the_setting(track):
    sent = {"cart": {"id": 1}, "x": 2}
    assert track(sent).metadata == {"x": 2}
    assert track(sent).warnings == ["nested_dropped"]
    assert track(sent, nested="flatten").metadata == {"cart_id": 1, "x": 2}
    assert track(sent, nested="stringify").metadata == {"cart": '{"id":1}', "x": 2}


def test_t4_links_and_money_are_kept(track):
    kept = {
        "article": {"url": "https://example.com/" + "a" * 300, "value": "Docs"},
        "fee": {"amount": 1999, "currency": "eur"},
    }
    for policy in ("drop", "flatten", "stringify"):
        assert track(kept, nested=policy).metadata == kept


@pytest.mark.parametrize(
    "odd",
    [
        {"url": "https://example.com", "value": 1},
        {"url": "https://example.com"},
        {"amount": 19.99, "currency": "eur"},
        {"amount": 1, "currency": "eur", "more": 1},
    ],
)
def test_t4_what_only_looks_like_them_is_nested(track, odd):
    assert "metadata" not in track({"odd": odd}).event


@pytest.mark.parametrize(
    ("key", "name"),
    [("due", "due_date"), ("due_date", "due_date"), ("dueDate", "due_date"),
     ("due date", "due_date"), ("update", "update_date")],
)  # fmt: skip
def test_t5_dates_become_seconds_with_date(track, key, name):
    assert track({key: "2024-01-02"}).metadata == {name: 1704153600}


def test_t5_the_suffix_is_a_setting(track):
    assert track({"due": "2024-01-02"}, metadata_date_suffix="_at").metadata == {
        "due_at": 1704153600
    }


@pytest.mark.parametrize(
    ("revenue", "cents"),
    [(19.99, 1999), (4.35, 435), ("$30.45", 3045), ("1,234.50", 123450), (590.83, 59083),
     (1, 100), ("0.01", 1), (0.005, 1), ("1.234,50", 123450), (1.005, 101), (10**12, 10**14)],
)  # fmt: skip
def test_t6_revenue_is_a_price_in_exact_cents(track, revenue, cents):
    shaped = track({"revenue": revenue})
    assert shaped.metadata == {"price": {"amount": cents, "currency": "usd"}}
    assert type(shaped.metadata["price"]["amount"]) is int


def test_t6_currency_as_given_and_removed(track):
    shaped = track({"revenue": 5, "currency": "EUR", "sku": "x"})
    assert shaped.metadata == {"price": {"amount": 500, "currency": "EUR"}, "sku": "x"}


@pytest.mark.parametrize("currency", [None, "", 5, {}])
def test_t6_without_a_currency_it_is_usd(track, currency):
    sent = {"revenue": 5, "currency": currency}
    assert track(sent).metadata == {"price": {"amount": 500, "currency": "usd"}}
    assert track(sent, default_currency="eur").metadata["price"]["currency"] == "eur"


def test_t6_currency_without_revenue_stays(track):
    assert track({"currency": "EUR", "price": 99.95}).metadata["currency"] == "EUR"


@pytest.mark.parametrize("key", ["price", "Price"])
def test_t6_a_scalar_price_is_replaced(track, key):
    shaped = track({key: 99.95, "revenue": 5, "sku": "x"})
    assert shaped.metadata == {"price": {"amount": 500, "currency": "usd"}, "sku": "x"}


@pytest.mark.parametrize(
    ("currency", "cents"), [("JPY", 50000), ("kwd", 50000), ("usd", 50000), ("xyz", 50000)]
)
def test_t6_times_100_for_every_currency_by_default(track, currency, cents):
    assert track({"revenue": 500, "currency": currency}).metadata["price"]["amount"] == cents


@pytest.mark.parametrize(
    ("currency", "minor", "warnings"),
    [("JPY", 500, []), ("kwd", 500000, []), ("usd", 50000, []),
     ("xyz", 50000, ["unknown_currency"])],
)  # fmt: skip
def test_t6_minor_units_by_iso_4217(track, currency, minor, warnings):
    shaped = track({"revenue": 500, "currency": currency}, minor_units="iso4217")
    assert shaped.metadata["price"]["amount"] == minor
    assert shaped.warnings == warnings


@pytest.mark.parametrize("name", ["Order Completed", "Completed Order"])
def test_t7_total_stands_in_for_a_missing_revenue(track, name):
    shaped = track({"total": 30, "currency": "eur"}, event=name)
    assert shaped.metadata == {"price": {"amount": 3000, "currency": "eur"}, "total": 30}


def test_t7_only_on_completed_orders_unless_set(track):
    assert track({"total": 30}).metadata == {"total": 30}
    anywhere = track({"total": 30}, total_fallback="any_event").metadata
    assert anywhere["price"]["amount"] == 3000
    never = track({"total": 30}, event="Order Completed", total_fallback="never").metadata
    assert never == {"total": 30}


def test_t7_revenue_comes_first(track):
    shaped = track({"total": 30, "revenue": 25}, event="Order Completed")
    assert shaped.metadata == {"price": {"amount": 2500, "currency": "usd"}, "total": 30}
    shaped = track({"total": 30, "revenue": "?"}, event="Order Completed")
    assert shaped.metadata == {"total": 30}


@pytest.mark.parametrize(
    ("revenue", "warning"),
    [("a lot", "not_money"), (None, "not_money"), (True, "not_money"), ({}, "not_money"),
     ("", "not_money"), (0, "out_of_range"), (-5, "out_of_range"), ("0.001", "out_of_range")],
)  # fmt: skip
def test_t8_unusable_revenue_is_no_price_and_counted_once(track, revenue, warning):
    shaped = track({"revenue": revenue, "currency": "eur", "sku": "x"})
    assert shaped.event["event_name"] == "Item Bought"
    assert shaped.metadata == {"sku": "x"}
    assert shaped.warnings == [warning]


def test_t9_at_most_five_keys_in_the_order_of_the_event(track):
    shaped = track({letter: letter for letter in "fbadegc"})
    assert list(shaped.metadata) == list("fbade")
    assert shaped.warnings == ["keys_over_limit", "keys_over_limit"]


def test_t9_the_limit_is_a_setting(track):
    assert len(track({f"k{n}": n for n in range(20)}, metadata_limit=10).metadata) == 10


def test_t9_price_always_survives_and_then_priority(track):
    sent = {**{letter: letter for letter in "abcdef"}, "revenue": 5}
    shaped = track(sent, priority="f, c")
    assert list(shaped.metadata) == ["price", "f", "c", "a", "b"]


def test_t9_price_survives_a_limit_of_one(track):
    assert list(track({"a": 1, "revenue": 5}, metadata_limit=1).metadata) == ["price"]


def test_t10_the_name_is_left_to_the_budget_of_names(track):
    """120 names a workspace: counted where all events meet, not by the mapping."""
    assert track(event="a.b").event["event_name"] == "a.b"
