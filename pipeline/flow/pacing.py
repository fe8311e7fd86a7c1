"""Calling as fast as the API takes, and never faster, by what its own headers say.

The API counts calls in fixed windows and tells with each answer how many are left and when the
window ends. Other programs use up the same windows, so the headers are believed, not our count.
Processes that share a store lease their calls from one account of each window (``leases``).
"""

from __future__ import annotations

import math
import random as random_module
import threading
import time
from collections.abc import Callable, Mapping

from pipeline.flow.leases import Grant, Leases
from pipeline.flow.rate_answer import RateAnswer
from pipeline.model.exchange import RateHeaders
from pipeline.model.quota import REFUSED, Windows

_POLL = 0.02
_ASK_AGAIN = 0.1
_SHORTEST_SLEEP = 0.001
_LONGEST_SLEEP = 1.0
_PATIENCE = 1.0
_SET_BACK = 60
_MARGIN_STEP = 0.2
_LARGEST_MARGIN = 3.0


class Pacer:
    """Lets calls through while the current window has room for them. Safe among threads.

    The first call of a window goes alone, for a second at most: its answer tells whether the
    window has really begun, and how much of it others have used. Every ``acquire`` must be
    followed by one ``observe``, also when no answer came.

    Args:
        headers: Where this API says what is left.
        per_minute: Own ceiling below the API's, in calls a minute; calls are then spread evenly.
            Processes that share ``windows`` keep it together.
        share: The part of each window that may be used, above 0 up to 1; the rest is for others.
        windows: The accounts of the windows, where processes share them.
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
        share: float = 1.0,
        windows: Windows | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        random: Callable[[], float] = random_module.random,
        margin: float = 0.05,
        max_jitter: float = 1.0,
    ) -> None:
        if per_minute is not None and per_minute <= 0:
            message = f"a rate of {per_minute} calls a minute delivers nothing"
            raise ValueError(message)
        if not 0 < share <= 1:
            message = f"a share of {share} is none: it must be above 0 and at most 1"
            raise ValueError(message)
        self._names = headers if headers is not None else RateHeaders()
        self._per_minute = per_minute
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._share = share
        self._leases = Leases(windows, clock=clock) if windows is not None else None
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._margin = margin
        self._max_jitter = max_jitter
        self._lock = threading.Lock()
        self._leasing = threading.Lock()  # taken before the other one, never after it
        self._limit: int | None = None
        self._in_flight = 0
        self._waited = 0.0
        self._paused_until = 0.0
        self._next_slot = 0.0
        self._window: int | None = None  # the current one, named by its end as the API tells it
        self._ends = 0.0  # when it ends by our clock
        self._scout_until = math.inf
        self._open_window(None, ends=0.0, told=None)

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
        began = self._clock()
        while True:
            delay = self.attempt()
            if delay <= 0:
                break
            self._sleep(min(max(delay, _SHORTEST_SLEEP), _LONGEST_SLEEP))
        waited = max(0.0, self._clock() - began)
        with self._lock:
            self._waited += waited
        return waited

    def attempt(self) -> float:
        """0 if one call may be made now, which then counts; else seconds until the next try."""
        while True:
            with self._lock:
                now = self._clock()
                delay = self._delay(now)
                if delay is not None:
                    if delay <= 0:
                        self._issue(now)
                    return max(0.0, delay)
            self._lease()

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Learn from an answer; status 0 and no headers where none came."""
        answer = RateAnswer.read(headers, self._names)
        refused: int | None = None
        with self._lock:
            now = self._clock()
            self._in_flight = max(0, self._in_flight - 1)
            if answer.limit is not None:
                self._limit = answer.limit
            if answer.reset is None or answer.remaining is None:
                self._lost += 1  # the API may have counted it all the same
                if status:
                    self._scout_until = now  # it does not tell: waiting for more is no use
            else:
                self._learn(answer.reset, answer.remaining, answer, now)
            if status == 429 and self._pause(answer, now):
                refused = self._window
        if refused is not None and self._leases is not None:
            with self._leasing:
                self._leases.refuse(refused)

    # --- may a call be made? All of this with the lock held ----------------------------------

    def _delay(self, now: float) -> float | None:
        """Seconds until it is worth asking again; 0 if a call may be made, None for a lease."""
        if now < self._paused_until:
            return self._paused_until - now
        self._roll(now)
        if self._interval and now < self._next_slot:
            return self._next_slot - now
        if self._told is None and self._in_flight and now < self._scout_until:
            return _POLL
        if self._window is None:
            return 0.0
        until_end = self._end() - now
        remaining = self._remaining()
        if remaining <= 0 or self._issued >= self._allowance():
            return until_end
        # What is under way may or may not be in the API's count yet: believe the worse.
        if remaining <= self._in_flight:
            return min(until_end, _POLL)
        if self._issued < self._granted or self._limit is None:
            return 0.0
        return min(until_end, self._ask_at - now) if now < self._ask_at else None

    def _issue(self, now: float) -> None:
        self._in_flight += 1
        self._issued += 1
        self._next_slot = max(now, self._next_slot) + self._interval
        self._scout_until = min(self._scout_until, now + _PATIENCE)

    def _remaining(self) -> float:
        """The calls that the API has left in the current window, as far as we know."""
        if self._told is not None:
            return self._told - self._lost
        return self._limit - self._lost if self._limit is not None else math.inf

    def _allowance(self) -> float:
        """The calls that we, all processes together, may make in the current window."""
        if self._window is None or self._limit is None:
            return math.inf
        allowance = max(1, int(self._limit * self._share))
        if self._per_minute is not None:
            each = self._per_minute * self._names.window / 60
            number = self._window // self._names.window
            allowance = min(allowance, int(each * (number + 1)) - int(each * number))
        return allowance

    # --- windows -----------------------------------------------------------------------------

    def _open_window(self, window: int | None, *, ends: float, told: int | None) -> None:
        """Begin to count; whatever is under way may be counted in the new window."""
        self._window = window
        self._ends = ends
        self._told = told  # the fewest calls that an answer told to be left
        self._lost = 0  # calls without an answer
        self._issued = self._in_flight
        self._unreported = 0  # answers that the shared account does not know of
        self._granted = 0.0 if self._leases is not None else math.inf
        self._ask_at = 0.0

    def _end(self) -> float:
        """When the current window is over, to be on the safe side."""
        return self._ends + self._margin

    def _roll(self, now: float) -> None:
        """Begin a new window, with the last known limit, where the current one is over."""
        late = now - self._end()
        if self._window is None or late < 0:
            return
        seconds = (late // self._names.window + 1) * self._names.window
        self._open_window(int(self._window + seconds), ends=self._ends + seconds, told=None)
        self._scout_until = now + _PATIENCE

    def _learn(self, reset: int, remaining: int, answer: RateAnswer, now: float) -> None:
        current = self._window
        # An API whose clock was set back (or an emulator begun anew) is believed as well.
        if current is None or reset > current or reset < current - _SET_BACK:
            ends = now + answer.seconds_left(now, self._names.window)
            self._open_window(reset, ends=ends, told=remaining)
            self._issued += 1
            self._unreported = 1
        elif reset == current:
            # Answers overtake each other; the smallest number is the newest.
            self._told = remaining if self._told is None else min(self._told, remaining)
            self._unreported += 1
        else:
            self._issued -= 1  # the API has counted it in an earlier window

    def _pause(self, answer: RateAnswer, now: float) -> bool:
        """Pause until the window ends; whether it is the current one that takes no more."""
        if now < self._paused_until:
            return False  # one of many that were under way: the pause is set already
        end = self._end()
        current = False
        if self._window is not None and answer.reset is not None and answer.reset < self._window:
            # Refused in a window that is over by our clock: the API's ends a little later.
            end = now
            self._margin = min(_LARGEST_MARGIN, self._margin + _MARGIN_STEP)
        elif self._window is None or end <= now:
            end = now + self._names.window
        else:
            self._told = 0
            current = True
        if answer.retry_after is not None:
            end = max(end, now + answer.retry_after)
        self._paused_until = end + self._random() * self._max_jitter
        return current

    # --- leases ------------------------------------------------------------------------------

    def _lease(self) -> None:
        """Get more calls of the current window, unless another thread just has."""
        if self._leases is None:
            return
        with self._leasing:
            with self._lock:
                if self._delay(self._clock()) is not None or self._window is None:
                    return
                window, told = self._window, self._told
                debt = max(0, self._issued - int(self._granted))
                answered, self._unreported = self._unreported, 0
                allowance = int(self._allowance())
            grant = self._leases.ask(
                window, debt=debt, answered=answered, remaining=told, allowance=allowance
            )
            with self._lock:
                if window == self._window:
                    self._take(grant)

    def _take(self, grant: Grant) -> None:
        now = self._clock()
        self._granted += grant.calls
        if grant.calls == 0:
            self._ask_at = self._end() if grant.final else now + _ASK_AGAIN
        if grant.remaining is None:
            return
        told = max(0, grant.remaining)
        self._told = told if self._told is None else min(self._told, told)
        if grant.remaining == REFUSED and now >= self._paused_until:
            self._paused_until = self._end() + self._random() * self._max_jitter
