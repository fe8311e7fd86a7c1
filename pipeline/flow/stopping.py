"""Stopping a run in order: no more calls, everything that is not sent is kept."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol

from pipeline.errors import Interrupted, PenstockError


class Haltable(Protocol):
    """Something that makes calls until it is halted, such as a ``Driver``."""

    def halt(self, reason: str) -> None:
        """Make no more calls."""
        ...


class Stop:
    """Reaches everything in this process that makes calls. Safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: weakref.WeakSet[Haltable] = weakref.WeakSet()
        self._reason: str | None = None
        self._error: type[PenstockError] = Interrupted

    @property
    def reason(self) -> str | None:
        """Why the run was stopped, or None."""
        return self._reason

    @property
    def error(self) -> type[PenstockError]:
        """What the run ends with, where it was stopped."""
        return self._error

    def watch(self, caller: Haltable) -> None:
        """Halt ``caller`` when the run is stopped; at once if it is stopped already."""
        with self._lock:
            self._watched.add(caller)
            reason = self._reason
        if reason is not None:
            caller.halt(reason)

    def stop(self, reason: str, error: type[PenstockError] = Interrupted) -> None:
        """Halt everything that is watched, now and later.

        Somebody's wish to stop hides every other reason.
        """
        with self._lock:
            if self._reason is None or error is Interrupted:
                self._reason, self._error = reason, error
            watched = list(self._watched)
        for caller in watched:
            caller.halt(reason)

    def clear(self) -> None:
        """Forget that a run was stopped, before another in the same process."""
        with self._lock:
            self._reason, self._error = None, Interrupted

    def forget(self, error: type[PenstockError]) -> None:
        """Go on with other work, if this was what stopped the work before."""
        with self._lock:
            if self._error is error:
                self._reason, self._error = None, Interrupted


STOP = Stop()
"""Of this process."""
