"""Events (assertions 61-72)."""

from __future__ import annotations

import pytest

NOW = 1_700_000_000
DAY = 86_400


def test_a61_a_valid_event_answers_202_without_a_body(api):
    user = api.user(external_id="u")
    response = api.event(user_id="u")
    assert (response.status, response.body) == (202, b"")
    assert api.stored_events()[0]["contact_id"] == user["id"]


@pytest.mark.parametrize("left_out", ["event_name", "created_at", "user_id"])
def test_a62_name_time_and_identifier_are_required(api, assert_error, left_out):
    api.user(external_id="u")
    assert_error(api.event(**{"user_id": "u", left_out: None}), 400, "parameter_not_found")


def test_a62_a_body_of_the_wrong_shape_answers_400(api, assert_error):
    text = "missing data parameter"
    assert_error(api.post("/events", {"data": []}), 400, "parameter_not_found", text)


@pytest.mark.parametrize("when", ["2024-01-01", 1.5, True])
def test_a_time_that_is_no_whole_number_answers_400(api, assert_error, when):
    api.user(external_id="u")
    assert_error(api.event(user_id="u", created_at=when), 400, "parameter_invalid")


def test_a63_an_event_of_an_unknown_user_is_refused_for_good(api, assert_error):
    assert_error(api.event(user_id="u"), 404, "not_found", "User Not Found")
    api.user(external_id="u")
    assert api.stored_events() == []
    assert api.emulator.state["event_names"] == []


def test_a64_a_repeat_is_accepted_stored_once_and_costs_budget(api):
    api.user(external_id="u")
    left = [
        int(api.event(user_id="u", metadata={"n": n}).headers["X-RateLimit-Remaining"])
        for n in (1, 2)
    ]
    assert left[0] - left[1] == 1
    assert [event["metadata"] for event in api.stored_events()] == [{"n": 1}]


def test_a64_the_same_person_by_another_identifier_is_a_repeat(api):
    user = api.user(external_id="u", email="a@example.com")
    for who in ({"id": user["id"]}, {"user_id": "u"}, {"email": "A@example.com"}):
        assert api.event(**who).status == 202
    assert len(api.stored_events()) == 1


def test_a65_one_second_later_is_another_event(api):
    api.user(external_id="u")
    api.event(user_id="u", created_at=NOW)
    api.event(user_id="u", created_at=NOW + 1)
    assert len(api.stored_events()) == 2


def test_another_contact_is_another_event(api):
    for key in ("a", "b"):
        api.user(external_id=key)
        api.event(user_id=key)
    assert len(api.stored_events()) == 2


def test_a66_the_eleventh_metadata_key_is_dropped(api):
    sent = {f"k{number}": number for number in (5, 3, 9, 1, 7, 0, 2, 8, 6, 4, 11, 10)}
    assert list(api.stored_metadata(sent)) == [f"k{n}" for n in (5, 3, 9, 1, 7, 0, 2, 8, 6, 4)]


def test_a66_the_limit_is_a_setting(make_api):
    api = make_api(metadata_key_limit=20)
    assert len(api.stored_metadata({f"k{n}": n for n in range(25)})) == 20


RICH = {"url": "https://example.com", "value": "here"}
MONEY = {"amount": 1999, "currency": "eur"}


def test_a67_nested_objects_and_arrays_are_not_stored(api):
    sent = {"a": {"b": 1}, "c": [1], "d": {"amount": "1", "currency": "eur"}, "e": 1}
    assert api.stored_metadata(sent) == {"e": 1}


def test_a67_links_and_amounts_are_stored(api):
    sent = {"link": RICH, "price": MONEY}
    assert api.stored_metadata(sent) == sent


def test_a67_the_switches_store_text_or_refuse(make_api, assert_error):
    assert make_api(nested_metadata="text").stored_metadata({"a": [1]}) == {"a": "[1]"}
    api = make_api(nested_metadata="reject")
    api.user(external_id="u")
    assert_error(api.event(user_id="u", metadata={"a": [1]}), 400, "parameter_invalid")


