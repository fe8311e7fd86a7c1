"""Writes that many people's events make to one thing, a company: merged into one, made once.

In a batch every write of a company is known before any is sent. Of each field the value with the
latest event time wins, whoever sent it and wherever it was read, so the outcome does not depend on
which of two people's work happens to run first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from pipeline.flow.once import Ledger
from pipeline.model.operation import DELIVERED, Outcome

_ENCODER = msgspec.json.Encoder(decimal_format="number")

NESTED = "custom_attributes"
"""The one field whose members are merged one by one."""


class Cell(msgspec.Struct, frozen=True, gc=False):
    """The newest value of one field: ordered by event time, then by message id, then by value."""

    time: int
    message_id: str
    value: Any

    @property
    def order(self) -> tuple[int, str, bytes]:
        """Decides which of two cells stays; depends on nothing but the cells."""
        return (self.time, self.message_id, _ENCODER.encode(self.value))


Cells = dict[tuple[str, ...], Cell]
"""Path of a field -> its newest value."""


def cells_of(fields: Mapping[str, Any], *, time: int, message_id: str) -> Cells:
    """One write as cells."""
    cells: Cells = {}
    for name, value in fields.items():
        if name == NESTED and isinstance(value, Mapping):
            for key, member in value.items():
                cells[name, key] = Cell(time, message_id, member)
        else:
            cells[(name,)] = Cell(time, message_id, value)
    return cells


def merge(into: Cells, more: Cells) -> Cells:
    """Keep of each field the newer cell. Commutes, so bundles may be merged in any order."""
    for path, cell in more.items():
        known = into.get(path)
        if known is None or (cell.time, cell.message_id) > (known.time, known.message_id):
            into[path] = cell
        elif (cell.time, cell.message_id) == (known.time, known.message_id):
            into[path] = max(known, cell, key=lambda each: each.order)
    return into


def fields_of(cells: Cells) -> dict[str, Any]:
    """The merged write; names in alphabetical order, so that equal cells give equal bytes."""
    fields: dict[str, Any] = {}
    for path in sorted(cells):
        if len(path) == 1:
            fields[path[0]] = cells[path].value
        else:
            fields.setdefault(path[0], {})[path[1]] = cells[path].value
    return fields


def _newest(cells: Cells) -> tuple[int, str]:
    """The time and the event of the newest of some fields."""
    return max(((cell.time, cell.message_id) for cell in cells.values()), default=(0, ""))


class SharedWrites:
    """Sees to it that of the writes to one shared thing only the first is made, with all merged.

    Whoever comes first makes it, but who is said to have made it does not depend on that: whoever
    said the newest of what was written.

    Args:
        merged: (kind, thing) -> the newest value of every field, over everybody's writes.
        ledger: What the processes of one run have written; None where there is only one.
    """

    def __init__(
        self, merged: Mapping[tuple[str, str], Cells], ledger: Ledger | None = None
    ) -> None:
        self._merged = merged
        self._ledger = ledger
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._outcomes: dict[tuple[str, str], Outcome] = {}

    def once(
        self, thing: tuple[str, str], own: Cells, write: Callable[[Cells], Outcome]
    ) -> Outcome:
        """Write the thing, or say what came of the write that another made.

        Args:
            thing: (operation kind, name of the thing).
            own: The fields to write where nothing was merged.
            write: Makes the write; called at most once for each thing.
        """
        with self._lock_of(thing):  # whoever needs the company meanwhile waits until it is there
            cells, made = self.cells(thing, own), False
            outcome = self._outcomes.get(thing)
            if outcome is None:
                outcome, made = self._written(thing, lambda: write(cells))
                self._outcomes[thing] = outcome
        if outcome.status != "delivered":
            return outcome
        noticed = outcome if made else DELIVERED
        if _newest(own) == _newest(cells):
            return noticed
        return replace(noticed, status="merged", reason="coalesced")

    def _written(
        self, thing: tuple[str, str], write: Callable[[], Outcome]
    ) -> tuple[Outcome, bool]:
        """What came of the write, and whether it was this process that made it."""
        return (write(), True) if self._ledger is None else self._ledger.once(thing, write)

    def cells(self, thing: tuple[str, str], own: Cells) -> Cells:
        """Everybody's fields of the thing; ``own`` where nothing was merged."""
        return self._merged.get(thing, own)

    def alone(self, thing: tuple[str, str], write: Callable[[], Outcome]) -> Outcome:
        """Write the thing once more, with nobody else writing it at the same time."""
        with self._lock_of(thing):
            return write()

    def _lock_of(self, thing: tuple[str, str]) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(thing, threading.Lock())
