"""Contacts: POST or PUT, conflicts, archived ones, links between e-mail and userId, deletion."""

import pytest

from pipeline.model.operation import Person, Response

ID = "5f0c1d2e3a4b5c6d7e8f9a0b"
OTHER = "aaaaaaaaaaaaaaaaaaaaaaaa"
ADA = Person("user-1", "ada@example.com")
MAIL = Person(email="Ada@Example.com")
FIELDS = {"role": "user", "external_id": "user-1", "email": "ada@example.com", "name": None}
ALREADY = f"A contact matching those details already exists with id={ID}"
ARCHIVED = f"An archived contact matching those details already exists with id={ID}"
OWN = Response(200, {}, {"id": ID, "role": "user", "external_id": "user-1"})
NOT_FOUND = Response(404, {}, {"errors": [{"code": "not_found", "message": "User Not Found"}]})


def test_an_unknown_person_costs_one_post(script, done):
    outcome = script.play("upsert_contact", ADA, FIELDS, done())
    assert outcome.status == "delivered"
    assert script.lines == ["POST /contacts"]


def test_a_known_person_costs_one_put(script, done):
    script.play("upsert_contact", ADA, FIELDS, done())
    script.play("upsert_contact", ADA, FIELDS, done())
    assert script.lines == [f"PUT /contacts/{ID}"]


def test_null_is_sent_because_it_clears(script, done):
    script.play("upsert_contact", ADA, FIELDS, done())
    assert script.bodies[0]["name"] is None


def test_a_create_names_the_person_where_the_mapping_does_not(script, done):
    script.play("upsert_contact", ADA, {"name": "Ada"}, done())
    assert script.bodies[0] == {
        "role": "user",
        "external_id": "user-1",
        "email": "ada@example.com",
        "name": "Ada",
    }


def test_e1_409_puts_to_the_contact_it_names(script, done, error):
    outcome = script.play(
        "upsert_contact", ADA, FIELDS, error(409, "conflict", ALREADY), OWN, done()
    )
    assert outcome.status == "delivered"
    assert script.lines == ["POST /contacts", f"GET /contacts/{ID}", f"PUT /contacts/{ID}"]


def test_e1_409_for_a_user_id_alone_is_not_looked_at(script, done, error):
    ada = Person("user-1")
    outcome = script.play("upsert_contact", ada, {}, error(409, "conflict", ALREADY), done())
    assert outcome.status == "delivered"
    assert script.lines == ["POST /contacts", f"PUT /contacts/{ID}"]


def test_p4_409_is_not_looked_at_where_that_is_turned_off(script, done, error):
    script.settings(verify_conflicts=False)
    script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", ALREADY), done())
    assert script.lines == ["POST /contacts", f"PUT /contacts/{ID}"]


def test_p4_a_409_whose_contact_is_not_seen_yet_waits(script, done, error):
    conflict = error(409, "conflict", ALREADY)
    outcome = script.play("upsert_contact", ADA, FIELDS, conflict, NOT_FOUND, OWN, done())
    assert (outcome.status, script.waits) == ("delivered", [0.5])


def test_p4_a_409_whose_contact_cannot_be_read_takes_nothing_over(script, error):
    refusal = error(400, "bad_request", "no")
    outcome = script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", ALREADY), refusal)
    assert (outcome.reason, outcome.http_status) == ("rejected", 400)


def test_p4_a_known_user_whose_new_email_is_refused_keeps_the_rest(script, done, error):
    script.play("upsert_contact", Person("user-1"), {}, done(OTHER))
    owner = Response(200, {}, {"id": ID, "role": "user", "external_id": "user-2"})
    conflict = error(409, "conflict", ALREADY)
    outcome = script.play("upsert_contact", ADA, FIELDS, conflict, owner, done(OTHER))
    assert script.lines[2] == f"PUT /contacts/{OTHER}"
    assert "email" not in script.bodies[2]
    assert outcome.warnings == ("duplicate_email",)


def test_e1_409_is_remembered(script, done, error):
    script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", ALREADY), OWN, done())
    script.play("upsert_contact", ADA, FIELDS, done())
    assert script.lines == [f"PUT /contacts/{ID}"]


def test_e1_409_without_id_waits_and_tries_again(script, done, error):
    outcome = script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", "busy"), done())
    assert outcome.status == "delivered"
    assert script.waits == [0.5]


