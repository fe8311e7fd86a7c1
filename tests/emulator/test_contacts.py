"""Contacts (assertions 13-32, 38-42)."""

from __future__ import annotations

import re
import uuid

import pytest

DAY = 86_400


def test_a13_post_answers_200_with_a_contact_and_a_24_hex_id(api):
    response = api.post("/contacts", {"external_id": "u-1"})
    assert response.status == 200
    assert response.json()["type"] == "contact"
    assert re.fullmatch(r"[0-9a-f]{24}", response.json()["id"])


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"email": None}, {"external_id": ""}])
def test_a14_post_without_email_external_id_and_role_answers_400(api, assert_error, body):
    assert_error(api.post("/contacts", body), 400, "parameter_not_found")


def test_a15_the_default_role_is_user(api):
    assert api.ok("POST", "/contacts", {"email": "a@example.com"})["role"] == "user"


def test_a15_an_unknown_role_makes_a_user(api):
    assert api.ok("POST", "/contacts", {"role": "contact", "email": "a@b.c"})["role"] == "user"


def test_a16_post_with_email_only_has_no_external_id(api):
    assert api.ok("POST", "/contacts", {"email": "a@example.com"})["external_id"] is None


def test_a17_a_lead_gets_a_generated_uuid_for_external_id(api):
    lead = api.lead(external_id="mine", email="l@example.com")
    assert lead["external_id"] != "mine"
    assert uuid.UUID(lead["external_id"]).version == 4


def test_a18_two_leads_may_share_an_email_even_with_a_user(api):
    api.user(external_id="u", email="a@example.com")
    first, second = (api.lead(email="a@example.com") for _ in range(2))
    assert first["id"] != second["id"]


def test_a19_post_user_with_existing_external_id_answers_409_with_id(api, assert_error):
    user = api.user(external_id="u-1")
    text = f"A contact matching those details already exists with id={user['id']}"
    assert_error(api.post("/contacts", {"external_id": "u-1"}), 409, "conflict", text)


def test_a20_a_match_that_is_archived_answers_409_archived(api, assert_error):
    user = api.user(external_id="u-1")
    api.ok("POST", f"/contacts/{user['id']}/archive")
    text = f"An archived contact matching those details already exists with id={user['id']}"
    assert_error(api.post("/contacts", {"external_id": "u-1"}), 409, "conflict", text)


def test_a21_a_match_that_is_deleted_answers_the_same(api, assert_error):
    user = api.user(external_id="u-1")
    api.ok("DELETE", f"/contacts/{user['id']}")
    text = f"An archived contact matching those details already exists with id={user['id']}"
    assert_error(api.post("/contacts", {"external_id": "u-1"}), 409, "conflict", text)


def test_a_deleted_contact_frees_its_identity_after_some_days(api):
    user = api.user(external_id="u-1")
    api.ok("DELETE", f"/contacts/{user['id']}")
    api.clock.advance(6.9 * DAY)
    assert api.post("/contacts", {"external_id": "u-1"}).status == 409
    api.clock.advance(0.1 * DAY)
    assert api.post("/contacts", {"external_id": "u-1"}).status == 200


def test_a22_the_409_text_has_the_id_where_clients_look_for_it(api):
    user = api.user(external_id="u-1")
    message = api.post("/contacts", {"external_id": "u-1"}).json()["errors"][0]["message"]
    assert re.search(r"id=(\w+)", message)[1] == user["id"]


def test_a23_a_409_creates_and_changes_nothing(api):
    api.user(external_id="u-1", name="Before")
    before = api.emulator.state
    api.post("/contacts", {"external_id": "u-1", "name": "After", "email": "new@example.com"})
    assert api.emulator.state == before


def test_a24_post_with_a_known_email_and_a_new_external_id_makes_a_second_user(api):
    api.user(external_id="u-1", email="a@example.com")
    second = api.post("/contacts", {"external_id": "u-2", "email": "a@example.com"})
    assert second.status == 200
    assert len(api.emulator.state["contacts"]) == 2


