"""The rules about people, attributes and deletion, held against the emulator one by one."""

import pytest

from pipeline.model.operation import Call, Person

ADA = Person("user-1", "ada@example.com")
MAIL = Person(email="ada@example.com")
ANON = Person(anonymous_id="anon-1")
VISITOR = Person("user-1", None, "anon-1")
EVENT = {"event_name": "Ordered", "created_at": 5}


def custom(contact):
    return contact["custom_attributes"]


# --- attributes (E3, I12) ---------------------------------------------------------------------


def test_e3_an_archived_attribute_is_left_out_and_reported(rig, transport):
    rig.emulator.seed(data_attributes=[{"name": "plan", "model": "contact", "data_type": "string"}])
    (attribute,) = rig.emulator.state["data_attributes"]
    transport.send(Call("PUT", f"/data_attributes/{attribute['id']}", {"archived": True}))
    outcome = rig.upsert(name="Ada", custom_attributes={"plan": "pro"})
    assert (outcome.status, outcome.warnings) == ("delivered", ("attribute_archived",))
    assert rig.contacts()[0]["name"] == "Ada"
    assert "POST /data_attributes" not in rig.calls()


def test_e3_values_are_made_what_their_attributes_take(rig):
    declared = {"tier": "string", "seats": "integer", "score": "float", "vip": "boolean"}
    declared["since"] = "date"
    rig.emulator.seed(
        data_attributes=[
            {"name": name, "model": "contact", "data_type": kind} for name, kind in declared.items()
        ]
    )
    sent = {"tier": 3, "seats": "12", "score": "1.5", "vip": "true", "since": "2024-01-02"}
    assert rig.upsert(custom_attributes=sent).warnings == ()
    fitted = {"tier": "3", "seats": 12, "score": 1.5, "vip": True, "since": 1704153600}
    assert custom(rig.contacts()[0]) == fitted
    assert {status for _, _, status in rig.driver.calls()} == {200}


def test_e3_a_name_of_the_other_model_or_an_illegal_one_is_left_out(rig):
    rig.do("upsert_company", company_id="acme", custom_attributes={"tier": "gold"})
    outcome = rig.upsert(custom_attributes={"tier": "x", "!nv@l!d n@me": 1, "a.b": 2, "ok": 3})
    assert outcome.warnings == ("attribute_dropped", "attribute_created")
    assert custom(rig.contacts()[0]) == {"ok": 3}


def test_e3_a_full_workspace_keeps_what_it_has_and_is_asked_once(rig):
    rig.emulator.change_settings(custom_attribute_limit=1)
    rig.upsert(custom_attributes={"a": 1, "b": 2, "c": 3})
    rig.upsert(Person("user-2"), custom_attributes={"a": 4, "b": 2})
    assert [custom(contact) for contact in rig.contacts()] == [{"a": 1}, {"a": 4}]
    assert rig.calls().count("POST /data_attributes") == 2


@pytest.mark.parametrize("settings", [{"attributes": "drop"}, {"attributes": "fail"}])
def test_e3_other_policies_create_nothing(make_rig, settings):
    rig = make_rig(**settings)
    rig.upsert(custom_attributes={"plan": "pro"})
    assert rig.emulator.state["data_attributes"] == []
    assert [custom(contact) for contact in rig.contacts()] == (
        [{}] if settings["attributes"] == "drop" else []
    )


# --- leads (P2, O2) ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset_after_commit", "reset_before", "half_body", "html"])
def test_p2_a_lead_whose_answer_was_lost_is_there_once(rig, fault):
    rig.emulator.add_fault(fault, match={"method": "POST", "path": "/contacts"})
    assert rig.upsert(ANON, role="lead").status == "delivered"
    assert rig.do("submit_event", ANON, **EVENT).status == "delivered"
    (lead,) = rig.contacts()
    assert custom(lead) == {"anonymous_id": "anon-1"}


