"""Directories for what is half done: of one run, private, and gone with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import UsageError

_PREFIX = "penstock-run-"
_LOCK = ".lock"


@contextmanager
def run_place() -> Iterator[Path]:
    """A directory for one run, which only this user can read; it is gone with the run.

    What runs have left there that were killed is removed first.

    Raises:
        UsageError: There can be none in the directory that TMPDIR names.
    """
    parent = Path(tempfile.gettempdir())
    _sweep(parent)
    try:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = hold(place, new=True)
    except OSError as error:
        message = (
            f"no temporary directory can be made in {parent}: {error.strerror or error}; "
            "name another one with the environment variable TMPDIR"
        )
        raise UsageError(message) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def hold(place: Path, *, new: bool = False) -> int:
    """Keep the directory of a run while the file whose number this gives is open."""
    lock = place / (_LOCK + ".new" if new else _LOCK)
    file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_SH)
    if new:
        lock.rename(place / _LOCK)  # held before anybody can find it
    return file


def _sweep(parent: Path) -> None:
    """Remove the directories that no process holds any more."""
    for place in parent.glob(_PREFIX + "*"):
        # One without a lock is being made just now; one of another user is none of ours.
        with suppress(OSError):
            if place.stat(follow_symlinks=False).st_uid != os.getuid():
                continue
            with (place / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
