"""Holding a stream's events back on an engine: state and timers for a shard of people.

A step of its own kind keeps what came in for a shard in a bag. A processing-time timer wakes it
when something has waited long enough, or when something that could not be done is due to be tried
again. An event-time timer at the end of time lets go of everything when the stream is drained:
engines give up processing-time timers then. A shard with nothing in it leaves no state behind.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import apache_beam as beam
from apache_beam import coders
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    BagStateSpec,
    ReadModifyWriteStateSpec,
    TimerSpec,
    on_timer,
)
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints import Tuple
from apache_beam.utils.timestamp import Timestamp

from pipeline.flow.hold_back import HoldBack, HoldBackPolicy
from pipeline.flow.packing import Packed
from pipeline.flow.peeking import SHARDS, Peek, shard_of

PACKED = Tuple[int, int, str, str, bytes, bytes]
"""``Packed`` for Beam's coders: small tuples of bytes cross a shuffle twice as fast."""
KEYED = Tuple[int, Tuple[str, PACKED]]
"""(shard, (person key, packed task))."""

Held: TypeAlias = tuple[str, int, Packed]
"""(person key, when it came in, in microseconds since 1970, the packed task)."""

_CODER = coders.registry.get_coder(Tuple[str, int, PACKED])
_WAKE = TimerSpec("wake", TimeDomain.REAL_TIME)
_END = TimerSpec("end", TimeDomain.WATERMARK)
SHARD = beam.DoFn.KeyParam
HELD = beam.DoFn.StateParam(BagStateSpec("held", _CODER))
WAKE_AT = beam.DoFn.StateParam(ReadModifyWriteStateSpec("wake_at", coders.VarIntCoder()))
WAKE = beam.DoFn.TimerParam(_WAKE)
END = beam.DoFn.TimerParam(_END)
_LONGEST_PAUSE = 1.0


def _now() -> float:
    return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSettings:
    """How long events are held in a stream on a cluster.

    Attributes:
        seconds: So long events wait for others of the same person.
        retry_seconds: After so many seconds what could not be delivered is tried again.
        shards: Into so many slices people are cut; it bounds how many workers share the work,
            and may not be changed while a stream has state.
        clock: Seconds since 1970.
        sleep: Waits for so many seconds.
    """

    seconds: float = 5.0
    retry_seconds: float = 10.0
    shards: int = SHARDS
    clock: Callable[[], float] = _now
    sleep: Callable[[float], object] = time.sleep


class ByShard(beam.DoFn):
    """(person key, packed task) -> (shard, (person key, packed task))."""

    def __init__(self, shards: int) -> None:
        self._shards = shards

    def process(self, element: tuple[str, Packed]) -> Iterator[tuple[int, tuple[str, Packed]]]:
        """One for one."""
        yield (shard_of(element[0], self._shards), element)


class Hold(beam.DoFn):
    """(shard, (person key, packed task)) -> what ``let_go`` makes of them, in order."""

    def __init__(self, hold: HoldSettings) -> None:
        self._hold = hold
        self._down_until = 0.0

    @abstractmethod
    def let_go(self, ready: list[Held], kept: list[Held], *, last: bool) -> Iterator[Any]:
        """Do what is to be done, and put into ``kept`` what has to be tried again.

        Args:
            ready: What has waited long enough, in the order in which it happened.
            kept: Empty; what is put there stays in the state.
            last: Whether there is no other time: nothing may be kept.
        """

    def start_bundle(self) -> None:
        """Nothing is known of any shard's timers."""
        self._armed: set[int] = set()
        self._paused = False

    def process(
        self,
        element: tuple[int, tuple[str, Packed]],
        held: Any = HELD,
        wake_at: Any = WAKE_AT,
        wake: Any = WAKE,
        end: Any = END,
    ) -> None:
        """Hold it; nothing comes out until a timer fires."""
        shard, (key, packed) = element
        self._slow_down()
        now = self._micros()
        held.add((key, now, packed))
        if shard in self._armed:
            return
        self._armed.add(shard)
        end.set(GlobalWindow().max_timestamp())
        # Never moved by what comes in later: under steady traffic it would never fire.
        if wake_at.read() is None:
            _arm(now + self._span(), wake_at, wake)

    @on_timer(_WAKE)  # type: ignore[untyped-decorator]
    def wake(
        self,
        shard: int = SHARD,
        held: Any = HELD,
        wake_at: Any = WAKE_AT,
        wake: Any = WAKE,
    ) -> Iterator[Any]:
        """Let go of what has waited long enough."""
        ready, waiting = due(held.read(), now=self._micros(), seconds=self._hold.seconds)
        kept: list[Held] = []
        yield from self.let_go(ready, kept, last=False)
        held.clear()
        for each in (*kept, *waiting):
            held.add(each)
        now = self._micros()
        if kept:
            self._down_until = self._hold.clock() + self._hold.retry_seconds
            _arm(now + int(self._hold.retry_seconds * 1_000_000), wake_at, wake)
        elif waiting:
            _arm(min(since for _, since, _ in waiting) + self._span(), wake_at, wake)
        else:
            wake_at.clear()
            self._armed.discard(shard)

    @on_timer(_END)  # type: ignore[untyped-decorator]
    def end(
        self,
        held: Any = HELD,
        wake_at: Any = WAKE_AT,
        wake: Any = WAKE,
    ) -> Iterator[Any]:
        """Let go of everything: there is no more input."""
        everything = in_order(held.read())
        held.clear()
        wake_at.clear()
        wake.clear()  # Flink waits for it for ever, and lets no clock fire it any more
        yield from self.let_go(everything, [], last=True)

    def _micros(self) -> int:
        return int(self._hold.clock() * 1_000_000)

    def _span(self) -> int:
        return int(self._hold.seconds * 1_000_000)

    def _slow_down(self) -> None:
        """Take in less while nothing goes out, so that the engine holds back the source."""
        if self._paused:
            return
        self._paused = True
        wait = self._down_until - self._hold.clock()
        if wait > 0:
            self._hold.sleep(min(wait, _LONGEST_PAUSE))


def due(entries: Iterable[Held], *, now: int, seconds: float) -> tuple[list[Held], list[Held]]:
    """What has waited long enough, in the order in which it happened, and the rest."""
    holding: HoldBack[Held] = HoldBack(HoldBackPolicy(seconds=seconds, shards=1))
    for entry in sorted(entries, key=_arrival):
        key, since, packed = entry
        holding.add(entry, Peek(key, packed[0]), now=since)
    ready = holding.release(now)
    return ready, holding.drain()


def in_order(entries: Iterable[Held]) -> list[Held]:
    """Everything, in the order in which it happened."""
    return sorted(entries, key=lambda entry: (entry[2][0], _arrival(entry)))


def _arrival(entry: Held) -> tuple[int, int]:
    return (entry[1], entry[2][1])


def _arm(moment: int, wake_at: Any, wake: Any) -> None:
    wake_at.write(moment)
    wake.set(Timestamp(micros=moment))
