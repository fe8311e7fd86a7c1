"""Intercom keeps to what every destination must keep to."""

from decimal import Decimal

import pytest

from destinations import conformance
from destinations.intercom import DESTINATION
from pipeline.model.operation import Operation, Person

NOBODY = Person()
PEOPLE = (
    Person("user-1", "ada@example.com", "anon-1"),
    Person(email="ada@example.com"),
    Person(anonymous_id="anon-1"),
    Person("../../admins?x=1#é"),
)
FIELDS = {
    "upsert_contact": {
        "role": "user",
        "external_id": "user-1",
        "email": "ada@example.com",
        "phone": None,
        "name": "Ada",
        "avatar": "https://example.com/a.png",
        "signed_up_at": 1,
        "last_seen_at": 2,
        "owner_id": 3,
        "unsubscribed_from_emails": False,
        "custom_attributes": {"plan": "pro", "seats": 3, "score": Decimal("1.5"), "old": None},
    },
    "touch_contact": {"last_seen_at": 2},
    "upsert_company": {"company_id": "acme/../1", "name": "Acme", "custom_attributes": {"a": 1}},
    "attach_company": {"company_id": "acme/../1"},
    "detach_company": {"company_id": "acme/../1?x=é"},
    "submit_event": {"event_name": "Ordered", "created_at": 5, "metadata": {"n": 1}},
    "merge_contact": {},
    "delete_contact": {},
}
OPERATIONS = [
    Operation(kind, person, 1, fields) for kind, fields in FIELDS.items() for person in PEOPLE
]


def make():
    return DESTINATION.from_settings({})


def test_every_operation_can_be_delivered():
    conformance.check_operations(make(), OPERATIONS)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {
            "create_contact_on_track": True,
            "archived": "skip",
            "attributes": "drop",
            "alias": "merge",
        },
        {
            "create_contact_on_group": False,
            "archived": "dead_letter",
            "attributes": "fail",
            "verify_conflicts": True,
        },
    ],
    ids=["default", "other", "strict"],
)
def test_any_answer_leads_to_an_outcome(kind, settings):
    wanted = [operation for operation in OPERATIONS if operation.kind == kind]
    conformance.check_answers(DESTINATION.from_settings(settings), wanted)


def test_e2_e4_answers_are_judged_as_the_rules_say():
    conformance.check_judgement(make())


def test_it_survives_pickling():
    conformance.check_pickling(make(), OPERATIONS)


def test_it_is_repeatable_and_leaves_its_input_alone():
    conformance.check_repeatable(make(), OPERATIONS)


def test_calls_are_counted_without_ids():
    conformance.check_templates(make(), OPERATIONS)


def test_it_passes_every_check_there_is(monkeypatch):
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "tok-very-secret")
    conformance.check_all(make, OPERATIONS, secret="tok-very-secret")


def test_it_holds_no_secret(monkeypatch):
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "tok-very-secret")
    conformance.check_redaction(make(), "tok-very-secret")


def test_importing_it_loads_no_beam():
    conformance.check_imports("destinations.intercom")
