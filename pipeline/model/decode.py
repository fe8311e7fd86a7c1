"""From one line of bytes to events: exact numbers, exact original bytes, and never an exception.

A line holds one event, or a batch as Segment's HTTP API takes it: ``{"batch": [...]}`` whose other
keys are defaults for the members that lack them.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.model.event import EVENT_TYPES, Event, Rejected
from pipeline.model.jsontext import (
    MAX_DEPTH,
    Malformed,
    has_escaped_colon,
    kind,
    read,
    refuse_duplicates,
    show,
)
from pipeline.model.refusal import Refusal
from pipeline.model.text import cut, text_of_id
from pipeline.model.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_MAX_BYTES = 1_048_576
"""How long a line may be unless the caller says otherwise."""

TIME_KEYS = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
"""Where the time of an event is looked for, in this order."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"
_BATCH_OPENS = b'{"batch":['
_BATCH_BEGINS = b'{"batch"'  # a batch that begins in another way is decoded twice
_LONGEST_TYPE = 80
_TYPES = frozenset(EVENT_TYPES)
_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(list[msgspec.Raw])


LONGEST_LINE = 16 << 20
"""A line of so many bytes is refused whatever the limit: of a longer one only so many are kept."""


def decode_line(
    line: bytes,
    *,
    origin: str,
    now: int,
    max_bytes: int = DEFAULT_MAX_BYTES,
    length: int | None = None,
) -> list[Event | Rejected]:
    """The events of one line, each decoded or refused on its own; a blank line holds none.

    Args:
        line: The bytes, with or without the end of the line; a byte order mark is skipped.
        origin: Names the line for people, e.g. ``events.jsonl:12``.
        now: The time of events that state none, in microseconds since 1970.
        max_bytes: A longer line is refused as ``too_large`` without looking into it.
        length: Of a line that was cut to ``LONGEST_LINE``: how many bytes it has.
    """
    if len(line) >= LONGEST_LINE:
        has = f"at least {len(line)}" if length is None else str(length)
        message = f"the line has {has} bytes, {min(max_bytes, LONGEST_LINE - 1)} are allowed"
        return [_rejected(line, origin, Refusal.because("too_large", message), {})]
    raw = line.removeprefix(_BYTE_ORDER_MARK).strip(_BLANKS)
    if not raw:
        return []
    if len(raw) > max_bytes:
        message = f"the line has {len(raw)} bytes, {max_bytes} are allowed"
        return [_rejected(raw, origin, Refusal.because("too_large", message), {})]
    if raw.startswith(_BATCH_BEGINS):
        envelope = _envelope(raw)
        if envelope is not None:
            return _decode_batch(raw, envelope, origin, now)
    try:
        body = read(raw)
    except Malformed as fault:
        envelope = _envelope(raw)
        if envelope is not None:
            return _decode_batch(raw, envelope, origin, now)
        return [_refused(raw, origin, fault.told(), _salvaged(raw))]
    if type(body) is not dict:
        message = (
            f"the line is {kind(body)}, not an object: one event stands on one line, "
            'several in {"batch": [...]}'
        )
        return [_refused(raw, origin, message, {})]
    if "batch" in body:
        envelope = _envelope(raw)
        if envelope is not None:
            return _decode_batch(raw, envelope, origin, now)
    return [_event(body, raw, origin, now)]


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing at all, so that no event comes of it."""
    return not line.removeprefix(_BYTE_ORDER_MARK).strip(_BLANKS)


def _envelope(raw: bytes) -> dict[str, bytes] | None:
    """The members of the outermost object as bytes, if it is a batch that can be taken apart."""
    try:
        envelope = {key: bytes(value) for key, value in _ENVELOPE.decode(raw).items()}
    except (ValueError, RecursionError):
        return None
    return envelope if envelope.get("batch", b"").startswith(b"[") else None


def _decode_batch(
    raw: bytes, envelope: dict[str, bytes], origin: str, now: int
) -> list[Event | Rejected]:
    kept = sum(value.count(b":") + key.count(":") + 1 for key, value in envelope.items())
    try:
        if kept != raw.count(b":") or has_escaped_colon(raw):
            refuse_duplicates(raw, deep=False)
        members = _MEMBERS.decode(envelope.pop("batch"))
        defaults = {key: _default(key, value) for key, value in envelope.items()}
    except Malformed as fault:
        return [_refused(raw, origin, fault.told(), {})]
    spliced = {key: _spliced(key, value) for key, value in envelope.items()}
    return [
        _decode_member(bytes(member), defaults, spliced, f"{origin}[{place}]", now)
        for place, member in enumerate(members)
    ]


def _decode_member(
    member: bytes, defaults: dict[str, Any], spliced: dict[str, bytes], origin: str, now: int
) -> Event | Rejected:
    member = member.strip(_BLANKS)
    try:
        body = read(member)
    except Malformed as fault:
        raw = _batch_of_one(member, spliced.values()) if spliced else member
        offset = len(_BATCH_OPENS) if spliced else 0
        known = {**defaults, **_salvaged(member)}
        return _refused(raw, origin, fault.told(offset=offset), known)
    if type(body) is not dict:
        message = f"a member of the batch is {kind(body)}, not an object"
        return _refused(_batch_of_one(member, spliced.values()), origin, message, defaults)
    lacking = [key for key in defaults if key not in body]
    if not lacking and "batch" not in body:
        return _event(body, member, origin, now)
    for key in lacking:
        body[key] = defaults[key]
    raw = _batch_of_one(member, [spliced[key] for key in lacking])
    return _event(body, raw, origin, now)


def _default(key: str, value: bytes) -> Any:
    try:
        return read(value, max_depth=MAX_DEPTH - 1)
    except Malformed as fault:
        message = f"in {show(key)} of the batch: {fault}"
        raise Malformed(message) from None


def _spliced(key: str, value: bytes) -> bytes:
    return b",%b:%b" % (msgspec.json.encode(key), value.strip(_BLANKS))


def _batch_of_one(member: bytes, shared: Iterable[bytes]) -> bytes:
    return _BATCH_OPENS + member + b"]" + b"".join(shared) + b"}"


def _event(body: dict[str, Any], raw: bytes, origin: str, now: int) -> Event | Rejected:
    name = body.get("type")
    if type(name) is not str or name not in _TYPES:
        return _rejected(raw, origin, _unknown_type(body), body)
    message_id = text_of_id(body.get("messageId")) or _digest(raw)
    time = parse_time(body.get("timestamp"))
    if time is None:
        time = _time(body)
        if time is None:
            return Event(name, message_id, now, body, raw, origin, ("timestamp_missing",))
    return Event(name, message_id, time, body, raw, origin)


def _time(body: dict[str, Any]) -> int | None:
    for key in TIME_KEYS:
        value = body.get(key)
        if value is not None:
            time = parse_time(value)
            if time is not None:
                return time
    return None


def _digest(raw: bytes) -> str:
    return "sha256:" + sha256(raw).hexdigest()


def _unknown_type(body: dict[str, Any]) -> Refusal:
    allowed = f"allowed are {', '.join(EVENT_TYPES)}"
    if "type" not in body:
        message = f'the event has no "type"; {allowed}'
        if "batch" in body:
            message = f'"batch" is {kind(body["batch"])}, not an array of events'
        return Refusal.because("unknown_type", message)
    name = body["type"]
    message = f"the type is {show(name)}; {allowed}"
    if isinstance(name, str):
        plain = name.strip().lower()
        near = [plain] if plain in _TYPES else get_close_matches(plain[:_LONGEST_TYPE], EVENT_TYPES)
        if near and near[0] == name.lower():
            message = f'the type is {show(name)}; types are in lower case: "{near[0]}"'
        elif near:
            message = f'the type is {show(name)}; did you mean "{near[0]}"?'
    return Refusal.because("unknown_type", message, "$.type")


def _refused(raw: bytes, origin: str, message: str, known: dict[str, Any]) -> Rejected:
    return _rejected(raw, origin, Refusal.because("invalid_json", message), known)


def _rejected(raw: bytes, origin: str, refusal: Refusal, known: dict[str, Any]) -> Rejected:
    name, message_id = known.get("type"), text_of_id(known.get("messageId"))
    return Rejected(
        raw=raw,
        origin=origin,
        refusal=refusal,
        type=cut(name, _LONGEST_TYPE) if isinstance(name, str) and _is_sound(name) else None,
        message_id=message_id if message_id and _is_sound(message_id) else _digest(raw),
        time=_time(known),
    )


def _is_sound(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _salvaged(raw: bytes) -> dict[str, Any]:
    """What a more forgiving reader makes of refused bytes, so that dead letters can be found."""
    try:
        body = json.loads(raw.decode(errors="replace"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
