"""What several processes of one run have written for all of them: each shared thing once.

A ledger is a directory with a few files. A thing's file is held while the thing is written, so
whoever needs it waits until it is there, in whichever process; what came of it stands in the file.
"""

from __future__ import annotations

import fcntl
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from pipeline.model.operation import Outcome

Thing = tuple[str, str]

_FILES = 1024
_DECODE = msgspec.json.Decoder(tuple[str, str, Outcome]).decode


class Ledger:
    """The outcomes of writes that are made once in a run. Safe among threads and processes.

    Args:
        directory: The same one in every process of the run, and in no other's.
        settle: Called after each write, before others may know of it: stores what was learned.
    """

    def __init__(self, directory: Path, settle: Callable[[], object]) -> None:
        self._directory = directory
        self._settle = settle
        self._lock = threading.Lock()
        self._known: dict[Thing, Outcome] = {}
        self._read: dict[int, int] = {}

    def once(self, thing: Thing, write: Callable[[], Outcome]) -> tuple[Outcome, bool]:
        """What came of the write of ``thing``, and whether it was made here and now.

        Args:
            thing: (kind, name).
            write: Makes the write; called at most once for each thing in all processes together.
        """
        name = zlib.crc32("\0".join(thing).encode("utf-8", "surrogatepass")) % _FILES
        file = os.open(
            self._directory / f"{name}.once", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600
        )
        with os.fdopen(file, "r+b") as held:
            # Of the open file, not of the process: threads exclude one another by it as well.
            fcntl.flock(held, fcntl.LOCK_EX)
            self._catch_up(name, held.fileno())
            known = self._known.get(thing)
            if known is not None:
                return known, False
            outcome = write()
            self._settle()
            os.write(held.fileno(), msgspec.json.encode((*thing, outcome)) + b"\n")
            return outcome, True

    def _catch_up(self, name: int, file: int) -> None:
        """Read what others have written since this process last looked."""
        with self._lock:
            begin = self._read.get(name, 0)
            size = os.fstat(file).st_size
            if size > begin:
                for line in os.pread(file, size - begin, begin).splitlines():
                    kind, thing, outcome = _DECODE(line)
                    self._known[kind, thing] = outcome
                self._read[name] = size
