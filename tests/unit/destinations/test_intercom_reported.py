"""What a write leaves out, and what had to be made anew, is told to whoever remembers it."""

import pytest

from pipeline.model.operation import Person, Response

ID = "5f0c1d2e3a4b5c6d7e8f9a0b"
OTHER = "aaaaaaaaaaaaaaaaaaaaaaaa"
COMPANY = "6f0c1d2e3a4b5c6d7e8f9a0b"
ADA = Person("user-1", "ada@example.com")
EVENT = {"event_name": "Ordered", "created_at": 1700000000}
NOT_FOUND = Response(404, {}, {"errors": [{"code": "not_found", "message": "User Not Found"}]})
NO_COMPANY = Response(404, {}, {"errors": [{"code": "company_not_found", "message": "no"}]})
ACCEPTED = Response(202)


@pytest.fixture
def remembered(script, done):
    """A contact and a company are remembered from an earlier run."""
    script.play("upsert_contact", ADA, {}, done())
    script.play("upsert_company", Person(), {"company_id": "acme"}, done(COMPANY))
    for intercom_id in (ID, COMPANY):
        script.memory.forget("run.created", intercom_id)
    return script


def test_an_attribute_that_is_left_out_is_named(script, done, error):
    script.knows(plan="string")
    refusal = error(400, message="no", field="custom_attributes.plan")
    fields = {"name": "Ada", "custom_attributes": {"plan": "pro"}}
    outcome = script.play("upsert_contact", ADA, fields, refusal, done())
    assert (outcome.status, outcome.dropped) == ("delivered", (("custom_attributes", "plan"),))


def test_an_attribute_of_a_company_that_is_left_out_is_named(script, done, error):
    script.memory.put("attribute", "company:plan", "integer")
    fields = {"company_id": "acme", "custom_attributes": {"plan": "pro"}}
    outcome = script.play("upsert_company", Person(), fields, done(COMPANY))
    assert outcome.dropped == (("custom_attributes", "plan"),)


def test_an_owner_that_is_left_out_is_named(script, done, error):
    refusal = error(400, message="owner specified is no teammate")
    outcome = script.play("upsert_contact", ADA, {"owner_id": 7}, refusal, done())
    assert outcome.dropped == (("owner_id",),)


def test_p4_an_email_that_is_left_out_is_named(script, done, error):
    script.settings(verify_conflicts=True)
    conflict = error(409, "conflict", f"already exists with id={ID}")
    owner = done(role="user", external_id="user-2")
    outcome = script.play("upsert_contact", ADA, {"name": "A"}, conflict, owner, done(OTHER))
    assert outcome.dropped == (("email",),)


def test_what_is_written_whole_drops_nothing(script, done):
    outcome = script.play("upsert_contact", ADA, {"name": "Ada"}, done())
    assert (outcome.dropped, outcome.recreated) == ((), ())


def test_a_contact_that_a_write_finds_gone_is_recreated(remembered, done):
    outcome = remembered.play("upsert_contact", ADA, {"name": "A"}, NOT_FOUND, done(OTHER))
    assert outcome.recreated == ("contact",)


def test_an_archived_contact_that_is_woken_is_not_recreated(remembered, done, error):
    archived = error(409, "conflict", f"An archived contact matching those details; id={ID}")
    answers = (NOT_FOUND, archived, done(), done())
    outcome = remembered.play("upsert_contact", Person("user-1"), {"name": "A"}, *answers)
    assert (outcome.status, outcome.recreated) == ("delivered", ())


def test_a_contact_that_an_attach_finds_gone_is_recreated(remembered, done):
    fields = {"company_id": "acme"}
    outcome = remembered.play("attach_company", ADA, fields, NOT_FOUND, done(OTHER), done())
    assert (outcome.status, outcome.recreated) == ("delivered", ("contact",))


def test_a_company_that_an_attach_finds_gone_is_recreated(remembered, done):
    fields = {"company_id": "acme"}
    outcome = remembered.play("attach_company", ADA, fields, NO_COMPANY, done(OTHER), done())
    assert (outcome.status, outcome.recreated) == ("delivered", ("company",))


def test_what_was_recreated_is_told_even_where_the_attach_fails(remembered, done, error):
    answers = (NOT_FOUND, done(OTHER), error(400))
    outcome = remembered.play("attach_company", ADA, {"company_id": "acme"}, *answers)
    assert (outcome.status, outcome.recreated) == ("dead", ("contact",))


def test_a_company_that_comes_back_with_another_id_is_recreated(remembered, done):
    outcome = remembered.play("upsert_company", Person(), {"company_id": "acme"}, done(OTHER))
    assert outcome.recreated == ("company",)


def test_an_attach_of_new_things_recreates_nothing(script, done):
    answers = (done(COMPANY), done(), done())
    outcome = script.play("attach_company", ADA, {"company_id": "acme"}, *answers)
    assert (outcome.status, outcome.recreated) == ("delivered", ())


def test_a_contact_that_an_event_finds_gone_is_recreated(remembered, done):
    remembered.settings(create_contact_on_track=True, waits=[])
    answers = (NOT_FOUND, NOT_FOUND, done(OTHER), ACCEPTED)
    outcome = remembered.play("submit_event", ADA, EVENT, *answers)
    assert (outcome.status, outcome.recreated) == ("delivered", ("contact",))


def test_a_contact_that_an_event_makes_for_the_first_time_is_not_recreated(script, done):
    script.settings(create_contact_on_track=True)
    outcome = script.play("submit_event", ADA, EVENT, NOT_FOUND, done(), ACCEPTED)
    assert (outcome.status, outcome.recreated) == ("delivered", ())