def test_e1_409_without_id_is_given_up_in_the_end(script, error):
    outcome = script.play("upsert_contact", ADA, FIELDS, *[error(409, "conflict", "busy")] * 5)
    assert (outcome.reason, outcome.http_status, outcome.api_code) == ("rejected", 409, "conflict")
    assert script.waits == [0.5, 1.0, 2.0, 4.0]


def test_e1_archived_is_unarchived_then_put(script, done, error):
    outcome = script.play(
        "upsert_contact", ADA, FIELDS, error(409, "conflict", ARCHIVED), OWN, done()
    )
    assert outcome.status == "delivered"
    assert script.lines[1:] == [f"POST /contacts/{ID}/unarchive", f"PUT /contacts/{ID}"]


def test_e1_archived_can_be_skipped(script, error):
    script.settings(archived="skip")
    outcome = script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", ARCHIVED))
    assert (outcome.status, outcome.warnings) == ("merged", ("archived_skipped",))


def test_e1_archived_can_be_a_dead_letter(script, error):
    script.settings(archived="dead_letter")
    outcome = script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", ARCHIVED))
    assert (outcome.status, outcome.reason, outcome.http_status) == ("dead", "rejected", 409)


def test_e1_deleted_is_rejected(script, error):
    gone = error(400, "bad_request", "User has been marked for permanent deletion")
    outcome = script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", ARCHIVED), gone)
    assert (outcome.reason, outcome.http_status) == ("rejected", 400)
    assert outcome.message == "bad_request: User has been marked for permanent deletion"


def test_stale_memory_is_forgotten_and_the_contact_created_anew(script, done):
    script.play("upsert_contact", ADA, FIELDS, done())
    outcome = script.play("upsert_contact", ADA, FIELDS, NOT_FOUND, done(OTHER))
    assert outcome.status == "delivered"
    assert script.lines == [f"PUT /contacts/{ID}", "POST /contacts"]
    script.play("upsert_contact", ADA, FIELDS, done(OTHER))
    assert script.lines == [f"PUT /contacts/{OTHER}"]


def test_p4_a_contact_known_by_email_gets_the_user_id(script, done):
    script.play("upsert_contact", MAIL, {"email": "Ada@Example.com"}, done())
    script.play("upsert_contact", ADA, {"name": "Ada"}, done())
    assert script.lines == [f"PUT /contacts/{ID}"]
    assert script.bodies[0]["external_id"] == "user-1"


def test_p4_a_409_for_the_email_gives_the_user_id(script, done, error):
    conflict = error(409, "conflict", ALREADY)
    script.play("upsert_contact", ADA, {"name": "Ada"}, conflict, done(role="user"), done())
    assert script.bodies[2]["external_id"] == "user-1"


def test_p4_a_contact_with_another_user_id_keeps_it(script, done):
    script.play("upsert_contact", ADA, FIELDS, done())
    outcome = script.play("upsert_contact", Person("user-2", "ada@example.com"), {}, done(OTHER))
    assert script.lines == ["POST /contacts"]
    assert outcome.warnings == ("duplicate_email",)


def test_p4_a_409_for_another_users_email_creates_without_it(script, done, error):
    script.play("upsert_contact", ADA, FIELDS, done())
    owner = Response(200, {}, {"id": ID, "role": "user", "external_id": "user-1"})
    outcome = script.play(
        "upsert_contact",
        Person("user-2", "ada@example.com"),
        {"name": "Eve"},
        error(409, "conflict", ALREADY),
        owner,
        done(OTHER),
    )
    assert script.lines == ["POST /contacts", f"GET /contacts/{ID}", "POST /contacts"]
    assert script.bodies[2] == {"role": "user", "external_id": "user-2", "name": "Eve"}
    assert outcome.warnings == ("duplicate_email",)


def test_p4_a_lead_known_by_anonymous_id_becomes_the_user(script, done):
    lead = Person(anonymous_id="anon-1")
    script.knows(anonymous_id="string").play(
        "upsert_contact", lead, {"role": "lead"}, done(role="lead", external_id="uuid")
    )
    person = Person("user-1", None, "anon-1")
    script.play("upsert_contact", person, {"name": "Ada"}, done())
    assert script.lines == [f"PUT /contacts/{ID}"]
    assert script.bodies[0] == {"name": "Ada", "role": "user", "external_id": "user-1"}


