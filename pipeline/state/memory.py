"""What a destination remembers: a cache in front of the state store, written behind."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cachetools import TTLCache

from pipeline.state.patience import UNAVAILABLE, cause

if TYPE_CHECKING:
    from pipeline.state.store import StateStore

_LOG = logging.getLogger(__name__)
_VOLATILE = "run."

Slot = tuple[str, str]


class RememberedState:
    """The memory of one workspace; safe to share among threads.

    Writes are collected and stored in batches, each of them whole or not at all: by ``flush``,
    ``settle`` and ``close``, and whenever ``flush_at`` of them have come together. Kinds that
    begin with ``run.`` are never stored. A store that fails in the middle of a run is worked
    without: that costs calls only.

    Args:
        store: Where everything ends up.
        scope: Keeps workspaces apart, e.g. a digest of endpoint and workspace.
        capacity: How many entries are kept at hand.
        ttl: Seconds after which an entry at hand is read again from the store.
        flush_at: So many new entries are stored at once.
        shared: Whether others write to the store as well; None where the store knows best.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        store: StateStore,
        scope: str,
        *,
        capacity: int = 100_000,
        ttl: float = 3600.0,
        flush_at: int = 500,
        shared: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._scope = scope
        self._shared = store.is_shared if shared is None else shared
        self._flush_every = flush_at
        self._flush_at = flush_at
        self._capacity = capacity
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._cache: TTLCache[Slot, str] = TTLCache(capacity, ttl, clock)
        self._volatile: TTLCache[Slot, str] = TTLCache(capacity, ttl, clock)
        self._pending: dict[Slot, str | None] = {}
        self._writing: dict[Slot, str | None] = {}
        self._failures = 0

    @property
    def failures(self) -> int:
        """How often the store could not be read or written so far."""
        return self._failures

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        slot = (kind, key)
        with self._lock:
            if _is_volatile(kind, key):
                return self._volatile.get(slot)
            for unwritten in (self._pending, self._writing):
                if slot in unwritten:
                    return unwritten[slot]
            value = self._cache.get(slot)
        if value is not None:
            return value
        try:
            value = self._store.get(self._scope, kind, key)
        except UNAVAILABLE as error:
            self._failed("read", error)
            return None
        if value is None:
            return None
        with self._lock:
            return self._newest(slot, value)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The values of those keys that are remembered, with one question to the store."""
        found: dict[str, str] = {}
        asked: list[str] = []
        with self._lock:
            for key in dict.fromkeys(keys):
                slot = (kind, key)
                value: str | None
                if _is_volatile(kind, key):
                    value = self._volatile.get(slot)
                elif slot in self._pending:
                    value = self._pending[slot]
                elif slot in self._writing:
                    value = self._writing[slot]
                else:
                    value = self._cache.get(slot)
                    if value is None:
                        asked.append(key)
                if value is not None:
                    found[key] = value
        if not asked:
            return found
        try:
            stored = self._store.get_many(self._scope, kind, asked)
        except UNAVAILABLE as error:
            self._failed("read", error)
            return found
        with self._lock:
            for key, text in stored.items():
                newest = self._newest((kind, key), text)
                if newest is not None:
                    found[key] = newest
        return found

    def _newest(self, slot: Slot, stored: str) -> str | None:
        """What an entry read from the store is by now: others may have changed it meanwhile."""
        for unwritten in (self._pending, self._writing):
            if slot in unwritten:
                return unwritten[slot]
        return self._cache.setdefault(slot, stored)

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``, over what was there."""
        slot = (kind, key)
        with self._lock:
            if _is_volatile(kind, key, value):
                self._volatile[slot] = value
                return
            known = self._cache.get(slot)
            if known == value and self._pending.get(slot, value) == value:
                return
            self._cache[slot] = value
            self._pending[slot] = value
            full = len(self._pending) >= self._flush_at
        if full:
            self._flush_quietly()

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered; no error where there was nothing."""
        slot = (kind, key)
        with self._lock:
            if _is_volatile(kind, key):
                self._volatile.pop(slot, None)
                return
            self._cache.pop(slot, None)
            self._pending[slot] = None
            full = len(self._pending) >= self._flush_at
        if full:
            self._flush_quietly()

    def flush(self) -> None:
        """Store everything that is not stored yet.

        Raises:
            StateDown: The store was away for too long; nothing is lost, the next flush tries again.
            SQLAlchemyError: The store failed; nothing is lost either.
        """
        with self._flushing:
            with self._lock:
                self._writing, self._pending = self._pending, {}
            try:
                self._store.change(self._scope, self._writing)
            except UNAVAILABLE:
                with self._lock:
                    self._pending = {**self._writing, **self._pending}
                raise
            finally:
                with self._lock:
                    self._writing = {}

    def _flush_quietly(self) -> None:
        try:
            self.flush()
        except UNAVAILABLE as error:
            self._failed("write", error)
            with self._lock:
                if len(self._pending) > self._capacity:
                    self._pending.clear()
                self._flush_at = len(self._pending) + self._flush_every
        else:
            self._flush_at = self._flush_every

    def _failed(self, what: str, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            _LOG.warning("cannot %s the state store, going on without it: %s", what, cause(error))

    def refresh(self) -> None:
        """Read again what other machines may have written meanwhile; what is not stored stays."""
        if self._shared:
            with self._lock:
                self._cache.clear()

    def settle(self) -> None:
        """Store what is not stored yet; a store that fails is worked without. Never fails."""
        if self._pending:
            self._flush_quietly()

    def close(self) -> None:
        """Store what is not stored yet; the store itself stays open. Never fails."""
        self._flush_quietly()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _is_volatile(kind: str, *texts: str) -> bool:
    """Whether an entry is never stored: by its kind, or because a database cannot hold it."""
    if kind.startswith(_VOLATILE):
        return True
    return any("\0" in text or not _is_unicode(text) for text in texts)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
