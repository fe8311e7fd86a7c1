"""What a source gives: one line or message, and where to go on reading behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a file or one message of a topic.

    Attributes:
        text: Its bytes without line break; None for a message without a value (a tombstone).
        origin: Where it came from, for people; the same whenever it is read again.
        partition: What has an order of its own: a file, or a partition of a topic.
        position: Where in the partition it stands.
        next: Where to go on reading once it is done with.
        arrived_at: When it came in, as the source knows it, in microseconds since 1970; the time
            of an event that states none.
        length: Of a line that was cut: how many bytes it has.
        fault: Why the partition cannot be read from here on; there is no text then.
    """

    text: bytes | None
    origin: str
    partition: str
    position: int
    next: int
    arrived_at: int
    length: int | None = None
    fault: str = ""


class Source(Protocol):
    """Gives records in the order of their partitions. Used by one thread.

    Whatever was given and is not committed is given again after a restart, where ``rereads``.
    """

    @property
    def rereads(self) -> bool:
        """Whether what was not committed is given again at the next start."""
        ...

    @property
    def finished(self) -> bool:
        """Whether nothing will ever come any more."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it has begun to give what there is; before, it is not idle, only slow."""
        ...

    def poll(self, limit: int, wait: float) -> list[Record]:
        """At most ``limit`` records; none where none came within ``wait`` seconds.

        Raises:
            SourceFailed: It cannot be read any more.
        """
        ...

    def left(self) -> list[Record]:
        """What was taken in, not given yet, and could not be given again; reads nothing."""
        ...

    def revoked(self) -> frozenset[str]:
        """Partitions that were taken away since this was last asked.

        What is held of them must be forgotten: somebody else reads it. Asked after each ``poll``,
        before its records are used.
        """
        ...

    def noticed(self) -> Counter[str]:
        """What there was to warn of since this was last asked, by kind."""
        ...

    def commit(self, positions: Mapping[str, int]) -> None:
        """Remember where to go on reading. A failure is warned of, and made good by the next."""
        ...

    def close(self) -> None:
        """Let go of everything; nothing is committed by it."""
        ...
