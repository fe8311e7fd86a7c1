"""What becomes of one event, from its bytes to the calls: shared by explain, test and diff."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.mapping.codegen import Mapper
from pipeline.mapping.interpreter import Mapped
from pipeline.mapping.plan import MappingPlan
from pipeline.mapping.tracing import Trace, trace
from pipeline.model.decode import decode_line
from pipeline.model.event import Event, Rejected
from pipeline.model.jsontext import Malformed, read
from pipeline.model.operation import Call, Operation, Outcome, Response, Wait
from pipeline.model.refusal import Detail, Refusal, Skip
from pipeline.run.mappings import HOME, delivery_settings, destinations

if TYPE_CHECKING:
    from pipeline.validation.tracking import TrackingCheck
    from pipeline.validation.validator import Validator

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Shaped:
    """What became of one event.

    Attributes:
        event: The event, or what could not be decoded into one.
        status: ``mapped``, ``skipped`` or ``dead``.
        reason: Why it is skipped or dead, else None.
        details: The faults of a dead one.
        operations: What the mapping wants done.
        calls: What would be asked of the API for a person whom nobody has seen.
        warnings: Kinds of what was lost or changed, one for each time.
        trace: How the mapping came to it; None where it did not come to that.
    """

    event: Event | Rejected
    status: str
    reason: str | None = None
    details: tuple[Detail, ...] = ()
    operations: tuple[Operation, ...] = ()
    calls: tuple[Call, ...] = ()
    warnings: tuple[str, ...] = ()
    trace: Trace | None = None


class Recall(dict[tuple[str, str], str]):
    """A destination's memory that ends with the process."""

    def get(self, kind: str, key: str) -> str | None:  # type: ignore[override]
        """The value, or None."""
        return super().get((kind, key))

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember."""
        self[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered."""
        self.pop((kind, key), None)


class Shaper:
    """Shapes events by one mapping, and rehearses the calls that would follow.

    Args:
        mapping: The compiled mapping.
        validator: Checks events against the schemas of their types; None for no check.
        tracking: The tracking plan; None for none.
    """

    def __init__(
        self,
        mapping: MappingPlan,
        *,
        validator: Validator | None = None,
        tracking: TrackingCheck | None = None,
    ) -> None:
        self._mapping = mapping
        self._mapper = Mapper(mapping)
        self._validator = validator
        self._tracking = tracking
        self._destination = _destination(mapping)
        self._rehearse, self._remembered = _rehearsal(mapping.destination)

    def shape(self, event: Event | Rejected) -> Shaped:
        """What becomes of one event."""
        if isinstance(event, Rejected):
            return _dead(event, event.refusal)
        unwanted = self._mapper.wants(event)
        if unwanted is not None:
            traced = trace(self._mapping, event)
            return Shaped(event, "skipped", unwanted.reason, trace=traced)
        faults = self._validator.check(event) if self._validator is not None else ()
        if faults:
            return _dead(event, Refusal("schema_violation", tuple(faults)))
        warnings: tuple[str, ...] = ()
        if self._tracking is not None:
            checked = self._tracking.check(event)
            if isinstance(checked, Refusal):
                return _dead(event, checked)
            if isinstance(checked, Skip):
                return Shaped(event, "skipped", checked.reason)
            event, warnings = checked
        traced = trace(self._mapping, event)
        result = traced.result
        if isinstance(result, Refusal):
            return _dead(event, result, traced)
        if isinstance(result, Skip):
            return Shaped(event, "skipped", result.reason, warnings=warnings, trace=traced)
        return self._rehearsed(event, result, warnings, traced)

    def _rehearsed(
        self, event: Event, mapped: Mapped, warnings: tuple[str, ...], traced: Trace
    ) -> Shaped:
        memory, calls = Recall(self._remembered), list[Call]()
        said = [*warnings, *mapped.warnings]
        dead: Outcome | None = None
        for operation in mapped.operations:
            outcome = self._deliver(operation, memory, calls)
            said += outcome.warnings
            if outcome.status == "dead":
                dead = outcome
                break
        details = () if dead is None else (Detail("$", dead.message),)
        return Shaped(
            event,
            "mapped" if dead is None else "dead",
            None if dead is None else dead.reason,
            details,
            mapped.operations,
            tuple(calls),
            tuple(said),
            traced,
        )

    def _deliver(self, operation: Operation, memory: Recall, calls: list[Call]) -> Outcome:
        steps = self._destination.deliver(operation, memory)
        answer: Response | None = None
        while True:
            try:
                wanted = steps.send(answer)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            if isinstance(wanted, Wait):
                answer = None
                continue
            calls.append(wanted)
            answer = self._rehearse(wanted)


