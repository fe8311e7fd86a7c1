"""Which files a run reads: patterns to slices, before anything starts."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import UsageError
from pipeline.transforms.read import Slice, slices_of

SLICE_BYTES = 256 << 20
"""A larger plain file is read in several slices (bytes)."""


@contextmanager
def slices(patterns: Iterable[str], *, slice_bytes: int = SLICE_BYTES) -> Iterator[list[Slice]]:
    """The slices of every file that the patterns name; ``-`` is standard input, spooled to a file.

    Raises:
        UsageError: A pattern matches nothing, or a file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-") as spool:
        yield [
            part
            for pattern in dict.fromkeys(patterns)
            for part in _of_pattern(pattern, Path(spool), slice_bytes)
        ]


def _written_at(item: FileMetadata) -> int | None:
    """When a file was last changed, in microseconds since 1970; a file system may not know."""
    seconds = item.last_updated_in_seconds
    return int(seconds * 1_000_000) if seconds else None


def _of_pattern(pattern: str, spool: Path, slice_bytes: int) -> Iterator[Slice]:
    if pattern == "-":
        copy = spool / "stdin"
        with copy.open("wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target)
        yield from slices_of(
            str(copy), copy.stat().st_size, shown_as="<stdin>", slice_bytes=slice_bytes
        )
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
                slice_bytes=slice_bytes,
                written_at=_written_at(item),
            )
        except (OSError, BeamIOError) as error:
            message = f"cannot read input {item.path!r}: {error}"
            raise UsageError(message) from error
