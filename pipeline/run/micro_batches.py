"""The loop of a stream on one machine: read, hold back, deliver a micro-batch, commit, again.

Knows no engine. A position is committed only when everything before it is done, so whatever
happens in between is read again.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pipeline.flow.hold_back import HoldBack, HoldBackPolicy
from pipeline.flow.latency import Latencies
from pipeline.flow.peeking import Peek, peek
from pipeline.sources.positions import Positions
from pipeline.sources.record import Record, Source

_SECOND = 1_000_000
_LONGEST_POLL = 0.25

Carry: TypeAlias = Callable[[Sequence[Record]], bool]
"""Delivers records; True when all are durably done, False when the stream has to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPolicy:
    """How large a micro-batch is, and when a stream ends by itself.

    Attributes:
        events: At most so many records a micro-batch.
        linger: Seconds between the beginnings of two micro-batches, unless the next is full: so
            long a record that is released may wait for others.
        max_events: The stream ends after so many records, or never.
        until_idle: The stream ends when nothing has come for so many seconds, or never.
    """

    events: int = 2_000
    linger: float = 0.5
    max_events: int | None = None
    until_idle: float | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A record on its way, and when it was read (microseconds since 1970)."""

    record: Record
    since: int


class MicroBatches:
    """Carries a source's records through the hold-back to the end, batch by batch.

    Args:
        source: Where they come from.
        carry: Delivers a micro-batch.
        policy: How large it is, and when to end.
        hold_back: What waits for what, and for how long.
        is_draining: Whether to read nothing more, deliver what was read, and end.
        clock: Seconds since 1970.
        sleep: Waits for so many seconds.
        on_turn: Called once in every turn of the loop.
    """

    def __init__(
        self,
        source: Source,
        carry: Carry,
        *,
        policy: BatchPolicy,
        hold_back: HoldBackPolicy,
        is_draining: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        on_turn: Callable[[], object] = lambda: None,
    ) -> None:
        self._source = source
        self._carry = carry
        self._policy = policy
        self._holds = hold_back.seconds > 0
        self._held: HoldBack[_Waiting] = HoldBack(hold_back)
        self._is_draining = is_draining
        self._clock = clock
        self._sleep = sleep
        self._on_turn = on_turn
        self._positions = Positions()
        self._ready: deque[_Waiting] = deque()
        self._next_at = 0
        self._read = 0
        self._idle_since: float | None = None
        self.batches = 0
        self.latencies = Latencies()
        self.warnings: Counter[str] = Counter()

    def run(self) -> bool:
        """Go on until the source ends, or a limit is reached; False if a batch could not be done.

        Nothing that was not committed is lost where the source gives it again; where it does
        not, everything that was read is handed to ``carry`` before this returns.
        """
        while True:
            self._on_turn()
            ending = self._is_ending()
            if ending:
                if self._policy.max_events is None:
                    self._take_in(self._source.left())
                self._queue(self._held.drain())
            else:
                self._poll()
                self._queue(self._held.release(self._now()))
            while self._is_due(ending=ending):
                if not self._next_batch():
                    if not self._source.rereads:
                        self._give_up()
                    return False
            if ending:
                return True

    @property
    def waiting(self) -> int:
        """How many records were read and are not done."""
        return len(self._held) + len(self._ready)

    def _now(self) -> int:
        return int(self._clock() * _SECOND)

    def _is_ending(self) -> bool:
        policy = self._policy
        if self._is_draining() or self._source.finished:
            return True
        if policy.max_events is not None and self._read >= policy.max_events:
            return True
        if policy.until_idle is None or self._idle_since is None or self.waiting:
            return False
        return self._clock() - self._idle_since >= policy.until_idle

    # --- reading -------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Read what there is room for; what is full is not polled, so the source waits."""
        policy = self._policy
        limit = min(policy.events, self._held.room)
        if policy.max_events is not None:
            limit = min(limit, policy.max_events - self._read)
        if limit <= 0 or len(self._ready) >= policy.events:
            self._sleep(0.0 if self._is_due(ending=False) else self._patience())
            return
        began = self._clock()
        records = self._source.poll(limit, self._patience())
        self._forget(self._source.revoked())
        self.warnings.update(self._source.noticed())
        self._read += len(records)
        if records:
            self._idle_since = None
        elif self._idle_since is None and self._source.ready:
            self._idle_since = began
        self._take_in(records)

    def _take_in(self, records: Sequence[Record]) -> None:
        now = self._now()
        for record in records:
            self._positions.begin(record)
            self._hold(_Waiting(record, now))

    def _patience(self) -> float:
        """For how long the source may wait for something to come."""
        patience = _LONGEST_POLL
        if self._ready:
            patience = min(patience, (self._next_at - self._now()) / _SECOND)
        release = self._held.next_release()
        if release is not None:
            patience = min(patience, (release - self._now()) / _SECOND)
        return max(0.0, patience)

    def _hold(self, waiting: _Waiting) -> None:
        """Hold a record, unless nobody can tell whose it is: that goes on at once."""
        text = waiting.record.text
        seen = peek(text) if self._holds and text is not None else None
        if seen is None or text is None:
            self._queue([waiting])
            return
        if seen.time is None:
            seen = Peek(seen.key, waiting.record.arrived_at)
        self._held.add(waiting, seen, now=waiting.since, size=len(text))

    def _forget(self, revoked: frozenset[str]) -> None:
        """Drop what is held of partitions that are somebody else's now."""
        if not revoked:
            return
        for partition in revoked:
            self._positions.forget(partition)
        self._held.drop(lambda waiting: waiting.record.partition in revoked)
        kept = [each for each in self._ready if each.record.partition not in revoked]
        self._ready = deque(kept)

    # --- delivering ----------------------------------------------------------------------------

    def _queue(self, released: list[_Waiting]) -> None:
        self._ready.extend(released)

    def _is_due(self, *, ending: bool) -> bool:
        if not self._ready:
            return False
        lingered = self._now() >= self._next_at
        return ending or lingered or len(self._ready) >= self._policy.events

    def _next_batch(self) -> bool:
        """Deliver the first that are ready, then commit as far as everything is done."""
        batch = [self._ready.popleft() for _ in range(min(self._policy.events, len(self._ready)))]
        records = [waiting.record for waiting in batch]
        self.batches += 1
        self._next_at = self._now() + int(self._policy.linger * _SECOND)
        if not self._carry(records):
            return False
        now = self._now()
        for waiting in batch:
            self.latencies.add((now - waiting.since) / _SECOND)
        self._positions.finish(records)
        positions = self._positions.committable()
        if positions:
            self._source.commit(positions)
        self._on_turn()
        return True

    def _give_up(self) -> None:
        """What cannot be read again goes through once more, so that it is kept and counted."""
        self._queue(self._held.drain())
        while self._ready:
            self._next_batch()