def test_p4_the_next_user_of_a_device_does_not_take_the_last_ones_contact(script, done):
    lead = Person(anonymous_id="anon-1")
    script.knows(anonymous_id="string").play(
        "upsert_contact", lead, {"role": "lead"}, done(role="lead", external_id="uuid")
    )
    script.play("upsert_contact", Person("user-1", None, "anon-1"), {}, done())
    script.play("upsert_contact", Person("user-2", None, "anon-1"), {}, done(OTHER))
    assert script.lines == ["POST /contacts"]


def test_p4_a_link_that_conflicts_writes_to_the_contact_that_has_the_user_id(script, done, error):
    script.play("upsert_contact", MAIL, {}, done())
    taken = error(409, "conflict", ALREADY.replace(ID, OTHER))
    outcome = script.play("upsert_contact", ADA, {"name": "Ada"}, taken, done(OTHER))
    assert script.lines == [f"PUT /contacts/{ID}", f"PUT /contacts/{OTHER}"]
    assert outcome.warnings == ("duplicate_email",)


def test_e3_400_is_rejected_with_code_and_text(script, error):
    outcome = script.play("upsert_contact", ADA, FIELDS, error(400, "parameter_invalid", "bad"))
    assert outcome.reason == "rejected"
    assert (outcome.http_status, outcome.api_code) == (400, "parameter_invalid")
    assert outcome.message == "parameter_invalid: bad"


def test_an_owner_who_is_none_costs_the_field_only(script, done, error):
    text = "The owner specified is not a member of the workspace"
    outcome = script.play(
        "upsert_contact", ADA, {**FIELDS, "owner_id": 9}, error(400, message=text), done()
    )
    assert outcome.warnings == ("field_dropped",)
    assert "owner_id" not in script.bodies[1]


def test_an_html_error_page_is_rejected_with_what_it_says(script):
    page = Response(413, {}, None, "<html>Request too large</html>")
    outcome = script.play("upsert_contact", ADA, FIELDS, page)
    assert outcome.message == "HTTP 413: <html>Request too large</html>"


def test_memory_holds_no_email(script, done):
    script.play("upsert_contact", Person("ada@example.com", "ada@example.com"), {}, done())
    assert "@" not in "".join(part for key in script.memory.entries for part in key)


def test_memory_finds_an_email_in_any_case(script, done):
    script.play("upsert_contact", MAIL, {}, done())
    script.play("upsert_contact", Person(email="ada@EXAMPLE.com"), {}, done())
    assert script.lines == [f"PUT /contacts/{ID}"]


@pytest.mark.parametrize("evil", ["../admins", "a/b", "a?b=c", "", "ü", None, 7])
def test_an_id_that_is_none_never_reaches_a_path(script, done, evil):
    script.play("upsert_contact", ADA, FIELDS, done(evil))
    script.play("upsert_contact", ADA, FIELDS, done())
    assert script.lines == ["POST /contacts"]


def test_o1_touch_updates_a_known_contact(script, done):
    script.play("upsert_contact", ADA, FIELDS, done())
    script.play("touch_contact", ADA, {"last_seen_at": 5}, done())
    assert script.lines == [f"PUT /contacts/{ID}"]
    assert script.bodies == [{"last_seen_at": 5}]


def test_o1_touch_never_creates(script):
    nobody = Response(200, {}, {"type": "list", "data": []})
    outcome = script.play("touch_contact", ADA, {"last_seen_at": 5}, nobody)
    assert script.lines == ["POST /contacts/search"]
    assert (outcome.status, outcome.warnings) == ("merged", ("contact_unknown",))


def found(*contacts):
    return Response(200, {}, {"type": "list", "data": list(contacts)})


def test_o3_delete_of_an_unknown_person_is_a_no_op(script):
    outcome = script.play("delete_contact", ADA, {}, found())
    assert (outcome.status, outcome.warnings) == ("delivered", ("nothing_to_delete",))


def test_o3_delete_takes_every_match_and_what_is_remembered(script, done):
    script.play("upsert_contact", MAIL, {}, done())
    matches = found({"id": OTHER, "role": "user"}, {"id": ID, "role": "user"})
    script.play("delete_contact", MAIL, {}, matches, done(), done())
    assert sorted(script.lines[1:]) == [f"DELETE /contacts/{ID}", f"DELETE /contacts/{OTHER}"]


def test_o3_delete_spares_another_user_with_the_same_email(script, done):
    other = {"id": OTHER, "role": "user", "external_id": "user-2"}
    mine = {"id": ID, "role": "user", "external_id": "user-1"}
    outcome = script.play("delete_contact", ADA, {}, found(other, mine), done())
    assert script.lines[1:] == [f"DELETE /contacts/{ID}"]
    assert outcome.warnings == ("duplicate_email",)


