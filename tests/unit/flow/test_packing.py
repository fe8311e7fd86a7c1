"""Tasks survive the way through a shuffle."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from pipeline.flow.dead_letters import Receipt
from pipeline.flow.packing import pack, pack_event, unpack
from pipeline.flow.work import Task
from pipeline.model.event import Event
from pipeline.model.operation import Operation, Person


def task(person: Person) -> Task:
    fields = {
        "metadata": {"price": {"amount": 1999}, "x": Decimal("1.10"), "id": 10**21, "n": None}
    }
    operation = Operation("submit_event", person, 5, fields)
    return Task("m1", 5, "track", (operation,), seq=3, receipt=b"\x00raw")


def test_a_packed_task_comes_back_exactly() -> None:
    original = task(Person("u1", "Ada@x.co", "a1"))
    assert unpack(pack(original)) == original


def test_a_person_known_by_email_gets_the_linked_user_id() -> None:
    unpacked = unpack(pack(task(Person(None, "ada@x.co"))), user_id="u9")
    assert unpacked.operations[0].person == Person("u9", "ada@x.co")


def test_an_event_is_packed_as_its_task_would_be() -> None:
    made = task(Person("u1"))
    for body in ({"event": "Paid", "userId": "u1"}, {"event": 5, "userId": 5, "name": "x"}, {}):
        event = Event("track", "m1", 5, body, b"\xffraw", "in:1")
        receipt = Receipt.of(event).pack()
        expected = pack(replace(made, receipt=receipt))
        assert pack_event(event, made.operations, 3) == expected


def test_a_lead_who_turns_out_to_be_a_user_is_written_as_one() -> None:
    person = Person(None, None, "a1")
    operations = (
        Operation("upsert_contact", person, 5, {"role": "lead"}),
        Operation("submit_event", person, 5, {"event_name": "Paid"}),
    )
    packed = pack(Task("m1", 5, "track", operations))
    unpacked = unpack(packed, user_id="u9").operations
    assert unpacked == (
        Operation("upsert_contact", Person("u9", None, "a1"), 5, {"role": "user"}),
        Operation("submit_event", Person("u9", None, "a1"), 5, {"event_name": "Paid"}),
    )


def test_a_person_with_a_user_id_keeps_it() -> None:
    assert unpack(pack(task(Person("u1"))), user_id="u9").operations[0].person == Person("u1")
