"""Faults on order, at the seam below the sockets."""

from __future__ import annotations

import pytest

ANY = {"path": "/contacts"}


def statuses(api, count, path="/me"):
    return [api.get(path).status for _ in range(count)]


def test_a_status_fault_strikes_once_by_default(api, assert_error):
    api.emulator.add_fault("status", status=500)
    assert_error(api.get("/me"), 500, "server_error")
    assert api.get("/me").status == 200


def test_a_fault_that_answers_does_not_carry_out_the_request(api):
    api.emulator.add_fault("status", status=503)
    assert api.post("/contacts", {"external_id": "u"}).status == 503
    assert api.emulator.state["contacts"] == []


@pytest.mark.parametrize(("times", "expected"), [(2, [500, 500, 200]), (None, [500, 500, 500])])
def test_times_says_how_often(api, times, expected):
    api.emulator.add_fault("status", times=times)
    assert statuses(api, 3) == expected


def test_after_lets_some_requests_pass_first(api):
    api.emulator.add_fault("status", after=2)
    assert statuses(api, 4) == [200, 200, 500, 200]


def test_probability_is_repeatable_by_its_seed(api):
    def run():
        api.emulator.clear_faults()
        api.emulator.add_fault("status", probability=0.5, seed=7, times=None)
        return statuses(api, 40)

    first = run()
    assert run() == first
    assert 5 < first.count(500) < 35


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({"method": "GET"}, True),
        ({"method": "post"}, False),
        ({"method": "*"}, True),
        ({"path": "/contacts/*"}, True),
        ({"path": "/contacts/*/companies"}, False),
        ({"path": "/*"}, False),
        ({"path": "/**"}, True),
        ({"path": "/contacts"}, False),
        ({"path": "^/contacts/[a-z]+$"}, True),
        ({"path": "^/companies"}, False),
        ({"body_contains": "x"}, False),
        ({}, True),
    ],
)
def test_what_a_fault_matches(api, match, struck):
    api.emulator.add_fault("status", status=599, match=match)
    assert (api.get("/contacts/abc").status == 599) is struck


def test_a_fault_can_look_into_the_body(api):
    api.emulator.add_fault("status", match={"body_contains": "u-13"}, times=None)
    assert api.post("/contacts", {"external_id": "u-12"}).status == 200
    assert api.post("/contacts", {"external_id": "u-13"}).status == 500


def test_body_and_headers_can_be_chosen(api):
    api.emulator.add_fault("status", status=409, body={"odd": 1}, headers={"Retry-After": "3"})
    response = api.get("/me")
    assert (response.json(), response.headers["Retry-After"]) == ({"odd": 1}, "3")


def test_a_text_body_is_sent_as_it_is(api):
    api.emulator.add_fault("status", status=500, body="")
    assert api.get("/me").body == b""


@pytest.mark.parametrize("status", [502, 503, 504])
def test_html_answers_with_a_page(api, status):
    api.emulator.add_fault("html", status=status)
    response = api.get("/me")
    assert response.status == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"<html>" in response.body


def test_html_is_502_by_default(api):
    api.emulator.add_fault("html")
    assert api.get("/me").status == 502


def test_a_401_fault_has_no_rate_headers(api, assert_error):
    api.emulator.add_fault("status", status=401)
    response = api.get("/me")
    assert_error(response, 401, "unauthorized", "Access Token Invalid")
    assert "X-RateLimit-Remaining" not in response.headers


def test_other_faults_spend_budget(api):
    api.emulator.add_fault("status", status=500)
    assert api.get("/me").headers["X-RateLimit-Remaining"] == "1666"
    assert api.get("/me").headers["X-RateLimit-Remaining"] == "1665"


def test_a_rate_limited_fault_looks_like_the_real_thing(api, assert_error):
    api.emulator.add_fault("rate_limited")
    response = api.get("/me")
    text = "Exceeded rate limit of 1667 in 10_seconds"
    assert_error(response, 429, "rate_limit_exceeded", text)
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(response.headers["X-RateLimit-Reset"]) - api.clock.now <= 10
    assert api.get("/me").status == 200


