"""Writes of many people to one company: merged into one, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.shared import Cells, SharedWrites, cells_of, fields_of, merge
from pipeline.model.operation import DELIVERED, Outcome

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


def writer(outcome: Outcome = DELIVERED) -> tuple[list[Cells], Callable[[Cells], Outcome]]:
    made: list[Cells] = []

    def write(cells: Cells) -> Outcome:
        made.append(cells)
        return outcome

    return made, write


COMPANY = ("upsert_company", "7")
OWN = cells_of({"name": "Own"}, time=1, message_id="a")
MERGED = cells_of({"name": "Merged"}, time=2, message_id="b")


def test_only_the_first_write_is_made_and_carries_everything() -> None:
    made, write = writer()
    shared = SharedWrites({COMPANY: MERGED})
    shared.once(COMPANY, OWN, write)
    shared.once(COMPANY, OWN, write)
    assert made == [MERGED]


@pytest.mark.parametrize("order", [(OWN, MERGED), (MERGED, OWN)])
def test_whoever_said_the_newest_delivered_it_whoever_came_first(order: tuple[Cells, ...]) -> None:
    _, write = writer()
    shared = SharedWrites({COMPANY: MERGED})
    outcomes = {id(own): shared.once(COMPANY, own, write) for own in order}
    assert outcomes[id(MERGED)] == DELIVERED
    assert outcomes[id(OWN)] == Outcome("merged", "coalesced")


def test_what_was_noticed_of_a_write_is_told_to_whoever_made_it() -> None:
    _, write = writer(Outcome("delivered", warnings=("w",)))
    shared = SharedWrites({COMPANY: MERGED})
    first = shared.once(COMPANY, OWN, write)
    assert first == Outcome("merged", "coalesced", warnings=("w",))
    assert shared.once(COMPANY, MERGED, write) == DELIVERED


def test_a_refused_write_is_refused_for_everybody() -> None:
    refused = Outcome("dead", "rejected", "400")
    made, write = writer(refused)
    shared = SharedWrites({COMPANY: MERGED})
    assert [shared.once(COMPANY, OWN, write) for _ in "AB"] == [refused, refused]
    assert len(made) == 1


def test_what_was_not_merged_is_written_as_it_is() -> None:
    made, write = writer()
    SharedWrites({}).once(COMPANY, OWN, write)
    assert made == [OWN]
