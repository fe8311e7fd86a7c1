"""The control API: settings, clock, reset, seeds."""

from __future__ import annotations

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings, SettingsError, request


def control(api, method, path, body=None):
    return api.emulator.handle(request(method, f"/_emulator{path}", body=body))


def test_health_tells_the_version(api):
    assert control(api, "GET", "/health").json() == {"status": "ok", "version": 1}


def test_it_needs_no_token_spends_no_budget_and_is_not_logged(api):
    control(api, "GET", "/state")
    assert api.get("/me").headers["X-RateLimit-Remaining"] == "1666"
    assert len(api.emulator.requests) == 1


def test_an_unknown_path_lists_the_known_ones(api):
    response = control(api, "GET", "/nonsense")
    assert response.status == 404
    assert "GET /_emulator/state" in response.json()["known"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_answers_400(api, body):
    assert control(api, "POST", "/seed", body).status == 400


def test_settings_are_read_and_changed(api):
    assert control(api, "GET", "/settings").json()["limit"] == 1667
    assert control(api, "PATCH", "/settings", {"limit": 5}).json()["limit"] == 5
    assert api.get("/me").headers["X-RateLimit-Limit"] == "5"


def test_an_unknown_setting_is_refused_with_a_suggestion(api):
    response = control(api, "PATCH", "/settings", {"serch_lag_s": 1})
    assert response.status == 400
    assert response.json()["did_you_mean"] == "search_lag_s"
    assert "search_lag_s" in response.json()["allowed"]


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": -1},
        {"limit": "many"},
        {"limit": True},
        {"search_lag_s": "1"},
        {"type_mismatch": "maybe"},
        {"type_mismatch_status": 500},
        {"type_mismatch_status": True},
        {"downcase_emails": 1},
        {"token": 1},
        {"default_version": "1.4"},
        {"timezone": "Mars/Base"},
        {"region": None},
    ],
)
def test_an_impossible_value_is_refused_and_nothing_changes(api, changes):
    before = api.emulator.settings
    assert control(api, "PATCH", "/settings", changes).status == 400
    assert api.emulator.settings == before
    with pytest.raises(SettingsError):
        EmulatorSettings(**changes)


def test_the_clock_advances(api):
    before = control(api, "GET", "/clock").json()["now"]
    assert control(api, "POST", "/clock", {"advance": 90}).json()["now"] == before + 90


@pytest.mark.parametrize("seconds", [-1, "x", None, True])
def test_the_clock_goes_forward_only(api, seconds):
    assert control(api, "POST", "/clock", {"advance": seconds}).status == 400


def test_reset_forgets_everything(api):
    api.emulator.change_settings(limit=5)
    api.emulator.advance(10)
    api.emulator.add_fault("status", times=None)
    api.emulator.seed(contacts=[{"external_id": "u"}])
    api.get("/me")
    api.emulator.reset()
    assert api.emulator.state["contacts"] == []
    assert api.emulator.requests == []
    assert api.emulator.settings.limit == 1667
    assert control(api, "GET", "/clock").json()["offset"] == 0
    assert api.get("/me").status == 200


def test_reset_may_keep_the_settings(api):
    api.emulator.change_settings(limit=5)
    api.emulator.reset(keep_settings=True)
    assert api.emulator.settings.limit == 5


def test_ids_repeat_after_a_reset(api):
    first = api.user(external_id="u")["id"]
    api.emulator.reset()
    assert api.user(external_id="u")["id"] == first


def test_another_seed_gives_other_ids(make_api):
    ids = {make_api(id_seed=seed).user(external_id="u")["id"] for seed in (1, 2)}
    assert len(ids) == 2


def test_a_seed_answers_the_ids_it_made(api):
    made = api.emulator.seed(
        admins=[{"id": 5, "name": "Eve"}],
        data_attributes=[{"name": "plan"}, {"name": "tier", "model": "company"}],
        companies=[{"company_id": "acme", "name": "Acme", "tags": ["big"]}],
        contacts=[
            {"external_id": "u", "companies": ["acme"], "custom_attributes": {"plan": "pro"}},
            {"external_id": "gone", "standing": "archived"},
        ],
        attachments=[{"contact": "gone", "company": "acme"}],
        events=[{"user_id": "u", "event_name": "ordered", "created_at": 5}],
        event_names=["viewed"],
        visitors=[{"user_id": "v"}],
    )
    state = api.emulator.state
    assert made["contacts"] == [contact["id"] for contact in state["contacts"]]
    assert made["companies"] == [company["id"] for company in state["companies"]]
    assert made["events"] == [event["id"] for event in state["events"]]
    assert {name["name"] for name in state["event_names"]} == {"viewed", "ordered"}
    assert api.contact(made["contacts"][0])["companies"]["total_count"] == 1
    assert api.get(f"/contacts/{made['contacts'][1]}").status == 404


def test_seeded_contacts_are_found_at_once(api):
    api.emulator.seed(contacts=[{"external_id": "u"}])
    assert api.found("external_id", "=", "u") == ["u"]


def test_a_seed_declares_attributes_that_nobody_declared(api):
    values = {"a": "x", "b": 1, "c": 1.5, "d": True}
    api.emulator.seed(contacts=[{"external_id": "u", "custom_attributes": values}])
    types = [one["data_type"] for one in api.emulator.state["data_attributes"]]
    assert types == ["string", "integer", "float", "boolean"]


def test_many_contacts_are_generated(api):
    made = api.emulator.seed(generate={"contacts": 3, "prefix": "p"})["generated"]
    assert len(made["contacts"]) == 3
    assert api.event(user_id="p2").status == 202
    assert api.event(email="p2@example.com").status == 202


@pytest.mark.parametrize(
    "parts",
    [
        {"people": []},
        {"contacts": {}},
        {"contacts": ["u"]},
        {"contacts": [{"nmae": "x"}]},
        {"contacts": [{"external_id": "u", "standing": "lost"}]},
        {"contacts": [{"external_id": "u", "companies": ["none"]}]},
        {"contacts": [{"external_id": "u", "email": 5}]},
        {"companies": [{}]},
        {"companies": [{"company_id": "a"}, {"company_id": "a"}]},
        {"attachments": [{"contact": "none"}]},
        {"data_attributes": [{}]},
        {"data_attributes": [{"name": "x", "model": "person"}]},
        {"events": [{"user_id": "none", "event_name": "x"}]},
        {"admins": [{"id": "x"}]},
        {"generate": {"contacts": -1}},
        {"generate": 5},
    ],
)
def test_a_seed_that_makes_no_sense_is_refused(api, parts):
    with pytest.raises(ValueError, match=r"\w"):
        api.emulator.seed(**parts)


def test_an_event_of_a_seed_needs_a_name(api):
    with pytest.raises(ValueError, match="event_name"):
        api.emulator.seed(contacts=[{"external_id": "u"}], events=[{"user_id": "u"}])


def test_metrics_are_plain_text(api):
    api.get("/me")
    api.get("/nowhere")
    response = control(api, "GET", "/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert 'intercom_emulator_requests_total{status="404"} 1' in response.body.decode()


def test_an_emulator_that_does_not_run_has_no_url():
    with pytest.raises(RuntimeError, match="not running"):
        _ = Emulator().url
