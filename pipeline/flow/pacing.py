"""Calling as fast as the API takes, and never faster, by what its own headers say.

The API counts calls in fixed windows and tells with each answer how many are left and when the
window ends. Other programs use up the same windows, so the headers are believed, not our count.
"""

from __future__ import annotations

import email.utils
import random as random_module
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC

from pipeline.model.exchange import RateHeaders

_POLL = 0.02
_LONGEST_SLEEP = 1.0
_SKEW = 2.0
_SHORTEST_LEFT = 0.2
_SET_BACK = 60.0
_MARGIN_STEP = 0.2
_LARGEST_MARGIN = 1.2


class Pacer:
    """Lets calls through while the current window has room for them. Safe among threads.

    Every ``acquire`` must be followed by one ``observe``, also when no answer came.

    Args:
        headers: Where this API says what is left.
        per_minute: Own ceiling below the API's, in calls a minute; calls are then spread evenly.
        clock: Seconds since 1970, as the API's own headers count them.
        sleep: Waits for so many seconds.
        random: A number from 0 to 1, for the jitter after a refusal.
        margin: Seconds to let pass after the end of a window: clocks are never quite the same, and
            headers have whole seconds only. Grows when it proves too small.
        max_jitter: The longest jitter in seconds.
    """

    def __init__(
        self,
        headers: RateHeaders | None = None,
        *,
        per_minute: float | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        random: Callable[[], float] = random_module.random,
        margin: float = 0.05,
        max_jitter: float = 1.0,
    ) -> None:
        if per_minute is not None and per_minute <= 0:
            message = f"a rate of {per_minute} calls a minute delivers nothing"
            raise ValueError(message)
        self._names = headers if headers is not None else RateHeaders()
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._margin = margin
        self._max_jitter = max_jitter
        self._lock = threading.Lock()
        self._limit: int | None = None
        self._remaining: int | None = None
        self._reset = 0.0  # end of the newest window that the API told of, by its clock
        self._window_end: float | None = None  # end of the current window, by ours
        self._rolled = False  # the current window is newer than what the API told of
        self._paused_until = 0.0
        self._next_slot = 0.0
        self._in_flight = 0
        self._waited = 0.0

    @property
    def waited_seconds(self) -> float:
        """How long all threads together have waited for room so far."""
        with self._lock:
            return self._waited

    @property
    def limit(self) -> int | None:
        """The calls that one window takes, as the API last said; None before it has."""
        with self._lock:
            return self._limit

    def acquire(self) -> float:
        """Wait until one call may be made; the seconds that took."""
        waited = 0.0
        while True:
            with self._lock:
                now = self._clock()
                delay = self._delay(now)
                if delay <= 0:
                    self._in_flight += 1
                    self._next_slot = max(now, self._next_slot) + self._interval
                    self._waited += waited
                    return waited
            self._sleep(min(delay, _LONGEST_SLEEP))
            waited += max(0.0, self._clock() - now)

    def _delay(self, now: float) -> float:
        """Seconds until it is worth asking again; 0 if a call may be made now."""
        if now < self._paused_until:
            return self._paused_until - now
        self._roll(now)
        slot = self._next_slot - now if self._interval else 0.0
        if self._remaining is None or self._window_end is None:
            return slot
        # What is under way may or may not be in the API's count yet: believe the worse.
        if self._remaining - self._in_flight > 0:
            return slot
        until_end = self._window_end - now
        if self._remaining > 0:
            return max(slot, min(until_end, _POLL))
        return max(slot, until_end)

    def _roll(self, now: float) -> None:
        """Begin a new window, with the last known limit, where the current one is over."""
        if self._window_end is None or now < self._window_end:
            return
        windows = int((now - self._window_end) // self._names.window) + 1
        self._window_end += windows * self._names.window
        self._remaining = self._limit
        self._rolled = True

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Learn from an answer; status 0 and no headers where none came."""
        with self._lock:
            now = self._clock()
            self._in_flight = max(0, self._in_flight - 1)
            limit = _number(headers.get(self._names.limit))
            remaining = _number(headers.get(self._names.remaining))
            reset = _number(headers.get(self._names.reset))
            if limit is not None and limit > 0:
                self._limit = int(limit)
            if remaining is None or reset is None:
                # The API may have counted it all the same.
                if self._remaining is not None:
                    self._remaining = max(0, self._remaining - 1)
            else:
                self._adopt(int(remaining), reset, headers, now)
            if status == 429:
                self._pause(headers, now)

    def _adopt(self, remaining: int, reset: float, headers: Mapping[str, str], now: float) -> None:
        # An API whose clock was set back (or an emulator begun anew) is believed as well.
        if reset > self._reset or reset < self._reset - _SET_BACK:
            self._reset = reset
            self._rolled = False
            self._window_end = now + self._left(reset, headers, now) + self._margin
            self._remaining = max(0, remaining)
        elif reset == self._reset and not self._rolled and self._remaining is not None:
            # Answers overtake each other; the smallest number is the newest.
            self._remaining = max(0, min(self._remaining, remaining))

    def _left(self, reset: float, headers: Mapping[str, str], now: float) -> float:
        """Seconds until the window ends, also where the two clocks do not agree."""
        left = reset - now
        if -_SKEW <= left <= self._names.window + _SKEW:
            return max(_SHORTEST_LEFT, left)
        theirs = _date(headers.get("date"))
        if theirs is not None and 0 <= reset - theirs <= self._names.window + _SKEW:
            return reset - theirs
        return self._names.window

    def _pause(self, headers: Mapping[str, str], now: float) -> None:
        if now < self._paused_until:
            return  # one of many that were under way: the pause is set already
        reset = _number(headers.get(self._names.reset))
        end = self._window_end
        if reset is not None and self._rolled and reset <= self._reset:
            # Refused in a window that is over by our clock: the API's ends a little later.
            end = now
            self._margin = min(_LARGEST_MARGIN, self._margin + _MARGIN_STEP)
        elif end is None or end <= now:
            end = now + self._names.window
        elif self._remaining is not None:
            self._remaining = 0
        retry_after = _number(headers.get(self._names.retry_after))
        if retry_after is not None and retry_after > 0:
            end = max(end, now + retry_after)
        self._paused_until = end + self._random() * self._max_jitter


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
