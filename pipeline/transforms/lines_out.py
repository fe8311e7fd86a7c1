"""Lines of JSON that a bundle writes: to a file of its own, or to a topic."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import SinkFailed, UsageError
from pipeline.sinks.kafka import KafkaSink
from pipeline.sinks.topic import is_topic, topic_of
from pipeline.transforms.failures import note_failure

Shorten = Callable[[bytes], bytes]

_LONGEST_SECONDS = 3600.0
_LARGEST_BYTES = 64 << 20
_NO_LOCKS = (ImportError, AttributeError, OSError, ValueError)
"""A file system may know neither locks nor descriptors, or not let us have the file."""
_NO_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""Nor may it know how to write at once."""


class LinesOut(Protocol):
    """Where a step writes lines; what a bundle wrote is there to stay once the bundle is ended."""

    def write(self, line: bytes) -> None:
        """Take a line, without its end."""
        ...

    def end_bundle(self) -> None:
        """Return when every line is there to stay."""
        ...


def lines_out(place: str, run_id: str, *, shorten: Shorten | None = None) -> LinesOut:
    """Where one step writes lines; nothing is opened before the first one.

    Args:
        place: A directory of any Beam file system, or ``kafka://BROKER:9092/TOPIC``.
        run_id: Begins the names of files.
        shorten: Makes a line smaller that is too large for a topic.
    """
    return _Topic(place, shorten) if is_topic(place) else _Files(place, run_id)


class _Files:
    """Every line is flushed at once where the file system can; a bundle that has ended is on disk.

    A step that outlives its bundles goes on with its file for an hour: a stream must not make one
    every second.
    """

    def __init__(self, directory: str, run_id: str) -> None:
        self._directory = directory
        self._run_id = run_id
        self._file: Any = None
        self._path = ""
        self._begun = 0.0

    def write(self, line: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._go_on() or self._begin()
            self._file.write(line + b"\n")
            self._file.flush()
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"cannot write to {self._directory}: {reason}; make room, then run again"
            _fail(SinkFailed(message))

    def _begin(self) -> Any:
        name = f"{self._run_id}-{uuid.uuid4().hex[:12]}.jsonl"
        self._path, self._begun = FileSystems.join(self._directory, name), time.monotonic()
        file = FileSystems.create(self._path, "application/jsonl", CompressionTypes.UNCOMPRESSED)
        with contextlib.suppress(*_NO_LOCKS):
            _hold(file)
        return file

    def _go_on(self) -> Any:
        """The file of the last bundle, unless a replay has it, has put another in its place, ..."""
        if not self._path or time.monotonic() - self._begun > _LONGEST_SECONDS:
            return None
        with contextlib.suppress(*_NO_LOCKS), contextlib.ExitStack() as stack:
            file = stack.enter_context(Path(self._path).open("r+b"))
            _hold(file)
            same = os.path.samestat(os.fstat(file.fileno()), Path(self._path).stat())
            if same and file.seek(0, os.SEEK_END) < _LARGEST_BYTES:
                stack.pop_all()
                return file
        return None

    def end_bundle(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.closing(file):
                _sync(file, self._path)


class _Topic:
    """A producer of the step's own, so that a bundle is told of its own failures."""

    def __init__(self, place: str, shorten: Shorten | None) -> None:
        self._place = place
        self._shorten = shorten
        self._sink: KafkaSink | None = None

    def write(self, line: bytes) -> None:
        try:
            if self._sink is None:
                self._sink = KafkaSink(topic_of(self._place), shorten=self._shorten)
        except UsageError as error:  # it could be reached when the run began
            _fail(SinkFailed(str(error)))
        else:
            self._sink.write(line)

    def end_bundle(self) -> None:
        try:
            if self._sink is not None:
                self._sink.flush()
        except SinkFailed as error:
            _fail(error)


def _sync(file: Any, path: str) -> None:
    """Return when a file is on disk; one of a store elsewhere is there once it is closed."""
    try:
        number = file.fileno()
    except (AttributeError, OSError, ValueError):
        return
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            _fail(SinkFailed(f"{path}: cannot be written to: {error.strerror}"))


def _fail(error: SinkFailed) -> NoReturn:
    note_failure(error)
    raise error


def _hold(file: Any) -> None:
    """Show a replay that this file is still being written."""
    import fcntl

    fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
