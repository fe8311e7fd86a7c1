"""Lines from the elements of somebody else's pipeline: bytes, text, mappings or rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.utils.timestamp import MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp

from pipeline.model.decode import LONGEST_LINE
from pipeline.transforms.read import Line, Unreadable

_ENCODE = msgspec.json.Encoder(decimal_format="number")


class LinesOf(beam.DoFn):
    """One event as ``bytes``, ``str``, mapping or row -> ``Line``; ``Unreadable`` for an empty one.

    An event that says no time has the timestamp of its element, where that has one. An element
    that is nothing of the kind becomes a line too, and a dead letter in the end.

    Args:
        origin: Where the events come from, for people.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def process(  # noqa: D102
        self, element: Any, timestamp: Timestamp = beam.DoFn.TimestampParam
    ) -> Iterator[Line | Unreadable]:
        text = text_of(element)
        if not text.strip():
            yield Unreadable(self._origin, "the element is empty")
            return
        timed = MIN_TIMESTAMP < timestamp < MAX_TIMESTAMP
        yield Line(
            text[:LONGEST_LINE],
            self._origin,
            length=len(text) if len(text) > LONGEST_LINE else None,
            written_at=timestamp.micros if timed else None,
        )


def text_of(element: Any) -> bytes:
    """The bytes of an event.

    >>> text_of({"type": "track"})
    b'{"type":"track"}'
    """
    if isinstance(element, bytes):
        return element
    if isinstance(element, str):
        return element.encode("utf-8", "surrogatepass")
    try:
        return _ENCODE.encode(_plain(element))
    except (TypeError, ValueError, RecursionError):
        return repr(element).encode("utf-8", "surrogatepass")


def _plain(element: Any) -> Any:
    """Mappings for rows, at any depth; fields of a row that say nothing are left out."""
    if isinstance(element, beam.Row):
        element = element.as_dict()
    elif isinstance(element, tuple) and hasattr(element, "_asdict"):
        element = element._asdict()
    elif isinstance(element, list | tuple):
        return [_plain(item) for item in element]
    elif not isinstance(element, Mapping):
        return element
    else:
        return {key: _plain(value) for key, value in element.items()}
    return {key: _plain(value) for key, value in element.items() if value is not None}
