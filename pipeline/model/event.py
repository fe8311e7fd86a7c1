"""An event as the source sent it: decoded, but neither validated nor mapped."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.model.refusal import Refusal

EVENT_TYPES = ("identify", "track", "group", "page", "screen", "alias", "delete")


class Event(msgspec.Struct, frozen=True, gc=False):
    """One customer event.

    Attributes:
        type: One of ``EVENT_TYPES``.
        message_id: ``messageId``, or ``sha256:`` and the digest of ``raw`` where it is missing,
            so that the same bytes always have the same id.
        time: When it happened, in microseconds since 1970 UTC: ``timestamp``, else
            ``originalTimestamp``, else ``sentAt``, else ``receivedAt``, else when its file was last
            changed (the same in every run), else the start of the run, as for standard input.
        body: The decoded JSON object. Numbers with a fraction or an exponent are
            ``decimal.Decimal``; integers are exact, however long.
        raw: The original bytes: a line that, read again, gives exactly this event. For a member
            of a batch whose envelope holds shared fields it is a batch of this one event.
        origin: Where it came from, for people: ``path:line``, ``path:line[index]`` in a batch.
        warnings: Kinds of what had to be assumed while decoding, e.g. ``timestamp_missing``.
    """

    type: str
    message_id: str
    time: int
    body: dict[str, Any]
    raw: bytes
    origin: str
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The event name of a track, the page name of a page, else None."""
        value = self.body.get("event" if self.type == "track" else "name")
        return value if isinstance(value, str) else None


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """What could not be decoded into an event, with what a dead letter needs.

    Attributes:
        raw: The bytes; for a member of a batch as in ``Event``. Read again, they are refused again.
        origin: Where it came from, as in ``Event``.
        refusal: Why.
        type: The text under ``type`` as far as it could be read, else None.
        message_id: As in ``Event``, as far as it could be read.
        time: As in ``Event``, or None where no timestamp could be read.
    """

    raw: bytes
    origin: str
    refusal: Refusal
    type: str | None
    message_id: str
    time: int | None
