"""Companies and attachments (assertions 49-60)."""

from __future__ import annotations

import re

import pytest


def test_a49_post_twice_updates_the_same_company(api):
    first = api.company("acme", name="Acme", size=1)
    second = api.company("acme", name="Acme Ltd")
    assert second["id"] == first["id"]
    assert (second["name"], second["size"]) == ("Acme Ltd", 1)
    assert re.fullmatch(r"[0-9a-f]{24}", first["id"])


def test_a50_a_body_with_only_an_unknown_key_answers_400(api, assert_error):
    response = api.post("/companies", {"test": "invalid"})
    assert_error(response, 400, "bad_request", "bad 'test' parameter")


def test_an_unknown_key_beside_known_ones_answers_400(api, assert_error):
    response = api.post("/companies", {"company_id": "c", "enabled": True})
    assert_error(response, 400, "bad_request", "bad 'enabled' parameter")
    assert api.emulator.state["companies"] == []


def test_the_switch_ignores_unknown_keys(make_api):
    api = make_api(unknown_company_field="ignore")
    assert api.post("/companies", {"company_id": "c", "enabled": True}).status == 200


def test_a51_a_fraction_of_monthly_spend_is_cut_off(api):
    assert api.company(monthly_spend=155.98)["monthly_spend"] == 155


@pytest.mark.parametrize("amount", [2_147_483_648, 1e300, "12", True])
def test_a51_a_monthly_spend_out_of_range_is_refused(api, assert_error, amount):
    response = api.post("/companies", {"company_id": "c", "monthly_spend": amount})
    assert_error(response, 400, "parameter_invalid")


def test_a51_an_infinite_monthly_spend_is_refused(api, assert_error):
    response = api.post("/companies", b'{"company_id":"c","monthly_spend":1e999}')
    assert_error(response, 400, "parameter_invalid")


def test_a51_the_greatest_monthly_spend_is_stored(api):
    assert api.company(monthly_spend=2_147_483_647)["monthly_spend"] == 2_147_483_647


def test_a52_a_company_is_listed_only_once_somebody_is_attached(api):
    company = api.company()
    assert api.ok("POST", "/companies/list")["data"] == []
    assert api.ok("GET", f"/companies/{company['id']}")["id"] == company["id"]
    api.attach(api.user(), company)
    assert [one["id"] for one in api.ok("POST", "/companies/list")["data"]] == [company["id"]]


def test_a53_get_of_a_missing_company_id_answers_404(api, assert_error):
    response = api.get("/companies?company_id=missing")
    assert_error(response, 404, "company_not_found", "Company Not Found")


def test_get_by_company_id_or_name_answers_one_company(api):
    company = api.company("acme", name="Acme")
    assert api.ok("GET", "/companies?company_id=acme")["id"] == company["id"]
    assert api.ok("GET", "/companies?name=Acme")["type"] == "company"


def test_a54_a_plan_is_read_back_as_an_object(api):
    plan = api.company(plan="pro")["plan"]
    assert (plan["type"], plan["name"]) == ("plan", "pro")
    assert isinstance(plan["id"], str)


def test_a54_no_plan_is_an_empty_object(api):
    assert api.company()["plan"] == {}


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"company_id": "acme"}, None])
def test_a55_attach_needs_an_id(api, assert_error, body):
    api.company("acme")
    response = api.post(f"/contacts/{api.user()['id']}/companies", body)
    assert_error(response, 400, "parameter_not_found", "company not specified")


def test_a56_attach_does_not_take_a_company_id_for_an_id(api, assert_error):
    api.company("acme")
    response = api.post(f"/contacts/{api.user()['id']}/companies", {"id": "acme"})
    assert_error(response, 404, "company_not_found", "Company Not Found")


def test_attach_of_an_unknown_contact_answers_404(api, assert_error):
    response = api.post("/contacts/nobody/companies", {"id": api.company()["id"]})
    assert_error(response, 404, "not_found", "User Not Found")


def test_a57_attach_twice_counts_once(api):
    user, company = api.user(), api.company()
    assert api.attach(user, company)["user_count"] == 1
    assert api.attach(user, company)["user_count"] == 1


def test_a58_the_1001st_company_is_refused(api, assert_error):
    companies = [{"company_id": f"c{number}"} for number in range(1001)]
    made = api.emulator.seed(
        companies=companies,
        contacts=[{"external_id": "u", "companies": [f"c{number}" for number in range(1000)]}],
    )
    path = f"/contacts/{made['contacts'][0]}/companies"
    response = api.post(path, {"id": made["companies"][1000]})
    text = "Contact has reached the maximum of 1000 company associations"
    assert_error(response, 400, "contact_company_limit_exceeded", text)
    assert api.post(path, {"id": made["companies"][0]}).status == 200


def test_a58_the_switch_drops_it_silently(make_api):
    api = make_api(contact_company_limit=0, over_company_limit="drop")
    assert api.attach(api.user(), api.company())["user_count"] == 0


def test_a59_detach_answers_the_company(api):
    user, company = api.user(), api.company()
    api.attach(user, company)
    answer = api.ok("DELETE", f"/contacts/{user['id']}/companies/{company['id']}")
    assert (answer["type"], answer["id"], answer["user_count"]) == ("company", company["id"], 0)


def test_a59_detach_of_the_unlinked_or_unknown_answers_404(api, assert_error):
    user, company = api.user(), api.company()
    path = f"/contacts/{user['id']}/companies"
    assert_error(api.delete(f"{path}/{company['id']}"), 404)
    assert_error(api.delete(f"{path}/unknown"), 404, "company_not_found")
    assert_error(api.delete(f"/contacts/x/companies/{company['id']}"), 404, "not_found")


