"""I1-I12: what identify makes of a contact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.parity.conftest import SECONDS


@pytest.mark.parametrize(
    ("traits", "name"),
    [
        ({"name": " Ada Lovelace "}, "Ada Lovelace"),
        ({"firstName": "Ada", "lastName": "Lovelace"}, "Ada Lovelace"),
        ({"first_name": "Ada ", "Last Name": "Lovelace"}, "Ada Lovelace"),
        ({"firstName": "Ada"}, "Ada"),
        ({"lastName": "Lovelace", "firstName": ""}, "Lovelace"),
        ({"name": "Countess", "firstName": "Ada"}, "Countess"),
        ({"name": 7, "firstName": "Ada"}, "Ada"),
        ({"name": "  ", "firstName": "Ada"}, "Ada"),
        ({"name": None, "firstName": "Ada"}, "Ada"),
    ],
)
def test_i1_name_else_first_and_last_name(identify, traits, name):
    shaped = identify(traits)
    assert shaped.contact["name"] == name
    assert shaped.contact["role"] == "user"
    assert shaped.custom == {}


def test_i1_without_any_name_there_is_none(identify):
    assert "name" not in identify({"name": "", "firstName": None}).contact


def test_i1_a_name_that_is_no_text_is_counted(identify):
    assert identify({"name": 7, "firstName": True}).warnings == ["not_text", "not_text"]


def test_i1_null_name_clears_it(identify):
    assert identify({"name": None}).contact["name"] is None


@pytest.mark.parametrize(
    ("traits", "phone"),
    [
        ({"phone": "+49 30 1"}, "+49 30 1"),
        ({"phones": ["+1", "+2"]}, "+1"),
        ({"phone": None, "phones": ["+1"]}, "+1"),
        ({"phone": None}, None),
    ],
)
def test_i2_phone(identify, traits, phone):
    shaped = identify(traits)
    assert shaped.contact["phone"] == phone
    assert shaped.custom == {}


def test_i2_phone_that_is_no_text_is_dropped_and_counted(identify):
    shaped = identify({"phone": 4930})
    assert "phone" not in shaped.contact
    assert shaped.warnings == ["not_text"]


@pytest.mark.parametrize(
    "avatar",
    [
        "https://example.com/a.png",
        {"image_url": "https://example.com/a.png"},
        {"imageUrl": "https://example.com/a.png"},
        {"type": "avatar", "url": "https://example.com/a.png"},
    ],
)
def test_i2_avatar(identify, avatar):
    shaped = identify({"avatar": avatar})
    assert shaped.contact["avatar"] == "https://example.com/a.png"
    assert shaped.custom == {}


@pytest.mark.parametrize("avatar", ["a.png", "ftp://example.com/a", 1, {"url": "a.png"}, [], True])
def test_i2_avatar_that_is_no_url_is_dropped(identify, avatar):
    shaped = identify({"avatar": avatar})
    assert "avatar" not in shaped.contact
    assert shaped.custom == {}
    assert shaped.warnings == ["not_url"]


@pytest.mark.parametrize("key", ["createdAt", "created_at", "created", "signedUpAt", "Created At"])
def test_i3_signed_up_at_and_never_repeated(identify, key):
    shaped = identify({key: 1522086291})
    assert shaped.contact["signed_up_at"] == 1522086291
    assert shaped.custom == {}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [(31557599999, 31557599999), (31557600000, 31557600), (1522086291123, 1522086291),
     ("1522086291", 1522086291), ("1522086291123", 1522086291), (0, 0),
     (1522086291.9, 1522086291), (-1, -1), (-1.5, -2)],
)  # fmt: skip
def test_i3_seconds_below_31557600000_else_milliseconds(identify, sent, expected):
    assert identify({"createdAt": sent}).contact["signed_up_at"] == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2018-03-26T17:44:51Z", 1522086291),
        ("2018-03-26T19:44:51.999+02:00", 1522086291),
        ("2018-03-26T17:44:51", 1522086291),
        ("2018-03-26", 1522022400),
        ("Mon, 26 Mar 2018 17:44:51 GMT", 1522086291),
        ("Mon Mar 26 2018 17:44:51 GMT+0000 (UTC)", 1522086291),
        ("Mon Mar 26 2018 19:44:51 GMT+0200 (CEST)", 1522086291),
    ],
)
def test_i3_iso_rfc_2822_and_javascript_dates(identify, sent, expected):
    assert identify({"createdAt": sent}).contact["signed_up_at"] == expected


@pytest.mark.parametrize("sent", ["yesterday", True, {}, [], "26/03/2018", "2018-02-30"])
def test_i3_unreadable_is_omitted_and_counted(identify, sent):
    shaped = identify({"createdAt": sent})
    assert "signed_up_at" not in shaped.contact
    assert shaped.custom == {}
    assert shaped.warnings == ["not_a_time"]


def test_i4_last_seen_at_is_the_time_of_the_event_floored(identify):
    assert identify().contact["last_seen_at"] == SECONDS


@pytest.mark.parametrize(
    ("traits", "context", "expected"),
    [
        ({"lastRequestAt": 100}, {}, 100),
        ({}, {"lastRequestAt": 200}, 200),
        ({"lastRequestAt": 100}, {"lastRequestAt": 200}, 100),
        ({"last_request_at": "1970-01-02"}, {}, 86400),
        ({"lastRequestAt": "?"}, {}, SECONDS),
        ({}, {"active": True}, SECONDS),
        ({}, {"active": "false"}, SECONDS),
    ],
)
def test_i4_last_request_at_wins(identify, traits, context, expected):
    shaped = identify(traits, context=context)
    assert shaped.contact["last_seen_at"] == expected
    assert shaped.custom == {}


def test_i4_not_active_suppresses_both(identify):
    shaped = identify({"lastRequestAt": 100}, context={"active": False, "lastRequestAt": 200})
    assert "last_seen_at" not in shaped.contact


@pytest.mark.parametrize("key", ["unsubscribedFromEmails", "unsubscribed_from_emails"])
@pytest.mark.parametrize("value", [True, False])
def test_i5_unsubscribed_from_emails(identify, key, value):
    shaped = identify(context={"Intercom": {key: value}})
    assert shaped.contact["unsubscribed_from_emails"] is value
    shaped = identify(integrations={"intercom": {"unsubscribed": value}})
    assert shaped.contact["unsubscribed_from_emails"] is value


@pytest.mark.parametrize("value", ["true", 1, None, 0])
def test_i5_real_booleans_only(identify, value):
    shaped = identify(context={"Intercom": {"unsubscribed": value}})
    assert "unsubscribed_from_emails" not in shaped.contact


def test_i6_remaining_traits_keep_their_type(identify):
    traits = {"plan": "pro", "seats": 5, "ratio": 0.5, "paying": True, "empty": "", "gone": None}
    custom = identify(traits).custom
    assert custom == {**traits, "ratio": Decimal("0.5")}
    assert list(custom) == list(traits)
    assert custom["paying"] is True


def test_i6_ids_are_not_repeated(identify):
    ids = {"id": "1", "userId": "2", "user_id": "3", "anonymousId": "4", "email": "a@example.com"}
    assert identify(ids).custom == {}


def test_i6_without_traits_there_are_no_attributes(identify, shape):
    assert "custom_attributes" not in identify({}).contact
    assert "custom_attributes" not in shape({"type": "identify", "userId": "u"}).contact
    assert (
        "custom_attributes"
        not in shape({"type": "identify", "userId": "u", "traits": None}).contact
    )


@pytest.mark.parametrize(
    ("key", "name"),
    [("paid", "paid_at"), ("paid_at", "paid_at"), ("paidAt", "paidAt"), ("signup at", "signup_at"),
     ("signup-at", "signup_at"), ("flat", "flat_at")],
)  # fmt: skip
def test_i7_iso_dates_become_seconds_with_at(identify, key, name):
    assert identify({key: "2024-01-02T00:00:00Z"}).custom == {name: 1704153600}


@pytest.mark.parametrize("text", ["2024", "01/02/2024", "2024/01/02", "20240102", "2024-02-30"])
def test_i7_what_is_no_iso_date_stays(identify, text):
    assert identify({"paid": text}).custom == {"paid": text}


def test_i7_a_key_that_is_there_is_not_overwritten(identify):
    shaped = identify({"paid": "2024-01-02", "paid_at": 5})
    assert shaped.custom == {"paid_at": 5}
    assert shaped.warnings == ["key_taken"]


NESTED = {"a": {"b": 1, "c": {"d": "x"}}, "l": ["x", {"y": 2}], "s": 1}


def test_i8_nested_values_are_dropped_by_default_and_counted(identify):
    shaped = identify(NESTED)
    assert shaped.custom == {"s": 1}
    assert shaped.warnings == ["nested_dropped", "nested_dropped"]


def test_i8_flatten(identify):
    assert identify(NESTED, nested="flatten").custom == {
        "a_b": 1, "a_c_d": "x", "l_0": "x", "l_1_y": 2, "s": 1,
    }  # fmt: skip


def test_i8_flatten_separator(identify):
    custom = identify(NESTED, nested="flatten", flatten_separator="-").custom
    assert list(custom) == ["a-b", "a-c-d", "l-0", "l-1-y", "s"]


def test_i8_stringify(identify):
    custom = identify(NESTED, nested="stringify").custom
    assert custom == {"a": '{"b":1,"c":{"d":"x"}}', "l": '["x",{"y":2}]', "s": 1}


def test_i8_overrides_for_single_keys(identify):
    shaped = identify(NESTED, nested_overrides={"a": "flatten", "L": "stringify"})
    assert shaped.custom == {"a_b": 1, "a_c_d": "x", "l": '["x",{"y":2}]', "s": 1}


def test_i8_dates_inside_flattened_values_are_dates(identify):
    custom = identify({"trial": {"end": "2024-01-02"}}, nested="flatten").custom
    assert custom == {"trial_end_at": 1704153600}


def test_i9_long_text_is_cut_to_255_and_counted(identify):
    shaped = identify({"bio": "x" * 256, "note": "y" * 255, "name": "z" * 300})
    assert shaped.custom == {"bio": "x" * 255, "note": "y" * 255}
    assert shaped.contact["name"] == "z" * 255
    assert shaped.warnings == ["text_cut", "text_cut"]


def test_i9_never_in_the_middle_of_a_character(identify):
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    custom = identify({"bio": "x" * 253 + family, "cafe": "x" * 254 + "e\u0301"}).custom
    assert custom == {"bio": "x" * 253, "cafe": "x" * 254}


def test_i9_the_limit_is_a_setting(identify):
    assert identify({"bio": "abcdef"}, text_limit=3).custom == {"bio": "abc"}


CONTEXT = {
    "device": {"type": "ios", "manufacturer": "Apple", "model": "iPhone7,2", "id": "x"},
    "os": {"name": "iPhone OS", "version": "8.1.3"},
    "app": {"name": "Initech", "version": "545", "build": "3.0"},
    "ip": "192.0.2.7",
    "userAgent": "Mozilla/5.0",
}


def test_i10_collect_context(identify):
    assert identify(context=CONTEXT).custom == {}
    assert identify({"plan": "pro"}, context=CONTEXT, collect_context=True).custom == {
        "plan": "pro",
        "device_type": "ios",
        "device_manufacturer": "Apple",
        "device_model": "iPhone7,2",
        "os_name": "iPhone OS",
        "os_version": "8.1.3",
        "app_name": "Initech",
        "app_version": "545",
    }


def test_i10_each_only_if_present(identify):
    context = {"os": {"name": "iOS", "version": None}, "device": "phone"}
    assert identify(context=context, collect_context=True).custom == {"os_name": "iOS"}


def test_i11_last_seen_context(identify):
    assert identify(context=CONTEXT, last_seen_context=True).custom == {
        "last_seen_ip": "192.0.2.7",
        "last_seen_user_agent": "Mozilla/5.0",
    }


@pytest.mark.parametrize(
    ("sent", "legal"),
    [("a.b", "a_b"), ("price $", "price _"), ("!nv@l!d n@me", "_nv_l_d n_me"), ("größe", "größe"),
     ("Mithril Shirt", "Mithril Shirt"), ("x-y_z", "x-y_z"), ("k" * 200, "k" * 190)],
)  # fmt: skip
def test_i12_attribute_names_are_made_legal_and_reported(identify, sent, legal):
    shaped = identify({sent: 1})
    assert shaped.custom == {legal: 1}
    assert shaped.warnings == ([] if sent == legal else ["key_cleaned"])


def test_i12_a_name_of_nothing_is_left_out_and_reported(identify):
    shaped = identify({"": 1, " ": 2, "ok": 3})
    assert shaped.custom == {"ok": 3}
    assert shaped.warnings == ["key_cleaned", "key_cleaned"]


def test_i12_two_names_that_become_one_keep_the_legal_one(identify):
    shaped = identify({"a.b": 1, "a_b": 2})
    assert shaped.custom == {"a_b": 2}
    assert shaped.warnings == ["key_cleaned", "key_taken"]
