"""Taking turns among processes: whoever writes a thing that many write does so alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

KIND = "turn"
"""Under which it is noted whose turn it is; the entry is gone with the turn."""

_ASK_AGAIN = 0.05

Slot = tuple[str, str]


class Store(Protocol):
    """The part of a state store that is needed here."""

    def update(
        self,
        scope: str,
        kinds: tuple[str, ...],
        change: Callable[[dict[Slot, str]], Mapping[Slot, str | None]],
    ) -> None:
        """Let ``change`` decide with nobody else in between."""
        ...


class Turns:
    """Turns at things, for everybody who shares a store. Safe among threads and processes.

    A turn that its holder does not give back ends by itself: the holder is taken to be dead.

    Args:
        store: Where they are noted.
        scope: Keeps workspaces apart.
        longest: Seconds after which a turn ends by itself.
        clock: Seconds since 1970.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        store: Store,
        scope: str,
        *,
        longest: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._scope = scope
        self._longest = longest
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def at(self, thing: str) -> Iterator[None]:
        """Wait for one's turn at ``thing``, and keep it for the block."""
        holder = uuid.uuid4().hex
        while not self._take(thing, holder):
            self._sleep(_ASK_AGAIN)
        try:
            yield
        finally:
            self._give_back(thing, holder)

    def _take(self, thing: str, holder: str) -> bool:
        slot, taken = (KIND, thing), False

        def change(entries: dict[Slot, str]) -> Mapping[Slot, str | None]:
            nonlocal taken
            by, _, until = entries.get(slot, "").partition(" ")
            taken = by in ("", holder) or float(until) <= self._clock()
            return {slot: f"{holder} {self._clock() + self._longest}"} if taken else {}

        self._store.update(self._scope, (KIND,), change)
        return taken

    def _give_back(self, thing: str, holder: str) -> None:
        slot = (KIND, thing)

        def change(entries: dict[Slot, str]) -> Mapping[Slot, str | None]:
            return {slot: None} if entries.get(slot, "").startswith(holder) else {}

        self._store.update(self._scope, (KIND,), change)
