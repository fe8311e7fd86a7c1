"""P1-P4: who an event is about."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("u1", "u1"), (42, "42"), (12345678901234567890123, "12345678901234567890123"), (1e3, "1000"),
     (" u1 ", " u1 "), ("0042", "0042")],
)  # fmt: skip
def test_p1_user_id_is_text_and_never_trimmed(shape, sent, expected):
    shaped = shape({"type": "identify", "userId": sent})
    assert shaped.person.user_id == expected
    assert shaped.contact["external_id"] == expected


@pytest.mark.parametrize("sent", ["", "  ", None, True, {}, [1], 1.5])
def test_p1_what_cannot_be_an_id_is_none(shape, sent):
    shaped = shape({"type": "identify", "userId": sent, "traits": {"email": "ada@example.com"}})
    assert shaped.person.user_id is None
    assert "external_id" not in shaped.contact


@pytest.mark.parametrize(
    "parts",
    [
        {"traits": {"email": "ada@example.com"}},
        {"traits": {"Email": "ada@example.com"}},
        {"context": {"traits": {"email": "ada@example.com"}}},
        {"properties": {"email": "ada@example.com"}},
    ],
)
def test_p1_email_from_traits_context_traits_or_properties(shape, parts):
    shaped = shape({"type": "track", "event": "E", "userId": "u1", **parts})
    assert shaped.person.email == "ada@example.com"
    assert shaped.person.user_id == "u1"


def test_p1_email_of_traits_comes_before_that_of_context_and_properties(shape):
    parts = {
        "traits": {"email": "1@example.com"},
        "context": {"traits": {"email": "2@example.com"}},
        "properties": {"email": "3@example.com"},
    }
    event = {"type": "track", "event": "E", "userId": "u1"}
    assert shape({**event, **parts}).person.email == "1@example.com"
    del parts["traits"]
    assert shape({**event, **parts}).person.email == "2@example.com"


def test_p1_user_id_that_looks_like_an_email_is_also_the_email(shape):
    shaped = shape({"type": "identify", "userId": "ada@example.com"})
    assert shaped.contact["external_id"] == "ada@example.com"
    assert shaped.contact["email"] == "ada@example.com"
    shaped = shape({"type": "group", "userId": "ada@example.com", "groupId": "c1"})
    assert shaped.person.email == "ada@example.com"


@pytest.mark.parametrize("kind", ["identify", "track", "delete"])
def test_p2_neither_user_id_nor_email_is_a_dead_letter(shape, kind):
    shaped = shape({"type": kind, "event": "E", "anonymousId": "a1"})
    assert shaped.refused == "missing_identity"


def test_p2_anonymous_lead_identify_makes_a_lead(shape):
    event = {"type": "identify", "anonymousId": "a1", "traits": {"name": "Ada"}}
    shaped = shape(event, anonymous="lead")
    assert (shaped.person.user_id, shaped.person.email) == (None, None)
    assert shaped.person.anonymous_id == "a1"
    assert shaped.contact["role"] == "lead"
    assert shaped.contact["name"] == "Ada"


@pytest.mark.parametrize("event", [{"type": "track", "event": "E"}, {"type": "page"}])
def test_p2_anonymous_lead_event_makes_the_lead_first(shape, event):
    shaped = shape({**event, "anonymousId": "a1"}, anonymous="lead", page="event")
    assert shaped.kinds == ["upsert_contact", "submit_event"]
    assert shaped.contact == {"role": "lead"}
    assert shaped.person.anonymous_id == "a1"


def test_p2_anonymous_lead_leaves_known_people_users(shape):
    event = {"anonymousId": "a1", "userId": "u1"}
    assert shape({"type": "identify", **event}, anonymous="lead").contact["role"] == "user"
    assert shape({"type": "track", "event": "E", **event}, anonymous="lead").kinds == [
        "submit_event"
    ]


def test_p2_nothing_at_all_is_a_dead_letter_with_leads_as_well(shape):
    shaped = shape({"type": "identify", "traits": {"name": "Ada"}}, anonymous="lead")
    assert shaped.refused == "missing_identity"


@pytest.mark.parametrize("bad", ["ada", "ada@localhost", "a b@example.com", 7, True, {"a": 1}, ""])
def test_p3_malformed_email_loses_the_email_only(identify, bad):
    shaped = identify({"email": bad, "plan": "pro"})
    assert "email" not in shaped.contact
    assert shaped.person.email is None
    assert shaped.custom == {"plan": "pro"}
    assert shaped.warnings == ["not_email"]


def test_p3_malformed_email_alone_is_no_identity(shape):
    assert shape({"type": "identify", "traits": {"email": "ada"}}).refused == "missing_identity"


def test_p3_null_email_is_no_fault(identify):
    assert identify({"email": None}).warnings == []


def test_p4_userid_and_email_travel_together(identify):
    """Which contact they meet is for the destination to find out."""
    shaped = identify({"email": "ada@example.com"})
    assert (shaped.person.user_id, shaped.person.email) == ("u1", "ada@example.com")
    assert shaped.contact["external_id"] == "u1"
    assert shaped.contact["email"] == "ada@example.com"
