"""Which files a run reads: patterns to slices, before anything starts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import UsageError
from pipeline.run.places import run_place
from pipeline.transforms.read import Slice, slices_of

STDIN = "<stdin>"
"""How standard input is shown."""

SLICE_BYTES = 256 << 20
"""A larger plain file is read in several slices (bytes)."""

WORKER_SLICE_BYTES = 32 << 20
"""The same where workers elsewhere read: so that one file is enough for all of them."""

_SMALLEST_SLICE = 1 << 20


@contextmanager
def slices(
    patterns: Iterable[str], *, slice_bytes: int = SLICE_BYTES, processes: int = 1
) -> Iterator[list[Slice]]:
    """The slices of every file that the patterns name; ``-`` is standard input, spooled to a file.

    Args:
        patterns: As typed.
        slice_bytes: How large a slice of a plain file may be.
        processes: A plain file is cut into so many slices at least, unless it is small.

    Raises:
        UsageError: A pattern matches nothing, or a file cannot be read.
    """
    with run_place() as spool:
        yield [
            part
            for pattern in dict.fromkeys(patterns)
            for part in _of_pattern(pattern, spool, slice_bytes, processes)
        ]


def _written_at(item: FileMetadata) -> int | None:
    """When a file was last changed, in microseconds since 1970; a file system may not know."""
    seconds = item.last_updated_in_seconds
    return int(seconds * 1_000_000) if seconds else None


def _slice_bytes(size: int, most: int, processes: int) -> int:
    """How large a slice of a file may be, so that everybody has something to read."""
    if processes == 1:
        return most
    return min(most, max(_SMALLEST_SLICE, -(-size // processes)))


def _of_pattern(pattern: str, spool: Path, slice_bytes: int, processes: int) -> Iterator[Slice]:
    if pattern == "-":
        copy = spool / "stdin"
        with copy.open("wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target)
        size = copy.stat().st_size
        most = _slice_bytes(size, slice_bytes, processes)
        yield from slices_of(str(copy), size, shown_as=STDIN, slice_bytes=most)
        return
    try:
        found = FileSystems.match([pattern])[0].metadata_list
    except (BeamIOError, ValueError, OSError) as error:
        message = f"cannot look for input {pattern!r}: {error}"
        raise UsageError(message) from error
    files = [item for item in found if not Path(item.path).is_dir()]
    if not files:
        hint = "; to read a directory write DIR/*.jsonl" if Path(pattern).is_dir() else ""
        message = f"no input file matches {pattern!r}{hint}"
        raise UsageError(message)
    for item in sorted(files, key=lambda item: item.path):
        try:
            yield from slices_of(
                item.path,
                item.size_in_bytes,
                shown_as=item.path,
                slice_bytes=_slice_bytes(item.size_in_bytes, slice_bytes, processes),
                written_at=_written_at(item),
            )
        except (OSError, BeamIOError) as error:
            message = f"cannot read input {item.path!r}: {error}"
            raise UsageError(message) from error
