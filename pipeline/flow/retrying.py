"""How often, how long and at what intervals a failing call is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with jitter.

    Attributes:
        max_attempts: A call is made so many times at most.
        max_elapsed: Seconds of calling and backing off after which no new attempt begins. Time
            spent waiting for the rate limit does not count.
        first: Upper bound of the first pause in seconds; it doubles each time.
        cap: Upper bound of any pause.
    """

    max_attempts: int = 8
    max_elapsed: float = 300.0
    first: float = 0.5
    cap: float = 30.0

    def pause(self, attempt: int, chance: float) -> float:
        """Seconds to wait after attempt number ``attempt``; ``chance`` from 0 to 1 spreads them."""
        bound = min(self.cap, self.first * 2.0 ** min(attempt - 1, 30))
        return bound * (0.5 + chance / 2)


class RetryBudget:
    """Keeps retries to a part of all attempts, so that they make nothing worse. Safe among threads.

    A retry takes one from a store of so many retries; every attempt and every second give a little
    back. In an outage nothing is attempted, so this is for the time when much fails, but not most.

    Args:
        share: Retries for each attempt.
        per_second: Retries for each second, so that the last ones need not wait for others.
        reserve: The most that are kept.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        *,
        share: float = 0.2,
        per_second: float = 10.0,
        reserve: float = 50.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._per_second = per_second
        self._reserve = reserve
        self._clock = clock
        self._lock = threading.Lock()
        self._kept = reserve
        self._filled_at = clock()

    def attempted(self) -> None:
        """An attempt is being made, whether first or not."""
        with self._lock:
            self._kept = min(self._reserve, self._kept + self._share)

    def take(self) -> float:
        """0 if a retry may be made, which then counts; else seconds until the next try."""
        with self._lock:
            now = self._clock()
            gained = max(0.0, now - self._filled_at) * self._per_second
            self._kept = min(self._reserve, self._kept + gained)
            self._filled_at = now
            if self._kept >= 1:
                self._kept -= 1
                return 0.0
            return (1 - self._kept) / self._per_second
