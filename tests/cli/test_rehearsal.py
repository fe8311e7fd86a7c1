"""The answers of a willing API carry every operation of the Intercom destination to its end."""

from __future__ import annotations

import pytest

from destinations.intercom import Intercom
from destinations.intercom.rehearsal import rehearse
from pipeline.model.operation import Call, Operation, Outcome, Person, Wait

ADA = Person(user_id="42", email="ada@example.com")


class Memory(dict[tuple[str, str], str]):
    def get(self, kind: str, key: str) -> str | None:  # type: ignore[override]
        return super().get((kind, key))

    def put(self, kind: str, key: str, value: str) -> None:
        self[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        self.pop((kind, key), None)


def drive(memory: Memory, kind: str, fields: dict[str, object], person: Person = ADA):
    steps = Intercom().deliver(Operation(kind, person, 0, fields), memory)
    calls: list[Call] = []
    answer = None
    while True:
        try:
            wanted = steps.send(answer)
        except StopIteration as end:
            return calls, end.value
        assert not isinstance(wanted, Wait), "a willing API makes nobody wait"
        calls.append(wanted)
        answer = rehearse(wanted)


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("upsert_contact", {"external_id": "42"}, ["POST /contacts"]),
        ("upsert_company", {"company_id": "7"}, ["POST /companies"]),
        ("submit_event", {"event_name": "a", "created_at": 1}, ["POST /events"]),
        ("touch_contact", {"last_seen_at": 1}, ["POST /contacts/search", "PUT /contacts/{id}"]),
        ("delete_contact", {}, ["POST /contacts/search", "DELETE /contacts/{id}"]),
        (
            "attach_company",
            {"company_id": "7"},
            ["POST /companies", "POST /contacts", "POST /contacts/{id}/companies"],
        ),
        (
            "detach_company",
            {"company_id": "7"},
            [
                "GET /companies",
                "POST /contacts/search",
                "DELETE /contacts/{id}/companies/{id}",
            ],
        ),
    ],
)
def test_each_operation_is_delivered(kind, fields, expected) -> None:
    calls, outcome = drive(Memory(), kind, fields)
    assert [f"{call.method} {Intercom().template(call)}" for call in calls] == expected
    assert outcome == Outcome("delivered")


def test_a_contact_has_one_id_whether_it_is_created_or_found() -> None:
    created = rehearse(Call("POST", "/contacts", {"external_id": "42", "email": "a@b.co"}))
    query = {"field": "external_id", "operator": "=", "value": "42"}
    found = rehearse(Call("POST", "/contacts/search", {"query": query}))
    assert created.body["id"] == found.body["data"][0]["id"]


def test_a_company_has_one_id_whether_it_is_written_or_read() -> None:
    written = rehearse(Call("POST", "/companies", {"company_id": "a b"}))
    assert rehearse(Call("GET", "/companies?company_id=a%20b")).body == written.body


def test_what_was_created_is_known_to_the_next_operation() -> None:
    memory = Memory()
    drive(memory, "upsert_contact", {"external_id": "42"})
    calls, _ = drive(memory, "submit_event", {"event_name": "a", "created_at": 1})
    assert [call.body for call in calls] == [
        {"event_name": "a", "created_at": 1, "id": rehearse(
            Call("POST", "/contacts", {"external_id": "42"})).body["id"]}
    ]  # fmt: skip