def test_a68_types_of_metadata(api):
    api.stored_metadata(
        {
            "renewal_date": NOW,
            "created_at": NOW,
            "count": 1.5,
            "site": "https://example.com",
            "link": RICH,
            "price": MONEY,
            "stripe_customer": "cus_1",
            "ok": True,
            "note": "x",
            "none": None,
        }
    )
    assert api.stored_events()[-1]["metadata_types"] == {
        "renewal_date": "date",
        "created_at": "number",
        "count": "number",
        "site": "link",
        "link": "rich_link",
        "price": "monetary_amount",
        "stripe_customer": "stripe",
        "ok": "boolean",
        "note": "text",
        "none": "null",
    }


@pytest.fixture
def full(api):
    """A workspace with 120 active event names and a user ``u``."""
    api.emulator.seed(
        contacts=[{"external_id": "u"}], event_names=[f"event {number}" for number in range(120)]
    )
    return api


def test_a69_the_121st_name_answers_422(full, assert_error):
    response = full.event(user_id="u", event_name="one more")
    text = "Cannot have more than 120 active event names"
    assert_error(response, 422, None, text)
    assert full.stored_events() == []


def test_a69_known_names_are_still_accepted(full):
    assert full.event(user_id="u", event_name="event 7").status == 202


def test_a69_an_archived_name_makes_room(full):
    full.emulator.seed(event_names=[{"name": "event 7", "archived": True}])
    assert full.event(user_id="u", event_name="one more").status == 202
    assert full.event(user_id="u", event_name="event 7").status == 422


def test_a69_limit_and_code_are_settings(make_api, assert_error):
    api = make_api(event_name_limit=1, event_name_limit_code="422")
    api.user(external_id="u")
    api.event(user_id="u", event_name="a")
    text = "Cannot have more than 1 active event names"
    assert_error(api.event(user_id="u", event_name="b"), 422, "422", text)


def test_a70_names_compare_without_case(full):
    assert full.event(user_id="u", event_name="EVENT 7").status == 202
    assert full.event(user_id="u", event_name="Event 7").status == 202
    assert len(full.stored_events()) == 1


def test_dots_and_dollars_in_names_become_hyphens(api):
    api.user(external_id="u")
    api.event(user_id="u", event_name="order.paid$")
    assert api.stored_events()[0]["name"] == "order-paid-"


def test_a71_a_lead_is_found_by_id_only(api, assert_error):
    lead = api.lead(email="l@example.com")
    assert_error(api.event(user_id=lead["external_id"]), 404, "not_found")
    assert_error(api.event(email="l@example.com"), 404, "not_found")
    assert api.event(id=lead["id"]).status == 202


def test_a_hidden_contact_is_not_found(api):
    user = api.user(external_id="u")
    api.ok("POST", f"/contacts/{user['id']}/archive")
    assert api.event(user_id="u").status == 404
    assert api.event(id=user["id"]).status == 404


def test_the_id_goes_before_the_user_id(api):
    first, _ = api.user(external_id="a"), api.user(external_id="b")
    api.event(id=first["id"], user_id="b")
    assert api.stored_events()[0]["contact_id"] == first["id"]


@pytest.mark.parametrize("query", ["user_id=u", "type=admin&user_id=u"])
def test_a72_get_without_type_user_is_refused(api, query):
    api.user(external_id="u")
    assert 400 <= api.get(f"/events?{query}").status < 500


def test_get_lists_newest_first_in_pages(api):
    user = api.user(external_id="u", email="a@example.com")
    for number in range(20):
        api.event(user_id="u", created_at=NOW - number)
    first = api.ok("GET", "/events?type=user&user_id=u")
    assert first["intercom_user_id"] == user["id"]
    assert [event["created_at"] for event in first["events"]] == [NOW - n for n in range(15)]
    base = "http://api.intercom.io"
    assert first["pages"]["next"].startswith(base)
    second = api.ok("GET", first["pages"]["next"].removeprefix(base))
    assert [event["created_at"] for event in second["events"]] == [NOW - n for n in range(15, 20)]
    assert "next" not in second["pages"]


def test_get_lists_only_ninety_days(api):
    api.user(external_id="u")
    api.event(user_id="u", created_at=NOW - 90 * DAY)
    api.event(user_id="u", created_at=NOW - 90 * DAY - 1)
    assert len(api.ok("GET", "/events?type=user&user_id=u")["events"]) == 1


def test_get_finds_leads_by_intercom_user_id(api):
    lead = api.lead(email="l@example.com")
    api.event(id=lead["id"])
    answer = api.ok("GET", f"/events?type=user&intercom_user_id={lead['id']}")
    assert len(answer["events"]) == 1


