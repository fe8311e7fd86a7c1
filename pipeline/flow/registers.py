"""What a contact or company is known to hold: no write that changes nothing, none that is stale.

For each field of each written thing the memory keeps when its value was said and a digest of the
value, never the value itself. A field that was said earlier than what is known is left out of the
write (a late or replayed identify never overwrites a newer one); a write of which nothing is left
that differs is not sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.flow.shared import Cells, fields_of
from pipeline.model.exchange import Memory
from pipeline.model.operation import Operation, Outcome

_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_SEEN = ("last_seen_at",)

Known = dict[str, tuple[int, str]]
"""Digest of a field's path -> (when its value was said in microseconds, digest of the value)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What of a write is worth sending, and what to remember once it is acknowledged."""

    operation: Operation
    known: Known


class Registers:
    """Decides by what is remembered what of a write must be sent.

    Args:
        memory: Where the registers are kept.
        last_seen_granularity: Seconds that ``last_seen_at`` must have moved to be worth a call of
            its own.
    """

    def __init__(self, memory: Memory, *, last_seen_granularity: int = 300) -> None:
        self._memory = memory
        self._granularity = last_seen_granularity

    def admit(self, kind: str, key: str, operation: Operation, cells: Cells) -> Admitted | Outcome:
        """What of the write is news, or ``merged``: ``unchanged`` where nothing is.

        Args:
            kind: Kind of register, ``contact_fields`` or ``company_fields``.
            key: Which contact or company.
            operation: The write.
            cells: Its fields, each with the time of its value.
        """
        known = read(self._memory.get(kind, key))
        fresh: Cells = {}
        news: set[str] = set()
        updated = dict(known)
        for path, cell in cells.items():
            name, digest = _digest("\0".join(path)), _value_digest(cell.value)
            then, held = known.get(name, (cell.time, ""))
            if digest != held and cell.time < then:
                continue
            fresh[path] = cell
            updated[name] = (max(cell.time, then), digest)
            if digest != held:
                news.add(name)
        if not news or (news == {_SEEN_NAME} and not self._moved(known, fresh)):
            # The same word said again later: nothing older may overwrite it from now on.
            confirmed = {name: said for name, said in updated.items() if name not in news}
            if {**known, **confirmed} != known:
                self._memory.put(kind, key, write({**known, **confirmed}))
            return Outcome("merged", "unchanged")
        return Admitted(replace(operation, fields=fields_of(fresh)), updated)

    def _moved(self, known: Known, fresh: Cells) -> bool:
        """Whether the person was seen so much later that it is worth a call."""
        then, _ = known.get(_SEEN_NAME, (None, ""))
        return then is None or fresh[_SEEN].time - then >= self._granularity * 1_000_000

    def acknowledged(
        self, kind: str, key: str, admitted: Admitted, *, dropped: Iterable[tuple[str, ...]] = ()
    ) -> None:
        """Remember what the destination has taken, without the fields that were dropped."""
        left_out = {_digest("\0".join(path)) for path in dropped}
        taken = {name: said for name, said in admitted.known.items() if name not in left_out}
        self._memory.put(kind, key, write(taken))

    def doubt(self, kind: str, key: str, cells: Cells) -> None:
        """Forget fields of which nobody knows whether the destination took the last write."""
        known = read(self._memory.get(kind, key))
        doubted = {_digest("\0".join(path)) for path in cells}
        if known.keys() & doubted:
            kept = {name: said for name, said in known.items() if name not in doubted}
            self._memory.put(kind, key, write(kept))

    def told(self, kind: str, key: str, cells: Cells) -> None:
        """Remember what the destination itself says that it holds; the later word stays.

        A field that holds nothing (null, no, 0) may never have been written, so it is no reason
        to leave out a write.
        """
        known = read(self._memory.get(kind, key))
        for path, cell in cells.items():
            name = _digest("\0".join(path))
            then, _ = known.get(name, (cell.time, ""))
            if cell.time >= then:
                known[name] = (cell.time if cell.value else 0, _value_digest(cell.value))
        self._memory.put(kind, key, write(known))


def read(text: str | None) -> Known:
    """Registers from their text; nothing where the text is none."""
    known: Known = {}
    for part in (text or "").split():
        name, _, rest = part.partition(":")
        time, _, digest = rest.partition(":")
        if time.lstrip("-").isdigit() and digest:
            known[name] = (int(time), digest)
    return known


def write(known: Known) -> str:
    """Registers as text: ``name:time:digest`` for each field, with blanks between."""
    return " ".join(f"{name}:{time}:{digest}" for name, (time, digest) in sorted(known.items()))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


def _value_digest(value: Any) -> str:
    return hashlib.blake2b(_ENCODER.encode(value), digest_size=6).hexdigest()


_SEEN_NAME = _digest(_SEEN[0])
