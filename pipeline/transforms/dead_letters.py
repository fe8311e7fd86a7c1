"""Dead letters: made where an event is refused, written to files of lines as they come."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from msgspec.structs import replace

from pipeline.flow.dead_letters import DeadLetter, Receipt, encode
from pipeline.flow.work import Task
from pipeline.model.event import Event, Rejected
from pipeline.model.operation import Outcome
from pipeline.model.refusal import Refusal

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
    """Appends letters to files of its own under a directory of any Beam file system.

    A bundle writes one file, begun with its first letter; every letter is flushed at once where
    the file system can, so that a crash loses none that was counted.
    """

    def __init__(self, directory: str, run_id: str) -> None:
        self._directory = directory
        self._run_id = run_id

    def start_bundle(self) -> None:
        """Begin without a file."""
        self._file: Any = None

    def process(self, element: bytes) -> None:
        """Write one letter."""
        if self._file is None:
            name = f"{self._run_id}-{uuid.uuid4().hex[:12]}.jsonl"
            path = FileSystems.join(self._directory, name)
            self._file = FileSystems.create(
                path, "application/jsonl", CompressionTypes.UNCOMPRESSED
            )
            _hold(self._file)
        self._file.write(element + b"\n")
        self._file.flush()

    def finish_bundle(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _hold(file: Any) -> None:
    """Show a replay that this file is still being written; a file system may know no locks."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