def test_reset_before_does_not_carry_out_the_request(api):
    api.emulator.add_fault("reset_before")
    assert api.post("/contacts", {"external_id": "u"}).delivery == "drop"
    assert api.emulator.state["contacts"] == []


def test_reset_after_commit_carries_it_out_and_loses_the_answer(api, assert_error):
    api.emulator.add_fault("reset_after_commit", match=ANY)
    assert api.post("/contacts", {"external_id": "u"}).delivery == "drop"
    assert_error(api.post("/contacts", {"external_id": "u"}), 409, "conflict")


def test_timeout_holds_the_connection(api):
    api.emulator.add_fault("timeout", seconds=3)
    response = api.post("/contacts", {"external_id": "u"})
    assert (response.delivery, response.delay_s) == ("hold", 3)
    assert api.emulator.state["contacts"] == []


def test_latency_delays_a_good_answer(api):
    api.emulator.add_fault("latency", seconds=0.25)
    response = api.get("/me")
    assert (response.status, response.delay_s) == (200, 0.25)


def test_the_latency_setting_delays_every_answer(make_api):
    assert make_api(latency_ms=20).get("/me").delay_s == 0.02


def test_half_body_carries_it_out(api):
    api.emulator.add_fault("half_body")
    assert api.post("/contacts", {"external_id": "u"}).delivery == "half"
    assert len(api.emulator.state["contacts"]) == 1


def test_an_event_can_be_late_for_its_person_by_a_fault(api):
    api.user(external_id="u")
    api.emulator.add_fault("status", status=404, match={"path": "/events"}, times=2)
    assert [api.event(user_id="u").status for _ in range(3)] == [404, 404, 202]


def test_the_first_fault_that_matches_decides(api):
    api.emulator.add_fault("status", status=501, times=1)
    api.emulator.add_fault("status", status=502, times=1)
    assert statuses(api, 3) == [501, 502, 200]


def test_bad_credentials_go_before_faults(api):
    api.emulator.add_fault("status", status=500)
    assert api.get("/me", token="wrong").status == 401
    assert api.get("/me").status == 500


def test_faults_are_listed_with_their_counters(api):
    made = api.emulator.add_fault("status", status=500, times=3, match=ANY)
    api.get("/contacts")
    listed = api.emulator.control("GET", "/faults")["faults"]
    assert listed == [
        {
            "id": made["id"],
            "kind": "status",
            "status": 500,
            "times": 3,
            "match": ANY,
            "seen": 1,
            "hits": 1,
            "left": 2,
        }
    ]


def test_one_fault_or_all_are_deleted(api):
    first = api.emulator.add_fault("status", status=501)
    api.emulator.add_fault("status", status=502)
    assert api.emulator.control("DELETE", f"/faults/{first['id']}") == {"deleted": 1}
    assert api.get("/me").status == 502
    assert api.emulator.control("DELETE", "/faults") == {"deleted": 1}
    with pytest.raises(ValueError, match="no fault"):
        api.emulator.control("DELETE", "/faults/none")


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "nonsense"},
        {"kind": "status", "status": 99},
        {"kind": "status", "status": "500"},
        {"kind": "status", "tims": 1},
        {"kind": "status", "match": {"paht": "/"}},
        {"kind": "status", "match": [1]},
        {"kind": "status", "match": {"path": "^("}},
        {"kind": "status", "match": {"path": 1}},
        {"kind": "status", "probability": 2},
        {"kind": "status", "times": -1},
        {"kind": "status", "after": True},
        {"kind": "status", "headers": 1},
        {"kind": "latency", "seconds": -1},
        {"kind": "status", "seed": []},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(api, order):
    with pytest.raises(ValueError, match=r"\w"):
        api.emulator.control("POST", "/faults", order)
