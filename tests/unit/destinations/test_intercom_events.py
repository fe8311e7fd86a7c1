"""Data events: whose they are, and what happens while Intercom does not know the person."""

import pytest

from pipeline.model.operation import Person, Response

ID = "5f0c1d2e3a4b5c6d7e8f9a0b"
OTHER = "aaaaaaaaaaaaaaaaaaaaaaaa"
ADA = Person("user-1", "ada@example.com")
MAIL = Person(email="ada@example.com")
EVENT = {"event_name": "Ordered", "created_at": 1700000000, "metadata": {"n": 1}}
ACCEPTED = Response(202)
NOT_FOUND = Response(404, {}, {"errors": [{"code": "not_found", "message": "User Not Found"}]})


def found(*contacts):
    return Response(200, {}, {"type": "list", "data": list(contacts)})


@pytest.fixture
def remembered(script, done):
    """The contact is remembered from an earlier run."""
    script.play("upsert_contact", ADA, {}, done())
    script.memory.forget("run.created", ID)
    return script


def test_t2_an_unknown_user_is_named_by_user_id_and_email(script):
    script.play("submit_event", ADA, EVENT, ACCEPTED)
    assert script.bodies == [{**EVENT, "user_id": "user-1", "email": "ada@example.com"}]


def test_t2_a_remembered_contact_is_named_by_intercoms_id(remembered):
    remembered.play("submit_event", ADA, EVENT, ACCEPTED)
    assert remembered.bodies == [{**EVENT, "id": ID}]


def test_t2_an_email_alone_is_resolved_by_one_search(script):
    script.play("submit_event", MAIL, EVENT, found({"id": ID}), ACCEPTED)
    assert script.lines == ["POST /contacts/search", "POST /events"]
    assert script.bodies[1]["id"] == ID
    script.play("submit_event", MAIL, EVENT, ACCEPTED)
    assert script.lines == ["POST /events"]


def test_t2_an_email_of_nobody_is_contact_not_found(script):
    outcome = script.play("submit_event", MAIL, EVENT, found())
    assert (outcome.status, outcome.reason) == ("dead", "contact_not_found")


def test_t2_an_email_of_several_is_contact_not_found(script):
    outcome = script.play("submit_event", MAIL, EVENT, found({"id": ID}, {"id": OTHER}))
    assert (outcome.reason, outcome.warnings) == ("contact_not_found", ("duplicate_email",))


def test_t2_an_email_of_nobody_can_be_created(script, done):
    script.settings(create_contact_on_track=True)
    script.play("submit_event", MAIL, EVENT, found(), done(), ACCEPTED)
    assert script.bodies[1] == {"role": "user", "email": "ada@example.com"}
    assert script.bodies[2]["id"] == ID


def test_t2_an_unknown_user_is_contact_not_found_without_a_search(script):
    outcome = script.play("submit_event", ADA, EVENT, NOT_FOUND)
    assert (outcome.reason, outcome.http_status) == ("contact_not_found", 404)
    assert script.lines == ["POST /events"]


def test_t2_an_unknown_user_can_be_created(script, done):
    script.settings(create_contact_on_track=True)
    outcome = script.play("submit_event", ADA, EVENT, NOT_FOUND, done(), ACCEPTED)
    assert outcome.status == "delivered"
    assert script.lines == ["POST /events", "POST /contacts", "POST /events"]
    assert script.bodies[1]["external_id"] == "user-1"
    assert script.bodies[2]["id"] == ID


def test_t2_an_unremembered_anonymous_person_is_contact_not_found(script):
    outcome = script.play("submit_event", Person(anonymous_id="a"), EVENT)
    assert outcome.reason == "contact_not_found"


def test_p4_where_several_share_an_email_a_new_user_is_created_and_reported(script, done):
    two = Response(200, {}, {"data": [{"id": "a" * 24}, {"id": "b" * 24}]})
    outcome = script.play("submit_event", Person(email="ada@example.com"), EVENT, two)
    assert (outcome.reason, outcome.warnings) == ("contact_not_found", ("duplicate_email",))
    outcome = script.play("upsert_contact", Person("u9", "Ada@example.com"), {}, done())
    assert script.lines == ["POST /contacts"]
    assert outcome.warnings == ("duplicate_email",)


def test_p2_a_remembered_lead_is_named_by_intercoms_id(script, done):
    script.knows(anonymous_id="string")
    lead = Person(anonymous_id="a")
    script.play("upsert_contact", lead, {"role": "lead"}, done(role="lead"))
    script.play("submit_event", lead, EVENT, ACCEPTED)
    assert script.bodies == [{**EVENT, "id": ID}]


