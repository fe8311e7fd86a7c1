"""Ids that repeat from run to run and still look like the real ones."""

from __future__ import annotations

import hashlib
import uuid

_COUNTER_DIGITS = 6


class Ids:
    """Hands out ids; the same seed and the same order of requests give the same ids."""

    __slots__ = ("_counts", "_prefixes", "_request_prefix", "_seed")

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: dict[str, int] = {}
        self._prefixes: dict[str, str] = {}
        digest = _digest(f"{seed}/request")
        self._request_prefix = f"{digest[:8]}-{digest[8:12]}-4{digest[12:15]}-8{digest[15:18]}-"

    def object_id(self, kind: str) -> str:
        """24 hexadecimal digits, unique among all kinds in this workspace."""
        number = self.number(kind)
        prefix = self._prefixes.get(kind)
        if prefix is None:
            prefix = "66" + _digest(f"{self._seed}/{kind}")[: 22 - _COUNTER_DIGITS]
            self._prefixes[kind] = prefix
        return f"{prefix}{number:0{_COUNTER_DIGITS}x}"

    def number(self, kind: str) -> int:
        """1, 2, 3 ... for each kind."""
        number = self._counts.get(kind, 0) + 1
        self._counts[kind] = number
        return number

    def uuid(self, kind: str) -> str:
        """A random-looking UUID (version 4 by its marks)."""
        digest = _digest(f"{self._seed}/{kind}/{self.number(kind)}")
        return str(uuid.UUID(digest[:32], version=4))

    def request_id(self) -> str:
        """A UUID for one request; cheap, because every answer needs one."""
        return f"{self._request_prefix}{self.number('request'):012x}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