@pytest.mark.parametrize("seed", range(5))
def test_p2_through_every_fault_at_once_each_visitor_is_there_once(rig, seed):
    for number, kind in enumerate(["reset_after_commit", "half_body", "reset_before", "html"]):
        rig.emulator.add_fault(kind, probability=0.1, seed=10 * seed + number, times=None)
    for number in range(15):
        visitor = Person(anonymous_id=f"anon-{number}")
        assert rig.upsert(visitor, role="lead").status == "delivered"
        assert rig.do("submit_event", visitor, **EVENT).status == "delivered"
    assert len(rig.contacts()) == len(rig.emulator.state["events"]) == 15
    for number in range(15):
        assert rig.upsert(Person(f"u{number}", None, f"anon-{number}")).status == "delivered"
    assert {one["external_id"] for one in rig.contacts()} == {f"u{n}" for n in range(15)}


def test_p2_events_of_a_lead_go_by_intercoms_id(rig):
    rig.upsert(ANON, role="lead")
    assert rig.do("submit_event", ANON, **EVENT).status == "delivered"
    (event,) = [one for one in rig.emulator.requests if one["path"] == "/events"]
    assert event["body"]["id"] == rig.contacts()[0]["id"]


def test_p2_a_promoted_lead_keeps_its_events(rig):
    rig.upsert(ANON, role="lead")
    rig.do("submit_event", ANON, **EVENT)
    rig.upsert(VISITOR, name="Ada")
    rig.do("submit_event", VISITOR, event_name="Ordered", created_at=6)
    (contact,) = rig.emulator.canonical_state["contacts"].values()
    assert (contact["role"], len(contact["events"])) == ("user", 2)


@pytest.mark.parametrize(("alias", "left"), [("skip", 2), ("merge", 1)])
def test_o2_a_lead_of_a_user_who_is_there_already(make_rig, alias, left):
    rig = make_rig(alias=alias)
    rig.emulator.seed(contacts=[{"external_id": "user-1"}])
    rig.upsert(ANON, role="lead")
    rig.do("submit_event", ANON, **EVENT)
    assert rig.upsert(VISITOR, name="Ada").status == "delivered"
    contacts = rig.emulator.canonical_state["contacts"]
    assert len(contacts) == left
    assert len(contacts["user-1"]["events"]) == (1 if alias == "merge" else 0)


def test_o2_merging_twice_is_harmless(rig):
    rig.upsert(Person("user-1"), name="Ada")
    rig.upsert(ANON, role="lead")
    assert rig.do("merge_contact", VISITOR).warnings == ()
    assert rig.do("merge_contact", VISITOR).warnings == ("nothing_to_merge",)
    assert rig.do("submit_event", VISITOR, **EVENT).status == "delivered"


# --- e-mail and userId (P4) -------------------------------------------------------------------


def test_p4_a_lead_known_by_its_email_gets_the_user_id(rig):
    rig.emulator.seed(contacts=[{"role": "lead", "email": "ada@example.com"}])
    rig.do("submit_event", MAIL, **EVENT)
    rig.upsert(name="Ada")
    (contact,) = rig.contacts()
    assert (contact["role"], contact["external_id"]) == ("user", "user-1")


def test_p4_an_event_by_an_email_that_several_share_reaches_nobody_in_silence(rig):
    rig.emulator.seed(contacts=[{"role": "lead", "email": "ada@example.com"}] * 2)
    outcome = rig.do("submit_event", MAIL, **EVENT)
    assert (outcome.reason, outcome.warnings) == ("contact_not_found", ("duplicate_email",))


def test_p4_a_second_user_with_a_known_email_is_created_and_reported(rig):
    rig.upsert()
    assert rig.upsert(Person("user-2", "ada@example.com")).warnings == ("duplicate_email",)
    assert [one["external_id"] for one in rig.contacts()] == ["user-1", "user-2"]


# --- what a write leaves as it was ------------------------------------------------------------


def test_null_clears_and_what_is_not_sent_stays(rig):
    rig.upsert(name="Ada", phone="1", avatar="https://a.example/x.png", custom_attributes={"a": 1})
    rig.upsert(phone=None, custom_attributes={"b": 2})
    (contact,) = rig.contacts()
    assert (contact["name"], contact["phone"]) == ("Ada", None)
    assert contact["avatar"] == "https://a.example/x.png"
    assert custom(contact) == {"a": 1, "b": 2}


def test_a_user_never_becomes_a_lead(rig):
    rig.upsert(name="Ada")
    outcome = rig.upsert(role="lead", name="Countess")
    assert (outcome.status, outcome.warnings) == ("delivered", ("field_dropped",))
    assert (rig.contacts()[0]["role"], rig.contacts()[0]["name"]) == ("user", "Countess")


