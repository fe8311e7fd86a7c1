"""The account of a job: what came in, and what became of it at each destination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import PenstockError
from pipeline.run.summary import Summary

_OF_A_DESTINATION = (
    "mapping", "received", "delivered", "skipped", "merged", "dead", "calls", "warnings",
    "seconds", "halted", "outage", "state_down",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What ``--summary`` writes of a job.

    An event that goes to three destinations is received by each, so the whole counts it three
    times; one that is refused before it is anybody's counts once. So everything balances: each
    destination, the whole, and ``read`` = the refused + what each destination received.

    Attributes:
        whole: The sums.
        read: Events that came in, unreadable ones among them.
        refused: Reason -> events that no destination got.
        destinations: The account of each, by name.
        failures: What ended a destination early, by name; its account is then not complete, and
            no part of the sums.
    """

    whole: Summary
    read: int
    refused: Mapping[str, int]
    destinations: Mapping[str, Summary]
    failures: Mapping[str, PenstockError]

    @property
    def dead(self) -> Mapping[str, int]:
        """Reason -> dead letters, of all together."""
        return self.whole.dead

    def check(self) -> None:
        """Raise AccountingError unless every event is accounted for, by each destination."""
        for name, summary in self.destinations.items():
            if name not in self.failures:
                summary.check()
        self.whole.check()

    def as_json(self) -> dict[str, Any]:
        """The stable JSON form."""
        return {
            **self.whole.as_json(),
            "input": {"received": self.read, "dead": dict(self.refused)},
            "destinations": {
                name: _of_destination(summary, self.failures.get(name))
                for name, summary in self.destinations.items()
            },
        }


def _of_destination(summary: Summary, failure: PenstockError | None) -> dict[str, Any]:
    account = summary.as_json()
    shown = {key: account[key] for key in _OF_A_DESTINATION}
    return shown if failure is None else {**shown, "failure": str(failure)}


def job_summary(
    intake: Summary,
    destinations: Mapping[str, Summary],
    failures: Mapping[str, PenstockError],
) -> JobSummary:
    """The account of a job.

    Args:
        intake: Its own facts, and what it refused before anybody got it.
        destinations: The account of each.
        failures: What ended one early.
    """
    whole = [
        intake,
        *(summary for name, summary in destinations.items() if name not in failures),
    ]
    total = replace(
        intake,
        received=sum(intake.dead.values()) + sum(part.received for part in whole[1:]),
        delivered=sum(part.delivered for part in whole),
        skipped=_sum(part.skipped for part in whole),
        merged=_sum(part.merged for part in whole),
        dead=_sum(part.dead for part in whole),
        warnings=_sum(part.warnings for part in whole),
        calls=_calls(part.calls for part in whole),
        halted=any(part.halted for part in whole),
        outage=any(part.outage for part in whole),
        state_down=any(part.state_down for part in whole),
    )
    return JobSummary(total, intake.received, intake.dead, destinations, failures)


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _calls(parts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, Counter[str]] = {}
    for part in parts:
        for call, statuses in part.items():
            total.setdefault(call, Counter()).update(statuses)
    return {call: dict(statuses) for call, statuses in sorted(total.items())}
