"""Counts of a run: kept in plain Python, handed to Beam's metrics in batches.

Beam's counters must be touched from the thread that runs the bundle, and cost more than a
dictionary; so a DoFn counts into a ``Counts`` and flushes it at the end of the bundle. The same
flush feeds ``LIVE``, from which a progress line in the same process reads.
"""

from __future__ import annotations

import threading
from collections import Counter

from apache_beam.metrics import Metrics

NAMESPACE = "penstock"
THROTTLING_NAMESPACE = "penstock.pacing"
THROTTLING = "cumulativeThrottlingSeconds"
"""Autoscalers know this name, in any namespace: more workers do not help against a quota."""
FLUSH_EVERY = 500


class LiveCounts:
    """What was counted in this process so far; safe to read from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, counts: Counter[str]) -> None:
        """Add what a bundle counted."""
        with self._lock:
            self._counts.update(counts)

    def snapshot(self) -> Counter[str]:
        """A copy."""
        with self._lock:
            return Counter(self._counts)

    def clear(self) -> None:
        """Forget everything, before another run in the same process."""
        with self._lock:
            self._counts.clear()


LIVE = LiveCounts()


class Counts:
    """The counts of one DoFn, by name: ``received``, ``dead/invalid_json``, ...

    Args:
        prefix: Stands before every name, where several of a kind count at the same time.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._pending: dict[str, int] = {}
        self._changes = 0

    def add(self, name: str, by: int = 1) -> None:
        """Count; call it on the thread of the bundle."""
        self._pending[name] = self._pending.get(name, 0) + by
        self._changes += 1
        if self._changes >= FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Hand everything counted so far to Beam."""
        counts = Counter({self._prefix + name: count for name, count in self._pending.items()})
        for name, count in counts.items():
            Metrics.counter(NAMESPACE, name).inc(count)
        LIVE.add(counts)
        self._pending.clear()
        self._changes = 0


class Throttling:
    """Beam's own counter of the seconds that a worker could not call for lack of quota."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count; call it on the thread of the bundle. Parts of a second wait for the next time."""
        self._seconds += seconds
        whole = int(self._seconds)
        if whole:
            Metrics.counter(THROTTLING_NAMESPACE, THROTTLING).inc(whole)
            self._seconds -= whole
