"""A state to try things out on: reads what is stored, keeps what is written to itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipeline.state.unshared import UnsharedState

if TYPE_CHECKING:
    from pipeline.state.store import StateStore

_VOLATILE = "run."


class Overlay:
    """The memory of one workspace, of which nothing is ever stored. Grows with the run.

    Args:
        store: What lies below.
        scope: Keeps workspaces apart.
    """

    def __init__(self, store: StateStore, scope: str) -> None:
        self._store = store
        self._scope = scope
        self._own = UnsharedState()
        self._forgotten: set[tuple[str, str]] = set()

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        value = self._own.get(kind, key)
        if value is not None or kind.startswith(_VOLATILE) or (kind, key) in self._forgotten:
            return value
        return self._store.get(self._scope, kind, key)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The values of those keys that are remembered."""
        asked = list(keys)
        below = [key for key in asked if (kind, key) not in self._forgotten]
        return {
            **self._store.get_many(self._scope, kind, below),
            **self._own.get_many(kind, asked),
        }

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``, over what was there."""
        self._own.put(kind, key, value)

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered; no error where there was nothing."""
        self._own.forget(kind, key)
        self._forgotten.add((kind, key))
