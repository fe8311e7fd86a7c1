"""What the headers of an answer say about the rate limit, and nothing that cannot be believed."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from pipeline.model.exchange import RateHeaders

_SKEW = 2.0
_SHORTEST_LEFT = 0.2


@dataclass(frozen=True, slots=True)
class RateAnswer:
    """The numbers of one answer; None where it has none, or one that makes no sense.

    Attributes:
        limit: The calls that one window takes.
        remaining: The calls left in the window, 0 or more.
        reset: The end of the window, seconds since 1970 by the API's clock.
        retry_after: Seconds to wait after a refusal.
        date: When the answer was made, seconds since 1970 by the API's clock.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None
    retry_after: float | None = None
    date: float | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str], names: RateHeaders) -> RateAnswer:
        """The numbers under their names in ``headers``."""
        limit = _number(headers.get(names.limit))
        remaining = _number(headers.get(names.remaining))
        reset = _number(headers.get(names.reset))
        retry_after = _number(headers.get(names.retry_after))
        if remaining is None or reset is None:
            remaining = reset = None  # one says nothing without the other
        return cls(
            limit=int(limit) if limit is not None and limit >= 1 else None,
            remaining=max(0, int(remaining)) if remaining is not None else None,
            reset=int(reset) if reset is not None else None,
            retry_after=retry_after if retry_after is not None and retry_after > 0 else None,
            date=_date(headers.get("date")),
        )

    def seconds_left(self, now: float, window: float) -> float:
        """Seconds until a window of this length ends, also where the two clocks do not agree."""
        if self.reset is None:
            return window
        left = self.reset - now
        if -_SKEW <= left <= window + _SKEW:
            return max(_SHORTEST_LEFT, left)
        if self.date is not None and 0 <= self.reset - self.date <= window + _SKEW:
            return self.reset - self.date
        return window


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e12 else None


def _date(text: str | None) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text) if text else None
    except (ValueError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() if moment else None
