"""Receipts: one line of JSON for each event that the destination has, or did not need."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from pipeline.flow.accounts import Account
from pipeline.flow.dead_letters import iso
from pipeline.transforms.lines_out import LinesOut, lines_out

VERSION = 1


def _now() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class ReceiptsTo:
    """Where receipts go; picklable.

    Attributes:
        place: A directory of any Beam file system, or ``kafka://BROKER:9092/TOPIC``.
        destination: What has the events, e.g. ``intercom``.
        run_id: Begins the names of files.
        clock: Microseconds since 1970.
    """

    place: str
    destination: str
    run_id: str = "receipts"
    clock: Callable[[], int] = _now

    def open(self) -> Receipts:
        """Takes accounts, on the worker."""
        return Receipts(self, lines_out(self.place, self.run_id))

    def line(self, account: Account) -> bytes:
        """The receipt of an event, see schemas/receipt.schema.json."""
        return msgspec.json.encode(
            {
                "version": VERSION,
                "id": account.id,
                "message_id": account.message_id,
                "destination": self.destination,
                "outcome": account.status,
                "reason": account.reason,
                "done_at": iso(self.clock()),
                "event": {
                    "type": account.type,
                    "name": account.name,
                    "user_id": account.user_id,
                    "time": account.time,
                },
                "origin": account.origin,
            }
        )


class Receipts:
    """Writes the receipts of one step."""

    def __init__(self, to: ReceiptsTo, out: LinesOut) -> None:
        self._to = to
        self._out = out

    def write(self, account: Account) -> None:
        """Take an event; one that nobody wanted has no receipt."""
        if account.status != "skipped":
            self._out.write(self._to.line(account))

    def end_bundle(self) -> None:
        """Return when every receipt is there to stay."""
        self._out.end_bundle()
