"""Lines out of bytes that come piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.model.decode import LONGEST_LINE


@dataclass(frozen=True, slots=True)
class Piece:
    """One line: where it begins, where the next one does, and its bytes.

    ``length`` is the length of the whole line where only ``longest`` bytes of it are kept, else
    None.
    """

    start: int
    next: int
    text: bytes
    length: int | None = None


class Lines:
    """Cuts bytes at line breaks; keeps the beginning of a line that has not ended.

    Args:
        position: Where the first byte stands.
        longest: Of a longer line only so many bytes are kept.
    """

    def __init__(self, position: int = 0, *, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._start = position
        self._end = position
        self._kept: list[bytes] = []
        self._size = 0

    @property
    def end(self) -> int:
        """Where the next byte will stand."""
        return self._end

    @property
    def rest(self) -> Piece | None:
        """The line that has not ended yet, if it has any bytes."""
        return self._piece(self._end) if self._end > self._start else None

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The lines that end in ``chunk``."""
        begin = 0
        while (found := chunk.find(b"\n", begin)) >= 0:
            self._keep(chunk[begin:found])
            yield self._take(self._end + 1)
            begin = found + 1
        self._keep(chunk[begin:])

    def take_rest(self) -> Piece | None:
        """The line that has not ended, as if it had."""
        return self._take(self._end) if self._end > self._start else None

    def _keep(self, piece: bytes) -> None:
        room = self._longest - self._size
        if room > 0 and piece:
            self._kept.append(piece[:room])
            self._size += min(room, len(piece))
        self._end += len(piece)

    def _take(self, following: int) -> Piece:
        piece = self._piece(following)
        self._kept, self._size = [], 0
        self._start = self._end = following
        return piece

    def _piece(self, following: int) -> Piece:
        text, length = b"".join(self._kept), self._end - self._start
        if length > self._longest:
            return Piece(self._start, following, text, length)
        return Piece(self._start, following, text.removesuffix(b"\r"))