def test_a24_the_switch_answers_409(make_api, assert_error):
    api = make_api(same_email_new_external_id="conflict")
    user = api.user(external_id="u-1", email="a@example.com")
    response = api.post("/contacts", {"external_id": "u-2", "email": "A@example.com"})
    assert_error(response, 409, "conflict", user["id"])


def test_a24_the_switch_leaves_users_without_external_id_alone(make_api):
    api = make_api(same_email_new_external_id="conflict")
    api.user(email="a@example.com")
    assert api.post("/contacts", {"external_id": "u", "email": "a@example.com"}).status == 200


@pytest.mark.parametrize(("choice", "status"), [("create", 200), ("conflict", 409)])
def test_a_known_email_without_external_id_and_a_new_external_id(make_api, choice, status):
    api = make_api(email_only_user_new_external_id=choice)
    api.user(email="a@example.com")
    assert api.post("/contacts", {"external_id": "u", "email": "a@example.com"}).status == status


def test_a24a_post_with_email_only_equal_to_a_users_email_answers_409(api, assert_error):
    user = api.user(external_id="u-1", email="a@example.com")
    response = api.post("/contacts", {"email": "a@example.com"})
    assert_error(response, 409, "conflict", f"id={user['id']}")


def test_a24a_a_lead_with_this_email_is_no_conflict(api):
    api.lead(email="a@example.com")
    assert api.post("/contacts", {"email": "a@example.com"}).status == 200


def test_the_switch_lets_email_only_users_share_an_email(make_api):
    api = make_api(same_email_no_external_id="create")
    api.user(email="a@example.com")
    assert api.post("/contacts", {"email": "a@example.com"}).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a25_an_external_id_in_the_path_answers_404(api, assert_error, method):
    api.user(external_id="u-1")
    body = {"name": "x"} if method == "PUT" else None
    response = api.call(method, "/contacts/u-1", body)
    assert_error(response, 404, "not_found", "User Not Found")


def test_the_other_text_of_404(make_api, assert_error):
    api = make_api(contact_not_found_text="Contact Not Found")
    assert_error(api.get("/contacts/x"), 404, "not_found", "Contact Not Found")


@pytest.mark.parametrize("gone", ["archive", "delete"])
def test_a26_get_of_archived_or_deleted_answers_404(api, assert_error, gone):
    path = f"/contacts/{api.user()['id']}"
    if gone == "archive":
        api.ok("POST", f"{path}/archive")
    else:
        api.ok("DELETE", path)
    assert_error(api.get(path), 404, "not_found", "User Not Found")
    assert_error(api.put(path, {"name": "x"}), 404)


def test_a27_put_touches_only_what_was_sent(api):
    api.declare("plan")
    user = api.user(external_id="u", name="Ann", phone="1", custom_attributes={"plan": "pro"})
    api.clock.advance(5)
    changed = api.ok("PUT", f"/contacts/{user['id']}", {"phone": "2"})
    different = {key for key in user if user[key] != changed[key]}
    assert different == {"phone", "updated_at"}


def test_a27_custom_attributes_merge_key_by_key(api):
    for name in ("plan", "city", "team"):
        api.declare(name)
    user = api.user(custom_attributes={"plan": "pro", "city": "Cork"})
    sent = {"custom_attributes": {"city": None, "team": "a"}}
    changed = api.ok("PUT", f"/contacts/{user['id']}", sent)
    assert changed["custom_attributes"] == {"plan": "pro", "city": None, "team": "a"}


def test_a28_null_clears_name_and_phone(api):
    user = api.user(name="Ann", phone="1")
    changed = api.ok("PUT", f"/contacts/{user['id']}", {"name": None, "phone": None})
    assert (changed["name"], changed["phone"]) == (None, None)


def test_a28_a_null_email_becomes_empty(api):
    user = api.user(external_id="u", email="a@example.com")
    assert api.ok("PUT", f"/contacts/{user['id']}", {"email": None})["email"] == ""
    assert api.post("/contacts", {"email": "a@example.com"}).status == 200


