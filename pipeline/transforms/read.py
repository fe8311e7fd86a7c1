"""Reads lines from files of any Beam file system, plain or compressed, in slices of bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

CHUNK_BYTES = 1 << 20
READERS: Mapping[str, Callable[[BinaryIO], Any]] = {
    CompressionTypes.GZIP: lambda packed: gzip.GzipFile(fileobj=packed),
    CompressionTypes.BZIP2: bz2.BZ2File,
    CompressionTypes.LZMA: lzma.LZMAFile,
}
LONGEST_KEPT_LINE = 16 << 20
"""Of a line longer than this (bytes) only the beginning is kept for the dead letter."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some bytes of a file: the lines that begin in ``start <= offset < end``.

    ``end`` is None for the end of the file. A compressed file is always one slice.
    """

    path: str
    start: int
    end: int | None
    compression: str
    shown_as: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line break, where it stands, and its offset in the file (bytes).

    ``first_seen`` is for the bytes of one event that were read before: when that was.
    """

    text: bytes
    origin: str
    offset: int = 0
    first_seen: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The rest of a file that could not be read: a damaged archive, say."""

    origin: str
    message: str


class ReadLines(beam.DoFn):
    """``Slice`` -> ``Line``, and ``Unreadable`` where a file breaks off."""

    def process(self, element: Slice) -> Iterator[Line | Unreadable]:  # noqa: D102
        yield from read_slice(element)


def read_slice(part: Slice) -> Iterator[Line | Unreadable]:
    """The lines of a slice. Line numbers count from 1; later slices give byte offsets instead."""
    number = 0
    place = part.shown_as
    try:
        with _open(part) as stream:
            for offset, text in lines_of(stream, part.start, part.end):
                number += 1
                place = f"{part.shown_as}:{number}"
                if part.start:
                    place = f"{part.shown_as}@{offset}"
                if text.strip():
                    yield Line(text, place, offset)
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
    stream: BinaryIO, start: int = 0, end: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of every line that begins in the slice, without line breaks.

    A slice that starts inside a file begins after the first line break at or behind
    ``start - 1``: the line before belongs to the slice before.
    """
    position = start
    if start:
        stream.seek(start - 1)
        position = start - 1
    pending: list[bytes] = []
    held = 0
    line_start = position
    skipping = bool(start)
    while chunk := stream.read(CHUNK_BYTES):
        begin = 0
        while (found := chunk.find(b"\n", begin)) >= 0:
            if not skipping:
                yield line_start, b"".join([*pending, chunk[begin:found]]).removesuffix(b"\r")
            skipping = False
            pending, held = [], 0
            begin = found + 1
            line_start = position + begin
            if end is not None and line_start >= end:
                return
        position += len(chunk)
        if not skipping and held < LONGEST_KEPT_LINE:
            piece = chunk[begin:]
            pending.append(piece)
            held += len(piece)
    if pending and held and not skipping:
        yield line_start, b"".join(pending).removesuffix(b"\r")


def slices_of(path: str, size: int, *, shown_as: str, slice_bytes: int) -> list[Slice]:
    """The slices of one file of ``size`` bytes; ``slice_bytes`` is how large one may be."""
    compression = compression_of(path)
    if compression != CompressionTypes.UNCOMPRESSED or size <= slice_bytes:
        return [Slice(path, 0, None, compression, shown_as)]
    starts = range(0, size, slice_bytes)
    ends = [*starts[1:], None]
    return [
        Slice(path, start, end, compression, shown_as)
        for start, end in zip(starts, ends, strict=True)
    ]


def compression_of(path: str) -> str:
    """How a file is compressed: by its first two bytes for gzip, else by its name."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
        if stream.read(2) == b"\x1f\x8b":
            return str(CompressionTypes.GZIP)
    return str(CompressionTypes.detect_compression_type(path))
