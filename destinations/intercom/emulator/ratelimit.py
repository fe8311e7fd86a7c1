"""The request budget: a fixed window of 10 seconds whose phase is not aligned to the clock's :00.

There is no burst beyond a window and no carry-over: a new window starts with the full budget.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from destinations.intercom.emulator.errors import ApiError

if TYPE_CHECKING:
    from destinations.intercom.emulator.settings import EmulatorSettings

WINDOW_S = 10
UNLIMITED = 1_000_000
"""The budget that the headers show when the limit is switched off."""


class RateLimiter:
    """Counts the authenticated requests of the current window."""

    __slots__ = ("_used", "_window")

    def __init__(self) -> None:
        self._window = -1
        self._used = 0

    def spend(self, settings: EmulatorSettings, now: float) -> tuple[bool, dict[str, str]]:
        """Count one request: whether it may pass, and the headers that its answer carries."""
        window = math.floor((now - settings.window_phase_s) / WINDOW_S)
        if window != self._window:
            self._window = window
            self._used = 0
        limit = settings.limit or UNLIMITED
        start = window * WINDOW_S + settings.window_phase_s
        left = limit - self._used
        if settings.other_apps_per_window:
            share = settings.other_apps_per_window * (now - start) / WINDOW_S
            left -= math.ceil(share)
        passes = left > 0 or not settings.limit
        if passes:
            self._used += 1
            left -= 1
        return passes, _headers(limit, max(left, 0), math.floor(start) + WINDOW_S)

    def peek(self, settings: EmulatorSettings, now: float) -> dict[str, str]:
        """The headers of a 429 that a fault makes up: nothing left, nothing counted."""
        start = math.floor((now - settings.window_phase_s) / WINDOW_S) * WINDOW_S
        end = math.floor(start + settings.window_phase_s) + WINDOW_S
        return _headers(settings.limit or UNLIMITED, 0, end)


def exceeded(settings: EmulatorSettings) -> ApiError:
    """429, worded as ``rate_limit_text`` says; there is no Retry-After."""
    if settings.rate_limit_text == "app":
        message = "The rate limit for the App has been exceeded"
    else:
        message = f"Exceeded rate limit of {settings.limit or UNLIMITED} in {WINDOW_S}_seconds"
    return ApiError(429, "rate_limit_exceeded", message)


def _headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
    }
