"""Waiting out an outage: when most calls fail, nobody calls but one probe at a time."""

from __future__ import annotations

import logging
import random as random_module
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.flow.retrying import RetryPolicy

_LOG = logging.getLogger(__name__)
_ASK_AGAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePolicy:
    """When the destination counts as down, and how long that is waited out.

    Attributes:
        of_last: So many of the newest attempts are looked at,
        failed: and it is down when so many of them failed,
        unanswered: or when so many in a row got no answer at all.
        max_outage: Seconds after which waiting is given up.
        probes: The pauses between probes.
    """

    of_last: int = 20
    failed: int = 12
    unanswered: int = 5
    max_outage: float = 900.0
    probes: RetryPolicy = field(default_factory=lambda: RetryPolicy(first=1.0))


class Breaker:
    """Closed while calls succeed; open in an outage. Safe among threads.

    An answer that is no passing trouble is a success, whatever it says: somebody is there.

    Args:
        policy: When to open and how to probe.
        clock: Seconds, monotonic.
        random: A number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        policy: OutagePolicy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._policy = policy if policy is not None else OutagePolicy()
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._failed: deque[bool] = deque(maxlen=self._policy.of_last)
        self._unanswered = 0
        self._opened_at: float | None = None
        self._probes = 0
        self._probing = False
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is an outage."""
        with self._lock:
            return self._opened_at is not None

    @property
    def is_given_up(self) -> bool:
        """Whether the outage has lasted longer than is waited for."""
        with self._lock:
            return self._opened_at is not None and self._lasted() >= self._policy.max_outage

    @property
    def max_outage(self) -> float:
        """Seconds after which waiting is given up."""
        return self._policy.max_outage

    def attempt(self) -> float:
        """0 if a call may be made now, as the probe in an outage; else seconds until the next try.

        Every 0 must be followed by one ``succeeded``, ``failed`` or ``withdrawn``.
        """
        with self._lock:
            if self._opened_at is None:
                return 0.0
            if self._probing:
                return _ASK_AGAIN
            wait = self._probe_at - self._clock()
            self._probing = wait <= 0
            return max(0.0, wait)

    def succeeded(self) -> None:
        """There was an answer: the first one ends an outage."""
        with self._lock:
            self._unanswered = 0
            if self._opened_at is None:
                self._failed.append(False)
                return
            _LOG.warning("the destination answers again, after %.0f s", self._lasted())
            self._opened_at = None
            self._failed.clear()
            self._probing = False

    def failed(self, *, answered: bool) -> None:
        """The call failed for now; ``answered``: with an answer, such as a 503."""
        with self._lock:
            if self._opened_at is not None:
                if self._probing:  # else one of those that were under way when it opened
                    self._probing = False
                    self._pause()
                return
            self._failed.append(True)
            self._unanswered = 0 if answered else self._unanswered + 1
            policy = self._policy
            if sum(self._failed) >= policy.failed or self._unanswered >= policy.unanswered:
                self._open()

    def withdrawn(self) -> None:
        """The call was not made after all, or nobody knows what came of it."""
        with self._lock:
            self._probing = False

    def _open(self) -> None:
        self._opened_at = self._clock()
        self._probes = 0
        self._probing = False
        self._pause()
        _LOG.warning(
            "most calls fail: waiting for the destination, for up to %.0f s",
            self._policy.max_outage,
        )

    def _pause(self) -> None:
        self._probes += 1
        self._probe_at = self._clock() + self._policy.probes.pause(self._probes, self._random())

    def _lasted(self) -> float:
        return self._clock() - self._opened_at if self._opened_at is not None else 0.0
