"""What a stream without a state store remembers: the newest, so that its memory stays flat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from cachetools import LRUCache, TTLCache

_PASSING = "run."
_PASSING_SECONDS = 3600.0

CAPACITY = 200_000
"""So many entries are kept by default."""


class BoundedState:
    """A memory of this process alone; safe to share among threads. Forgets what is not asked for.

    Args:
        capacity: So many entries are kept.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, capacity: int = CAPACITY, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache[tuple[str, str], str] = LRUCache(capacity)
        self._passing: TTLCache[tuple[str, str], str] = TTLCache(capacity, _PASSING_SECONDS, clock)

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        with self._lock:
            return self._of(kind).get((kind, key))

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The values of those keys that are remembered."""
        found: dict[str, str] = {}
        with self._lock:
            entries = self._of(kind)
            for key in keys:
                value = entries.get((kind, key))
                if value is not None:
                    found[key] = value
        return found

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``, over what was there."""
        with self._lock:
            self._of(kind)[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered; no error where there was nothing."""
        with self._lock:
            self._of(kind).pop((kind, key), None)

    def _of(self, kind: str) -> LRUCache[tuple[str, str], str] | TTLCache[tuple[str, str], str]:
        """What was noticed in passing, such as a refused name, is forgotten after an hour."""
        return self._passing if kind.startswith(_PASSING) else self._entries
