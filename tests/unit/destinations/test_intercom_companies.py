"""Companies: upsert, attach, detach, and the two kinds of id."""

import pytest

from destinations.intercom import DESTINATION
from pipeline.model.operation import Operation, Person, Response

CONTACT = "5f0c1d2e3a4b5c6d7e8f9a0b"
COMPANY = "cccccccccccccccccccccccc"
NEW = "dddddddddddddddddddddddd"
ADA = Person("user-1", "ada@example.com")
ACME = {"company_id": "acme"}
NO_CONTACT = Response(404, {}, {"errors": [{"code": "not_found", "message": "User Not Found"}]})
NO_COMPANY = Response(
    404, {}, {"errors": [{"code": "company_not_found", "message": "Company Not Found"}]}
)


def found(*contacts):
    return Response(200, {}, {"type": "list", "data": list(contacts)})


@pytest.fixture
def known(script, done):
    """Both the contact and the company are remembered from an earlier run."""
    script.play("upsert_contact", ADA, {}, done(CONTACT))
    script.play("upsert_company", Person(), ACME, done(COMPANY))
    script.memory.forget("run.created", CONTACT)
    script.memory.forget("run.created", COMPANY)
    return script


def test_g1_a_company_is_posted_with_its_company_id_as_text(script, done):
    script.play("upsert_company", Person(), {"company_id": 12345, "name": "Acme"}, done(COMPANY))
    assert script.bodies == [{"company_id": "12345", "name": "Acme"}]


def test_unique_company_constraint_is_tried_once_more(script, done, error):
    clash = error(400, "unique_company_constraint", "Company already exists.")
    outcome = script.play("upsert_company", Person(), ACME, clash, done(COMPANY))
    assert (outcome.status, len(script.lines)) == ("delivered", 2)


def test_unique_company_constraint_twice_is_dead(script, error):
    clash = error(400, "unique_company_constraint", "Company already exists.")
    outcome = script.play("upsert_company", Person(), ACME, clash, clash)
    assert (outcome.reason, outcome.api_code) == ("rejected", "unique_company_constraint")


def test_attach_uses_intercoms_ids_of_both(known, done):
    known.play("attach_company", ADA, ACME, done(COMPANY))
    assert known.lines == [f"POST /contacts/{CONTACT}/companies"]
    assert known.bodies == [{"id": COMPANY}]


def test_an_attachment_that_exists_is_not_repeated(known, done):
    known.play("attach_company", ADA, ACME, done(COMPANY))
    outcome = known.play("attach_company", ADA, ACME)
    assert (outcome.status, outcome.reason) == ("merged", "unchanged")


def test_attach_finds_or_creates_an_unknown_company_in_one_call(script, done):
    script.play("upsert_contact", ADA, {}, done(CONTACT))
    script.play("attach_company", ADA, ACME, done(COMPANY), done(COMPANY))
    assert script.lines == ["POST /companies", f"POST /contacts/{CONTACT}/companies"]
    assert script.bodies[0] == ACME


def test_g3_attach_creates_an_unknown_contact(script, done):
    outcome = script.play("attach_company", ADA, ACME, done(COMPANY), done(CONTACT), done(COMPANY))
    assert outcome.status == "delivered"
    assert script.lines[1] == "POST /contacts"
    assert script.bodies[1] == {
        "role": "user",
        "external_id": "user-1",
        "email": "ada@example.com",
    }


def test_g3_attach_takes_the_contact_that_a_409_names(script, done, error):
    text = f"A contact matching those details already exists with id={CONTACT}"
    own = done(CONTACT, role="user", external_id=ADA.user_id)
    conflict = error(409, "conflict", text)
    script.play("attach_company", ADA, ACME, done(COMPANY), conflict, own, done(COMPANY))
    assert script.lines[3] == f"POST /contacts/{CONTACT}/companies"


