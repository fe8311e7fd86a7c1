"""Tasks survive the way through a shuffle."""

from __future__ import annotations

from decimal import Decimal

from pipeline.flow.packing import pack, unpack
from pipeline.flow.work import Task
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
