"""What became of one event that was not refused: a row of plain values, for others to read."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.flow.dead_letters import Receipt, iso


class Account(NamedTuple):
    """One event that is done with. Dead letters tell of the others.

    Attributes:
        id: The same for the same line of the same input, however often it is tried; a dead letter
            has the same one.
        status: ``delivered``, ``merged`` (nothing had to be sent for it) or ``skipped``.
        reason: Why it was merged or skipped; None for a delivered one.
        type: The event's type.
        name: The event's name, if it has one.
        message_id: The event's id.
        user_id: Whom it is about; None where it says no userId.
        time: When it happened, ISO 8601 in UTC.
        origin: Where it came from, for people.
    """

    id: str
    status: str
    reason: str | None
    type: str | None
    name: str | None
    message_id: str | None
    user_id: str | None
    time: str | None
    origin: str


def account_of(receipt: Receipt, status: str, reason: str | None) -> Account:
    """The account of an event that ended in ``status``."""
    return Account(
        id=receipt.id,
        status=status,
        reason=reason,
        type=receipt.type,
        name=receipt.name,
        message_id=receipt.message_id,
        user_id=receipt.user_id,
        time=None if receipt.time is None else iso(receipt.time),
        origin=receipt.origin,
    )
