"""Lines of standard input, until it ends. What was read of it cannot be read again."""

from __future__ import annotations

import os
import select
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

from pipeline.model.decode import is_blank
from pipeline.sources.lines import Lines, Piece
from pipeline.sources.record import Record

_CHUNK = 1 << 16
_PARTITION = "stdin"


class StandardInput:
    """A ``Source`` of the lines of a pipe or a terminal.

    Args:
        file: Its descriptor.
        clock: Seconds since 1970.
    """

    rereads = False
    ready = True

    def __init__(self, file: int = 0, *, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._lines = Lines()
        self._ready: deque[Piece] = deque()
        self._number = 0
        self._ended = False

    @property
    def finished(self) -> bool:
        """Whether it has ended and everything of it was given."""
        return self._ended and not self._ready

    def poll(self, limit: int, wait: float) -> list[Record]:
        """At most ``limit`` lines, of what is there within ``wait`` seconds."""
        if not self._ready and not self._ended and self._is_readable(wait):
            chunk = os.read(self._file, _CHUNK)
            self._ready.extend(self._lines.feed(chunk))
            rest = None if chunk else self._lines.take_rest()
            if rest is not None:
                self._ready.append(rest)
            self._ended = not chunk
        return self._taken(limit)

    def left(self) -> list[Record]:
        """The lines behind those that were given, as far as they were read and have ended."""
        return self._taken(len(self._ready))

    def _taken(self, limit: int) -> list[Record]:
        taken = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        return [record for record in map(self._record, taken) if record is not None]

    def _is_readable(self, wait: float) -> bool:
        readable, _, _ = select.select([self._file], [], [], wait)
        return bool(readable)

    def _record(self, piece: Piece) -> Record | None:
        self._number += 1
        if is_blank(piece.text):
            return None
        return Record(
            piece.text,
            f"<stdin>:{self._number}",
            _PARTITION,
            piece.start,
            piece.next,
            int(self._clock() * 1_000_000),
            length=piece.length,
        )

    def revoked(self) -> frozenset[str]:
        """Nobody takes it away."""
        return frozenset()

    def noticed(self) -> Counter[str]:
        """Nothing."""
        return Counter()

    def commit(self, positions: Mapping[str, int]) -> None:
        """There is nothing to remember: it has no position to go back to."""

    def close(self) -> None:
        """It stays open: it is not ours."""
