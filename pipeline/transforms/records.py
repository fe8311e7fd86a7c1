"""The records of a micro-batch as lines: they are in this process already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam

from pipeline.model.decode import is_blank
from pipeline.sources.record import Record
from pipeline.transforms.counting import Counts
from pipeline.transforms.read import EMPTY, Line, Slice, Unreadable

HERE = Slice("", 0, None, "", "")
"""The only slice of a micro-batch: everything is here."""


class ReadRecords(beam.DoFn):
    """``HERE`` -> ``Line`` and ``Unreadable``; a message without a value is counted as skipped.

    For runners that work in this process, and kept there: ``records`` is set before each run.
    """

    def __init__(self) -> None:
        self.records: Sequence[Record] = ()

    def process(self, element: Slice) -> Iterator[Line | Unreadable]:
        """Everything that was set."""
        del element
        counts = Counts()
        for record in self.records:
            if record.fault:
                yield Unreadable(record.origin, record.fault)
            elif record.text is None:
                counts.add("received")
                counts.add("skipped/tombstone")
            elif is_blank(record.text):  # of a file such a line would not be there
                yield Unreadable(record.origin, EMPTY)
            else:
                yield Line(
                    record.text,
                    record.origin,
                    record.position,
                    length=record.length,
                    written_at=record.arrived_at,
                )
        counts.flush()
