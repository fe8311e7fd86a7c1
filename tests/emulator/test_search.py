"""Searching and listing contacts (assertions 43-46)."""

from __future__ import annotations

import pytest

DAY = 86_400
NOON = 1_700_049_600  # 2023-11-15 12:00:00 UTC
ANYONE = {"field": "role", "operator": "=", "value": "user"}


@pytest.fixture
def seeded(api):
    """Three users and a lead that have been there for long."""
    api.emulator.seed(
        contacts=[
            {
                "external_id": "ann",
                "email": "ann@example.com",
                "name": "Ann Bee",
                "signed_up_at": NOON,
                "custom_attributes": {"seats": 3, "plan": "Pro", "paid": True},
            },
            {
                "external_id": "ben",
                "email": "ben@example.org",
                "name": "Ben",
                "signed_up_at": NOON + DAY,
                "custom_attributes": {"seats": 10, "plan": "free"},
            },
            {"external_id": "cat", "name": "Cat"},
            {"role": "lead", "email": "lea@example.com", "external_id": "lead-uuid"},
        ]
    )
    return api


def test_a43_a_new_contact_is_found_only_after_the_lag(api):
    user = api.user(external_id="u-1")
    assert api.found("external_id", "=", "u-1") == []
    api.clock.advance(119.9)
    assert api.found("external_id", "=", "u-1") == []
    api.clock.advance(0.1)
    assert api.found("external_id", "=", "u-1") == [user["external_id"]]


def test_a43_get_by_id_is_immediate(api):
    assert api.contact(api.user()["id"])["type"] == "contact"


def test_a43_the_lag_is_a_setting(make_api):
    api = make_api(search_lag_s=0)
    api.user(external_id="u-1")
    assert api.found("external_id", "=", "u-1") == ["u-1"]


def test_a_change_of_an_old_contact_is_found_at_once(seeded):
    key = seeded.emulator.state["contacts"][0]["id"]
    seeded.ok("PUT", f"/contacts/{key}", {"name": "Zoe"})
    assert seeded.found("name", "=", "Zoe") == ["ann"]


@pytest.mark.parametrize("gone", ["archive", "delete", "merge"])
def test_a44_hidden_contacts_are_not_found(seeded, gone):
    ids = {one["external_id"]: one["id"] for one in seeded.emulator.state["contacts"]}
    if gone == "archive":
        seeded.ok("POST", f"/contacts/{ids['lead-uuid']}/archive")
    elif gone == "delete":
        seeded.ok("DELETE", f"/contacts/{ids['lead-uuid']}")
    else:
        seeded.ok("POST", "/contacts/merge", {"from": ids["lead-uuid"], "into": ids["ann"]})
    assert seeded.found("role", "=", "lead") == []


def nested(depth):
    query = ANYONE
    for _ in range(depth):
        query = {"operator": "AND", "value": [query]}
    return query


def test_a45_two_levels_of_nesting_are_allowed_and_three_are_not(seeded):
    assert seeded.search(nested(2)).status == 200
    assert 400 <= seeded.search(nested(3)).status < 500


def test_a45_fifteen_filters_are_allowed_and_sixteen_are_not(seeded):
    assert seeded.search({"operator": "OR", "value": [ANYONE] * 15}).status == 200
    assert 400 <= seeded.search({"operator": "OR", "value": [ANYONE] * 16}).status < 500


def test_a46_search_shows_fifty_a_page_and_the_last_page_has_no_next(api):
    api.emulator.seed(generate={"contacts": 120})
    seen, cursor, sizes = [], None, []
    while True:
        page = {"starting_after": cursor} if cursor else {}
        answer = api.search(ANYONE, **page).json()
        seen += [contact["id"] for contact in answer["data"]]
        sizes.append(len(answer["data"]))
        if "next" not in answer["pages"]:
            break
        cursor = answer["pages"]["next"]["starting_after"]
    assert sizes == [50, 50, 20]
    assert len(set(seen)) == 120
    assert answer["pages"] == {"type": "pages", "page": 3, "per_page": 50, "total_pages": 3}


def test_a46_the_list_shows_fifty_a_page(api):
    api.emulator.seed(generate={"contacts": 60})
    first = api.ok("GET", "/contacts")
    assert (len(first["data"]), first["total_count"]) == (50, 60)
    cursor = first["pages"]["next"]["starting_after"]
    second = api.ok("GET", f"/contacts?starting_after={cursor}")
    assert len(second["data"]) == 10
    assert "next" not in second["pages"]


def test_pages_are_stable_while_contacts_are_added(api):
    api.emulator.seed(generate={"contacts": 60})
    cursor = api.ok("GET", "/contacts")["pages"]["next"]["starting_after"]
    api.emulator.seed(generate={"contacts": 5, "prefix": "late-"})
    second = api.ok("GET", f"/contacts?starting_after={cursor}")
    assert [one["external_id"] for one in second["data"]][:2] == ["user-50", "user-51"]


@pytest.mark.parametrize("size", [1, 150])
def test_a_page_has_one_to_150_contacts(seeded, size):
    assert seeded.search(ANYONE, per_page=size).json()["pages"]["per_page"] == size


@pytest.mark.parametrize("size", [0, -1, 151, "x", True, 1.5])
def test_other_page_sizes_answer_400(seeded, assert_error, size):
    assert_error(seeded.search(ANYONE, per_page=size), 400, "parameter_invalid")


