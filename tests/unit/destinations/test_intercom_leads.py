"""Leads: made once, promoted to the user they turn out to be, or merged into it."""

import pytest

from pipeline.model.operation import Person, Response

LEAD_ID = "5f0c1d2e3a4b5c6d7e8f9a0b"
USER_ID = "aaaaaaaaaaaaaaaaaaaaaaaa"
ANON = Person(anonymous_id="anon-1")
ADA = Person("user-1", None, "anon-1")
FIELDS = {"role": "lead", "name": "Visitor"}
LOST = Response(0, text="ConnectionError: reset")
TAKEN = f"A contact matching those details already exists with id={USER_ID}"
GONE = Response(404, {}, {"errors": [{"code": "not_found", "message": "User Not Found"}]})


def found(*ids):
    data = [{"id": one, "role": "lead", "external_id": "uuid"} for one in ids]
    return Response(200, {}, {"type": "list", "data": data})


@pytest.fixture
def leads(script, done):
    """A script in which attributes are known; ``leads.make()`` makes the lead."""
    script.knows(anonymous_id="string")
    script.make = lambda: script.play("upsert_contact", ANON, FIELDS, done(LEAD_ID))
    return script


def test_p2_a_lead_carries_its_anonymous_id(leads):
    leads.make()
    assert leads.lines == ["POST /contacts"]
    assert leads.bodies == [{**FIELDS, "custom_attributes": {"anonymous_id": "anon-1"}}]
    assert [call.repeatable for call in leads.transcript.calls] == [False]


def test_a_user_is_created_by_a_call_that_may_be_repeated(script, done):
    script.play("upsert_contact", ADA, {"name": "Ada"}, done())
    assert [call.repeatable for call in script.transcript.calls] == [True]


def test_p2_a_lead_whose_answer_was_lost_is_looked_for_before_it_is_made_again(leads):
    outcome = leads.play("upsert_contact", ANON, FIELDS, LOST, found(LEAD_ID))
    assert outcome.status == "delivered"
    assert leads.lines == ["POST /contacts", "POST /contacts/search"]
    assert leads.bodies[1]["query"] == {
        "field": "custom_attributes.anonymous_id",
        "operator": "=",
        "value": "anon-1",
    }
    assert leads.waits == [130.0]
    assert leads.memory.get("contact", "a:anon-1") == LEAD_ID


def test_p2_a_lead_that_was_not_made_is_made_then(leads, done):
    leads.play("upsert_contact", ANON, FIELDS, Response(503), found(), done(LEAD_ID))
    assert leads.lines == ["POST /contacts", "POST /contacts/search", "POST /contacts"]


def test_p2_a_lead_that_never_gets_an_answer_is_a_dead_letter(leads):
    answers = (LOST, found(), LOST, found(), LOST, found(), LOST)
    outcome = leads.play("upsert_contact", ANON, FIELDS, *answers)
    assert (outcome.reason, outcome.http_status) == ("retries_exhausted", None)


def test_p2_a_lost_lead_is_not_made_again_where_nobody_can_look_for_it(leads, error):
    refusal = error(400, "bad_request", "no such field")
    outcome = leads.play("upsert_contact", ANON, FIELDS, LOST, refusal)
    assert leads.lines == ["POST /contacts", "POST /contacts/search"]
    assert (outcome.status, outcome.reason) == ("dead", "retries_exhausted")
    assert outcome.warnings == ("lead_maybe_doubled",)


def test_p2_without_its_attribute_a_lost_lead_is_made_again_and_reported(script, done):
    script.settings(attributes="drop")
    outcome = script.play("upsert_contact", ANON, FIELDS, LOST, done(LEAD_ID))
    assert script.lines == ["POST /contacts", "POST /contacts"]
    assert outcome.warnings == ("lead_maybe_doubled",)


def test_p2_an_identify_promotes_the_lead(leads, done):
    leads.make()
    leads.play("upsert_contact", ADA, {"name": "Ada"}, done(LEAD_ID))
    assert leads.lines == [f"PUT /contacts/{LEAD_ID}"]
    assert leads.bodies == [{"name": "Ada", "role": "user", "external_id": "user-1"}]
    assert leads.memory.get("contact", "a:anon-1") is None


def test_p2_a_lead_whose_user_is_there_already_stays_behind(leads, done, error):
    leads.make()
    conflict = error(409, "conflict", TAKEN)
    outcome = leads.play("upsert_contact", ADA, {"name": "Ada"}, conflict, done(USER_ID))
    assert leads.lines == [f"PUT /contacts/{LEAD_ID}", f"PUT /contacts/{USER_ID}"]
    assert outcome.warnings == ("lead_left_behind",)


def test_o2_a_lead_whose_user_is_there_already_is_merged_by_setting(leads, done, error):
    leads.settings(alias="merge").make()
    conflict = error(409, "conflict", TAKEN)
    outcome = leads.play("upsert_contact", ADA, {"name": "Ada"}, conflict, done(USER_ID), done())
    assert leads.lines[2:] == ["POST /contacts/merge"]
    assert leads.bodies[2] == {"from": LEAD_ID, "into": USER_ID}
    assert outcome.warnings == ()


def test_o2_a_merge_that_is_refused_costs_the_lead_only(leads, done, error):
    leads.settings(alias="merge")
    leads.play("upsert_contact", Person("user-1"), {}, done(USER_ID))
    leads.make()
    refusal = error(400, "invalid_merge")
    outcome = leads.play("upsert_contact", ADA, {"name": "Ada"}, done(USER_ID), refusal)
    assert (outcome.status, outcome.warnings) == ("delivered", ("lead_left_behind",))


def test_o2_an_alias_merges_the_lead_into_the_user(leads, done):
    leads.play("upsert_contact", Person("user-1"), {}, done(USER_ID))
    leads.make()
    outcome = leads.play("merge_contact", ADA, {}, done(USER_ID))
    assert outcome.status == "delivered"
    assert leads.bodies == [{"from": LEAD_ID, "into": USER_ID}]
    assert leads.play("merge_contact", ADA, {}).warnings == ("nothing_to_merge",)


def test_o2_an_alias_to_somebody_new_promotes_the_lead(leads, done):
    leads.make()
    leads.play("merge_contact", ADA, {}, done(LEAD_ID))
    assert leads.lines == [f"PUT /contacts/{LEAD_ID}"]
    assert leads.memory.get("contact", "u:user-1") == LEAD_ID


def test_o2_an_alias_to_a_user_only_the_api_knows_merges(leads, done, error):
    leads.make()
    outcome = leads.play("merge_contact", ADA, {}, error(409, "conflict", TAKEN), done(USER_ID))
    assert leads.lines == [f"PUT /contacts/{LEAD_ID}", "POST /contacts/merge"]
    assert outcome.status == "delivered"


def test_o2_a_lead_that_is_gone_is_nothing_to_merge(leads, done):
    leads.play("upsert_contact", Person("user-1"), {}, done(USER_ID))
    leads.make()
    assert leads.play("merge_contact", ADA, {}, GONE).warnings == ("nothing_to_merge",)


@pytest.mark.parametrize("kind", ["invalid_merge", "unprocessable_entity"])
def test_o2_a_refused_merge_is_a_dead_letter(leads, done, error, kind):
    leads.play("upsert_contact", Person("user-1"), {}, done(USER_ID))
    leads.make()
    assert leads.play("merge_contact", ADA, {}, error(422, kind)).reason == "rejected"
