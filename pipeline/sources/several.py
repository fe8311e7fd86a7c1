"""Several sources as one; each has its turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.sources.record import Record, Source


class Several:
    """A ``Source`` of the records of several others.

    Args:
        sources: At least one.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._next = 0

    @property
    def rereads(self) -> bool:
        """Whether every one of them gives again what was not committed."""
        return all(source.rereads for source in self._sources)

    @property
    def finished(self) -> bool:
        """Whether nothing will come of any of them."""
        return all(source.finished for source in self._sources)

    @property
    def ready(self) -> bool:
        """Whether every one of them is."""
        return all(source.ready for source in self._sources)

    def poll(self, limit: int, wait: float) -> list[Record]:
        """At most ``limit`` records: of what is there, or else of the next that waits for some."""
        found: list[Record] = []
        each = wait / len(self._sources)
        count = len(self._sources)
        first, self._next = self._next, (self._next + 1) % count
        for place in ((first + turn) % count for turn in range(count)):
            source = self._sources[place]
            if source.finished or len(found) >= limit:
                continue
            records = source.poll(limit - len(found), 0.0 if found else each)
            found += _of(place, records)
        return found

    def left(self) -> list[Record]:
        """What is left of all of them."""
        return [
            record
            for place, source in enumerate(self._sources)
            for record in _of(place, source.left())
        ]

    def revoked(self) -> frozenset[str]:
        """Partitions of any of them that were taken away."""
        return frozenset(
            f"{place} {name}"
            for place, source in enumerate(self._sources)
            for name in source.revoked()
        )

    def noticed(self) -> Counter[str]:
        """What there was to warn of in any of them."""
        return sum((source.noticed() for source in self._sources), Counter())

    def commit(self, positions: Mapping[str, int]) -> None:
        """Have each remember its own."""
        shares: dict[int, dict[str, int]] = {}
        for name, position in positions.items():
            place, _, partition = name.partition(" ")
            shares.setdefault(int(place), {})[partition] = position
        for number, share in shares.items():
            self._sources[number].commit(share)

    def close(self) -> None:
        """Close all of them."""
        for source in self._sources:
            source.close()


def _of(place: int, records: Sequence[Record]) -> list[Record]:
    """Records with partitions that tell whose they are."""
    return [replace(one, partition=f"{place} {one.partition}") for one in records]
