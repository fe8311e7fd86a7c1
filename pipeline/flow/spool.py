"""Records on disk between the two halves of a run on one machine, apart by a hash of their key.

A spool is a directory. Writers append to files of their own, one for each partition; the records
of one key are all in one partition, so a partition can be read, grouped and dropped before the
next one, and memory holds one partition whatever the size of the input. A file is a row of chunks:
four bytes of length, then a msgpack list of ``[key, value]``.
"""

from __future__ import annotations

import os
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from pipeline.errors import UsageError

Value = TypeVar("Value")

BUFFERED_BYTES = 32 << 20
"""About so much waits in memory to be written, over all partitions of a writer."""

_LARGEST_BUFFER = 1 << 20
_OVERHEAD = 64
_LENGTH_BYTES = 4
_ENDING = ".spool"
_ENCODE = msgspec.msgpack.Encoder().encode


class SpoolError(UsageError):
    """The spool could not be written or read; nothing of the run was sent because of it."""


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key; the same in every process and every run.

    >>> partition_of("u:7", 16), partition_of("u:7", 1)
    (1, 0)
    """
    if partitions == 1:
        return 0
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % partitions


class SpoolWriter(Generic[Value]):
    """Writes records to a spool. One thread writes; others have writers of their own.

    Args:
        directory: The spool; made where it is not there.
        partitions: So many there are, the same number for every writer.
        buffered: About so many bytes may wait in memory.
        mark: Letters that ``discard`` knows its files by; none of 0 to 9 or a to f.
    """

    def __init__(
        self, directory: Path, partitions: int, *, buffered: int = BUFFERED_BYTES, mark: str = ""
    ) -> None:
        self._directory = directory
        self._partitions = partitions
        self._name = mark + uuid.uuid4().hex[:12] + _ENDING
        self._full = min(buffered // partitions, _LARGEST_BUFFER)
        self._records: list[list[tuple[str, Value]]] = [[] for _ in range(partitions)]
        self._sizes = [0] * partitions

    def add(self, key: str, value: Value, size: int) -> None:
        """Write a record; ``size`` is about how many bytes its value has.

        Raises:
            SpoolError: The disk is full, or the directory is gone.
        """
        place = partition_of(key, self._partitions)
        self._records[place].append((key, value))
        self._sizes[place] += size + _OVERHEAD
        if self._sizes[place] > self._full:
            self._flush(place)

    def close(self) -> None:
        """Write what is still in memory.

        Raises:
            SpoolError: As ``add``.
        """
        for place in range(self._partitions):
            if self._records[place]:
                self._flush(place)

    def _flush(self, place: int) -> None:
        chunk = _ENCODE(self._records[place])
        self._records[place], self._sizes[place] = [], 0
        path = self._directory / f"{place}-{self._name}"
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Opened each time: a thousand partitions must not need a thousand open files.
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(file, "wb") as target:
                target.write(len(chunk).to_bytes(_LENGTH_BYTES, "big"))
                target.write(chunk)
        except OSError as error:
            raise spool_error(error, self._directory, what="write") from error


class SpoolReader(Generic[Value]):
    """Reads a spool when all of its writers are closed.

    Args:
        directory: The spool; one that is not there is empty.
        kind: The type of its values.
    """

    def __init__(self, directory: Path, kind: Any) -> None:
        self._directory = directory
        self._decode = msgspec.msgpack.Decoder(list[tuple[str, kind]]).decode

    @property
    def partitions(self) -> list[int]:
        """The partitions that hold anything, in order."""
        return sorted({int(path.name.partition("-")[0]) for path in self._files("*")})

    def read(self, partition: int) -> Iterator[tuple[str, Value]]:
        """The records of a partition.

        Raises:
            SpoolError: A file cannot be read.
        """
        for path in self._files(str(partition)):
            try:
                with path.open("rb") as source:
                    while head := source.read(_LENGTH_BYTES):
                        yield from self._decode(source.read(int.from_bytes(head, "big")))
            except (OSError, msgspec.DecodeError) as error:
                raise spool_error(error, self._directory, what="read") from error

    def groups(self, partition: int) -> dict[str, list[Value]]:
        """The values of a partition by their key."""
        grouped: dict[str, list[Value]] = {}
        for key, value in self.read(partition):
            known = grouped.get(key)
            if known is None:
                grouped[key] = [value]
            else:
                known.append(value)
        return grouped

    def drop(self, partition: int) -> None:
        """Give the room on the disk back."""
        for path in self._files(str(partition)):
            path.unlink(missing_ok=True)

    def _files(self, partition: str) -> Sequence[Path]:
        return sorted(self._directory.glob(f"{partition}-*{_ENDING}"))


def discard(directory: Path, mark: str) -> None:
    """Remove what writers with this mark have written, finished or not."""
    for path in directory.glob(f"*-{mark}*{_ENDING}"):
        path.unlink(missing_ok=True)


def spool_error(error: Exception, directory: Path, *, what: str) -> SpoolError:
    """What to tell somebody whose disk is full."""
    reason = getattr(error, "strerror", None) or str(error)
    return SpoolError(
        f"cannot {what} the spool of the run in {directory.parent}: {reason}; it takes up to twice "
        "the size of the uncompressed input, in the directory that TMPDIR names"
    )


def partitions_for(size: int, *, partition_bytes: int, at_least: int = 1, at_most: int) -> int:
    """How many partitions an input of ``size`` bytes needs.

    >>> partitions_for(10, partition_bytes=4, at_most=8)
    3
    """
    return min(max(-(-size // partition_bytes), at_least, 1), at_most)


def spread(partitions: Iterable[int], parts: int) -> list[list[int]]:
    """The partitions as so many lists of about the same length."""
    found = list(partitions)
    return [found[place::parts] for place in range(parts)]
