"""Tags and visitors (assertions 81, 82)."""

from __future__ import annotations

import pytest


def test_a81_tag_names_compare_without_case(api):
    first = api.ok("POST", "/tags", {"name": "VIP"})
    second = api.ok("POST", "/tags", {"name": "vip"})
    assert first["id"] == second["id"]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 1}, {"name": "x", "users": [1]}])
def test_a_bad_tag_answers_400(api, assert_error, body):
    assert_error(api.post("/tags", body), 400, "parameter_invalid", "invalid tag parameters")


def test_a_tag_is_renamed_by_its_id(api, assert_error):
    tag = api.ok("POST", "/tags", {"name": "old"})
    assert api.ok("POST", "/tags", {"id": tag["id"], "name": "new"})["name"] == "new"
    assert_error(api.post("/tags", {"id": "99", "name": "x"}), 404, "not_found")


def test_tags_are_read_listed_and_deleted(api, assert_error):
    tag = api.ok("POST", "/tags", {"name": "vip"})
    user = api.user()
    api.ok("POST", f"/contacts/{user['id']}/tags", {"id": tag["id"]})
    assert api.ok("GET", f"/tags/{tag['id']}") == tag
    assert api.ok("GET", "/tags")["data"] == [tag]
    assert api.delete(f"/tags/{tag['id']}").body == b""
    assert api.contact(user["id"])["tags"]["total_count"] == 0
    assert_error(api.get(f"/tags/{tag['id']}"), 404)


def test_users_and_companies_are_tagged_and_untagged(api):
    user, company = api.user(), api.company("acme")
    who = {"users": [{"id": user["id"]}], "companies": [{"company_id": "acme"}]}
    api.ok("POST", "/tags", {"name": "vip", **who})
    assert api.contact(user["id"])["tags"]["total_count"] == 1
    assert len(api.ok("GET", f"/companies/{company['id']}")["tags"]["tags"]) == 1
    api.ok("POST", "/tags", {"name": "vip", "companies": [{"id": company["id"], "untag": True}]})
    assert api.ok("GET", f"/companies/{company['id']}")["tags"]["tags"] == []


def test_tagging_somebody_unknown_answers_404_and_makes_no_tag(api, assert_error):
    assert_error(api.post("/tags", {"name": "x", "users": [{"id": "nobody"}]}), 404, "not_found")
    response = api.post("/tags", {"name": "x", "companies": [{"company_id": "none"}]})
    assert_error(response, 404, "company_not_found")
    assert api.emulator.state["tags"] == []


def test_tags_of_a_contact(api, assert_error):
    user, tag = api.user(), api.ok("POST", "/tags", {"name": "vip"})
    path = f"/contacts/{user['id']}/tags"
    assert api.ok("POST", path, {"id": tag["id"]})["name"] == "vip"
    assert [one["id"] for one in api.ok("GET", path)["data"]] == [tag["id"]]
    assert api.ok("DELETE", f"{path}/{tag['id']}")["id"] == tag["id"]
    assert_error(api.delete(f"{path}/{tag['id']}"), 404)
    assert_error(api.post(path, {"id": "99"}), 404, "not_found", "Resource Not Found")
    assert_error(api.post(path, {}), 400)


@pytest.fixture
def visited(api):
    """A workspace that the visitor ``v-1`` has been to."""
    api.emulator.seed(visitors=[{"user_id": "v-1", "name": "Vic"}])
    return api


def test_a82_convert_of_an_unknown_visitor_answers_404(api, assert_error):
    body = {"type": "user", "visitor": {"user_id": "x"}, "user": {"email": "a@example.com"}}
    text = "Visitor Not Found"
    assert_error(api.post("/visitors/convert", body), 404, "not_found", text)


def test_a_visitor_becomes_a_user(visited, assert_error):
    body = {"type": "user", "visitor": {"user_id": "v-1"}, "user": {"user_id": "u-1"}}
    user = visited.ok("POST", "/visitors/convert", body)
    assert (user["role"], user["external_id"], user["name"]) == ("user", "u-1", "Vic")
    assert_error(visited.get("/visitors?user_id=v-1"), 404)


def test_a_visitor_joins_an_existing_user(visited):
    known = visited.user(external_id="u-1", name="Ann")
    body = {"type": "user", "visitor": {"user_id": "v-1"}, "user": {"user_id": "u-1"}}
    user = visited.ok("POST", "/visitors/convert", body)
    assert (user["id"], user["name"]) == (known["id"], "Ann")


def test_a_visitor_becomes_a_lead(visited):
    body = {"type": "lead", "visitor": {"user_id": "v-1"}}
    assert visited.ok("POST", "/visitors/convert", body)["role"] == "lead"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "admin"},
        {"type": "user"},
        {"type": "user", "visitor": {"user_id": "v-1"}},
    ],
)
def test_an_incomplete_conversion_answers_400(visited, assert_error, body):
    assert_error(visited.post("/visitors/convert", body), 400)


def test_a_visitor_is_changed(visited):
    changed = visited.ok("PUT", "/visitors", {"user_id": "v-1", "name": "Victor"})
    assert changed["name"] == "Victor"
    assert visited.ok("GET", "/visitors?user_id=v-1")["name"] == "Victor"