def _dead(event: Event | Rejected, refusal: Refusal, traced: Trace | None = None) -> Shaped:
    return Shaped(event, "dead", refusal.reason, refusal.details, trace=traced)


def _destination(mapping: MappingPlan) -> Any:
    """The destination with those settings of the mapping that are its own."""
    declared = delivery_settings(mapping.destination)
    own = {name: value for name, value in mapping.settings if name in declared}
    return destinations()[mapping.destination].from_settings(own)


def _rehearsal(
    destination: str,
) -> tuple[Callable[[Call], Response], Mapping[tuple[str, str], str]]:
    """What plays the API, and what is remembered before it.

    A destination without a rehearsal of its own gets a plain 200.
    """
    try:
        module = importlib.import_module(f"destinations.{destination}.rehearsal")
    except ModuleNotFoundError:
        return (lambda call: Response(200, body={})), {}
    return module.rehearse, getattr(module, "REMEMBERED", {})


def shaper_for(mapping: MappingPlan, schemas: Path | None = None, *, check: bool = True) -> Shaper:
    """A shaper that checks events against the schemas in a directory, where there are any."""
    if not check:
        return Shaper(mapping)
    directory = schemas or HOME / "schemas"
    return Shaper(
        mapping, validator=_validator(directory), tracking=_tracking(directory, mapping.settings)
    )


@cache
def _validator(directory: Path) -> Validator:
    from pipeline.validation.registry import SchemaSet
    from pipeline.validation.validator import Validator

    return Validator(SchemaSet.load(directory))


def _tracking(directory: Path, settings: tuple[tuple[str, Any], ...]) -> TrackingCheck | None:
    if not (directory / "tracking").is_dir():
        return None
    from pipeline.validation.tracking import Policy, TrackingCheck, TrackingPlan

    return TrackingCheck(TrackingPlan.load(directory / "tracking", Policy.of(dict(settings))))


# --- events from files -----------------------------------------------------------------------


def read_events(data: bytes, *, origin: str, now: int | None = None) -> list[Event | Rejected]:
    """The events in a file: one object over several lines, JSON lines, an array or batches.

    ``now`` (microseconds since 1970) is the time of events that state none.
    """
    moment = time.time_ns() // 1000 if now is None else now
    lines = data.removeprefix(_BYTE_ORDER_MARK).rstrip().split(b"\n")
    data = b"\n".join(lines).strip()
    if not data:
        return []
    first = next(line for line in lines if line.strip())
    if len(lines) > 1 and data != first and _stands_alone(first):
        return _of_lines(lines, origin, moment)
    try:
        read(data)
    except Malformed as fault:
        if any(map(_is_event, lines)):
            return _of_lines(lines, origin, moment)
        return _broken(data, fault, origin, moment)
    if data.startswith(b"["):
        data = b'{"batch":' + data + b"}"
    return decode_line(data, origin=origin, now=moment)


def _of_lines(lines: list[bytes], origin: str, now: int) -> list[Event | Rejected]:
    return [
        event
        for number, line in enumerate(lines, 1)
        for event in decode_line(line, origin=f"{origin}:{number}", now=now)
    ]


def _is_event(line: bytes) -> bool:
    """Whether a line is a whole event or batch, which none of a document over several lines is."""
    if not line.startswith(b"{"):
        return False
    try:
        body = read(line.strip())
    except Malformed:
        return False
    return isinstance(body, dict) and ("type" in body or "batch" in body)


def _stands_alone(line: bytes) -> bool:
    """Whether the first line looks like a whole event, so that the file holds one on each."""
    try:
        read(line.strip())
    except Malformed:
        text = line.strip()
        return text.startswith(b"{") and text.endswith(b"}")
    return True


def _broken(data: bytes, fault: Malformed, origin: str, now: int) -> list[Event | Rejected]:
    if fault.position is not None:
        before = data[: fault.position]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        origin = f"{origin}:{line}:{column}"
    return decode_line(data, origin=origin, now=now)
