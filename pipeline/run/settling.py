"""Tidying a local directory of dead letters once a replay has ended, however it ended.

Every step leaves the directory right: a letter is in ``done/`` before it leaves its file, a file is
exchanged whole, and the journal goes last. What is killed in between is repeated by the next
replay, with the same result.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.flow.dead_letters import (
    DeadLetter,
    Receipt,
    UnreadableDeadLetterError,
    decode,
    encode,
)
from pipeline.flow.replay import (
    NOT_TRIED,
    Done,
    Selection,
    Tried,
    apart,
    decode_done,
    encode_done,
)
from pipeline.run.letters import DONE, JOURNAL, LETTERS, lines

_LOG = logging.getLogger(__name__)

Sort = Callable[[bytes, DeadLetter], tuple[list[bytes], list[bytes]]]
"""A line and its letter -> the lines that stand in its place, and those that go to ``done/``."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Notes in a file what is done with; picklable, and every note is whole or not there."""

    path: str

    def __call__(self, receipt: Receipt, outcome: str) -> None:
        """Note what became of an event."""
        line = encode_done(Done(receipt.id, time.time_ns() // 1000, outcome)) + b"\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def open_journal(directory: Path, run_id: str) -> Journal:
    """The journal of a replay that begins now."""
    path = directory / DONE / (run_id + JOURNAL)
    path.touch()
    return Journal(str(path))


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """See to it that one replay at a time works in a directory.

    Raises:
        UsageError: There is another one, or nothing can be written there.
    """
    try:
        (directory / DONE).mkdir(exist_ok=True)
        with (directory / DONE / ".lock").open("wb") as lock:
            if not _lock(lock.fileno()):
                message = f"another replay is at work in {directory}"
                raise UsageError(message)
            for unfinished in (*directory.glob(".*.tmp"), *(directory / DONE).glob(".*.tmp")):
                unfinished.unlink()
            yield
    except OSError as error:
        message = f"cannot write to {error.filename or directory}: {error.strerror or error}"
        raise UsageError(message) from error


def take_apart(directory: Path, selection: Selection, *, max_bytes: int) -> None:
    """Put a letter for each event in the place of a letter that holds several."""

    def sort(line: bytes, letter: DeadLetter) -> tuple[list[bytes], list[bytes]]:
        if not selection.takes(letter):
            return [line], []
        members = apart(letter, max_bytes=max_bytes)
        return [line] if len(members) < 2 else [encode(member) for member in members], []

    for path in _letter_files(directory):
        _rewrite(path, sort)


def settle(directory: Path) -> None:
    """Tidy up after every replay that has a journal: the last one, and any that was killed."""
    for journal in sorted((directory / DONE).glob("*" + JOURNAL)):
        if _settle_one(directory, journal):
            journal.unlink()


def _settle_one(directory: Path, journal: Path) -> bool:
    """Whether everything could be tidied: a file that a run still writes is left alone."""
    run_id = journal.name.removesuffix(JOURNAL)
    done = {done.id: done for done in map(decode_done, lines(str(journal))) if done is not None}
    own = [path for path in _letter_files(directory) if path.name.startswith(run_id + "-")]
    again: dict[str, int] = {}
    not_tried: set[str] = set()
    for letter in _letters(own):
        if letter.reason in NOT_TRIED:
            not_tried.add(letter.id)
        else:
            again[letter.id] = letter.failed_at
    tried = Tried(run_id, done, again)
    still_there: set[str] = set()

    def sort(line: bytes, letter: DeadLetter) -> tuple[list[bytes], list[bytes]]:
        fate = tried.fate(letter)
        if fate == "keep":
            still_there.update({letter.id} & not_tried)
        return [line] if fate == "keep" else [], (
            [tried.stamped(line, letter)] if fate == "done" else []
        )

    def sort_own(line: bytes, letter: DeadLetter) -> tuple[list[bytes], list[bytes]]:
        return [] if letter.reason in NOT_TRIED and letter.id in still_there else [line], []

    tidied = [
        _rewrite(path, sort, done=directory / DONE / f"{path.stem}.{run_id}{LETTERS}")
        for path in _letter_files(directory)
        if path not in own
    ]
    tidied += [_rewrite(path, sort_own) for path in own]
    if not all(tidied):
        _LOG.warning(
            "%s is still written to by a run: what was replayed of it is moved by the next replay",
            directory,
        )
    return all(tidied)


def _keep_what_is_there(done: Path, gone: Path) -> None:
    """Put the lines of ``done`` in front of those of ``gone``, each line once."""
    if done.exists():
        lines = [*done.read_bytes().splitlines(), *gone.read_bytes().splitlines()]
        with gone.open("wb") as joined:
            joined.writelines(line + b"\n" for line in dict.fromkeys(lines))
            joined.flush()
            os.fsync(joined.fileno())


def _rewrite(path: Path, sort: Sort, *, done: Path | None = None) -> bool:
    """Sort the lines of a file; False, and nothing is changed, if a run still writes to it."""
    with path.open("rb") as source:
        if not _lock(source.fileno()):
            return False
        if all(stay == [line] for line, stay, _ in _sorted(source, sort)):
            return True
        source.seek(0)
        new = path.with_name(f".{path.name}.tmp")
        gone = (done or path).with_name(f".{(done or path).name}.done.tmp")
        with new.open("wb") as staying, gone.open("wb") as going:
            for _, stay, go in _sorted(source, sort):
                staying.writelines(line.rstrip(b"\n") + b"\n" for line in stay)
                going.writelines(line + b"\n" for line in go)
            for written in (staying, going):
                written.flush()
                os.fsync(written.fileno())
        if done is not None and gone.stat().st_size:
            _keep_what_is_there(done, gone)
            gone.replace(done)
        if new.stat().st_size:
            new.replace(path)
        else:
            path.unlink()
    for left in (new, gone):
        left.unlink(missing_ok=True)
    return True


def _sorted(
    source: Iterable[bytes], sort: Sort
) -> Iterator[tuple[bytes, list[bytes], list[bytes]]]:
    """Every line with what ``sort`` says of it; a line that holds no letter stays."""
    for line in source:
        try:
            yield line, *sort(line, decode(line))
        except UnreadableDeadLetterError:
            yield line, [line], []


def _lock(file: int) -> bool:
    """Take a file for oneself, unless it is taken."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _letter_files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*" + LETTERS) if path.is_file())


def _letters(paths: list[Path]) -> Iterator[DeadLetter]:
    for path in paths:
        for line in lines(str(path)):
            with suppress(UnreadableDeadLetterError):
                yield decode(line)