def test_g3_attach_gives_the_user_id_to_the_contact_of_the_email(script, done, error):
    text = f"A contact matching those details already exists with id={CONTACT}"
    answers = (error(409, "conflict", text), done(CONTACT), done(CONTACT), done(COMPANY))
    script.play("attach_company", ADA, ACME, done(COMPANY), *answers)
    assert script.lines[3:] == [f"PUT /contacts/{CONTACT}", f"POST /contacts/{CONTACT}/companies"]
    assert script.bodies[3]["external_id"] == ADA.user_id


def test_g3_without_create_an_unknown_contact_is_skipped(script, done):
    script.settings(create_contact_on_group=False)
    outcome = script.play("attach_company", ADA, ACME, done(COMPANY), found())
    assert (outcome.status, outcome.warnings) == ("delivered", ("attach_skipped",))


def test_g3_without_create_a_contact_that_is_there_is_attached(script, done):
    script.settings(create_contact_on_group=False)
    ada = {"id": CONTACT, "role": "user", "external_id": "user-1"}
    script.play("attach_company", ADA, ACME, done(COMPANY), found(ada), done(COMPANY))
    assert script.lines[-1] == f"POST /contacts/{CONTACT}/companies"


def test_attach_of_nobody_is_skipped(script, done):
    outcome = script.play("attach_company", Person(anonymous_id="a"), ACME, done(COMPANY))
    assert outcome.warnings == ("attach_skipped",)


def test_attach_forgets_a_stale_company_and_makes_it_anew(known, done):
    outcome = known.play("attach_company", ADA, ACME, NO_COMPANY, done(NEW), done(NEW))
    assert outcome.status == "delivered"
    assert known.bodies[-1] == {"id": NEW}


def test_attach_forgets_a_stale_contact_and_makes_it_anew(known, done):
    outcome = known.play("attach_company", ADA, ACME, NO_CONTACT, done(NEW), done(COMPANY))
    assert outcome.status == "delivered"
    assert known.lines[-1] == f"POST /contacts/{NEW}/companies"


def test_e3_attach_right_after_a_create_waits_and_then_is_dead(script, done):
    script.play("upsert_contact", ADA, {}, done(CONTACT))
    script.play("upsert_company", Person(), ACME, done(COMPANY))
    outcome = script.play("attach_company", ADA, ACME, *[NO_CONTACT] * 5)
    assert (outcome.reason, outcome.http_status) == ("contact_not_found", 404)
    assert script.waits == [0.5, 1.0, 2.0, 4.0]


def test_e3_attach_right_after_a_create_succeeds_when_it_is_seen(script, done):
    script.play("upsert_contact", ADA, {}, done(CONTACT))
    script.play("upsert_company", Person(), ACME, done(COMPANY))
    outcome = script.play("attach_company", ADA, ACME, NO_CONTACT, NO_COMPANY, done(COMPANY))
    assert outcome.status == "delivered"
    assert script.waits == [0.5, 1.0]


def test_e3_too_many_companies_is_rejected(known, error):
    full = error(400, "contact_company_limit_exceeded", "maximum of 1000")
    outcome = known.play("attach_company", ADA, ACME, full)
    assert outcome.api_code == "contact_company_limit_exceeded"


def test_c4_detach_ends_a_membership(known, done):
    known.play("attach_company", ADA, ACME, done(COMPANY))
    known.play("detach_company", ADA, ACME, done(COMPANY))
    assert known.lines == [f"DELETE /contacts/{CONTACT}/companies/{COMPANY}"]
    known.play("attach_company", ADA, ACME, done(COMPANY))
    assert len(known.lines) == 1


def test_c4_detach_never_creates_an_unknown_company(script):
    outcome = script.play("detach_company", ADA, {"company_id": "../a?b=ü"}, NO_COMPANY)
    assert (outcome.status, outcome.warnings) == ("delivered", ("nothing_to_detach",))
    assert script.lines == ["GET /companies?company_id=..%2Fa%3Fb%3D%C3%BC"]


