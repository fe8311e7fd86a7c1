"""What a run remembers when it has no store: everything, as long as it lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class UnsharedState:
    """A memory of this process alone; safe to share among threads. Grows with the run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, str]] = {}

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        entries = self._entries.get(kind)
        return entries.get(key) if entries is not None else None

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The values of those keys that are remembered."""
        entries = self._entries.get(kind)
        if not entries:
            return {}
        return {key: entries[key] for key in keys if key in entries}

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``, over what was there."""
        with self._lock:
            self._entries.setdefault(kind, {})[key] = value

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered; no error where there was nothing."""
        with self._lock:
            self._entries.get(kind, {}).pop(key, None)