def test_o3_delete_that_fails_for_one_of_several_is_dead(script, done, error):
    matches = found({"id": OTHER}, {"id": ID})
    outcome = script.play("delete_contact", MAIL, {}, matches, error(400), done())
    assert outcome.reason == "rejected"
    assert len(script.lines) == 3


def test_o3_delete_reads_every_page(script, done):
    first = Response(
        200, {}, {"data": [{"id": OTHER}], "pages": {"next": {"page": 2, "starting_after": "c"}}}
    )
    script.play("delete_contact", MAIL, {}, first, found({"id": ID}), done(), done())
    assert script.bodies[1]["pagination"]["starting_after"] == "c"
    assert len(script.lines) == 4


def test_o3_delete_can_archive(script, done):
    script.settings(delete="archive")
    script.play("delete_contact", MAIL, {}, found({"id": ID}), done())
    assert script.lines[1:] == [f"POST /contacts/{ID}/archive"]


def test_o3_a_deleted_person_is_forgotten(script, done):
    script.play("upsert_contact", ADA, FIELDS, done())
    script.play("delete_contact", ADA, {}, found(), done())
    assert not [key for key in script.memory.entries if key[0] == "contact"]


def test_e1_a_put_that_meets_a_busy_contact_waits_and_tries_again(script, done, error):
    script.play("upsert_contact", ADA, FIELDS, done())
    outcome = script.play("upsert_contact", ADA, FIELDS, error(409, "conflict", "busy"), done())
    assert outcome.status == "delivered"
    assert script.waits == [0.5]


@pytest.mark.parametrize(
    ("archived", "status", "warnings"),
    [("unarchive", "delivered", ()), ("skip", "merged", ("archived_skipped",))],
)
def test_e1_a_remembered_contact_that_was_archived_follows_the_setting(
    script, done, error, archived, status, warnings
):
    script.settings(archived=archived).play("upsert_contact", ADA, FIELDS, done())
    conflict = error(409, "conflict", ARCHIVED)
    outcome = script.play("upsert_contact", ADA, FIELDS, NOT_FOUND, conflict, OWN, done())
    assert (outcome.status, outcome.warnings) == (status, warnings)


def test_e1_a_link_that_meets_an_archived_user_follows_the_setting(script, done, error):
    script.settings(archived="dead_letter").play("upsert_contact", MAIL, {}, done())
    conflict = error(409, "conflict", ARCHIVED.replace(ID, OTHER))
    outcome = script.play("upsert_contact", ADA, {"name": "Ada"}, conflict)
    assert (outcome.reason, outcome.http_status) == ("rejected", 409)


def test_p4_an_archived_contact_of_another_user_is_not_woken_for_good(script, done, error):
    script.settings(verify_conflicts=True)
    owner = Response(200, {}, {"id": ID, "role": "user", "external_id": "user-2"})
    conflict = error(409, "conflict", ARCHIVED)
    script.play("upsert_contact", ADA, FIELDS, conflict, done(), owner, done(), done(OTHER))
    assert script.lines == [
        "POST /contacts",
        f"POST /contacts/{ID}/unarchive",
        f"GET /contacts/{ID}",
        f"POST /contacts/{ID}/archive",
        "POST /contacts",
    ]


def test_p4_email_and_user_id_of_two_contacts_lead_to_the_one_with_the_user_id(script, done, error):
    first = error(409, "conflict", ALREADY)
    second = error(409, "conflict", ALREADY.replace(ID, OTHER))
    mail_only = done(role="user")
    fields = {"name": "Ada"}
    outcome = script.play("upsert_contact", ADA, fields, first, mail_only, second, done(OTHER))
    assert script.lines[1:] == [
        f"GET /contacts/{ID}",
        f"PUT /contacts/{ID}",
        f"PUT /contacts/{OTHER}",
    ]
    assert outcome.warnings == ("duplicate_email",)


def test_p4_conflicts_that_point_at_each_other_end(script, error):
    first = error(409, "conflict", ALREADY)
    second = error(409, "conflict", ALREADY.replace(ID, OTHER))
    outcome = script.play("upsert_contact", ADA, {}, first, OWN, second, first)
    assert (outcome.reason, outcome.http_status) == ("rejected", 409)