def test_c4_detach_looks_the_company_up(script, done):
    script.memory.put("contact", "u:user-1", CONTACT)
    script.play("detach_company", ADA, ACME, done(COMPANY), done(COMPANY))
    assert script.lines == [
        "GET /companies?company_id=acme",
        f"DELETE /contacts/{CONTACT}/companies/{COMPANY}",
    ]


def test_c4_detach_understands_a_list_of_companies(script, done):
    script.memory.put("contact", "u:user-1", CONTACT)
    listed = found({"id": NEW, "company_id": "other"}, {"id": COMPANY, "company_id": "acme"})
    script.play("detach_company", ADA, ACME, listed, done(COMPANY))
    assert script.lines[-1].endswith(COMPANY)


def test_c4_detach_of_what_is_not_attached_is_a_no_op(known):
    outcome = known.play("detach_company", ADA, ACME, NO_COMPANY)
    assert (outcome.status, outcome.warnings) == ("delivered", ("nothing_to_detach",))


def test_c4_detach_of_an_unknown_person_is_a_no_op(script, done):
    outcome = script.play("detach_company", ADA, ACME, done(COMPANY), found())
    assert outcome.warnings == ("nothing_to_detach",)


def remember(script):
    script.memory.put("contact", "u:user-1", CONTACT)
    script.memory.put("company", "acme", COMPANY)
    return script


def test_c4_a_remembered_contact_that_is_gone_is_looked_up_once_more(script, done):
    again = Response(200, {}, {"data": [{"id": "a" * 24, "external_id": "user-1"}]})
    outcome = remember(script).play(
        "detach_company", ADA, {"company_id": "acme"}, NO_CONTACT, again, done()
    )
    assert script.lines[1:] == [
        "POST /contacts/search",
        f"DELETE /contacts/{'a' * 24}/companies/{COMPANY}",
    ]
    assert outcome.status == "delivered"


def test_c4_a_remembered_company_of_a_remembered_member_is_looked_up_once_more(script):
    remember(script).memory.put("membership", f"{CONTACT}:{COMPANY}", "1")
    outcome = script.play("detach_company", ADA, {"company_id": "acme"}, NO_COMPANY, NO_COMPANY)
    assert script.lines[1:] == ["GET /companies?company_id=acme"]
    assert outcome.warnings == ("nothing_to_detach",)


def test_c4_somebody_made_just_now_is_a_member_of_nothing(script, done):
    script.memory.put("company", "acme", COMPANY)
    script.play("upsert_contact", ADA, {}, done(CONTACT))
    outcome = script.play("detach_company", ADA, {"company_id": "acme"})
    assert script.lines == []
    assert outcome.warnings == ("nothing_to_detach",)


def test_c4_somebody_who_is_no_member_costs_one_call(script):
    outcome = remember(script).play("detach_company", ADA, {"company_id": "acme"}, NO_COMPANY)
    assert outcome.warnings == ("nothing_to_detach",)
    assert script.memory.get("company", "acme") == COMPANY


def test_c4_an_email_that_several_share_detaches_nobody_and_says_so(script):
    script.memory.put("company", "acme", COMPANY)
    two = Response(200, {}, {"data": [{"id": "a" * 24}, {"id": "b" * 24}]})
    person = Person(email="ada@example.com")
    outcome = script.play("detach_company", person, {"company_id": "acme"}, two)
    assert outcome.warnings == ("nothing_to_detach", "duplicate_email")


def test_e1_an_attachment_that_meets_a_busy_contact_is_tried_again(script, done, error):
    busy = error(409, "conflict", "busy")
    outcome = remember(script).play("attach_company", ADA, {"company_id": "acme"}, busy, done())
    assert (outcome.status, script.waits) == ("delivered", [0.5])


def test_a_detach_whose_answer_was_lost_leaves_no_membership_behind(known, done):
    known.play("attach_company", ADA, ACME, done(COMPANY))
    steps = DESTINATION().deliver(Operation("detach_company", ADA, 1, ACME), known.memory)
    assert next(steps).method == "DELETE"
    steps.close()
    outcome = known.play("attach_company", ADA, ACME, done(COMPANY))
    assert outcome.status == "delivered"
