"""A cheap look at a line: whose event it holds and when that happened, without decoding it all."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import msgspec

from pipeline.model.times import parse_time

SHARDS = 64
"""Into so many slices people are cut by default."""


@dataclass(frozen=True, slots=True)
class Peek:
    """Whose event a line holds, and its time in microseconds since 1970; None where it says none.

    ``key`` is near to the person's own key, and cheaper: ``u:`` and the userId, else ``e:`` and
    the e-mail in the traits, else ``a:`` and the anonymousId.
    """

    key: str
    time: int | None


class _Traits(msgspec.Struct):
    email: str | None = None


class _Line(msgspec.Struct, rename="camel"):
    batch: msgspec.Raw | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    traits: _Traits | None = None
    timestamp: str | int | float | None = None
    original_timestamp: str | int | float | None = None
    sent_at: str | int | float | None = None
    received_at: str | int | float | None = None


_LINE = msgspec.json.Decoder(_Line)


def peek(line: bytes) -> Peek | None:
    """What a line holds; None for a batch, for what names nobody, and for what cannot be read.

    >>> peek(b'{"type":"track","userId":"7","timestamp":"1970-01-01T00:00:01Z"}')
    Peek(key='u:7', time=1000000)
    >>> peek(b'{"batch":[]}') is peek(b"junk") is None
    True
    """
    try:
        seen = _LINE.decode(line)
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
        return None
    if seen.batch is not None:
        return None
    key = _key(seen)
    return Peek(key, _time(seen)) if key is not None else None


def shard_of(key: str, shards: int = SHARDS) -> int:
    """In which slice of people a key lies: the same one in every process, for ever."""
    return crc32(key.encode("utf-8", "surrogatepass")) % shards


def _key(seen: _Line) -> str | None:
    if seen.user_id not in (None, ""):
        return f"u:{seen.user_id}"
    if seen.traits is not None and seen.traits.email:
        return f"e:{seen.traits.email.lower()}"
    return f"a:{seen.anonymous_id}" if seen.anonymous_id not in (None, "") else None


def _time(seen: _Line) -> int | None:
    for value in (seen.timestamp, seen.original_timestamp, seen.sent_at, seen.received_at):
        if value is not None:
            time = parse_time(value)
            if time is not None:
                return time
    return None