def test_a60_attach_answers_a_company(api):
    assert api.attach(api.user(), api.company("acme"))["company_id"] == "acme"


def test_the_companies_of_a_contact_are_listed(api):
    user = api.user()
    for name in ("a", "b", "c"):
        api.attach(user, api.company(name))
    first = api.ok("GET", f"/contacts/{user['id']}/companies?per_page=2")
    assert [one["company_id"] for one in first["data"]] == ["a", "b"]
    assert (first["total_count"], first["pages"]["next"]["page"]) == (3, 2)
    second = api.ok("GET", f"/contacts/{user['id']}/companies?per_page=2&page=2")
    assert [one["company_id"] for one in second["data"]] == ["c"]
    assert second["pages"]["next"] is None


def test_put_changes_a_company_but_not_its_company_id(api):
    company = api.company("acme")
    sent = {"name": "Acme", "company_id": "other", "remote_created_at": 5}
    changed = api.ok("PUT", f"/companies/{company['id']}", sent)
    assert (changed["name"], changed["company_id"]) == ("Acme", "acme")
    assert changed["remote_created_at"] == company["remote_created_at"]


def test_a_refused_update_saves_nothing(api, assert_error):
    company = api.company("acme", name="Acme")
    sent = {"company_id": "acme", "name": "New", "custom_attributes": {"none": 1}}
    assert_error(api.post("/companies", sent), 400)
    assert api.ok("GET", f"/companies/{company['id']}")["name"] == "Acme"


def test_delete_detaches_everybody(api):
    user, company = api.user(), api.company("acme")
    api.attach(user, company)
    answer = api.ok("DELETE", f"/companies/{company['id']}")
    assert answer == {"id": company["id"], "object": "company", "deleted": True}
    assert api.contact(user["id"])["companies"]["total_count"] == 0
    assert api.company("acme")["id"] != company["id"]


def test_custom_attributes_of_a_company_merge(api):
    api.declare("tier", model="company")
    api.declare("seats", data_type="integer", model="company")
    api.company(custom_attributes={"tier": "gold"})
    company = api.company(custom_attributes={"seats": 3})
    assert company["custom_attributes"] == {"tier": "gold", "seats": 3}


def test_an_archived_contact_is_not_counted(api):
    user, company = api.user(), api.company()
    api.attach(user, company)
    api.ok("POST", f"/contacts/{user['id']}/archive")
    assert api.ok("GET", f"/companies/{company['id']}")["user_count"] == 0
    api.ok("POST", f"/contacts/{user['id']}/unarchive")
    assert api.ok("GET", f"/companies/{company['id']}")["user_count"] == 1


@pytest.mark.parametrize(("choice", "status"), [("create", 200), ("reject", 400)])
def test_a_company_without_company_id(make_api, choice, status):
    api = make_api(company_without_id=choice)
    assert api.post("/companies", {"name": "Acme"}).status == status


def test_size_website_and_industry_show_once_set(api):
    assert not {"size", "website", "industry"} & api.company("a").keys()
    company = api.company("b", size=5, website="https://b.example", industry="x")
    assert (company["size"], company["website"], company["industry"]) == (
        5,
        "https://b.example",
        "x",
    )


@pytest.fixture
def many(api):
    """120 companies, each with the same contact."""
    companies = [f"c{number:03}" for number in range(120)]
    api.emulator.seed(
        companies=[{"company_id": key} for key in companies],
        contacts=[{"external_id": "u", "companies": companies}],
    )
    return api


def test_the_list_has_fifteen_a_page_newest_first(many):
    first = many.ok("POST", "/companies/list")
    assert len(first["data"]) == 15
    assert first["data"][0]["company_id"] == "c119"
    assert (first["total_count"], first["pages"]["total_pages"]) == (120, 8)
    last = many.ok("POST", "/companies/list", {"page": 8, "order": "asc"})
    assert last["pages"]["next"] is None
    assert last["data"][-1]["company_id"] == "c119"


def test_the_list_ends_at_ten_thousand(many, assert_error):
    assert_error(many.post("/companies/list", {"page": 100, "per_page": 150}), 400)
    assert_error(many.post("/companies/list", {"order": "up"}), 400)


def test_the_scroll_goes_through_all_of_them(many):
    answer = many.ok("GET", "/companies/scroll")
    seen = list(answer["data"])
    while answer["data"]:
        answer = many.ok("GET", f"/companies/scroll?scroll_param={answer['scroll_param']}")
        seen += answer["data"]
    assert len({company["id"] for company in seen}) == 120


def test_one_scroll_is_open_at_a_time(many, assert_error):
    many.ok("GET", "/companies/scroll")
    assert_error(many.get("/companies/scroll"), 400, "scroll_exists")


def test_a_scroll_expires_after_a_minute(many, assert_error):
    param = many.ok("GET", "/companies/scroll")["scroll_param"]
    many.clock.advance(61)
    assert_error(many.get(f"/companies/scroll?scroll_param={param}"), 404)
    assert many.get("/companies/scroll").status == 200


def test_companies_are_filtered_by_tag_and_segment(many):
    many.ok("POST", "/tags", {"name": "vip", "companies": [{"company_id": "c005"}]})
    tag = many.emulator.state["tags"][0]["id"]
    tagged = many.ok("GET", f"/companies?tag_id={tag}")
    assert [one["company_id"] for one in tagged["data"]] == ["c005"]
    assert many.ok("GET", "/companies?segment_id=1")["data"] == []


def test_the_contacts_of_a_company_are_listed(api):
    user, company = api.user(), api.company()
    api.attach(user, company)
    answer = api.ok("GET", f"/companies/{company['id']}/contacts")
    assert [contact["id"] for contact in answer["data"]] == [user["id"]]