def test_a28_a_null_external_id_is_ignored(api):
    user = api.user(external_id="u")
    assert api.ok("PUT", f"/contacts/{user['id']}", {"external_id": None})["external_id"] == "u"


def test_a29_put_turns_a_lead_into_a_user_with_an_external_id(api):
    lead = api.lead(email="l@example.com")
    changed = api.ok("PUT", f"/contacts/{lead['id']}", {"role": "user", "external_id": "u-9"})
    assert (changed["role"], changed["external_id"]) == ("user", "u-9")
    assert api.event(user_id="u-9").status == 202


def test_a29_an_external_id_alone_does_nothing_to_a_lead(api):
    lead = api.lead(email="l@example.com")
    changed = api.ok("PUT", f"/contacts/{lead['id']}", {"external_id": "u-9"})
    assert changed["external_id"] == lead["external_id"]


def test_a30_a_user_cannot_become_a_lead(api, assert_error):
    user = api.user(name="Ann")
    response = api.put(f"/contacts/{user['id']}", {"role": "lead", "name": "Bea"})
    text = "Contact with user role can't be converted to a lead"
    assert_error(response, 400, "client_error", text)
    assert api.contact(user["id"])["name"] == "Ann"


def test_a31_put_of_another_users_email_is_accepted(api):
    api.user(external_id="u-1", email="a@example.com")
    second = api.user(external_id="u-2", email="b@example.com")
    assert api.put(f"/contacts/{second['id']}", {"email": "a@example.com"}).status == 200


def test_put_of_a_live_users_external_id_answers_409(api, assert_error):
    first, second = api.user(external_id="u-1"), api.user(external_id="u-2")
    response = api.put(f"/contacts/{second['id']}", {"external_id": "u-1"})
    assert_error(response, 409, "conflict", first["id"])


def test_put_of_an_archived_users_external_id_is_accepted(api):
    first, second = api.user(external_id="u-1"), api.user(external_id="u-2")
    api.ok("POST", f"/contacts/{first['id']}/archive")
    assert api.put(f"/contacts/{second['id']}", {"external_id": "u-1"}).status == 200


def test_put_changes_the_external_id(api):
    user = api.user(external_id="old")
    api.ok("PUT", f"/contacts/{user['id']}", {"external_id": "new"})
    assert api.event(user_id="new").status == 202
    assert api.event(user_id="old").status == 404


def test_a32_an_avatar_is_written_as_url_and_read_as_object(api):
    user = api.user(avatar="https://example.com/a.png")
    assert user["avatar"] == {"type": "avatar", "image_url": "https://example.com/a.png"}
    assert api.ok("PUT", f"/contacts/{user['id']}", {"avatar": None})["avatar"] is None


LEGACY = {
    "companies": [{"company_id": "c"}],
    "last_seen_ip": "127.0.0.1",
    "last_seen_user_agent": "x",
    "update_last_request_at": True,
    "language_override": "de",
}


@pytest.mark.parametrize("name", LEGACY)
def test_a38_fields_of_the_1x_api_have_no_effect(api, name):
    user = api.user(external_id="u", **{name: LEGACY[name]})
    changed = api.put(f"/contacts/{user['id']}", {name: LEGACY[name]})
    assert changed.status == 200
    assert changed.json() == user
    assert user["language_override"] is None
    assert user["companies"]["total_count"] == 0


def test_the_switch_refuses_unknown_fields_of_contacts(make_api, assert_error):
    api = make_api(unknown_contact_field="reject")
    assert_error(api.post("/contacts", {"email": "a@b.c", "vip": True}), 400, "bad_request", "vip")


def test_a39_an_unknown_owner_answers_400(api, assert_error):
    response = api.post("/contacts", {"external_id": "u", "owner_id": 999})
    text = "The owner specified is not a member of the workspace"
    assert_error(response, 400, "parameter_invalid", text)


def test_a39_an_admin_may_own(api):
    api.emulator.seed(admins=[{"id": 77, "name": "Eve"}])
    user = api.user(owner_id=77)
    assert user["owner_id"] == 77
    assert api.ok("GET", f"/contacts/{user['id']}", version="2.16")["owner_id"] == "77"


