"""One file as a stream reads it: who it is, how it is packed, and its lines one after the other."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pipeline.sources.lines import Lines, Piece

HEAD = 1024
"""A file is known by so many of its first bytes, or by its first line if that is shorter."""
_PACKED_HEAD = 24  # the header, and some of the content: no archive is shorter
_PROOF = 256
_CHUNK = 256 << 10
_MOST_BYTES = 32 << 20
_PACKED: Mapping[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading a file may raise that is cut off, damaged or gone."""


def packing(head: bytes) -> Callable[[BinaryIO], Any] | None:
    """What unpacks a file that begins with ``head``; None for plain text."""
    return next((opens for magic, opens in _PACKED.items() if head.startswith(magic)), None)


def fingerprint(head: bytes, *, at_rest: bool) -> str | None:
    """Tells files apart by how they begin; the same however much is appended.

    Args:
        head: The first ``HEAD`` bytes, or fewer where there are no more.
        at_rest: Whether nobody writes to the file any more, as far as one can tell.

    Returns:
        16 hex digits; None while too little is there to tell.
    """
    line, ended, _ = head.partition(b"\n")
    if packing(head):
        line = head[:_PACKED_HEAD]
    elif not ended and len(head) < HEAD and not at_rest:
        return None
    return blake2b(line, digest_size=8).hexdigest()


def proof(path: Path | str, position: int) -> str:
    """A digest of the bytes before ``position``, by which to see that it is still the same file."""
    start = max(0, position - _PROOF)
    with Path(path).open("rb") as file:
        file.seek(start)
        return blake2b(file.read(position - start), digest_size=8).hexdigest()


class OpenFile:
    """A file that is being read, from a position on. Positions of a packed file are unpacked bytes.

    Args:
        path: The file.
        position: Where to go on.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: str, position: int) -> None:
        self._file: BinaryIO = Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed by close()
        opens = packing(os.pread(self._file.fileno(), HEAD, 0))
        self.packed = opens is not None
        self._stream: Any = self._file if opens is None else opens(self._file)
        self._lines = Lines(position)
        self._ready: deque[Piece] = deque()
        self._size = 0
        self._ended = False
        self._damage: Exception | None = None
        self._skip = position if opens is not None else 0
        if opens is None:
            self._file.seek(position)

    @property
    def changed(self) -> float:
        """When it was last written to, seconds since 1970; also once it is renamed or deleted."""
        return os.fstat(self._file.fileno()).st_mtime

    @property
    def at_end(self) -> bool:
        """Whether the last ``read`` came to the end: for now there is nothing behind ``rest``."""
        return self._ended and not self._ready

    @property
    def rest(self) -> Piece | None:
        """The last line, where it has not ended yet and all others were given."""
        return self._lines.rest if not self._ready else None

    def read(self, limit: int) -> list[Piece]:
        """At most ``limit`` lines that have ended, fewer long ones; none where there are none yet.

        Raises:
            OSError, EOFError, zlib.error, lzma.LZMAError: It breaks off, or is damaged; every
                line before was given.
        """
        if self._damage is not None and not self._ready:
            raise self._damage
        self._ended = False
        while len(self._ready) < limit and self._size < _MOST_BYTES and self._damage is None:
            try:
                chunk = self._chunk()
            except DAMAGED as error:
                if not self._ready:
                    raise
                self._damage = error
                break
            self._ended = not chunk
            if not chunk:
                break
            for piece in self._lines.feed(chunk):
                self._ready.append(piece)
                self._size += len(piece.text)
        pieces = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        self._size -= sum(len(piece.text) for piece in pieces)
        return pieces

    def take_rest(self) -> Piece | None:
        """The last line, as if it had ended."""
        return self._lines.take_rest()

    def _chunk(self) -> bytes:
        """The next bytes behind the position."""
        while self._skip:
            passed = len(self._read(min(self._skip, _CHUNK)))
            if not passed:
                return b""
            self._skip -= passed
        return self._read(_CHUNK)

    def _read(self, size: int) -> bytes:
        # One read at a time: of an archive that breaks off, ``read`` would throw away up to a
        # whole chunk of good lines before the damage.
        read: Callable[[int], bytes] = getattr(self._stream, "read1", self._stream.read)
        return read(size)

    def close(self) -> None:
        """Close the file."""
        if self._stream is not self._file:
            self._stream.close()
        self._file.close()


_ANY_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_whole(text: bytes) -> bool:
    """Whether a line is a whole JSON object: of one that is still being written no part is."""
    try:
        _ANY_OBJECT.decode(text)
    except (ValueError, RecursionError):
        return False
    return True
