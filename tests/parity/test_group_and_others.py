"""G1-G4, O1-O3: group, page, screen, alias, delete."""

from __future__ import annotations

import pytest

from tests.parity.conftest import SECONDS


def test_g1_group_id_is_the_company_id_as_text(shape):
    shaped = shape({"type": "group", "groupId": 77, "userId": "u1", "traits": {"name": "Acme"}})
    assert shaped.company == {"company_id": "77", "name": "Acme"}
    assert shaped.one("attach_company") == {"company_id": "77"}


def test_g1_fields_as_of_a_company(group):
    traits = {
        "id": "other", "company_id": "other", "name": "Acme", "plan": "pro", "employees": 5,
        "monthly_spend": "10", "createdAt": 1522086291, "renewal": "2024-01-02", "tier": 1,
    }  # fmt: skip
    assert group(traits).company == {
        "company_id": "c1",
        "name": "Acme",
        "plan": "pro",
        "size": 5,
        "monthly_spend": 10,
        "remote_created_at": 1522086291,
        "custom_attributes": {"renewal_at": 1704153600, "tier": 1},
    }


def test_g1_without_traits_the_company_has_its_id(shape):
    assert shape({"type": "group", "groupId": "c1"}).company == {"company_id": "c1"}


@pytest.mark.parametrize("group_id", [None, "", {}])
def test_g1_missing_group_id_is_a_dead_letter(shape, group_id):
    assert shape({"type": "group", "userId": "u1"}).refused == "mapping_error"
    assert shape({"type": "group", "userId": "u", "groupId": group_id}).refused == "mapping_error"


def test_g2_user_is_attached(group):
    shaped = group({"name": "Acme"})
    assert shaped.kinds == ["upsert_company", "upsert_contact", "attach_company"]
    assert shaped.person.user_id == "u1"


def test_g2_email_of_the_context_is_the_member(group):
    shaped = group({}, userId=None, context={"traits": {"email": "ada@example.com"}})
    assert shaped.person.email == "ada@example.com"
    assert "attach_company" in shaped.kinds


def test_g2_email_of_the_traits_is_the_companys(group):
    shaped = group({"email": "info@acme.example"}, userId=None)
    assert shaped.kinds == ["upsert_company"]
    assert shaped.person.key is None
    assert shaped.company["custom_attributes"] == {"email": "info@acme.example"}


def test_g2_no_person_company_only(shape):
    assert shape({"type": "group", "groupId": "c1", "anonymousId": "a"}).kinds == ["upsert_company"]


def test_g3_an_unknown_contact_is_created_with_its_external_id(group):
    shaped = group({}, context={"traits": {"email": "ada@example.com"}})
    assert shaped.contact == {
        "role": "user", "external_id": "u1", "email": "ada@example.com", "last_seen_at": SECONDS,
    }  # fmt: skip


def test_g3_setting_leaves_the_contact_to_others(group):
    shaped = group({}, create_contact_on_group=False)
    assert shaped.kinds == ["upsert_company", "touch_contact", "attach_company"]
    assert shaped.one("touch_contact") == {"last_seen_at": SECONDS}


def test_g4_not_active_leaves_last_seen_alone(group):
    shaped = group({}, context={"active": False})
    assert shaped.contact == {"role": "user", "external_id": "u1"}
    shaped = group({}, context={"active": False}, create_contact_on_group=False)
    assert shaped.kinds == ["upsert_company", "attach_company"]


def test_g4_last_request_at_wins_and_is_not_repeated(group):
    shaped = group({"name": "Acme", "lastRequestAt": 100})
    assert shaped.contact["last_seen_at"] == 100
    assert shaped.company == {"company_id": "c1", "name": "Acme"}


PAGE = {"type": "page", "userId": "u1", "name": "Docs", "properties": {"name": "Docs", "path": "/"}}


def test_o1_page_is_skipped_by_default(shape):
    assert shape(PAGE).skipped == "not_mapped"


def test_o1_page_touch(shape):
    shaped = shape(PAGE, page="touch")
    assert shaped.kinds == ["touch_contact"]
    assert shaped.one("touch_contact") == {"last_seen_at": SECONDS}
    assert shape({**PAGE, "context": {"active": False}}, page="touch").skipped == "not_mapped"


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({}, "Viewed Docs Page"),
        ({"name": None}, "Viewed Docs Page"),
        ({"name": None, "properties": {"path": "/"}}, "Viewed Page"),
        ({"name": " ", "properties": {"path": "/"}}, "Viewed Page"),
    ],
)
def test_o1_page_event(shape, parts, name):
    shaped = shape({**PAGE, **parts}, page="event")
    assert shaped.event["event_name"] == name
    assert shaped.event["created_at"] == SECONDS
    assert shaped.metadata == {"path": "/"}


@pytest.mark.parametrize("page", ["touch", "event"])
def test_o1_page_needs_somebody(shape, page):
    assert shape({"type": "page", "anonymousId": "a"}, page=page).refused == "missing_identity"


@pytest.mark.parametrize("kind", ["screen", "alias"])
def test_o2_screen_and_alias_are_skipped(shape, kind):
    assert shape({"type": kind, "userId": "u1", "previousId": "a"}).skipped == "not_mapped"


def test_o2_an_alias_names_the_lead_and_the_user(shape):
    alias = {"type": "alias", "userId": "u1", "previousId": "anon-1", "anonymousId": "other"}
    shaped = shape(alias, alias="merge")
    assert shaped.kinds == ["merge_contact"]
    assert (shaped.person.user_id, shaped.person.anonymous_id) == ("u1", "anon-1")
    nobody = shape({"type": "alias", "previousId": "anon-1"}, alias="merge")
    assert nobody.refused == "missing_identity"


@pytest.mark.parametrize(
    "who", [{"userId": "u1"}, {"traits": {"email": "ada@example.com"}}, {"userId": "a@example.com"}]
)
def test_o3_delete(shape, who):
    shaped = shape({"type": "delete", **who})
    assert shaped.kinds == ["delete_contact"]
    assert shaped.person.key is not None
    assert shape({"type": "delete", **who}, delete="archive").kinds == ["delete_contact"]
