"""Reads dead letters as lines, so that the events in them take the same road once more."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam

from pipeline.flow.dead_letters import decode
from pipeline.flow.replay import first_seen
from pipeline.transforms.read import Line, Slice, Unreadable, read_slice


class ReadLetters(beam.DoFn):
    """``Slice`` of a file of dead letters -> ``Line`` with the original bytes of each event."""

    def process(self, element: Slice) -> Iterator[Line | Unreadable]:
        """One line for each letter, in their order; no letter is ever cut."""
        for line in read_slice(element, longest=None):
            if isinstance(line, Unreadable):
                yield line
                continue
            letter = decode(line.text)
            receipt = letter.receipt
            yield Line(receipt.raw, receipt.origin, line.offset, first_seen(letter))
