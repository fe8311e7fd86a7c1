"""Dead letters: made where an event is refused, written to files of lines as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import apache_beam as beam
import msgspec
from msgspec.structs import replace

from pipeline.flow.dead_letters import DeadLetter, Receipt, encode
from pipeline.flow.work import Task
from pipeline.model.event import Event, Rejected
from pipeline.model.operation import Outcome
from pipeline.model.refusal import Refusal
from pipeline.transforms.lines_out import lines_out

_KEPT = 10_000
Note = Callable[[Receipt, str], object]
"""Is told what became of an event, e.g. ``skipped/filtered``; picklable, safe among threads."""


def _now() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class DeadLetterFormat:
    """Makes dead letters of one run.

    Attributes:
        mapping: Name of the mapping.
        fingerprint: Which version of it.
        clock: Microseconds since 1970.
    """

    mapping: str
    fingerprint: str
    clock: Callable[[], int] = _now

    def of_event(self, event: Event | Rejected, refusal: Refusal, *, stage: str) -> bytes:
        """The letter of an event that one of our own steps refused."""
        receipt = self._stamped(Receipt.of(event))
        letter = DeadLetter.of_refusal(receipt, refusal, stage=stage, failed_at=self.clock())
        return encode(letter)

    def of_task(self, task: Task, outcome: Outcome) -> bytes:
        """The letter of an event that could not be delivered."""
        receipt = self._stamped(Receipt.unpack(task.receipt))
        return encode(DeadLetter.of_outcome(receipt, outcome, failed_at=self.clock()))

    def _stamped(self, receipt: Receipt) -> Receipt:
        return replace(receipt, mapping=self.mapping, fingerprint=self.fingerprint)


class WriteDeadLetters(beam.DoFn):
    """Appends letters to files of its own under a directory of any Beam file system, or to a topic.

    A bundle writes one file, begun with its first letter; every letter is flushed at once where
    the file system can, so that a crash loses none that was counted. In a topic they are before
    the bundle ends.
    """

    def __init__(self, place: str, run_id: str) -> None:
        self._place = place
        self._run_id = run_id

    def setup(self) -> None:
        """Begin without a file."""
        self._out = lines_out(self._place, self._run_id, shorten=shortened)

    def process(self, element: bytes) -> None:
        """Write one letter."""
        self._out.write(element)

    def finish_bundle(self) -> None:
        """Return when all letters are there."""
        self._out.end_bundle()


def shortened(letter: bytes) -> bytes:
    """A letter with the beginning of its event only, for a topic that takes none of its size."""
    record = msgspec.json.decode(letter)
    raw = record.pop("raw_base64", None) or record["raw"]
    record["raw"] = raw[:_KEPT]
    said = f"only the beginning is kept here: the dead letter has {len(letter):,} bytes"
    record["details"].append({"path": "$", "message": said})
    return msgspec.json.encode(record)
