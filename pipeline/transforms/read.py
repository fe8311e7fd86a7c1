"""Reads lines from files of any Beam file system, plain or compressed, in slices of bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
import msgspec
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.model.decode import LONGEST_LINE

CHUNK_BYTES = 1 << 20
READERS: Mapping[str, Callable[[BinaryIO], Any]] = {
    CompressionTypes.GZIP: lambda packed: gzip.GzipFile(fileobj=packed),
    CompressionTypes.BZIP2: bz2.BZ2File,
    CompressionTypes.LZMA: lzma.LZMAFile,
}


@dataclass(frozen=True, slots=True)
class Slice:
    """Some bytes of a file: the lines that begin in ``start <= offset < end``.

    ``end`` is None for the end of the file. A compressed file is always one slice. ``written_at``
    says when the file was last changed, in microseconds since 1970, where that is known; ``size``
    how many bytes there are to read, still compressed; ``lines_before`` how many line breaks stand
    before byte ``start - 1``, so that lines have the same numbers in whichever slices they are.
    """

    path: str
    start: int
    end: int | None
    compression: str
    shown_as: str
    written_at: int | None = None
    size: int = 0
    lines_before: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the bytes are those of the lines."""
        return bool(self.compression == CompressionTypes.UNCOMPRESSED)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line without its line break, where it stands, and its offset in the file (bytes).

    ``first_seen`` is for the bytes of one event that were read before: when that was. ``length``
    is for a line that was cut to ``LONGEST_LINE``: how many bytes it has. ``written_at`` is the
    one of its slice.
    """

    text: bytes
    origin: str
    offset: int = 0
    first_seen: int | None = None
    length: int | None = None
    written_at: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What holds no line: the rest of a damaged archive, or a message that is empty."""

    origin: str
    message: str


EMPTY = "the message is empty"
"""Of ``Unreadable``: in a file a blank line means nothing, but nobody sends a message for it."""


class ReadLines(beam.DoFn):
    """``Slice`` -> ``Line``, and ``Unreadable`` where a file breaks off."""

    def process(self, element: Slice) -> Iterator[Line | Unreadable]:  # noqa: D102
        yield from read_slice(element)


def read_slice(part: Slice, *, longest: int | None = LONGEST_LINE) -> Iterator[Line | Unreadable]:
    """The lines of a slice, with their numbers in the file, from 1.

    Where a slice does not know how many lines are before it, byte offsets are given instead.
    Of a line that has more than ``longest`` bytes only the first so many are kept.
    """
    number = 0
    if part.start and part.lines_before is not None:
        number = part.lines_before + 1
    name, written_at, room = part.shown_as, part.written_at, longest or sys.maxsize
    is_numbered = not part.start or part.lines_before is not None
    place = name
    try:
        with _open(part) as stream:
            for offset, text, length in lines_of(stream, part.start, part.end, longest=longest):
                number += 1
                place = f"{name}:{number}" if is_numbered else f"{name}@{offset}"
                if text.strip():
                    cut = length if length > room else None
                    yield Line(text, place, offset, None, cut, written_at)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        yield Unreadable(place, f"{type(error).__name__}: {error}")


@contextmanager
def _open(part: Slice) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file; reading raises EOFError where an archive breaks off.

    Beam's own reader takes a cut-off gzip file for a complete one, and loses the rest silently.
    """
    reader = READERS.get(part.compression)
    handled_by_beam = part.compression if reader is None else CompressionTypes.UNCOMPRESSED
    with FileSystems.open(part.path, compression_type=handled_by_beam) as stream:
        if reader is None:
            yield stream
        else:
            with reader(stream) as unpacked:
                yield unpacked


def lines_of(
    stream: BinaryIO, start: int = 0, end: int | None = None, *, longest: int | None = None
) -> Iterator[tuple[int, bytes, int]]:
    """(offset, line, its length) of every line that begins in the slice, without line breaks.

    A slice that starts inside a file begins after the first line break at or behind
    ``start - 1``: the line before belongs to the slice before. Of a line longer than ``longest``
    the first so many bytes are given, with the length of the whole line.
    """
    position = start
    if start:
        stream.seek(start - 1)
        position = start - 1
    kept = _Kept(longest)
    line_start = position
    skipping = bool(start)
    # One read at a time where that can be had: of an archive that breaks off, ``read`` would
    # throw away up to a whole chunk of good lines before the damage.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK_BYTES):
        begin = 0
        while (found := chunk.find(b"\n", begin)) >= 0:
            if skipping:
                skipping = False
            elif kept.length or (longest is not None and found - begin > longest):
                kept.add(chunk[begin:found])
                yield line_start, *kept.take()
            else:  # a whole line lies in the chunk: nearly all do
                yield line_start, chunk[begin:found].removesuffix(b"\r"), found - begin
            begin = found + 1
            line_start = position + begin
            if end is not None and line_start >= end:
                return
        position += len(chunk)
        if not skipping:
            kept.add(chunk[begin:])
    if kept.length:
        yield line_start, *kept.take()


class _Kept:
    """The pieces of one line, as far as they are kept, and how long the line is."""

    def __init__(self, longest: int | None) -> None:
        self._room = sys.maxsize if longest is None else longest
        self._pieces: list[bytes] = []
        self.length = 0

    def add(self, piece: bytes) -> None:
        """Go on with the line."""
        if self.length < self._room:
            self._pieces.append(piece[: self._room - self.length])
        self.length += len(piece)

    def take(self) -> tuple[bytes, int]:
        """The line (a whole one without carriage return) and its length; begins a new one."""
        line, length = b"".join(self._pieces), self.length
        self._pieces, self.length = [], 0
        return (line.removesuffix(b"\r"), length) if length <= self._room else (line, length)


def slices_of(
    path: str, size: int, *, shown_as: str, slice_bytes: int, written_at: int | None = None
) -> list[Slice]:
    """The slices of one file of ``size`` bytes; ``slice_bytes`` is how large one may be."""
    compression = compression_of(path)
    if compression != CompressionTypes.UNCOMPRESSED or size <= slice_bytes:
        return [Slice(path, 0, None, compression, shown_as, written_at, size)]
    starts = range(0, size, slice_bytes)
    ends = [*starts[1:], None]
    counted = [None] * len(starts) if "://" in path else _line_breaks(path, starts)
    return [
        Slice(path, start, end, compression, shown_as, written_at, (end or size) - start, before)
        for start, end, before in zip(starts, ends, counted, strict=True)
    ]


def _line_breaks(path: str, starts: Sequence[int]) -> list[int]:
    """How many line breaks stand before the byte before each of the offsets, which ascend."""
    found, position, counts = 0, 0, []
    with Path(path).open("rb") as file:
        for start in starts:
            while position < start - 1:
                chunk = file.read(min(CHUNK_BYTES, start - 1 - position))
                if not chunk:
                    break
                found += chunk.count(b"\n")
                position += len(chunk)
            counts.append(found)
    return counts


def compression_of(path: str) -> str:
    """How a file is compressed: by its first two bytes for gzip, else by its name."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        if stream.read(2) == b"\x1f\x8b":
            return str(CompressionTypes.GZIP)
    return str(CompressionTypes.detect_compression_type(path))
