"""How often, how long and at what intervals a failing call is tried again."""

from __future__ import annotations

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
