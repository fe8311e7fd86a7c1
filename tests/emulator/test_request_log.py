"""The request log."""

from __future__ import annotations

import pytest


def control(api, path, method="GET"):
    return api.emulator.control(method, path)


def test_an_entry_tells_request_and_answer(api):
    user = api.user(external_id="u")
    api.put(f"/contacts/{user['id']}?a=1", {"name": "Ann"})
    entry = api.emulator.requests[-1]
    assert entry["seq"] == 2
    assert entry["time"] == api.clock.now
    assert (entry["method"], entry["path"]) == ("PUT", f"/contacts/{user['id']}")
    assert (entry["route"], entry["query"]) == ("/contacts/{id}", {"a": "1"})
    assert entry["body"] == {"name": "Ann"}
    assert entry["status"] == 200
    assert entry["response"]["name"] == "Ann"
    assert (entry["contact_id"], entry["external_id"]) == (user["id"], "u")
    assert entry["fault"] is None


def test_the_token_is_redacted(api):
    api.get("/me")
    headers = api.emulator.requests[0]["headers"]
    assert headers["authorization"] == "(redacted)"
    assert headers["intercom-version"] == "2.11"


def test_a_body_that_is_no_json_is_kept_as_text(api):
    api.post("/contacts", b"\xffnonsense")
    assert api.emulator.requests[0]["body"] == "\ufffdnonsense"


def test_refusals_are_logged_too(make_api):
    api = make_api(limit=1)
    api.get("/me", token="wrong")
    api.get("/me")
    api.get("/me")
    assert [entry["status"] for entry in api.emulator.requests] == [401, 200, 429]


def test_the_person_of_an_event_is_noted(api):
    user = api.user(external_id="u")
    api.event(user_id="u")
    api.event(user_id="stranger")
    known, unknown = api.emulator.requests[1:]
    assert known["contact_id"] == user["id"]
    assert (unknown["contact_id"], unknown["external_id"]) == (None, "stranger")


def test_the_person_of_a_conflict_is_noted(api):
    user = api.user(external_id="u")
    api.post("/contacts", {"external_id": "u"})
    assert api.emulator.requests[1]["contact_id"] == user["id"]


@pytest.fixture
def busy(api):
    """Six requests: 1 me, 2 nowhere, 3 me, 4 contact, 5 conflict, 6 dropped."""
    api.get("/me")
    api.get("/nowhere")
    api.get("/me")
    api.user(external_id="u")
    api.post("/contacts", {"external_id": "u"})
    api.emulator.add_fault("reset_after_commit")
    api.post("/contacts", {"external_id": "v"})
    return api


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("method=post", [4, 5, 6]),
        ("path=/me", [1, 3]),
        ("status=200", [1, 3, 4]),
        ("outcome=bad", [2, 5, 6]),
        ("outcome=good", [1, 3, 4]),
        ("since=4", [5, 6]),
        ("limit=2", [1, 2]),
        ("limit=0", []),
        ("method=GET&since=1&limit=1", [2]),
    ],
)
def test_filters(busy, query, expected):
    entries = control(busy, f"/requests?{query}")["requests"]
    assert [entry["seq"] for entry in entries] == expected


def test_a_route_is_a_path_too(api):
    api.get(f"/contacts/{api.user()['id']}")
    assert len(control(api, "/requests?path=/contacts/{id}")["requests"]) == 1


@pytest.mark.parametrize("query", ["outcome=ugly", "since=x", "limit=-1", "status=2xx"])
def test_a_bad_filter_is_refused(api, query):
    with pytest.raises(ValueError, match=r"\w"):
        control(api, f"/requests?{query}")


def test_a_dropped_connection_is_logged_without_a_status(busy):
    entry = busy.emulator.requests[-1]
    assert (entry["status"], entry["response"]) == (None, None)
    assert entry["fault"] == {"id": "fault-1", "kind": "reset_after_commit"}


def test_the_summary_counts_by_route_and_status(busy):
    busy.get("/contacts/0123456789abcdef01234567")
    busy.get("/conversations/123/tags")
    assert busy.emulator.request_summary == {
        "GET /contacts/{id}": {"404": 1},
        "GET /conversations/{id}/tags": {"404": 1},
        "GET /me": {"200": 2},
        "GET /nowhere": {"404": 1},
        "POST /contacts": {"200": 1, "409": 1, "dropped": 1},
    }


def test_the_log_is_cleared_and_goes_on_counting(busy):
    assert control(busy, "/requests", "DELETE") == {"deleted": 6}
    busy.get("/me")
    assert [entry["seq"] for entry in busy.emulator.requests] == [7]


def test_beyond_its_limit_the_oldest_are_dropped_and_counted(make_api):
    api = make_api(log_limit=3)
    for _ in range(5):
        api.get("/me")
    answer = control(api, "/requests")
    assert [entry["seq"] for entry in answer["requests"]] == [3, 4, 5]
    assert (answer["dropped"], answer["last_seq"]) == (2, 5)


def test_a_smaller_limit_drops_at_once(api):
    for _ in range(5):
        api.get("/me")
    api.emulator.change_settings(log_limit=2)
    answer = control(api, "/requests")
    assert ([one["seq"] for one in answer["requests"]], answer["dropped"]) == ([4, 5], 3)


def test_beyond_their_budget_answers_are_left_out_and_counted(make_api):
    api = make_api(log_response_bytes=0)
    api.get("/me")
    answer = control(api, "/requests")
    assert answer["requests"][0]["response"] is None
    assert answer["requests"][0]["status"] == 200
    assert answer["responses_omitted"] == 1


def test_requests_are_logged_in_the_order_of_their_effects(api):
    for number in range(3):
        api.user(external_id=f"u{number}")
    entries = api.emulator.requests
    assert [entry["external_id"] for entry in entries] == ["u0", "u1", "u2"]
