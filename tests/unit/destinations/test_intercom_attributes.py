"""Custom attributes that Intercom does not know or does not want never cost the contact."""

from decimal import Decimal

import pytest

from destinations.intercom.attributes import data_type
from pipeline.model.operation import Person, Response

ADA = Person("user-1")
CREATED = Response(200, {}, {"type": "data_attribute", "id": 1})


def contact(**custom):
    return {"external_id": "user-1", "custom_attributes": custom}


def unknown(name):
    message = f"Custom attribute '{name}' does not exist"
    return Response(400, {}, {"errors": [{"code": "parameter_invalid", "message": message}]})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("plan", "pro", "string"),
        ("active", True, "boolean"),
        ("seats", 3, "integer"),
        ("signup_at", 1700000000, "date"),
        ("signupAt", 1700000000, "date"),
        ("cat", 3, "integer"),
        ("signup_at", "soon", "string"),
        ("score", Decimal("1.5"), "float"),
        ("score", 1.5, "float"),
        ("tags", ["a"], None),
    ],
)
def test_e3_an_attribute_is_created_with_the_type_of_its_value(name, value, expected):
    assert data_type(name, value) == expected


def test_e3_an_unknown_attribute_is_created_and_the_write_repeated(script, done):
    outcome = script.play(
        "upsert_contact", ADA, contact(plan="pro"), unknown("plan"), CREATED, done()
    )
    assert script.lines == ["POST /contacts", "POST /data_attributes", "POST /contacts"]
    assert script.bodies[1] == {"name": "plan", "model": "contact", "data_type": "string"}
    assert script.bodies[2] == script.bodies[0]
    assert (outcome.status, outcome.warnings) == ("delivered", ("attribute_created",))


def test_e3_several_unknown_attributes_are_created_one_by_one(script, done):
    outcome = script.play(
        "upsert_contact",
        ADA,
        contact(a=1, b=2),
        unknown("a"),
        CREATED,
        unknown("b"),
        CREATED,
        done(),
    )
    assert outcome.status == "delivered"
    assert script.bodies[-1]["custom_attributes"] == {"a": 1, "b": 2}


def test_e3_an_attribute_that_cannot_be_created_is_dropped(script, done, error):
    outcome = script.play(
        "upsert_contact", ADA, contact(a=1, b=2), unknown("a"), error(400), done()
    )
    assert script.bodies[-1]["custom_attributes"] == {"b": 2}
    assert outcome.warnings == ("attribute_dropped",)


@pytest.mark.parametrize(
    "refusal",
    [
        "You already have 'a' in your company data. To save this as new people data, use another",
        "'a' is one of our standard attributes for your people data",
        "You have reached the limit of 250 attributes",
    ],
)
def test_e3_a_refused_attribute_costs_no_call_the_next_time(script, done, error, refusal):
    script.play(
        "upsert_contact", ADA, contact(a=1), unknown("a"), error(400, message=refusal), done()
    )
    outcome = script.play("upsert_contact", ADA, contact(a=1, b=2), done())
    assert script.bodies == [{"external_id": "user-1", "custom_attributes": {"b": 2}}]
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_an_attribute_that_somebody_else_has_just_created_is_sent(script, done, error):
    text = "You already have 'a' in your people data. To save this as new people data, ..."
    script.play("upsert_contact", ADA, contact(a=1), unknown("a"), error(400, message=text), done())
    assert script.bodies[-1]["custom_attributes"] == {"a": 1}


def test_e3_an_archived_attribute_is_dropped(script, done, error):
    text = "You already have 'a' in your people data. To save this as new people data, ..."
    outcome = script.play(
        "upsert_contact",
        ADA,
        contact(a=1),
        unknown("a"),
        error(400, message=text),
        unknown("a"),
        done(),
    )
    assert "custom_attributes" not in script.bodies[-1]
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_clearing_an_unknown_attribute_drops_the_key_in_silence(script, done):
    outcome = script.play("upsert_contact", ADA, contact(a=None), unknown("a"), done())
    assert script.lines == ["POST /contacts", "POST /contacts"]
    assert outcome.warnings == ()


def test_e3_unknown_attributes_can_be_dropped_by_setting(script, done):
    script.settings(unknown_attributes="drop")
    outcome = script.play("upsert_contact", ADA, contact(a=1), unknown("a"), done())
    assert script.lines == ["POST /contacts", "POST /contacts"]
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_a_value_of_the_wrong_type_costs_its_attribute_only(script, done, error):
    text = "Custom attribute 'seats' is not of type integer"
    outcome = script.play(
        "upsert_contact", ADA, contact(seats="x", b=2), error(400, "type_mismatch", text), done()
    )
    assert script.bodies[-1]["custom_attributes"] == {"b": 2}
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_a_type_mismatch_that_names_nothing_is_dead(script, error):
    outcome = script.play("upsert_contact", ADA, contact(a=1), error(400, "type_mismatch", "no"))
    assert outcome.reason == "rejected"


def test_e3_an_unknown_attribute_that_was_never_sent_is_dead(script):
    outcome = script.play("upsert_contact", ADA, contact(a=1), unknown("zzz"))
    assert outcome.reason == "rejected"


def test_e3_a_name_with_quotes_is_read_whole(script, done):
    name = "it's 'odd'"
    script.play("upsert_contact", ADA, contact(**{name: 1}), unknown(name), CREATED, done())
    assert script.bodies[1]["name"] == name


def test_e3_what_was_dropped_stays_dropped_when_a_409_leads_to_a_put(script, done, error):
    already = "A contact matching those details already exists with id=5f0c1d2e3a4b5c6d7e8f9a0b"
    script.play(
        "upsert_contact",
        ADA,
        contact(a=1, b=2),
        unknown("a"),
        error(400),
        error(409, "conflict", already),
        done(),
    )
    assert script.bodies[-1]["custom_attributes"] == {"b": 2}


def test_e3_a_company_gets_its_attributes_too(script, done):
    fields = {"company_id": "acme", "custom_attributes": {"tier": "gold"}}
    script.play("upsert_company", Person(), fields, unknown("tier"), CREATED, done())
    assert script.bodies[1] == {"name": "tier", "model": "company", "data_type": "string"}


def test_e3_an_api_that_always_refuses_does_not_hold_us_up_for_ever(script):
    custom = {f"a{number}": number for number in range(5)}
    answers = []
    for name in custom:
        answers += [unknown(name), CREATED, unknown(name)]
    rejected = unknown("nothing of ours")
    outcome = script.play("upsert_contact", ADA, contact(**custom), *answers, rejected)
    assert outcome.reason == "rejected"
