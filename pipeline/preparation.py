"""From one line of input to what must be done about it: decode, select, validate, map.

Pure, and knows no engine: the Beam adapter, ``--dry-run`` and the tests all call ``Preparer``.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from pipeline.mapping.codegen import Mapper
from pipeline.mapping.interpreter import Mapped
from pipeline.mapping.plan import MappingPlan
from pipeline.model.decode import DEFAULT_MAX_BYTES, decode_line
from pipeline.model.event import Event, Rejected
from pipeline.model.refusal import Refusal, Skip
from pipeline.validation.registry import SchemaSet
from pipeline.validation.tracking import TrackingCheck, TrackingPlan
from pipeline.validation.validator import Validator


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An event that goes to the dead letters, and the step that refused it."""

    event: Event | Rejected
    refusal: Refusal
    stage: str


Prepared = tuple[Event, Mapped | Skip] | Refused
"""What became of one event: to be delivered, wanted by nobody, or refused."""


class Preparer:
    """Prepares events by one mapping and one set of schemas. Build it on the worker.

    Args:
        mapping: The compiled mapping.
        schemas: The schemas of the event types.
        tracking: The schemas of single events, and what to do with events they do not fit.
        now: Time of the run in microseconds since 1970, for events that say no time.
        max_bytes: A longer line is refused.
    """

    def __init__(
        self,
        mapping: MappingPlan,
        schemas: SchemaSet,
        *,
        now: int,
        tracking: TrackingPlan | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        self._mapper = Mapper(mapping)
        self.select: Callable[[Event], Skip | None] = self._mapper.wants
        """Why the mapping surely does not want an event; asked first, so it need not be valid."""
        self._validator = Validator(schemas)
        planned = tracking is not None and tracking.schemas
        self._tracking = TrackingCheck(tracking) if tracking is not None and planned else None
        self._now = now
        self._max_bytes = max_bytes

    def prepare(
        self,
        line: bytes,
        origin: str,
        *,
        first_seen: int | None = None,
        length: int | None = None,
        now: int | None = None,
    ) -> list[Prepared]:
        """What becomes of everything that the line holds; the arguments are those of ``decode``."""
        found = self.decode(line, origin, first_seen=first_seen, length=length, now=now)
        return [
            Refused(each, each.refusal, "decode")
            if isinstance(each, Rejected)
            else self.shape(each)
            for each in found
        ]

    def decode(
        self,
        line: bytes,
        origin: str,
        *,
        first_seen: int | None = None,
        length: int | None = None,
        now: int | None = None,
    ) -> list[Event | Rejected]:
        """Everything that the line holds, in its order; nothing is ever left out.

        Args:
            line: The bytes.
            origin: Names the line for people.
            first_seen: For the bytes of one event that were read before: when, in microseconds
                since 1970. ``origin`` is then the event's own.
            length: Of a line that was cut: how many bytes it has.
            now: The time of its events that say none, where it is not the time of the run.
        """
        now = self._now if now is None else now
        now = now if first_seen is None else first_seen
        found = decode_line(line, origin=origin, now=now, max_bytes=self._max_bytes, length=length)
        if first_seen is None:
            return found
        return [
            replace(one, origin=origin, time=first_seen if one.time is None else one.time)
            for one in found
        ]

    def shape(self, event: Event) -> Prepared:
        """What becomes of one decoded event."""
        unwanted = self.select(event)
        if unwanted is not None:
            return (event, unwanted)
        return self.check(event) or self.map(event)

    def check(self, event: Event) -> Refused | None:
        """The refusal of an event that does not fit the schema of its type."""
        faults = self._validator.check(event)
        return Refused(event, Refusal("schema_violation", faults), "validate") if faults else None

    def map(self, event: Event) -> Prepared:
        """What becomes of an event that fits the schema of its type."""
        if self._tracking is not None:
            checked = self._tracking.check(event)
            if isinstance(checked, Refusal):
                return Refused(event, checked, "validate")
            if isinstance(checked, Skip):
                return (event, checked)
            event, kinds = checked
            event = replace(event, warnings=(*event.warnings, *kinds)) if kinds else event
        result = self._mapper(event)
        if isinstance(result, Refusal):
            return Refused(event, result, "map")
        return (event, result)
