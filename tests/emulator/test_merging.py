"""Merging leads into users (assertions 47, 48)."""

from __future__ import annotations

import pytest

TEXT = "Merging can only be performed on a lead into a user"


def merged(api, lead, user, **options):
    return api.post("/contacts/merge", {"from": lead["id"], "into": user["id"]}, **options)


def test_a47_only_a_lead_into_a_user(api, assert_error):
    user, other = api.user(), api.user()
    lead, another = api.lead(email="l@example.com"), api.lead(email="m@example.com")
    for source, target in ((user, other), (user, lead), (lead, another)):
        assert_error(merged(api, source, target), 400, "invalid_merge", TEXT)


def test_a48_the_merged_lead_is_404_up_to_2_15(api, assert_error):
    lead, user = api.lead(email="l@example.com"), api.user()
    assert merged(api, lead, user).status == 200
    for version in ("2.11", "2.15"):
        assert_error(api.get(f"/contacts/{lead['id']}", version=version), 404, "not_found")


def test_a48_the_merged_lead_is_410_since_2_16(api, assert_error):
    lead, user = api.lead(email="l@example.com"), api.user()
    merged(api, lead, user)
    response = api.get(f"/contacts/{lead['id']}", version="2.16")
    assert_error(response, 410, "contact_merged")


def test_merge_answers_the_user_and_fills_its_blanks(api):
    api.declare("plan")
    api.declare("city")
    lead = api.lead(
        email="l@example.com",
        name="Lea",
        phone="1",
        custom_attributes={"plan": "lead", "city": "Cork"},
    )
    user = api.user(external_id="u", name="Ann", custom_attributes={"plan": "pro"})
    answer = merged(api, lead, user).json()
    assert answer["id"] == user["id"]
    assert (answer["name"], answer["phone"], answer["email"]) == ("Ann", "1", "l@example.com")
    assert answer["custom_attributes"] == {"plan": "pro", "city": "Cork"}


def test_merge_moves_companies_tags_and_events(api):
    lead, user = api.lead(email="l@example.com"), api.user()
    company = api.company()
    api.attach(lead, company)
    assert api.event(id=lead["id"]).status == 202
    tag = api.ok("POST", "/tags", {"name": "vip"})
    api.ok("POST", f"/contacts/{lead['id']}/tags", {"id": tag["id"]})
    answer = merged(api, lead, user).json()
    assert answer["companies"]["total_count"] == 1
    assert answer["tags"]["total_count"] == 1
    assert [event["contact_id"] for event in api.stored_events()] == [user["id"]]
    assert api.ok("GET", f"/companies/{company['id']}")["user_count"] == 1


def test_merge_of_unknown_ids_answers_404(api, assert_error):
    assert_error(merged(api, {"id": "x"}, api.user()), 404, "not_found", "User Not Found")


@pytest.mark.parametrize("body", [{}, {"from": "x"}, {"into": "x"}])
def test_merge_needs_both_ids(api, assert_error, body):
    assert_error(api.post("/contacts/merge", body), 400, "parameter_not_found")


def test_the_switch_refuses_to_merge_external_leads(make_api, assert_error):
    api = make_api(external_lead_merge="reject")
    response = merged(api, api.lead(email="l@example.com"), api.user())
    assert_error(response, 422, "unprocessable_entity", "disabled by default")
