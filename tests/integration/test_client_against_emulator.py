"""The client and the emulator, which share no code, over HTTP on the loopback interface."""

from decimal import Decimal

import pytest

from pipeline.flow.pool import DeliveryPool
from pipeline.flow.work import Task, sequence
from pipeline.model.operation import Operation, Person
from pipeline.state import RememberedState, StateStore

ADA = Person("user-1", "ada@example.com")
MAIL = Person(email="ada@example.com")


def upsert(rig, person=ADA, **fields):
    return rig.upsert(person, **fields)


def only(contacts, **wanted):
    return [one for one in contacts if all(one[key] == value for key, value in wanted.items())]


def test_a_person_is_created_once_and_then_updated(rig):
    assert upsert(rig, name="Ada").status == "delivered"
    assert upsert(rig, name="Countess").status == "delivered"
    (contact,) = rig.contacts()
    assert (contact["external_id"], contact["name"]) == ("user-1", "Countess")
    assert [call.split()[0] for call in rig.calls()] == ["POST", "PUT"]


def test_p4_someone_known_by_email_becomes_the_user(rig):
    upsert(rig, MAIL)
    upsert(rig, name="Ada")
    (contact,) = rig.contacts()
    assert contact["external_id"] == "user-1"


def test_p4_someone_known_by_email_to_the_api_only_becomes_the_user(rig):
    rig.emulator.change_settings(email_only_user_new_external_id="conflict")
    rig.emulator.seed(contacts=[{"email": "ada@example.com"}])
    upsert(rig, name="Ada")
    (contact,) = rig.contacts()
    assert (contact["external_id"], contact["name"]) == ("user-1", "Ada")


def test_p4_another_users_contact_is_not_taken_over(rig):
    rig.emulator.change_settings(same_email_new_external_id="conflict")
    upsert(rig, name="Ada")
    outcome = upsert(rig, Person("user-2", "ada@example.com"), name="Eve")
    assert outcome.warnings == ("duplicate_email",)
    assert [(one["external_id"], one["name"]) for one in rig.contacts()] == [
        ("user-1", "Ada"),
        ("user-2", "Eve"),
    ]


def test_p4_even_an_unknown_contact_is_not_taken_over(emulator, make_rig):
    rig = make_rig()
    emulator.change_settings(same_email_new_external_id="conflict")
    emulator.seed(contacts=[{"external_id": "user-1", "email": "ada@example.com"}])
    outcome = upsert(rig, Person("user-2", "ada@example.com"), name="Eve")
    assert outcome.warnings == ("duplicate_email",)
    assert [one["external_id"] for one in rig.contacts()] == ["user-1", "user-2"]


def test_p2_a_lead_becomes_the_user(rig):
    upsert(rig, Person(anonymous_id="anon"), role="lead", name="Visitor")
    upsert(rig, Person("user-1", None, "anon"), name="Ada")
    (contact,) = rig.contacts()
    assert (contact["role"], contact["external_id"]) == ("user", "user-1")


def test_e1_a_contact_that_exists_is_found_by_the_409(rig):
    rig.emulator.seed(contacts=[{"external_id": "user-1", "name": "Old"}])
    assert upsert(rig, name="Ada").status == "delivered"
    assert [one["name"] for one in rig.contacts()] == ["Ada"]


def test_e1_an_archived_contact_is_unarchived(rig):
    rig.emulator.seed(contacts=[{"external_id": "user-1", "standing": "archived"}])
    assert upsert(rig, name="Ada").status == "delivered"
    (contact,) = rig.contacts()
    assert (contact["standing"], contact["name"]) == ("active", "Ada")


def test_e1_a_deleted_contact_is_a_dead_letter(rig):
    rig.emulator.seed(contacts=[{"external_id": "user-1", "standing": "deleted"}])
    outcome = upsert(rig, name="Ada")
    assert (outcome.reason, outcome.http_status) == ("rejected", 400)
    assert "not restorable" in outcome.message


