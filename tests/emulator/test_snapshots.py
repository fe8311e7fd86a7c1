"""The state, and the form of it that two equal runs share."""

from __future__ import annotations


def run(api, order):
    """Creates two people, a company and two events, in one order or the other."""
    api.declare("plan")
    people = [("a", {"email": "A@x.com", "custom_attributes": {"plan": "pro"}}), ("b", {})]
    for key, fields in people if order > 0 else reversed(people):
        user = api.user(external_id=key, **fields)
        api.attach(user, api.company("acme", name="Acme"))
        api.clock.advance(7)
    for name in ("viewed", "ordered") if order > 0 else ("ordered", "viewed"):
        api.event(user_id="a", event_name=name, created_at=5, metadata={"n": 1})
    return api.emulator


def test_two_runs_in_another_order_at_another_time_compare_equal(make_api):
    first = run(make_api(), 1)
    other = make_api(id_seed=9)
    other.clock.advance(1000)
    second = run(other, -1)
    assert first.canonical_state == second.canonical_state
    assert first.state != second.state


def test_another_attribute_value_is_another_state(make_api):
    first, second = run(make_api(), 1), run(make_api(), 1)
    key = second.state["contacts"][0]["id"]
    second.application.workspace.contacts[key].custom["plan"] = "free"
    assert first.canonical_state != second.canonical_state


def test_contacts_are_keyed_by_external_id_or_email(api):
    api.user(external_id="u", email="u@x.com")
    api.user(email="e@x.com")
    api.lead(email="l@x.com")
    api.ok("POST", "/contacts", {"role": "user"})
    assert set(api.emulator.canonical_state["contacts"]) == {
        "u",
        "e@x.com",
        "l@x.com",
        "(nobody)",
    }


def test_it_shows_fields_companies_and_events(api):
    run(api, 1)
    state = api.emulator.canonical_state
    contact = state["contacts"]["a"]
    assert contact["email"] == "a@x.com"
    assert contact["custom_attributes"] == {"plan": "pro"}
    assert contact["companies"] == ["acme"]
    assert contact["events"] == [["ordered", 5, {"n": 1}], ["viewed", 5, {"n": 1}]]
    assert state["companies"]["acme"]["user_count"] == 2
    assert state["data_attributes"] == [["contact", "plan", "string", "active"]]
    assert state["event_names"] == ["ordered", "viewed"]


def test_nothing_of_the_server_is_in_it(api):
    run(api, 1)
    api.ok("POST", "/tags", {"name": "vip", "companies": [{"company_id": "acme"}]})
    text = str(api.emulator.canonical_state)
    state = api.emulator.state
    ids = [one["id"] for kind in ("contacts", "companies", "events") for one in state[kind]]
    assert ids
    assert not [key for key in ids if key in text]
    assert "'created_at'" not in text


def test_duplicates_are_listed(api):
    api.emulator.seed(
        contacts=[
            {"external_id": "u", "name": "Zoe"},
            {"external_id": "u", "name": "Ann"},
            {"external_id": "v"},
        ]
    )
    state = api.emulator.canonical_state
    assert state["contacts"]["u"]["name"] == "Ann"
    assert [one["name"] for one in state["duplicates"]["u"]] == ["Zoe"]
    assert list(state["duplicates"]) == ["u"]


def test_archived_and_deleted_contacts_say_so_and_merged_ones_are_gone(api):
    for key in ("a", "d", "m"):
        api.user(external_id=key)
    ids = {one["external_id"]: one["id"] for one in api.emulator.state["contacts"]}
    api.ok("POST", f"/contacts/{ids['a']}/archive")
    api.ok("DELETE", f"/contacts/{ids['d']}")
    lead = api.lead(email="l@x.com")
    api.ok("POST", "/contacts/merge", {"from": lead["id"], "into": ids["m"]})
    contacts = api.emulator.canonical_state["contacts"]
    standings = {key: contact["standing"] for key, contact in contacts.items()}
    assert standings == {"a": "archived", "d": "deleted", "m": "active"}


def test_the_full_state_has_everything(api):
    run(api, 1)
    api.emulator.seed(visitors=[{"user_id": "v"}])
    body = {"event_name": "x", "count": 2, "first": 1, "last": 2}
    api.ok("POST", "/events/summaries", {"user_id": "a", "event_summaries": body})
    state = api.emulator.state
    assert {key: len(value) for key, value in state.items()} == {
        "contacts": 2,
        "companies": 1,
        "data_attributes": 1,
        "events": 2,
        "event_names": 3,
        "event_summaries": 1,
        "tags": 0,
        "visitors": 1,
        "admins": 1,
    }
    assert state["companies"][0]["contacts"] == [one["id"] for one in state["contacts"]]


def test_the_time_of_creation_may_be_given_for_a_company(make_api):
    first, second = make_api(), make_api()
    first.company("a", remote_created_at=5)
    second.company("a", remote_created_at=6)
    assert first.emulator.canonical_state != second.emulator.canonical_state
