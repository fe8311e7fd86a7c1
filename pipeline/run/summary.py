"""The account of a run: every event that came in, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import AccountingError
from pipeline.flow.dead_letters import iso

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What ``--summary`` writes, see schemas/summary.schema.json.

    received = delivered + the sums of skipped, merged and dead, always.

    Attributes:
        run_id: Begins the names of the files that the run wrote.
        mapping: {"name", "file", "fingerprint"}.
        received: Events that came in, unreadable ones among them.
        delivered: Events whose every operation the destination took.
        skipped: Reason -> events that nobody wants.
        merged: Reason -> events for which nothing had to be sent.
        dead: Reason -> events in the dead letters.
        calls: "METHOD /path" -> status -> number; status 0 means no answer came.
        warnings: Kind -> how often something was lost or changed on the way.
        seconds: How long the run took.
        started_at: Microseconds since 1970.
        dry_run: Whether nothing was sent.
        halted: Whether the run had to stop before everything was sent: the credentials were
            refused, or the destination or the state store was down for too long.
        outage: Whether it was the destination.
        state_down: Whether it was the state store.
        batches: Of a stream: how many micro-batches it took; None for a run that ends by itself.
        returned: Of a stream that had to stop: events that were not tried, and are not in
            ``received``; they are read again at the next start.
        latency: Of a stream: seconds from when an event was read to when it was done with, by
            percentile.
    """

    run_id: str
    mapping: Mapping[str, str]
    received: int
    delivered: int
    skipped: Mapping[str, int]
    merged: Mapping[str, int]
    dead: Mapping[str, int]
    calls: Mapping[str, Mapping[str, int]]
    warnings: Mapping[str, int]
    seconds: float
    started_at: int
    dry_run: bool = False
    halted: bool = False
    outage: bool = False
    state_down: bool = False
    batches: int | None = None
    returned: int = 0
    latency: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def accounted(self) -> int:
        """The sum of delivered, skipped, merged and dead."""
        parts = (self.skipped, self.merged, self.dead)
        return self.delivered + sum(sum(part.values()) for part in parts)

    def check(self) -> None:
        """Raise AccountingError unless every event is accounted for."""
        if self.received != self.accounted:
            message = (
                f"{self.received:,} events came in but {self.accounted:,} are accounted for; "
                "this is a bug in penstock, please report it with the summary"
            )
            raise AccountingError(message)

    def as_json(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {
            "version": VERSION,
            "run_id": self.run_id,
            "mapping": dict(self.mapping),
            "received": self.received,
            "delivered": self.delivered,
            "skipped": dict(self.skipped),
            "merged": dict(self.merged),
            "dead": dict(self.dead),
            "calls": {call: dict(statuses) for call, statuses in self.calls.items()},
            "warnings": dict(self.warnings),
            "seconds": round(self.seconds, 3),
            "started_at": iso(self.started_at),
            "dry_run": self.dry_run,
            "halted": self.halted,
            "outage": self.outage,
            "state_down": self.state_down,
            **self._of_stream(),
        }

    def _of_stream(self) -> dict[str, Any]:
        if self.batches is None:
            return {}
        return {
            "batches": self.batches,
            "returned": self.returned,
            "latency_seconds": dict(self.latency),
        }


def of_counts(counts: Mapping[str, int], **facts: Any) -> Summary:
    """The summary of what the steps counted (see ``transforms.counting``)."""
    groups: dict[str, Counter[str]] = {
        name: Counter() for name in ("skipped", "merged", "dead", "warnings")
    }
    calls: dict[str, dict[str, int]] = {}
    for name, count in sorted(counts.items()):
        group, _, reason = name.partition("/")
        if group == "calls":
            call, _, status = reason.rpartition("/")
            calls.setdefault(call, {})[status] = count
        elif group in groups:
            groups[group][reason] += count
    return Summary(
        received=counts.get("received", 0),
        delivered=counts.get("delivered", 0),
        skipped=groups["skipped"],
        merged=groups["merged"],
        dead=groups["dead"],
        warnings=groups["warnings"],
        calls=calls,
        halted=bool(counts.get("halted")),
        outage=bool(counts.get("outage")),
        state_down=bool(counts.get("state_down")),
        **facts,
    )