def test_e3_404_for_a_stale_id_is_tried_once_more_by_user_id(remembered):
    outcome = remembered.play("submit_event", ADA, EVENT, NOT_FOUND, ACCEPTED)
    assert outcome.status == "delivered"
    assert remembered.bodies[1]["user_id"] == "user-1"
    remembered.play("submit_event", ADA, EVENT, ACCEPTED)
    assert "id" not in remembered.bodies[0]


def test_e3_404_for_a_stale_id_and_then_for_the_user_id_is_dead(remembered):
    outcome = remembered.play("submit_event", ADA, EVENT, *[NOT_FOUND] * 6)
    assert outcome.reason == "contact_not_found"
    assert remembered.waits == [0.5, 1.0, 2.0, 4.0]
    remembered.play("submit_event", ADA, EVENT, NOT_FOUND)
    assert remembered.waits == []


def test_e3_whom_an_earlier_run_made_just_before_it_ended_is_waited_for(remembered):
    outcome = remembered.play("submit_event", ADA, EVENT, *[NOT_FOUND] * 3, ACCEPTED)
    assert (outcome.status, remembered.waits) == ("delivered", [0.5, 1.0])
    remembered.play("submit_event", ADA, EVENT, ACCEPTED)
    assert remembered.bodies[0]["id"] == ID


def test_e3_a_lead_of_an_earlier_run_is_waited_for(script, done):
    script.knows(anonymous_id="string")
    lead = Person(anonymous_id="a")
    script.play("upsert_contact", lead, {"role": "lead"}, done(role="lead"))
    script.memory.forget("run.created", ID)
    outcome = script.play("submit_event", lead, EVENT, NOT_FOUND, NOT_FOUND, ACCEPTED)
    assert (outcome.status, script.waits) == ("delivered", [0.5])


def test_e3_an_email_of_an_earlier_run_is_searched_for_and_then_waited_for(script, done):
    script.play("upsert_contact", MAIL, {}, done())
    script.memory.forget("run.created", ID)
    answers = (NOT_FOUND, found(), NOT_FOUND, ACCEPTED)
    outcome = script.play("submit_event", MAIL, EVENT, *answers)
    assert (outcome.status, script.waits) == ("delivered", [0.5])
    assert [body["id"] for body in (script.bodies[0], *script.bodies[2:])] == [ID, ID, ID]


def test_e3_an_email_whose_contact_is_another_one_now_is_not_waited_for(script, done):
    script.play("upsert_contact", MAIL, {}, done())
    script.memory.forget("run.created", ID)
    answers = (NOT_FOUND, found({"id": OTHER}), ACCEPTED)
    outcome = script.play("submit_event", MAIL, EVENT, *answers)
    assert (outcome.status, script.waits, script.bodies[2]["id"]) == ("delivered", [], OTHER)


def test_e3_404_right_after_a_create_waits_until_it_is_seen(script, done):
    script.play("upsert_contact", ADA, {}, done())
    outcome = script.play("submit_event", ADA, EVENT, NOT_FOUND, NOT_FOUND, ACCEPTED)
    assert outcome.status == "delivered"
    assert script.waits == [0.5, 1.0]


def test_e3_404_right_after_a_create_is_dead_in_the_end(script, done):
    script.play("upsert_contact", ADA, {}, done())
    outcome = script.play("submit_event", ADA, EVENT, *[NOT_FOUND] * 5)
    assert outcome.reason == "contact_not_found"
    assert script.waits == [0.5, 1.0, 2.0, 4.0]


def test_a_repeat_is_the_same_body_so_the_api_ignores_it(script, done):
    script.play("upsert_contact", ADA, {}, done())
    script.play("submit_event", ADA, EVENT, NOT_FOUND, ACCEPTED)
    assert script.bodies[0] == script.bodies[1]


@pytest.mark.parametrize("status", [422, 400])
def test_t10_a_full_workspace_is_event_name_cap(script, error, status):
    full = error(status, "unprocessable_entity", "Cannot have more than 120 active event names")
    outcome = script.play("submit_event", ADA, EVENT, full)
    assert (outcome.reason, outcome.http_status) == ("event_name_cap", status)


def test_e3_another_422_is_rejected(script, error):
    outcome = script.play("submit_event", ADA, EVENT, error(422, "data_invalid", "no"))
    assert (outcome.reason, outcome.message) == ("rejected", "data_invalid: no")


def test_a_search_that_is_refused_decides(script, error):
    outcome = script.play("submit_event", MAIL, EVENT, error(400, "bad_request", "no"))
    assert outcome.reason == "rejected"


def test_a_search_answer_without_data_is_nobody(script):
    outcome = script.play("submit_event", MAIL, EVENT, Response(200, {}, {"type": "list"}))
    assert outcome.reason == "contact_not_found"
