"""How far each partition may be committed while some of its records are still held."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.sources.record import Record


class Positions:
    """Knows what was read and what is done; the first that is not done is where to go on."""

    def __init__(self) -> None:
        self._open: dict[str, dict[int, None]] = {}
        self._read: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def begin(self, record: Record) -> None:
        """A record was read."""
        self._open.setdefault(record.partition, {})[record.position] = None
        self._read[record.partition] = record.next

    def finish(self, records: Iterable[Record]) -> None:
        """Records are done: delivered, or durably kept as dead letters."""
        for record in records:
            still_open = self._open.get(record.partition)
            if still_open is not None:
                still_open.pop(record.position, None)

    def committable(self) -> dict[str, int]:
        """Where to go on in each partition, as far as that has changed since it was last asked.

        A partition of which all is done is forgotten, so nothing grows with the stream.
        """
        changed = {}
        for partition, still_open in list(self._open.items()):
            position = next(iter(still_open), self._read[partition])
            if self._told.get(partition) != position:
                changed[partition] = self._told[partition] = position
            if not still_open:
                self.forget(partition)
        return changed

    def forget(self, partition: str) -> None:
        """The partition is somebody else's now."""
        for known in (self._open, self._read, self._told):
            known.pop(partition, None)