def test_get_of_nobody_is_refused(api, assert_error):
    assert_error(api.get("/events?type=user&user_id=x"), 404, "not_found")
    assert_error(api.get("/events?type=user"), 400)


def test_the_summary_counts_per_name(api):
    api.user(external_id="u")
    for second in (0, 60):
        api.event(user_id="u", created_at=NOW + second)
    answer = api.ok("GET", "/events?type=user&user_id=u&summary=true")
    assert answer["type"] == "event.summary"
    assert answer["events"] == [
        {
            "name": "ordered",
            "count": 2,
            "first": "2023-11-14T22:13:20.000Z",
            "last": "2023-11-14T22:14:20.000Z",
        }
    ]


def test_a_reported_summary_adds_to_the_counts(api):
    api.user(external_id="u")
    api.event(user_id="u", created_at=NOW)
    body = {
        "user_id": "u",
        "event_summaries": {"event_name": "ordered", "count": 4, "first": NOW - 60, "last": NOW},
    }
    response = api.post("/events/summaries", body)
    assert response.status == 200
    answer = api.ok("GET", "/events?type=user&user_id=u&summary=true")
    assert answer["events"][0]["count"] == 5
    assert answer["events"][0]["first"] == "2023-11-14T22:12:20.000Z"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": "u"},
        {"user_id": "u", "event_summaries": []},
        {"user_id": "u", "event_summaries": {"event_name": "x"}},
    ],
)
def test_an_incomplete_summary_answers_400(api, assert_error, body):
    api.user(external_id="u")
    assert_error(api.post("/events/summaries", body), 400)


def test_a_summary_of_nobody_answers_404(api, assert_error):
    body = {"user_id": "x", "event_summaries": {"event_name": "x"}}
    assert_error(api.post("/events/summaries", body), 404)


@pytest.mark.parametrize(
    ("choice", "kept"), [("keep", {"a": True}), ("text", {"a": "true"}), ("drop", {})]
)
def test_boolean_metadata(make_api, choice, kept):
    assert make_api(boolean_metadata=choice).stored_metadata({"a": True}) == kept


@pytest.mark.parametrize(
    ("choice", "kept"), [("truncate", 255), ("keep", 256), ("drop", None), ("reject", 400)]
)
def test_long_metadata_text(make_api, choice, kept):
    api = make_api(long_metadata_text=choice)
    api.user(external_id="u")
    response = api.event(user_id="u", metadata={"a": "x" * 256})
    if choice == "reject":
        assert response.status == kept
    else:
        stored = api.stored_events()[0]["metadata"].get("a")
        assert (stored and len(stored)) == kept


@pytest.mark.parametrize(("choice", "kept"), [("drop", {}), ("keep", {"a.b": 1}), ("reject", None)])
def test_forbidden_metadata_keys(make_api, choice, kept):
    api = make_api(forbidden_metadata_key=choice)
    api.user(external_id="u")
    response = api.event(user_id="u", metadata={"a.b": 1})
    assert (response.status == 400) == (kept is None)
    if kept is not None:
        assert api.stored_events()[0]["metadata"] == kept


def test_metadata_keys_compare_without_case(api):
    assert api.stored_metadata({"Plan": 1, "plan": 2}) == {"Plan": 1}


@pytest.mark.parametrize("metadata", [[1], "x", 1])
def test_metadata_must_be_an_object(api, assert_error, metadata):
    api.user(external_id="u")
    assert_error(api.event(user_id="u", metadata=metadata), 400, "parameter_invalid")


def test_the_lookup_by_user_id_can_lag_for_some_seconds(make_api):
    api = make_api(event_lookup_lag_s=5)
    user = api.user(external_id="u")
    assert api.event(user_id="u").status == 404
    assert api.event(id=user["id"]).status == 202
    api.clock.advance(5)
    assert api.event(user_id="u").status == 202


def test_the_lookup_by_user_id_can_fail_some_times(make_api):
    api = make_api(event_lookup_lag_times=2)
    api.user(external_id="u")
    assert [api.event(user_id="u").status for _ in range(3)] == [404, 404, 202]


def test_the_lookup_by_id_can_lag_as_well(make_api):
    api = make_api(event_lookup_lag_times=1, event_lookup_lag_by_id=True)
    user = api.user()
    assert [api.event(id=user["id"]).status for _ in range(2)] == [404, 202]