def test_a_user_takes_the_email_of_another_one(rig):
    rig.upsert()
    rig.upsert(Person("user-2"))
    assert rig.upsert(Person("user-2"), email="ada@example.com").status == "delivered"


# --- archived contacts (E1) -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("archived", "outcome", "standing"),
    [
        ("unarchive", ("delivered", None), "active"),
        ("skip", ("merged", "unchanged"), "archived"),
        ("dead_letter", ("dead", "rejected"), "archived"),
    ],
)
@pytest.mark.parametrize("remembered", [True, False])
def test_e1_an_archived_contact_follows_the_setting(
    make_rig, transport, archived, outcome, standing, remembered
):
    rig = make_rig(archived=archived)
    if remembered:
        rig.upsert()
        transport.send(Call("POST", f"/contacts/{rig.contacts()[0]['id']}/archive"))
    else:
        rig.emulator.seed(contacts=[{"external_id": "user-1", "standing": "archived"}])
    result = rig.upsert(name="Ada")
    assert (result.status, result.reason) == outcome
    assert rig.contacts()[0]["standing"] == standing


def test_e1_a_group_wakes_an_archived_contact_too(rig):
    rig.emulator.seed(contacts=[{"external_id": "user-1", "standing": "archived"}])
    assert rig.do("attach_company", company_id="acme").status == "delivered"
    assert rig.contacts()[0]["standing"] == "active"


# --- companies (C4, G3) -----------------------------------------------------------------------


def test_c4_detaching_somebody_who_was_recreated_finds_them(rig, transport):
    rig.do("attach_company", company_id="acme")
    old = rig.contacts()[0]["id"]
    transport.send(Call("PUT", f"/contacts/{old}", {"external_id": "gone"}))
    transport.send(Call("POST", f"/contacts/{old}/archive"))
    rig.emulator.seed(contacts=[{"external_id": "user-1", "companies": ["acme"]}])
    assert rig.do("detach_company", company_id="acme").warnings == ()
    assert rig.emulator.canonical_state["contacts"]["user-1"]["companies"] == []


def test_g3_one_company_too_many_is_a_dead_letter(rig):
    rig.emulator.change_settings(contact_company_limit=1)
    rig.do("attach_company", company_id="one")
    outcome = rig.do("attach_company", company_id="two")
    assert (outcome.reason, outcome.api_code) == ("rejected", "contact_company_limit_exceeded")


# --- deletion (O3) ----------------------------------------------------------------------------


@pytest.mark.parametrize(("delete", "standing"), [("delete", "deleted"), ("archive", "archived")])
def test_o3_somebody_made_just_now_is_deleted_though_no_search_shows_them(
    make_rig, delete, standing
):
    rig = make_rig(delete=delete)
    rig.upsert()
    assert rig.do("delete_contact").status == "delivered"
    assert rig.contacts()[0]["standing"] == standing
    assert rig.do("delete_contact").warnings == ("nothing_to_delete",)


def test_o3_one_of_several_that_is_refused_makes_a_dead_letter_and_the_others_go(rig):
    rig.emulator.seed(contacts=[{"role": "lead", "email": "ada@example.com"}] * 3)
    rig.emulator.add_fault("status", status=422, match={"method": "DELETE"})
    outcome = rig.do("delete_contact", MAIL)
    assert (outcome.reason, outcome.http_status) == ("rejected", 422)
    assert sorted(one["standing"] for one in rig.contacts()) == ["active", "deleted", "deleted"]


def test_o3_another_user_with_the_same_email_is_spared(rig):
    rig.emulator.seed(
        contacts=[{"external_id": who, "email": "ada@example.com"} for who in ("user-1", "user-2")]
    )
    assert rig.do("delete_contact").warnings == ("duplicate_email",)
    standings = {one["external_id"]: one["standing"] for one in rig.contacts()}
    assert standings == {"user-1": "deleted", "user-2": "active"}


# --- E4 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_e4_a_refusal_in_the_middle_stops_and_loses_nothing(rig, status):
    rig.upsert()
    rig.emulator.add_fault("status", status=status, match={"path": "/events"})
    assert rig.do("submit_event", **EVENT).reason == "credentials_refused"
    assert rig.upsert(name="Ada").reason == "undelivered"
