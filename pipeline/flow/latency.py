"""How long events take: percentiles of any number of them in a fixed number of bytes."""

from __future__ import annotations

import math
from collections import Counter

_SHORTEST = 0.001
_STEP = math.log(1.05)


class Latencies:
    """Counts seconds in classes that are 5 % wide; a percentile is the upper end of its class."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one event."""
        self._classes[math.ceil(math.log(max(seconds, _SHORTEST) / _SHORTEST) / _STEP)] += 1
        self._longest = max(self._longest, seconds)

    def percentile(self, part: float) -> float:
        """The seconds within which ``part`` (0 to 1) of the events were done; 0 for no events."""
        wanted = part * self._classes.total()
        for number in sorted(self._classes):
            wanted -= self._classes[number]
            if wanted <= 0:
                return min(_SHORTEST * math.exp(number * _STEP), self._longest)
        return self._longest

    def as_json(self) -> dict[str, float]:
        """``{"p50": ..., "p95": ..., "p99": ..., "max": ...}`` in seconds."""
        shown = {f"p{round(part * 100)}": self.percentile(part) for part in (0.5, 0.95, 0.99)}
        return {name: round(value, 3) for name, value in (shown | {"max": self._longest}).items()}
