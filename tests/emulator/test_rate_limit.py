"""The fixed window of 10 seconds (assertions 3-6)."""

from __future__ import annotations

import pytest


def budget(response):
    return {
        name: int(response.headers[f"X-RateLimit-{name}"])
        for name in ("Limit", "Remaining", "Reset")
    }


def test_a03_each_answer_tells_limit_remaining_and_reset(api):
    told = budget(api.get("/me"))
    assert told["Limit"] == 1667
    assert told["Remaining"] == 1666
    assert 0 < told["Reset"] - api.clock.now <= 10


@pytest.mark.parametrize("step", [0.0, 0.5, 1.999, 2.0, 5.0, 9.999])
def test_a03_reset_is_at_most_ten_seconds_ahead(api, step):
    api.clock.advance(step)
    assert 0 < budget(api.get("/me"))["Reset"] - api.clock.now <= 10


def test_a03_windows_are_not_aligned_to_the_full_minute(api):
    assert budget(api.get("/me"))["Reset"] % 10 == 2


def test_a04_remaining_falls_by_one_also_for_refusals(api):
    calls = ["/me", "/contacts/nobody", "/nowhere", "/contacts?per_page=x", "/me"]
    assert [budget(api.get(path))["Remaining"] for path in calls] == [1666, 1665, 1664, 1663, 1662]


def test_a05_beyond_the_budget_answers_429(make_api, assert_error):
    api = make_api(limit=2)
    api.get("/me")
    assert budget(api.get("/me"))["Remaining"] == 0
    response = api.get("/me")
    text = "Exceeded rate limit of 2 in 10_seconds"
    assert_error(response, 429, "rate_limit_exceeded", text)
    assert budget(response)["Remaining"] == 0
    assert "Retry-After" not in response.headers


def test_a05_the_window_end_brings_the_full_budget(make_api):
    api = make_api(limit=1)
    reset = budget(api.get("/me"))["Reset"]
    assert api.get("/me").status == 429
    api.clock.now = reset - 0.01
    assert api.get("/me").status == 429
    api.clock.now = float(reset)
    assert budget(api.get("/me"))["Remaining"] == 0


def test_a05_a_refused_request_changes_nothing(make_api):
    api = make_api(limit=1)
    api.get("/me")
    assert api.post("/contacts", {"external_id": "u"}).status == 429
    assert api.emulator.state["contacts"] == []


def test_a06_invalid_credentials_get_no_rate_headers(api):
    response = api.get("/me", token="wrong")
    assert not [name for name in response.headers if name.startswith("X-RateLimit")]


def test_a06_invalid_credentials_spend_nothing(api):
    api.get("/me", token="wrong")
    assert budget(api.get("/me"))["Remaining"] == 1666


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_limit_nothing_is_refused_and_headers_are_sent(make_api, limit):
    api = make_api(limit=limit)
    told = [budget(api.get("/me")) for _ in range(3)]
    assert told[0]["Remaining"] > 100_000


def test_other_apps_use_up_the_same_budget(make_api):
    api = make_api(limit=100, other_apps_per_window=50, window_phase_s=0)
    api.clock.now = 1_700_000_000.0
    assert budget(api.get("/me"))["Remaining"] == 99
    api.clock.advance(5)
    assert budget(api.get("/me"))["Remaining"] == 73


def test_other_apps_can_use_it_up_completely(make_api):
    api = make_api(limit=10, other_apps_per_window=20, window_phase_s=0)
    api.clock.advance(6)
    assert api.get("/me").status == 429


def test_the_other_text_of_429(make_api, assert_error):
    api = make_api(limit=1, rate_limit_text="app")
    api.get("/me")
    text = "The rate limit for the App has been exceeded"
    assert_error(api.get("/me"), 429, "rate_limit_exceeded", text)


def test_a_virtual_clock_step_opens_a_new_window(make_api):
    api = make_api(limit=1)
    api.get("/me")
    api.emulator.advance(10)
    assert api.get("/me").status == 200
