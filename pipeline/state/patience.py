"""Waiting out a database that is away for a while: a restart, a failover, a broken network."""

from __future__ import annotations

import logging
import random as random_module
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import exc

from pipeline.errors import StateDown

_LOG = logging.getLogger(__name__)
_CONFLICTS = ("40001", "40P01")  # serialization failure, deadlock
# Connection exceptions, shutting down and starting up, too many connections, a lock that is not
# given in time, and a server that is a read-only replica until it is promoted.
_PASSING = ("08", "57P", "53300", "55P03", "25006")
_TRIES = 20
_FIRST, _CAP = 0.1, 5.0
_LONGEST_SLEEP = 0.5

T = TypeVar("T")
UNAVAILABLE = (exc.SQLAlchemyError, StateDown)
"""What a store raises that cannot be used, now or at all."""


class Patience:
    """Tries again what failed for now. Safe among threads: they wait for one end of one outage.

    A transaction that lost against another one is tried again at once, some times.

    Args:
        max_outage: Seconds for which a database that is away is waited for; 0 for never.
        given_up: Told in words when an outage has lasted so long, of every transaction in it.
        stopped: Whether there is no use in waiting any more.
        clock: Seconds, monotonic.
        sleep: Waits for so many seconds.
        random: A number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        max_outage: float = 0.0,
        *,
        given_up: Callable[[str], object] = str,
        stopped: Callable[[], bool] = bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._max_outage = max_outage
        self._given_up = given_up
        self._stopped = stopped
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._since: float | None = None

    def carry_out(self, transaction: Callable[[], T]) -> T:
        """The result of ``transaction``, which is begun anew until there is one.

        Raises:
            StateDown: The database was away for longer than is waited for.
            SQLAlchemyError: It failed for another reason.
        """
        tries = 0
        while True:
            try:
                result = transaction()
            except exc.SQLAlchemyError as error:
                tries += 1
                if is_conflict(error) and tries < _TRIES:
                    self._sleep(self._pause(tries) / 10)
                elif not is_passing(error):
                    raise
                elif tries > 1 or not getattr(error, "connection_invalidated", False):
                    # else a connection from before a restart: a new one may do
                    self._wait(tries, error)
            else:
                if self._since is not None:
                    self._ended()
                return result

    def _wait(self, tries: int, error: exc.SQLAlchemyError) -> None:
        now = self._clock()
        with self._lock:
            if self._since is None:
                self._since = now
                if self._max_outage:
                    _LOG.warning(
                        "the state store is away, waiting for it for up to %.0f s: %s",
                        self._max_outage,
                        cause(error),
                    )
            lasted = now - self._since
            over = lasted >= self._max_outage or self._stopped()
        if over:
            message = f"the state store was away for {lasted:.0f} s: {cause(error)}"
            self._given_up(message)
            raise StateDown(message) from error
        until = now + min(self._pause(tries), self._max_outage - lasted)
        while (left := until - self._clock()) > 0 and not self._stopped():
            self._sleep(min(left, _LONGEST_SLEEP))

    def _pause(self, tries: int) -> float:
        return min(_CAP, _FIRST * 2.0 ** min(tries, 20)) * (0.5 + self._random() / 2)

    def _ended(self) -> None:
        with self._lock:
            since, self._since = self._since, None
        if since is not None and self._max_outage:
            _LOG.warning("the state store answers again, after %.0f s", self._clock() - since)


def is_conflict(error: exc.SQLAlchemyError) -> bool:
    """Whether a transaction only lost against another one."""
    return _code(error) in _CONFLICTS


def is_passing(error: exc.SQLAlchemyError) -> bool:
    """Whether the database is away, and may be back soon. Never true of an SQLite file."""
    if isinstance(error, exc.TimeoutError):  # all connections of this process are in use
        return True
    code = _code(error)
    if code is None:
        return False
    if not code:  # the client's own: there is no connection, or no longer one
        gone = isinstance(error, exc.OperationalError | exc.InterfaceError)
        return gone and "password" not in cause(error)
    return code.startswith(_PASSING)


def cause(error: BaseException) -> str:
    """What the database or its driver says, in one line."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _code(error: exc.SQLAlchemyError) -> str | None:
    """The SQLSTATE; empty for an error of the client, None where there are no such codes."""
    original: Any = getattr(error, "orig", None)
    return (original.sqlstate or "") if hasattr(original, "sqlstate") else None
