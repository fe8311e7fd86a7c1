"""Writes of what people share, in a stream: every one is made, each by one writer alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.flow.exclusive import ExclusiveWrites, Thing
from pipeline.flow.shared import Cell, Cells
from pipeline.model.operation import DELIVERED, Outcome

ACME = ("upsert_company", "acme")
OWN: Cells = {("plan",): Cell(1, "m", "pro")}


class Turns:
    def __init__(self) -> None:
        self.log: list[str] = []

    @contextmanager
    def __call__(self, thing: Thing) -> Iterator[None]:
        self.log.append(f"take {thing[1]}")
        yield
        self.log.append("give back")

    def write(self, cells: Cells) -> Outcome:
        self.log.append(f"write {cells[('plan',)].value}")
        return DELIVERED


@pytest.fixture
def turns() -> Turns:
    return Turns()


def test_each_write_is_made_in_a_turn_of_its_own(turns: Turns) -> None:
    writes = ExclusiveWrites(turns)
    newer: Cells = {("plan",): Cell(2, "n", "max")}
    assert writes.once(ACME, OWN, turns.write) == DELIVERED
    assert writes.once(ACME, newer, turns.write) == DELIVERED
    one = ["take acme", "write pro", "give back"]
    assert turns.log == [*one, "take acme", "write max", "give back"]


def test_a_write_alone_has_a_turn_too(turns: Turns) -> None:
    assert ExclusiveWrites(turns).alone(ACME, lambda: turns.write(OWN)) == DELIVERED
    assert turns.log == ["take acme", "write pro", "give back"]


def test_nothing_is_merged_with_what_others_say(turns: Turns) -> None:
    assert ExclusiveWrites(turns).cells(ACME, OWN) is OWN
