"""A memory is written behind; at the end of a bundle what it holds must be in the store."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Behind(Protocol):
    """A memory that writes behind; one that stores nothing has no such method."""

    def settle(self) -> None:
        """Store what is not stored yet. Never fails."""
        ...


def settle(memory: object) -> None:
    """Store what a memory has not stored yet, so that a crash loses one bundle at most."""
    if isinstance(memory, Behind):
        memory.settle()
