"""The log of every API request, in the order in which they were carried out.

An entry keeps raw bytes; they are parsed when somebody reads the log, so that logging costs next
to nothing while requests come in.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from destinations.intercom.emulator.model import JsonObject

_MAX_SHARED_HEADS = 10_000
_FIRST_BAD_STATUS = 400


class Entry(NamedTuple):
    """One request as it came, and what was answered. ``status`` 0: the connection was dropped."""

    seq: int
    time: float
    method: str
    target: str
    route: str
    head: str
    body: bytes
    status: int
    response: bytes | None
    contact_id: str | None
    external_id: str | None
    fault: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries to read: every condition that is set must hold."""

    method: str | None = None
    path: str | None = None
    status: int | None = None
    outcome: str | None = None
    since: int = 0
    limit: int | None = None

    def matches(self, entry: Entry) -> bool:
        """Whether the entry fulfils all conditions but ``limit``."""
        bad = not 0 < entry.status < _FIRST_BAD_STATUS
        path = entry.target.partition("?")[0]
        return (
            entry.seq > self.since
            and (self.method is None or entry.method == self.method.upper())
            and (self.path is None or self.path in {path, entry.route})
            and (self.status is None or entry.status == self.status)
            and (self.outcome is None or (self.outcome == "bad") is bad)
        )


class RequestLog:
    """Keeps the newest entries; beyond the limit the oldest are dropped and counted.

    Bodies of answers are kept up to a number of bytes; after that they are left out and counted.
    """

    def __init__(self, *, limit: int, response_bytes: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._heads: dict[str, str] = {}
        self._response_bytes = response_bytes
        self._response_bytes_left = response_bytes
        self.seq = 0
        self.dropped = 0
        self.responses_omitted = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self,
        time: float,
        request: tuple[str, str, str, bytes],
        route: str,
        status: int,
        response: bytes,
        about: tuple[str | None, str | None],
        fault: tuple[str, str] | None,
    ) -> None:
        """Append one entry: (method, target, head, body), its answer and whom it concerns."""
        method, target, head, body = request
        self.seq += 1
        if len(self._entries) == self._entries.maxlen:
            self.dropped += 1
        kept: bytes | None = response
        self._response_bytes_left -= len(response)
        if self._response_bytes_left < 0 and response:
            kept = None
            self.responses_omitted += 1
        heads = self._heads
        if len(heads) < _MAX_SHARED_HEADS:
            head = heads.setdefault(head, head)
        else:
            head = heads.get(head, head)
        self._entries.append(
            Entry(self.seq, time, method, target, route, head, body, status, kept, *about, fault)
        )

    def resize(self, *, limit: int, response_bytes: int) -> None:
        """Go on under other limits, with as many of the newest entries as fit."""
        self.dropped += max(0, len(self._entries) - limit)
        self._entries = deque(self._entries, maxlen=limit)
        self._response_bytes_left += response_bytes - self._response_bytes
        self._response_bytes = response_bytes

    def clear(self) -> None:
        """Forget the entries; numbering goes on, so that ``since`` stays meaningful."""
        self._entries.clear()
        self._response_bytes_left = self._response_bytes
        self.dropped = 0
        self.responses_omitted = 0

    def entries(self, wanted: Filter) -> Iterator[Entry]:
        """The entries that match, oldest first, at most ``wanted.limit``."""
        left = wanted.limit
        for entry in self._entries:
            if left == 0:
                return
            if wanted.matches(entry):
                yield entry
                left = None if left is None else left - 1

    def summary(self, wanted: Filter) -> dict[str, dict[str, int]]:
        """``METHOD /path/{id}`` -> status -> number of requests; a dropped one is ``dropped``."""
        counts: dict[str, Counter[str]] = {}
        for entry in self.entries(wanted):
            status = str(entry.status) if entry.status else "dropped"
            counts.setdefault(f"{entry.method} {entry.route}", Counter())[status] += 1
        return {key: dict(sorted(counts[key].items())) for key in sorted(counts)}


def entry_view(entry: Entry) -> JsonObject:
    """An entry as the control API shows it: parsed, and without the bearer token."""
    path, _, query = entry.target.partition("?")
    return {
        "seq": entry.seq,
        "time": entry.time,
        "method": entry.method,
        "path": path,
        "route": entry.route,
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": _headers(entry.head),
        "body": _parsed(entry.body),
        "status": entry.status or None,
        "response": None if entry.response is None else _parsed(entry.response),
        "contact_id": entry.contact_id,
        "external_id": entry.external_id,
        "fault": None
        if entry.fault is None
        else dict(zip(("id", "kind"), entry.fault, strict=True)),
    }


def _headers(head: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in head.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            headers[name] = "(redacted)" if name == "authorization" else value.strip()
    return headers


def _parsed(data: bytes) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", errors="replace")
