"""What several processes that call one API know together of its current window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

REFUSED = -1
"""In place of what is left: the API has refused a call, and none may follow in this window."""

_TAPER = 4


@dataclass(frozen=True, slots=True)
class Account:
    """The calls of one window.

    Attributes:
        leased: Calls that were promised to the processes.
        answered: Those of them whose answers have been reported.
        remaining: The fewest calls that an answer told to be left; None before the first.
    """

    leased: int = 0
    answered: int = 0
    remaining: int | None = None

    def told(self, answered: int, remaining: int | None) -> Account:
        """The account after a process reported so many more answers, and the least they told."""
        known = [number for number in (self.remaining, remaining) if number is not None]
        return replace(self, answered=self.answered + answered, remaining=min(known, default=None))

    def left(self, allowance: int) -> int:
        """The calls that may still be leased where all processes together may make ``allowance``.

        What was leased and not answered may or may not be in the API's count yet: believe the
        worse. The calls of other programs are in its count only.

        >>> Account(leased=30, answered=10, remaining=60).left(100)
        40
        """
        left = allowance - self.leased
        if self.remaining is not None:
            under_way = max(0, self.leased - self.answered)
            left = min(left, self.remaining - under_way)
        return max(0, left)

    def lease(self, want: int, allowance: int) -> Account:
        """The account after leasing ``want`` calls, or fewer: towards the end leases get small.

        >>> Account(leased=20).lease(50, 100)
        Account(leased=40, answered=0, remaining=None)
        """
        left = self.left(allowance)
        return replace(self, leased=self.leased + min(want, left, max(1, left // _TAPER)))


class Windows(Protocol):
    """The accounts of an API's windows, where all processes can reach them."""

    def change(self, window: int, change: Callable[[Account], Account]) -> Account | None:
        """Change an account with nobody else in between; the result, None where that failed."""
        ...