def test_e2_a_create_whose_answer_was_lost_makes_no_second_contact(rig):
    rig.emulator.add_fault("reset_after_commit", match={"method": "POST", "path": "/contacts"})
    assert upsert(rig, name="Ada").status == "delivered"
    assert len(rig.contacts()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 408},
        {"kind": "html", "status": 502},
        {"kind": "rate_limited"},
        {"kind": "reset_before"},
        {"kind": "reset_after_commit"},
        {"kind": "half_body"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_e2_passing_trouble_loses_nothing_and_doubles_nothing(rig, fault):
    rig.emulator.add_fault(**fault, times=2)
    outcomes = [
        upsert(rig, name="Ada"),
        rig.do("upsert_company", company_id="acme"),
        rig.do("attach_company", company_id="acme"),
        rig.do("submit_event", event_name="Ordered", created_at=5),
    ]
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 4
    state = rig.emulator.state
    assert [len(state[part]) for part in ("contacts", "companies", "events")] == [1, 1, 1]


def test_e3_unknown_attributes_are_created_with_their_types(rig):
    custom = {"plan": "pro", "seats": 3, "score": Decimal("1.50"), "vip": True, "signup_at": 5}
    outcome = upsert(rig, custom_attributes={**custom, "gone": None})
    assert outcome.status == "delivered"
    (contact,) = rig.contacts()
    assert contact["custom_attributes"] == {**custom, "score": 1.5}


def test_e3_bad_values_and_names_cost_their_attribute_only(rig):
    upsert(rig, custom_attributes={"seats": 3})
    rig.do("upsert_company", company_id="acme", custom_attributes={"tier": "gold"})
    outcome = upsert(
        rig,
        name="Ada",
        owner_id=99,
        custom_attributes={"seats": "x", "long": "y" * 300, "b@d": 1, "tier": 1, "ok": 1, "l": [1]},
    )
    assert outcome.status == "delivered"
    assert set(outcome.warnings) >= {"attribute_dropped", "field_dropped"}
    (contact,) = rig.contacts()
    assert contact["name"] == "Ada"
    assert contact["custom_attributes"] == {"seats": 3, "ok": 1}


def test_e3_the_attribute_cap_drops_with_a_warning(rig):
    rig.emulator.change_settings(custom_attribute_limit=1)
    outcome = upsert(rig, name="Ada", custom_attributes={"a": 1, "b": 2})
    assert outcome.warnings == ("attribute_created", "attribute_dropped")
    assert rig.contacts()[0]["custom_attributes"] == {"a": 1}


def test_e3_an_event_that_the_api_does_not_see_yet_is_waited_for(rig):
    rig.emulator.change_settings(event_lookup_lag_times=3, event_lookup_lag_by_id=True)
    upsert(rig)
    assert rig.do("submit_event", event_name="Ordered", created_at=5).status == "delivered"
    assert len(rig.emulator.state["events"]) == 1


def test_e4_refused_credentials_stop_everything(rig, monkeypatch):
    rig.emulator.change_settings(token="another")
    outcome = upsert(rig)
    assert (outcome.reason, outcome.http_status) == ("credentials_refused", 401)
    assert upsert(rig).reason == "undelivered"
    assert "Access Token Invalid" in outcome.message
    assert len(rig.calls()) == 1


def test_t2_an_event_of_nobody_is_contact_not_found(rig):
    outcome = rig.do("submit_event", event_name="Ordered", created_at=5)
    assert (outcome.reason, outcome.api_code) == ("contact_not_found", "not_found")


def test_t2_an_event_by_email_finds_a_lead(rig):
    rig.emulator.seed(contacts=[{"role": "lead", "email": "ada@example.com"}])
    assert rig.do("submit_event", MAIL, event_name="Ordered", created_at=5).status == "delivered"


def test_t2_an_event_can_create_its_contact(make_rig):
    rig = make_rig(create_contact_on_track=True)
    assert rig.do("submit_event", event_name="Ordered", created_at=5).status == "delivered"
    assert only(rig.contacts(), external_id="user-1")


def test_t10_a_full_workspace_refuses_new_event_names(rig):
    rig.emulator.change_settings(event_name_limit=1)
    upsert(rig)
    assert rig.do("submit_event", event_name="One", created_at=5).status == "delivered"
    assert rig.do("submit_event", event_name="Two", created_at=6).reason == "event_name_cap"
    assert rig.do("submit_event", event_name="ONE", created_at=7).status == "delivered"


def test_g3_a_group_attaches_and_repeats_nothing(rig):
    assert rig.do("upsert_company", company_id="a/1", name="Acme").status == "delivered"
    assert rig.do("attach_company", company_id="a/1").status == "delivered"
    assert rig.do("attach_company", company_id="a/1").status == "merged"
    (contact,) = rig.contacts()
    assert len(contact["companies"]) == 1
    assert len(rig.calls()) == 3


def test_c4_detach_ends_the_membership_and_creates_nothing(rig):
    rig.do("attach_company", company_id="acme")
    assert rig.do("detach_company", company_id="acme").warnings == ()
    assert rig.do("detach_company", company_id="../never").warnings == ("nothing_to_detach",)
    assert rig.contacts()[0]["companies"] == []
    assert len(rig.emulator.state["companies"]) == 1


def test_o3_delete_takes_every_contact_of_an_email(rig):
    rig.emulator.seed(
        contacts=[{"email": "ada@example.com"}, {"role": "lead", "email": "ada@example.com"}]
    )
    assert rig.do("delete_contact", MAIL).status == "delivered"
    assert [one["standing"] for one in rig.contacts()] == ["deleted", "deleted"]


def test_a_workspace_that_was_emptied_costs_calls_only(rig):
    upsert(rig, name="Ada")
    rig.do("upsert_company", company_id="acme")
    rig.emulator.reset(keep_settings=True)
    outcomes = [
        rig.do("submit_event", event_name="Lost", created_at=4),
        upsert(rig, name="Ada"),
        rig.do("upsert_company", company_id="acme"),
        rig.do("attach_company", company_id="acme"),
        rig.do("submit_event", event_name="Ordered", created_at=5),
    ]
    assert [outcome.status for outcome in outcomes[1:]] == ["delivered"] * 4
    assert rig.contacts()[0]["companies"]


def test_pacing_never_meets_a_refusal(emulator, make_rig):
    emulator.change_settings(limit=20)
    rig = make_rig()
    people = [Person(f"user-{number}") for number in range(90)]
    works = [
        sequence(
            f"u:{person.user_id}",
            [Task("m", 1, "identify", (Operation("upsert_contact", person, 1, {"name": "A"}),))],
        )
        for person in people
    ]
    with DeliveryPool(rig.carry_out, concurrency=4) as pool:
        outcomes = [outcome for done in pool.run(works) for outcome in done]
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 90
    assert {status for _, _, status in rig.driver.calls()} == {200}
    assert rig.pacer.waited_seconds >= 30


def test_what_one_run_learned_the_next_one_knows(make_rig, tmp_path):
    url = f"sqlite:///{tmp_path / 'state.db'}"
    for _ in range(2):
        with StateStore.open(url) as store, RememberedState(store, "test") as memory:
            rig = make_rig(remembered=memory)
            upsert(rig, name="Ada")
            rig.do("attach_company", company_id="acme")
    lines = [call.split()[0] for call in rig.calls()]
    assert lines == ["POST", "POST", "POST", "PUT"]


def journey(number):
    """Everything that one person does."""
    person = Person(f"user-{number}", f"user-{number}@example.com")
    company = {"company_id": f"company-{number % 3}"}
    custom = {"plan": "pro", "seats": number, "signup_at": 5}

    def task(time, kind, *operations):
        made = tuple(Operation(name, person, time, fields) for name, fields in operations)
        return Task(f"{number}-{time}", time, kind, made)

    return sequence(
        f"u:{person.user_id}",
        [
            task(3, "track", ("submit_event", {"event_name": "Ordered", "created_at": 3})),
            task(1, "identify", ("upsert_contact", {"name": "A", "custom_attributes": custom})),
            task(2, "group", ("upsert_company", company), ("attach_company", company)),
            task(4, "identify", ("upsert_contact", {"name": "B"})),
        ],
    )


def test_many_people_at_once_through_every_fault_arrive_exactly_once(rig):
    faults = ["reset_before", "reset_after_commit", "half_body"]
    for seed, kind in enumerate(faults):
        rig.emulator.add_fault(kind, probability=0.04, seed=seed, times=None)
    rig.emulator.add_fault("html", status=502, probability=0.04, seed=9, times=None)
    rig.emulator.add_fault("rate_limited", probability=0.02, seed=10, times=None)
    rig.emulator.change_settings(event_lookup_lag_times=1, event_lookup_lag_by_id=True)
    with DeliveryPool(rig.carry_out, concurrency=8) as pool:
        outcomes = [one for done in pool.run(journey(n) for n in range(40)) for one in done]
    assert len(outcomes) == 40 * 5
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("delivered", None)}
    state = rig.emulator.state
    assert len(state["contacts"]) == len(state["events"]) == 40
    assert len(state["companies"]) == 3
    for contact in state["contacts"]:
        assert contact["name"] == "B"
        assert contact["custom_attributes"].keys() == {"plan", "seats", "signup_at"}
        assert len(contact["companies"]) == 1
