"""Writes of many people to one company: merged into one, made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.shared import Cells, SharedWrites, cells_of, fields_of, merge
from pipeline.model.exchange import Memory
from pipeline.model.operation import DELIVERED, Operation, Outcome, Person

FIELDS = st.dictionaries(
    st.sampled_from(["name", "plan", "custom_attributes"]), st.integers(0, 3)
).map(lambda d: {k: ({"tier": v} if k == "custom_attributes" else v) for k, v in d.items()})
WRITES = st.lists(st.tuples(FIELDS, st.integers(0, 5), st.sampled_from("abc")), max_size=8)


def merged(writes: list[tuple[Mapping[str, Any], int, str]]) -> dict[str, Any]:
    cells: Cells = {}
    for fields, time, message_id in writes:
        merge(cells, cells_of(fields, time=time, message_id=message_id))
    return fields_of(cells)


@given(WRITES, st.randoms(use_true_random=False))
def test_the_merged_write_does_not_depend_on_the_order_of_arrival(
    writes: list[tuple[Mapping[str, Any], int, str]], random: Any
) -> None:
    shuffled = list(writes)
    random.shuffle(shuffled)
    assert merged(shuffled) == merged(writes)


def test_of_each_field_the_newest_value_wins() -> None:
    writes = [({"name": "New", "plan": None}, 2, "b"), ({"name": "Old", "size": 3}, 1, "a")]
    assert merged(writes) == {"name": "New", "plan": None, "size": 3}


def test_custom_attributes_merge_one_by_one() -> None:
    writes = [
        ({"custom_attributes": {"a": 1, "b": 1}}, 1, "a"),
        ({"custom_attributes": {"b": 2}}, 2, "b"),
    ]
    assert merged(writes) == {"custom_attributes": {"a": 1, "b": 2}}


class FakeRunner:
    def __init__(self, outcome: Outcome = DELIVERED) -> None:
        self.outcome = outcome
        self.made: list[Operation] = []

    def run(self, operation: Operation, memory: Memory) -> Outcome:
        self.made.append(operation)
        return self.outcome


class NoMemory:
    def get(self, kind: str, key: str) -> str | None:
        return None

    def put(self, kind: str, key: str, value: str) -> None:
        return None

    def forget(self, kind: str, key: str) -> None:
        return None


def company(name: str) -> Operation:
    return Operation("upsert_company", Person(), 1, {"company_id": "7", "name": name})


def shared(runner: FakeRunner) -> SharedWrites:
    return SharedWrites(
        runner,
        merge_by={"upsert_company": "company_id"},
        merged={("upsert_company", "7"): {"company_id": "7", "name": "Merged"}},
    )


def test_only_the_first_write_is_sent_and_carries_everything() -> None:
    runner = FakeRunner()
    writes = shared(runner)
    assert writes.run(company("A"), NoMemory()) == DELIVERED
    assert writes.run(company("B"), NoMemory()) == Outcome("merged", "coalesced")
    assert [made.fields["name"] for made in runner.made] == ["Merged"]


def test_a_refused_write_is_refused_for_everybody() -> None:
    refused = Outcome("dead", "rejected", "400")
    runner = FakeRunner(refused)
    writes = shared(runner)
    assert [writes.run(company(n), NoMemory()) for n in "AB"] == [refused, refused]
    assert len(runner.made) == 1


def test_what_nobody_shares_is_sent_as_it_is() -> None:
    runner = FakeRunner()
    event = Operation("submit_event", Person("u1"), 1, {"event_name": "x"})
    shared(runner).run(event, NoMemory())
    assert runner.made == [event]
