"""The dead-letter record: an event that was refused, why, and everything to deliver it later.

One JSON object a line, described by ``schemas/dead-letter.schema.json``. The original bytes are in
``raw`` as text, or in ``raw_base64`` where they are not valid UTF-8; either way they come back
exactly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.model.event import Event, Rejected
from pipeline.model.refusal import DEAD_REASONS, Detail, Refusal

if TYPE_CHECKING:
    from pipeline.model.operation import Outcome

VERSION = 1
STAGES = ("decode", "validate", "map", "admit", "deliver")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]{6,}")


class UnreadableDeadLetterError(ValueError):
    """A line is no dead letter of a version that is known here."""


class Receipt(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is known of an event when its way begins; enough for its dead letter later.

    Attributes:
        raw: The original bytes.
        origin: Where they came from, for people.
        type: The event's type; None where the bytes could not be read. Likewise the next ones.
        name: The event's name, if it has one.
        message_id: The event's id.
        user_id: Whom it is about.
        time: When it happened, microseconds since 1970 UTC.
        mapping: Name of the mapping that shaped it.
        fingerprint: Which version of that mapping.
    """

    raw: bytes
    origin: str
    type: str | None = None
    name: str | None = None
    message_id: str | None = None
    user_id: str | None = None
    time: int | None = None
    mapping: str | None = None
    fingerprint: str | None = None

    @classmethod
    def of(
        cls,
        event: Event | Rejected,
        *,
        mapping: str | None = None,
        fingerprint: str | None = None,
    ) -> Receipt:
        """The receipt of an event, or of what could not be decoded into one."""
        name = user_id = None
        if type(event) is Event:
            name, user_id = event.name, event.body.get("userId")
        return cls(
            event.raw,
            event.origin,
            event.type,
            name,
            event.message_id,
            user_id if type(user_id) is str else None,
            event.time,
            mapping,
            fingerprint,
        )

    @property
    def id(self) -> str:
        """The same for the same line of the same input, however often it is tried."""
        digest = hashlib.sha256(self.origin.encode("utf-8", "surrogatepass"))
        digest.update(b"\0" + self.raw)
        return digest.hexdigest()[:32]

    def pack(self) -> bytes:
        """As bytes, for a ``Task``."""
        return _PACK.encode(self)

    @classmethod
    def unpack(cls, packed: bytes) -> Receipt:
        """The receipt that ``pack`` made these bytes of."""
        return _UNPACK.decode(packed)


def packed_receipt(event: Event) -> bytes:
    """``Receipt.of(event).pack()`` without the receipt; every event that is wanted has one."""
    body = event.body
    name, user_id = body.get("event" if event.type == "track" else "name"), body.get("userId")
    return _PACK.encode(
        (
            event.raw,
            event.origin,
            event.type,
            name if type(name) is str else None,
            event.message_id,
            user_id if type(user_id) is str else None,
            event.time,
            None,
            None,
        )
    )


