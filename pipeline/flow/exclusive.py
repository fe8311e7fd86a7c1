"""Writes to things that many people's events write, in a stream: one writer at a time.

A stream never knows every write of a company before it sends one. So each is sent by itself, and
what was remembered of the company is looked up anew while nobody else can write it: the older of
two values never overwrites the newer one, whichever worker sends it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from pipeline.flow.shared import Cells, SharedWrites
from pipeline.model.operation import Outcome

Thing = tuple[str, str]


class ExclusiveWrites(SharedWrites):
    """Makes every write, each while nobody else writes the same thing.

    Args:
        alone: Keeps everybody else from a thing, in this process or another, for a block.
    """

    def __init__(self, alone: Callable[[Thing], AbstractContextManager[object]]) -> None:
        super().__init__({})
        self._alone = alone

    def once(self, thing: Thing, own: Cells, write: Callable[[Cells], Outcome]) -> Outcome:
        """Make the write; what came of it."""
        with self._alone(thing):
            return write(own)

    def alone(self, thing: Thing, write: Callable[[], Outcome]) -> Outcome:
        """Make the write; what came of it."""
        with self._alone(thing):
            return write()