def test_a40_times_are_whole_seconds_or_null(api):
    user = api.user(signed_up_at=1_600_000_000)
    times = {key: value for key, value in user.items() if key.endswith("_at")}
    assert times["signed_up_at"] == 1_600_000_000
    assert all(value is None or type(value) is int for value in times.values())


@pytest.mark.parametrize("value", ["2024-01-01T00:00:00Z", 1.5, True, "yesterday"])
def test_a_time_that_is_no_whole_number_answers_400(api, assert_error, value):
    response = api.post("/contacts", {"external_id": "u", "signed_up_at": value})
    assert_error(response, 400, "parameter_invalid")


def test_the_switch_takes_times_as_text(make_api):
    api = make_api(text_timestamps="accept")
    assert api.user(signed_up_at="2024-01-01T00:00:00Z")["signed_up_at"] == 1_704_067_200


def test_a41_archive_unarchive_and_delete_answer_in_their_shapes(api):
    user = api.user(external_id="u")
    path, stub = (
        f"/contacts/{user['id']}",
        {"id": user["id"], "external_id": "u", "type": "contact"},
    )
    assert api.ok("POST", f"{path}/archive") == {**stub, "archived": True}
    assert api.ok("POST", f"{path}/unarchive") == {**stub, "archived": False}
    assert api.ok("DELETE", path) == {**stub, "deleted": True}


def test_unarchive_brings_everything_back(api):
    user = api.user(external_id="u", name="Ann")
    api.ok("POST", f"/contacts/{user['id']}/archive")
    api.ok("POST", f"/contacts/{user['id']}/unarchive")
    assert api.contact(user["id"])["name"] == "Ann"


def test_a42_unarchive_of_a_deleted_contact_answers_400(api, assert_error):
    user = api.user()
    api.ok("DELETE", f"/contacts/{user['id']}")
    response = api.post(f"/contacts/{user['id']}/unarchive")
    text = "User has been marked for permanent deletion and is not restorable."
    assert_error(response, 400, "bad_request", text)


def test_the_switch_answers_500_to_unarchive_of_a_deleted_contact(make_api, assert_error):
    api = make_api(unarchive_deleted="server_error")
    user = api.user()
    api.ok("DELETE", f"/contacts/{user['id']}")
    assert_error(api.post(f"/contacts/{user['id']}/unarchive"), 500, "server_error")


def test_block_exists_since_2_13(api):
    path = f"/contacts/{api.user()['id']}/block"
    assert api.post(path).status == 404
    assert api.ok("POST", path, version="2.13")["blocked"] is True


def test_emails_are_stored_in_lower_case(api, make_api):
    assert api.user(email="Ann@Example.COM")["email"] == "ann@example.com"
    kept = make_api(downcase_emails=False).user(email="Ann@Example.COM")
    assert kept["email"] == "Ann@Example.COM"


def test_a_number_as_external_id_is_taken_as_text(api):
    assert api.ok("POST", "/contacts", {"external_id": 42})["external_id"] == "42"


def test_a_contact_shows_at_most_ten_companies(api):
    user = api.user()
    for number in range(11):
        api.attach(user, api.company(f"c-{number}"))
    companies = api.contact(user["id"])["companies"]
    assert len(companies["data"]) == 10
    assert companies["total_count"] == 11
    assert companies["has_more"] is True


def test_unsubscribed_is_written_and_cleared(api):
    user = api.user(unsubscribed_from_emails=True)
    assert user["unsubscribed_from_emails"] is True
    changed = api.ok("PUT", f"/contacts/{user['id']}", {"unsubscribed_from_emails": None})
    assert changed["unsubscribed_from_emails"] is False


def test_newer_versions_add_push_messaging(api):
    user = api.user()
    assert "enabled_push_messaging" not in user
    assert "enabled_push_messaging" in api.ok("GET", f"/contacts/{user['id']}", version="2.12")
