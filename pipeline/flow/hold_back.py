"""Holding events back for some seconds, so that a person's leave in the order they happened.

People are cut into shards by a stable hash. Of each shard a watermark follows the latest event time
seen, ``seconds`` behind it and never ahead of the clock; what lies at or below it has been passed,
and leaves. So does what has been held for ``seconds`` by the clock, together with everything older
of the same person. Whatever comes later than its watermark goes straight through; that it does not
overwrite what is newer is the business of whoever delivers it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from pipeline.flow.peeking import SHARDS, Peek, shard_of

Item = TypeVar("Item")

_SECOND = 1_000_000
_TIDY_BEYOND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldBackPolicy:
    """How long and how much is held.

    Attributes:
        seconds: Of event time, and by the clock; 0 holds nothing.
        shards: Into so many slices people are cut.
        most: So many events are held; then nothing more should be read.
        most_bytes: Likewise of their bytes.
    """

    seconds: float = 5.0
    shards: int = SHARDS
    most: int = 50_000
    most_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class _Held(Generic[Item]):
    item: Item
    key: str
    time: int
    since: int
    size: int


class HoldBack(Generic[Item]):
    """Events that wait for others that happened before them. All times in microseconds since 1970.

    Args:
        policy: How long and how much is held.
    """

    def __init__(self, policy: HoldBackPolicy | None = None) -> None:
        self._policy = policy if policy is not None else HoldBackPolicy()
        self._span = int(self._policy.seconds * _SECOND)
        self._numbers = 0
        self._held: dict[int, _Held[Item]] = {}
        self._arrivals: deque[tuple[int, int]] = deque()  # (since, number), some of them gone
        self._people: dict[str, dict[int, None]] = {}
        self._shards: dict[int, list[tuple[int, int]]] = {}  # heaps of (time, number), likewise
        self._heaped = 0
        self._latest: dict[int, int] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """How many events are held."""
        return len(self._held)

    @property
    def room(self) -> int:
        """How many more events there is room for."""
        if self._bytes >= self._policy.most_bytes:
            return 0
        return max(0, self._policy.most - len(self._held))

    def add(self, item: Item, seen: Peek, *, now: int, size: int = 0) -> None:
        """Hold an event; one without a time has the time at which it came.

        Args:
            item: The event.
            seen: Whose it is and when it happened.
            now: The time of the clock.
            size: Its bytes.
        """
        time = now if seen.time is None else seen.time
        number, self._numbers = self._numbers, self._numbers + 1
        self._held[number] = _Held(item, seen.key, time, now, size)
        self._bytes += size
        self._arrivals.append((now, number))
        self._people.setdefault(seen.key, {})[number] = None
        shard = shard_of(seen.key, self._policy.shards)
        heappush(self._shards.setdefault(shard, []), (time, number))
        self._heaped += 1
        self._latest[shard] = max(self._latest.get(shard, time), time)

    def release(self, now: int) -> list[Item]:
        """The events that need not wait any longer, in the order in which they happened."""
        passed = self._expired(now)
        for shard, heap in self._shards.items():
            watermark = min(self._latest[shard], now) - self._span
            while heap and heap[0][0] <= watermark:
                number = heappop(heap)[1]
                self._heaped -= 1
                if number in self._held:
                    passed.add(number)
        return self._take(passed)

    def drain(self) -> list[Item]:
        """Everything that is held, in the order in which it happened."""
        return self._take(set(self._held))

    def drop(self, unwanted: Callable[[Item], bool]) -> int:
        """Forget the events that are ``unwanted``; how many there were."""
        gone = {number for number, held in self._held.items() if unwanted(held.item)}
        return len(self._take(gone))

    def next_release(self) -> int | None:
        """When, by the clock, something leaves at the latest; None while nothing is held."""
        while self._arrivals and self._arrivals[0][1] not in self._held:
            self._arrivals.popleft()
        return self._arrivals[0][0] + self._span if self._arrivals else None

    def _expired(self, now: int) -> set[int]:
        """Those whose time is up, and with each what the same person did before."""
        up_to: dict[str, tuple[int, int]] = {}
        while self._arrivals and self._arrivals[0][0] + self._span <= now:
            number = self._arrivals.popleft()[1]
            held = self._held.get(number)
            if held is not None:
                up_to[held.key] = max(up_to.get(held.key, (held.time, number)), (held.time, number))
        return {
            number
            for key, last in up_to.items()
            for number in self._people[key]
            if (self._held[number].time, number) <= last
        }

    def _take(self, numbers: set[int]) -> list[Item]:
        items = []
        for number in sorted(numbers, key=lambda number: (self._held[number].time, number)):
            held = self._held.pop(number)
            self._bytes -= held.size
            items.append(held.item)
            others = self._people[held.key]
            del others[number]
            if not others:
                del self._people[held.key]
        if self._heaped > 2 * len(self._held) + _TIDY_BEYOND:
            self._tidy()
        return items

    def _tidy(self) -> None:
        """Forget in the heaps what is gone: a watermark may be years away from a wrong time."""
        for shard, heap in self._shards.items():
            kept = [entry for entry in heap if entry[1] in self._held]
            heapify(kept)
            self._shards[shard] = kept
        self._heaped = sum(map(len, self._shards.values()))
