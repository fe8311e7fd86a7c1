"""This process's part of a window that several processes use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.model.quota import REFUSED, Account, Windows

_SMALLEST = 4
_FIRST = 8
_LARGEST = 64
_SOON = 0.5
_LATE = 2.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What came of asking.

    Attributes:
        calls: So many more calls may be made in the window.
        remaining: The fewest calls that any process was told to be left; ``quota.REFUSED`` where
            one was refused, None where nobody has been told.
        final: Whether there is no use in asking for more before the window ends.
    """

    calls: int
    remaining: int | None
    final: bool


class Leases:
    """Asks for a few calls at a time; for more of them where they are used up soon.

    Calls that are not made before the window ends are lost. Not safe among threads.

    Args:
        windows: The accounts that all processes share.
        clock: Seconds.
    """

    def __init__(self, windows: Windows, *, clock: Callable[[], float] = time.time) -> None:
        self._windows = windows
        self._clock = clock
        self._size = _FIRST
        self._asked_at: float | None = None

    def ask(
        self, window: int, *, debt: int, answered: int, remaining: int | None, allowance: int
    ) -> Grant:
        """Report and ask for more. Where the accounts cannot be reached, all of it is granted.

        Args:
            window: Its end, seconds since 1970, as the API tells it.
            debt: Calls that were made in the window without a lease.
            answered: Calls of the window that were answered since this was last asked.
            remaining: The fewest calls that an answer told to be left.
            allowance: The calls that all processes together may make in the window.
        """
        self._adapt()
        granted = 0

        def change(account: Account) -> Account:
            nonlocal granted
            before = account.told(answered, remaining)
            after = before.lease(debt + self._size, allowance)
            granted = after.leased - before.leased
            return after

        account = self._windows.change(window, change)
        if account is None:
            return Grant(allowance + debt, None, final=False)
        return Grant(granted, account.remaining, final=account.leased >= allowance)

    def refuse(self, window: int) -> None:
        """Tell the others that the API has refused a call of the window."""
        self._windows.change(window, lambda account: account.told(0, REFUSED))

    def _adapt(self) -> None:
        now = self._clock()
        if self._asked_at is not None:
            passed = now - self._asked_at
            if passed < _SOON:
                self._size = min(_LARGEST, self._size * 2)
            elif passed > _LATE:
                self._size = max(_SMALLEST, self._size // 2)
        self._asked_at = now
