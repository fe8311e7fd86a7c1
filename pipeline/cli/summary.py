"""The summary of a run as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.model.refusal import DEAD_REASONS, MERGE_REASONS, SKIP_REASONS
from pipeline.run.summary import Summary


def render(summary: Summary) -> str:
    """The account, largest number first in each group, with what each reason means."""
    return "\n".join(_lines(summary))


def _lines(summary: Summary) -> Iterator[str]:
    head = "dry run, nothing was sent" if summary.dry_run else "run"
    name, fingerprint = summary.mapping["name"], summary.mapping["fingerprint"]
    yield f"{head} {summary.run_id}: mapping {name} ({fingerprint}), {summary.seconds:.1f} s"
    yield ""
    yield _row("received", summary.received)
    yield _row("delivered", summary.delivered)
    yield from _group("skipped", summary.skipped, SKIP_REASONS)
    yield from _group("merged", summary.merged, MERGE_REASONS)
    yield from _group("dead", summary.dead, DEAD_REASONS)
    balance = "=" if summary.accounted == summary.received else "DIFFERS FROM"
    yield f"  {summary.received:,} received {balance} {summary.accounted:,} accounted for"
    if summary.calls:
        yield ""
        total = sum(sum(statuses.values()) for statuses in summary.calls.values())
        yield _row("calls", total)
        for call, statuses in sorted(summary.calls.items()):
            shown = ", ".join(
                f"{'no answer' if status == '0' else status}: {count:,}"
                for status, count in sorted(statuses.items())
            )
            yield f"    {call:36} {shown}"
    if summary.warnings:
        yield ""
        yield _row("warnings", sum(summary.warnings.values()))
        for kind, count in _largest_first(summary.warnings):
            yield f"    {kind:24} {count:>10,}"
    for what, where in summary.places.items():
        yield f"  {what}: {where}"


def _group(name: str, reasons: Mapping[str, int], meanings: Mapping[str, str]) -> Iterator[str]:
    yield _row(name, sum(reasons.values()))
    for reason, count in _largest_first(reasons):
        yield f"    {reason:24} {count:>10,}   {meanings.get(reason, '')}"


def _row(name: str, count: int) -> str:
    return f"  {name:26} {count:>10,}"


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
