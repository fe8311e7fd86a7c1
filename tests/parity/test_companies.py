"""C1-C6: companies in identify."""

from __future__ import annotations

import hashlib

import pytest


def test_c1_company_object(identify):
    company = {
        "id": 12345,
        "name": " Initech ",
        "plan": "enterprise",
        "monthly_spend": 99,
        "size": 50,
        "website": "https://initech.example",
        "industry": "Software",
        "created_at": "2018-03-26T17:44:51Z",
        "tier": "gold",
    }
    assert identify({"company": company}).company == {
        "company_id": "12345",
        "name": "Initech",
        "plan": "enterprise",
        "monthly_spend": 99,
        "size": 50,
        "website": "https://initech.example",
        "industry": "Software",
        "remote_created_at": 1522086291,
        "custom_attributes": {"tier": "gold"},
    }


@pytest.mark.parametrize(
    ("company", "expected"),
    [
        ({"id": 12345}, "12345"),
        ({"company_id": "c9"}, "c9"),
        ({"companyId": "c9"}, "c9"),
        ({"id": "c1", "company_id": "c9", "name": "Acme"}, "c1"),
        ({"id": None, "name": "Acme"}, "2087422127"),
        ({"id": "", "name": "Acme"}, "2087422127"),
    ],
)
def test_c1_company_id_is_id_or_company_id_or_hash_of_name(identify, company, expected):
    shaped = identify({"company": company})
    assert shaped.company["company_id"] == expected
    assert shaped.one("attach_company") == {"company_id": expected}
    assert "custom_attributes" not in shaped.company


def test_c1_employees_stands_in_for_size(identify):
    assert identify({"company": {"id": 1, "employees": "17"}}).company["size"] == 17


def test_c1_the_rest_follows_the_rules_of_custom_attributes(identify):
    company = {
        "id": 1, "renewal": "2024-01-02", "hq": {"city": "Bonn"}, "bio": "x" * 300, "gone": None,
        "a.b": 1,
    }  # fmt: skip
    shaped = identify({"company": company})
    assert shaped.company["custom_attributes"] == {
        "renewal_at": 1704153600, "bio": "x" * 255, "gone": None, "a_b": 1,
    }  # fmt: skip
    flat = identify({"company": company}, nested="flatten").company["custom_attributes"]
    assert flat["hq_city"] == "Bonn"


@pytest.mark.parametrize(
    ("name", "hashed"),
    [("Segment", "2017828326"), ("Acme", "2087422127"), ("Initech", "721719249")],
)
def test_c2_text_company_gets_the_hash_of_its_name(identify, name, hashed):
    shaped = identify({"company": name})
    assert shaped.company == {"company_id": hashed, "name": name}
    assert shaped.one("attach_company") == {"company_id": hashed}
    assert shaped.custom == {}


def test_c2_the_users_own_plan_and_dates_are_not_copied_onto_it(identify):
    traits = {"company": "Acme", "plan": "pro", "monthly_spend": 5, "createdAt": 1}
    shaped = identify(traits)
    assert shaped.company == {"company_id": "2087422127", "name": "Acme"}
    assert shaped.custom == {"plan": "pro", "monthly_spend": 5}


def test_c2_md5_for_people_who_come_from_rudderstack(identify):
    shaped = identify({"company": "Acme"}, company_hash="md5")
    assert shaped.company["company_id"] == hashlib.md5(b"Acme").hexdigest()


def test_c3_companies_list_of_objects_or_names(identify):
    shaped = identify({"companies": [{"id": 1}, "Acme", {"name": "Initech"}]})
    ids = [company["company_id"] for company in shaped.all("upsert_company")]
    assert ids == ["1", "2087422127", "721719249"]
    assert [one["company_id"] for one in shaped.all("attach_company")] == ids
    assert shaped.custom == {}


def test_c3_company_wins_over_companies(identify):
    shaped = identify({"company": {"id": 1}, "companies": [{"id": 2}]})
    assert shaped.company["company_id"] == "1"
    assert shaped.custom == {}


def test_c4_remove_detaches_and_creates_nothing(identify):
    company = {"id": 12345, "name": "Initech", "remove": True}
    shaped = identify({"company": company})
    assert shaped.kinds == ["upsert_contact", "detach_company"]
    assert shaped.one("detach_company") == {"company_id": "12345"}


def test_c4_some_are_removed_and_some_are_not(identify):
    shaped = identify({"companies": [{"id": 1, "remove": True}, {"id": 2, "remove": False}]})
    assert shaped.company == {"company_id": "2"}
    assert shaped.one("attach_company") == {"company_id": "2"}
    assert shaped.one("detach_company") == {"company_id": "1"}


@pytest.mark.parametrize(
    "company", [None, 7, True, {}, "", "  ", {"plan": "pro"}, [], {"name": ""}, {"name": 5}, [3]]
)
def test_c5_no_id_and_no_name_is_no_company(identify, company):
    shaped = identify({"company": company})
    assert shaped.kinds == ["upsert_contact"]
    assert shaped.custom == {}


def test_c6_company_then_contact_then_attach(identify):
    shaped = identify({"company": {"id": 1}})
    assert shaped.kinds == ["upsert_company", "upsert_contact", "attach_company"]


@pytest.mark.parametrize(
    ("sent", "spend"),
    [(99, 99), ("99", 99), (99.5, 100), ("99.49", 99), (0, 0), ("1e3", 1000)],
)
def test_c6_monthly_spend_is_an_integer_rounded_half_up(identify, sent, spend):
    company = identify({"company": {"id": 1, "monthlySpend": sent}}).company
    assert company["monthly_spend"] == spend
    assert type(company["monthly_spend"]) is int


@pytest.mark.parametrize("sent", ["a lot", True, {}, 3_000_000_000])
def test_c6_an_unreadable_spend_loses_the_field_and_is_counted(identify, sent):
    shaped = identify({"company": {"id": 1, "monthly_spend": sent}})
    assert shaped.company == {"company_id": "1"}
    assert len(shaped.warnings) == 1