@pytest.mark.parametrize("cursor", ["x", "!!!", "W10=", 5, {}, "bnVsbA=="])
def test_a_bad_cursor_answers_400(seeded, assert_error, cursor):
    assert_error(seeded.search(ANYONE, starting_after=cursor), 400, "parameter_invalid")


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("external_id", "=", "ann", ["ann"]),
        ("email", "=", "ANN@example.com", ["ann"]),
        ("email", "!=", "ann@example.com", ["ben", "cat", "lead-uuid"]),
        ("email", "~", "example", ["ann", "ben", "lead-uuid"]),
        ("email", "!~", "example", ["cat"]),
        ("email", "^", "ben", ["ben"]),
        ("email", "$", ".com", ["ann", "lead-uuid"]),
        ("email_domain", "=", "example.org", ["ben"]),
        ("external_id", "IN", ["ann", "cat"], ["ann", "cat"]),
        ("external_id", "NIN", ["ann", "cat"], ["ben", "lead-uuid"]),
        ("role", "=", "lead", ["lead-uuid"]),
        ("custom_attributes.seats", ">", 3, ["ben"]),
        ("custom_attributes.seats", ">=", "3", ["ann", "ben"]),
        ("custom_attributes.seats", "<", 10, ["ann"]),
        ("custom_attributes.seats", "<=", 10, ["ann", "ben"]),
        ("custom_attributes.plan", "=", "pro", ["ann"]),
        ("custom_attributes.paid", "=", True, ["ann"]),
        ("custom_attributes.plan", "=", None, ["cat", "lead-uuid"]),
        ("name", "=", "nobody", []),
        ("phone", "=", None, ["ann", "ben", "cat", "lead-uuid"]),
        ("browser", "=", None, ["ann", "ben", "cat", "lead-uuid"]),
    ],
)
def test_operators_find(seeded, field, operator, value, expected):
    assert seeded.found(field, operator, value) == expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("=", NOON - 40_000, ["ann"]),
        ("=", NOON + 43_199, ["ann"]),
        (">", NOON - 43_200, ["ben"]),
        (">", NOON - 43_201, ["ann", "ben"]),
        ("<", NOON + 43_199, []),
        ("<", str(NOON + 43_200), ["ann"]),
    ],
)
def test_dates_are_cut_to_the_day(seeded, operator, value, expected):
    assert seeded.found("signed_up_at", operator, value) == expected


def test_the_day_is_one_of_the_workspaces_time_zone(make_api):
    api = make_api(timezone="Asia/Tokyo")
    api.emulator.seed(contacts=[{"external_id": "u", "signed_up_at": NOON}])
    assert api.found("signed_up_at", "=", NOON + 10_799) == ["u"]
    assert api.found("signed_up_at", "=", NOON + 10_800) == []


@pytest.mark.parametrize(
    ("field", "operator"),
    [("signed_up_at", "!="), ("signed_up_at", ">="), ("email", ">"), ("email", "LIKE")],
)
def test_an_operator_that_the_type_lacks_answers_422(seeded, assert_error, field, operator):
    query = {"field": field, "operator": operator, "value": 1}
    assert_error(seeded.search(query), 422, "unprocessable_entity")


def test_the_switch_answers_400_to_a_bad_operator(make_api, assert_error):
    api = make_api(bad_operator_status=400)
    assert_error(api.search({"field": "email", "operator": ">", "value": 1}), 400)


@pytest.mark.parametrize(
    "query",
    [
        None,
        "x",
        {},
        {"field": "email"},
        {"field": "email", "operator": "="},
        {"field": "nonsense", "operator": "=", "value": 1},
        {"field": "custom_attributes.none", "operator": "=", "value": 1},
        {"field": "email", "operator": "IN", "value": "x"},
        {"field": "email", "operator": "~", "value": None},
        {"operator": "AND", "value": []},
        {"operator": "AND", "value": "x"},
        {"operator": "AND", "value": [1]},
        {"field": "signed_up_at", "operator": "=", "value": "soon"},
        {"field": "signed_up_at", "operator": ">", "value": 10**30},
        {"field": "signed_up_at", "operator": ">", "value": None},
        {"field": "signed_up_at", "operator": "=", "value": [1]},
    ],
)
def test_a_query_that_makes_no_sense_answers_400(seeded, assert_error, query):
    assert_error(seeded.search(query), 400)


def test_and_and_or_combine(seeded):
    query = {
        "operator": "AND",
        "value": [
            ANYONE,
            {
                "operator": "OR",
                "value": [
                    {"field": "name", "operator": "=", "value": "Cat"},
                    {"field": "custom_attributes.seats", "operator": "=", "value": 10},
                ],
            },
        ],
    }
    found = seeded.search(query).json()["data"]
    assert [contact["external_id"] for contact in found] == ["ben", "cat"]


def test_pagination_must_be_an_object(seeded, assert_error):
    body = {"query": ANYONE, "pagination": [1]}
    assert_error(seeded.post("/contacts/search", body), 400)


def test_two_users_with_one_email_are_both_found(api):
    api.emulator.seed(
        contacts=[
            {"external_id": "a", "email": "x@example.com"},
            {"external_id": "b", "email": "x@example.com"},
        ]
    )
    assert api.found("email", "=", "x@example.com") == ["a", "b"]


def test_tags_can_be_searched(api):
    api.emulator.seed(contacts=[{"external_id": "a", "tags": ["VIP"]}, {"external_id": "b"}])
    tag = api.emulator.state["tags"][0]["id"]
    assert api.found("tag_id", "=", tag) == ["a"]


def test_the_list_can_lag_too(make_api):
    api = make_api(list_lag_s=30)
    api.user()
    assert api.ok("GET", "/contacts")["data"] == []
    api.clock.advance(30)
    assert len(api.ok("GET", "/contacts")["data"]) == 1
