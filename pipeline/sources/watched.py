"""A watched directory: new files, files that grow, and files that are renamed or cut off."""

from __future__ import annotations

import glob
import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from pipeline.model.decode import is_blank
from pipeline.sources.files import (
    DAMAGED,
    HEAD,
    OpenFile,
    fingerprint,
    is_whole,
    packing,
    proof,
)
from pipeline.sources.lines import Piece
from pipeline.sources.record import Record

_LOG = logging.getLogger(__name__)
_DAY = 86_400
_KEPT_DAYS = 7
_MOST_OPEN = 64


class PositionStore(Protocol):
    """Keeps how far files were read, by small texts."""

    def load(self) -> dict[str, str]:
        """Everything that is kept."""
        ...

    def save(self, changes: Mapping[str, str | None]) -> None:
        """Keep entries, and drop those that are None; all of it or nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """When a file is looked at, and when it counts as complete.

    Attributes:
        scan_every: Seconds between two looks at the directory.
        rest: After so many seconds without a change a packed file is complete, and a last line
            without line break is taken if it is a whole JSON object.
        give_up: After so many a last line is taken, and a damaged archive refused, as it is.
    """

    scan_every: float = 0.25
    rest: float = 2.0
    give_up: float = 60.0


class _Kept(msgspec.Struct, array_like=True):
    """What is remembered of a file: the position, a digest before it, and the day it was seen."""

    position: int
    proof: str
    day: int
    complete: int | None = None  # the size of a packed file that was read to its end


@dataclass(slots=True)
class _File:
    """A file that was seen in the directory."""

    partition: str
    path: str
    inode: tuple[int, int]
    position: int = 0
    size: int = 0
    changed: float = 0.0
    packed: bool = False
    complete: int | None = None
    gone: bool = False
    reading: OpenFile | None = None


class WatchedFiles:
    """A ``Source`` of the lines of the files of a directory or a pattern.

    A file is known by its inode and its beginning, whatever it is called. Hidden files (whose
    names begin with a dot) are not read: write to one, then rename it.

    Args:
        pattern: A directory, or a pattern of ``glob``, with ``**`` for any directories.
        store: Keeps the positions.
        policy: When to look, and for how long to wait.
        clock: Seconds since 1970.
        sleep: Waits for so many seconds.
    """

    rereads = True
    finished = False
    ready = True

    def __init__(
        self,
        pattern: str,
        store: PositionStore,
        policy: WatchPolicy | None = None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._pattern = str(Path(pattern) / "*") if Path(pattern).is_dir() else pattern
        self._store = store
        self._policy = policy if policy is not None else WatchPolicy()
        self._clock = clock
        self._sleep = sleep
        self._kept = {name: msgspec.json.decode(text, type=_Kept)
                      for name, text in store.load().items()}  # fmt: skip
        self._files: dict[str, _File] = {}
        self._by_inode: dict[tuple[int, int], str] = {}
        self._noticed: Counter[str] = Counter()
        self._complained: set[str] = set()
        self._scan_at = 0.0
        self._tidy_at = 0.0

    def poll(self, limit: int, wait: float) -> list[Record]:
        """At most ``limit`` lines, older files first."""
        until = self._clock() + wait
        while True:
            now = self._clock()
            if now >= self._scan_at:
                self._scan(now)
                took = self._clock() - now
                self._scan_at = now + max(self._policy.scan_every, 20 * took)
            records = self._read(limit, now)
            left = until - self._clock()
            if records or left <= 0:
                return records
            self._sleep(max(0.001, min(left, self._scan_at - self._clock())))

    # --- what is there ------------------------------------------------------------------------

    def _scan(self, now: float) -> None:
        """Look at the directory: what is new, what has grown, what is gone."""
        seen = set()
        for path, facts in self._found():
            partition = self._recognise(path, facts, now)
            if partition is not None:
                seen.add(partition)
        for partition, file in list(self._files.items()):
            file.gone = partition not in seen
            if file.gone and file.reading is None:
                self._forget(file)
        if now >= self._tidy_at:
            self._tidy(now, seen)
            self._tidy_at = now + 3600

    def _found(self) -> list[tuple[str, os.stat_result]]:
        """The regular files of the pattern, those that were changed longest ago first."""
        found = []
        for path in glob.iglob(self._pattern, recursive=True):  # noqa: PTH207 - texts suffice
            try:
                facts = os.stat(path)  # noqa: PTH116 - twice as fast as Path
            except OSError:
                continue  # gone meanwhile
            if stat.S_ISREG(facts.st_mode):
                found.append((path, facts))
        return sorted(found, key=lambda item: (item[1].st_mtime_ns, item[0]))

    def _recognise(self, path: str, facts: os.stat_result, now: float) -> str | None:
        """Which file this is; None while that cannot be said, or it cannot be read."""
        inode = (facts.st_dev, facts.st_ino)
        known = self._files.get(self._by_inode.get(inode, ""))
        if known is not None and (known.size, known.changed) == (facts.st_size, facts.st_mtime):
            known.path = path
            return known.partition
        try:
            with Path(path).open("rb") as opened:
                head = opened.read(HEAD)
        except OSError as error:
            self._complain(path, "file_unreadable", f"cannot read {path}: {error.strerror}")
            return None
        at_rest = now - facts.st_mtime >= self._policy.rest
        mark = fingerprint(head, at_rest=at_rest) if head else None
        if mark is None:
            return None
        partition = f"{facts.st_ino:x}-{mark}"
        file = self._files.get(partition) or self._known(partition, path, inode)
        if known is not None and known is not file:
            self._replaced(known, path)
        if not packing(head) and facts.st_size < file.position:
            self._replaced(file, path)
            file = _File(partition, path, inode)
        file.path, file.packed = path, packing(head) is not None
        file.size, file.changed = facts.st_size, facts.st_mtime
        self._files[partition] = file
        self._by_inode[inode] = partition
        return partition

    def _known(self, partition: str, path: str, inode: tuple[int, int]) -> _File:
        """A file as far as it was read by an earlier run, if it is still the same one."""
        kept = self._kept.get(partition)
        if kept is None:
            return _File(partition, path, inode)
        file = _File(partition, path, inode, kept.position, complete=kept.complete)
        if kept.proof and _proof(path, kept.position) != kept.proof:
            self._replaced(file, path)
            return _File(partition, path, inode)
        return file

    def _replaced(self, file: _File, path: str) -> None:
        """Somebody cut the file off and began it anew: it is read from its beginning."""
        self._noticed["file_truncated"] += 1
        _LOG.warning("%s was cut off or written anew: it is read from its beginning", path)
        self._forget(file)

    def _forget(self, file: _File) -> None:
        if file.reading is not None:
            file.reading.close()
            file.reading = None
        if self._files.get(file.partition) is file:
            del self._files[file.partition]
        if self._by_inode.get(file.inode) == file.partition:
            del self._by_inode[file.inode]

    def _complain(self, path: str, kind: str, message: str) -> None:
        if path not in self._complained:
            self._complained.add(path)
            self._noticed[kind] += 1
            _LOG.warning("%s", message)

    # --- reading -------------------------------------------------------------------------------

    def _read(self, limit: int, now: float) -> list[Record]:
        records: list[Record] = []
        for file in list(self._files.values()):
            if len(records) >= limit:
                break
            if self._is_due(file, now):
                records.extend(self._read_file(file, limit - len(records), now))
        return records

    def _is_due(self, file: _File, now: float) -> bool:
        if file.reading is not None:
            return True
        if file.packed:
            return file.size != file.complete and now - file.changed >= self._policy.rest
        return file.size > file.position

    def _read_file(self, file: _File, limit: int, now: float) -> Iterator[Record]:
        """Lines of one file, and of what is left of it once it is gone or damaged."""
        try:
            if file.reading is None:
                file.reading = OpenFile(file.path, file.position)
            quiet = now - file.reading.changed
            pieces = file.reading.read(limit)
        except DAMAGED as error:
            yield from self._damaged(file, error, now - file.changed)
            return
        yield from self._records(file, pieces)
        if file.reading.at_end:
            rest = file.reading.rest
            if rest is not None and (file.packed or self._is_done(rest, quiet)):
                yield from self._records(file, [rest])
                file.reading.take_rest()
            self._at_end(file, quiet)

    def _is_done(self, rest: Piece, quiet: float) -> bool:
        """Whether nobody is going to end this line any more, as far as one can tell."""
        if quiet < self._policy.rest:
            return False
        return quiet >= self._policy.give_up or is_whole(rest.text)

    def _at_end(self, file: _File, quiet: float) -> None:
        """Everything was given. A file stays open where possible: it may be renamed away.

        One that is gone may still be written to by somebody who had it open.
        """
        if file.packed:
            file.complete = file.size
        if file.gone and (file.packed or quiet >= self._policy.give_up):
            self._forget(file)
            return
        open_files = sum(other.reading is not None for other in self._files.values())
        if file.reading is not None and (file.packed or open_files > _MOST_OPEN):
            file.reading.close()
            file.reading = None

    def _damaged(self, file: _File, error: Exception, quiet: float) -> Iterator[Record]:
        """An archive may not be complete yet; one that stays damaged is refused, once."""
        if file.reading is not None:
            file.reading.close()
            file.reading = None
        if not file.packed:
            message = getattr(error, "strerror", None) or str(error)
            self._complain(file.path, "file_unreadable", f"cannot read {file.path}: {message}")
            return
        if quiet < self._policy.give_up and not file.gone:
            return
        file.complete = file.size
        at = file.position
        yield Record(
            None, f"{file.path}@{at}", file.partition, at, at, int(file.changed * 1_000_000),
            fault=f"{type(error).__name__}: {error}",
        )  # fmt: skip

    def _records(self, file: _File, pieces: list[Piece]) -> Iterator[Record]:
        for piece in pieces:
            file.position = piece.next
            if not is_blank(piece.text):
                yield Record(
                    piece.text,
                    f"{file.path}@{piece.start}",
                    file.partition,
                    piece.start,
                    piece.next,
                    int(file.changed * 1_000_000),
                    length=piece.length,
                )

    # --- what is remembered --------------------------------------------------------------------

    def left(self) -> list[Record]:
        """Nothing: whatever was not given is read again."""
        return []

    def revoked(self) -> frozenset[str]:
        """Nobody takes a file away."""
        return frozenset()

    def noticed(self) -> Counter[str]:
        """Files that were cut off or could not be read."""
        noticed, self._noticed = self._noticed, Counter()
        return noticed

    def commit(self, positions: Mapping[str, int]) -> None:
        """Keep the positions of files, with what is needed to know them again."""
        changes: dict[str, str | None] = {}
        for partition, position in positions.items():
            file = self._files.get(partition)
            path = file.path if file is not None and not file.packed else None
            kept = _Kept(position, _proof(path, position) if path else "", self._today())
            if file is not None and file.packed and position >= file.position:
                kept.complete = file.complete
            self._kept[partition] = kept
            changes[partition] = msgspec.json.encode(kept).decode()
        self._store.save(changes)

    def _tidy(self, now: float, seen: set[str]) -> None:
        """Forget files that were not there for a week; they must not grow with the stream."""
        today = int(now // _DAY)
        changes: dict[str, str | None] = {}
        for partition, kept in list(self._kept.items()):
            if partition in seen:
                if kept.day != today:
                    kept.day = today
                    changes[partition] = msgspec.json.encode(kept).decode()
            elif today - kept.day > _KEPT_DAYS:
                del self._kept[partition]
                changes[partition] = None
        if changes:
            self._store.save(changes)
        self._complained.clear()

    def _today(self) -> int:
        return int(self._clock() // _DAY)

    def close(self) -> None:
        """Close the files; say of which a last line is still waiting for its end."""
        for file in list(self._files.values()):
            rest = file.reading.rest if file.reading is not None else None
            if rest is not None:
                _LOG.warning(
                    "%s: its last line has not ended yet; its %d bytes are read at the next start",
                    file.path, len(rest.text),
                )  # fmt: skip
            self._forget(file)


def _proof(path: str, position: int) -> str:
    try:
        return proof(path, position)
    except OSError:
        return ""