_PACK = msgspec.msgpack.Encoder()
_UNPACK = msgspec.msgpack.Decoder(Receipt)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the destination answered: HTTP status, the API's own code, and its text."""

    status: int | None = None
    code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused event.

    Attributes:
        receipt: The event: its bytes, and what is known of it.
        reason: A key of ``DEAD_REASONS``.
        details: What exactly is wrong, each with its path in the event.
        stage: The step of the road that refused it, of ``STAGES``.
        failed_at: When, microseconds since 1970 UTC.
        operation: The kind of operation that was refused, at delivery.
        response: What the destination answered, at delivery.
    """

    receipt: Receipt
    reason: str
    details: tuple[Detail, ...]
    stage: str
    failed_at: int
    operation: str | None = None
    response: Answer | None = None

    @property
    def id(self) -> str:
        """The id of its receipt."""
        return self.receipt.id

    @classmethod
    def of_refusal(
        cls, receipt: Receipt, refusal: Refusal, *, stage: str, failed_at: int
    ) -> DeadLetter:
        """An event that one of our own steps refused."""
        return cls(receipt, refusal.reason, refusal.details, stage, failed_at)

    @classmethod
    def of_outcome(cls, receipt: Receipt, outcome: Outcome, *, failed_at: int) -> DeadLetter:
        """An event that could not be delivered."""
        if outcome.status != "dead" or outcome.reason is None:
            message = f"an event that is {outcome.status} is no dead letter"
            raise ValueError(message)
        response = None
        if outcome.http_status is not None or outcome.api_code is not None:
            response = Answer(outcome.http_status, outcome.api_code, outcome.message)
        details = (Detail("$", outcome.message),)
        return cls(
            receipt, outcome.reason, details, outcome.stage, failed_at, outcome.operation, response
        )


def encode(letter: DeadLetter) -> bytes:
    """The record as one line of JSON, without the line end."""
    receipt = letter.receipt
    record: dict[str, Any] = {
        "version": VERSION,
        "id": letter.id,
        "reason": letter.reason,
        "details": [
            {"path": detail.path, "message": _clean(detail.message)} for detail in letter.details
        ],
        "event": {
            "type": receipt.type,
            "name": receipt.name,
            "message_id": receipt.message_id,
            "user_id": receipt.user_id,
            "time": None if receipt.time is None else iso(receipt.time),
        },
        "origin": receipt.origin,
        "stage": letter.stage,
        "mapping": {"name": receipt.mapping, "fingerprint": receipt.fingerprint},
        "failed_at": iso(letter.failed_at),
    }
    if letter.operation is not None:
        record["operation"] = letter.operation
    if letter.response is not None:
        record["response"] = {
            "status": letter.response.status,
            "code": letter.response.code,
            "message": _clean(letter.response.message),
        }
    try:
        record["raw"] = receipt.raw.decode("utf-8")
    except UnicodeDecodeError:
        record["raw_base64"] = base64.b64encode(receipt.raw).decode("ascii")
    return msgspec.json.encode(record)


def decode(line: bytes | str) -> DeadLetter:
    """The dead letter that a line holds.

    Raises:
        UnreadableDeadLetterError: It holds none, or one of a newer version.
    """
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        message = f"not a dead letter: {error}"
        raise UnreadableDeadLetterError(message) from error
    version = record.get("version") if isinstance(record, dict) else None
    if version != VERSION:
        message = f"not a dead letter of version {VERSION}: its version is {version!r}"
        raise UnreadableDeadLetterError(message)
    try:
        return _read(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"not a dead letter: {type(error).__name__}: {error}"
        raise UnreadableDeadLetterError(message) from error


def _read(record: Mapping[str, Any]) -> DeadLetter:
    reason = record["reason"]
    if reason not in DEAD_REASONS:
        message = f"unknown reason {reason!r}"
        raise ValueError(message)
    event, mapping = record["event"], record["mapping"]
    receipt = Receipt(
        raw=_raw(record),
        origin=record["origin"],
        type=event["type"],
        name=event["name"],
        message_id=event["message_id"],
        user_id=event["user_id"],
        time=None if event["time"] is None else micros(event["time"]),
        mapping=mapping["name"],
        fingerprint=mapping["fingerprint"],
    )
    details = tuple(Detail(item["path"], item["message"]) for item in record["details"])
    answer = record.get("response")
    return DeadLetter(
        receipt,
        reason,
        details,
        record["stage"],
        micros(record["failed_at"]),
        record.get("operation"),
        None if answer is None else Answer(answer["status"], answer["code"], answer["message"]),
    )


def _raw(record: Mapping[str, Any]) -> bytes:
    if "raw" in record:
        text: str = record["raw"]
        return text.encode("utf-8")
    try:
        return base64.b64decode(record["raw_base64"], validate=True)
    except binascii.Error as error:
        message = f"raw_base64: {error}"
        raise ValueError(message) from error


def iso(moment: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC; to the nearest year there is beyond 1 and 9999.

    >>> iso(1_700_000_000_123_456)
    '2023-11-14T22:13:20.123456Z'
    """
    try:
        time = _EPOCH + timedelta(microseconds=moment)
    except OverflowError:
        latest, earliest = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        time = latest if moment > 0 else earliest
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def micros(text: str) -> int:
    """The microseconds since 1970 that ``iso`` made this text of."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def _clean(text: str) -> str:
    """Text of others without the credentials that a careless server may echo."""
    return _BEARER.sub(r"\1 ***", text)
