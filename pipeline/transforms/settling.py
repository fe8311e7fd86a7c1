"""A memory is written behind; between bundles it and the store must agree.

The next bundle of the same people may come to another worker.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Behind(Protocol):
    """A memory that writes behind; one that stores nothing has no such method."""

    def settle(self) -> None:
        """Store what is not stored yet. Never fails."""
        ...

    def refresh(self) -> None:
        """Read again what other machines may have written meanwhile."""
        ...


def refresh(memory: object) -> None:
    """Forget what was read before, where others may have changed it meanwhile."""
    if isinstance(memory, Behind):
        memory.refresh()


def settle(memory: object) -> None:
    """Store what a memory has not stored yet, so that a crash loses one bundle at most."""
    if isinstance(memory, Behind):
        memory.settle()
