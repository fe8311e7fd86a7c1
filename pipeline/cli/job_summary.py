"""The account of a job with several destinations, for people; and what it ends with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pipeline.cli.running import problem_of
from pipeline.cli.summary import render
from pipeline.errors import PenstockError

if TYPE_CHECKING:
    from pipeline.run.jobs.description import JobFile
    from pipeline.run.jobs.outcome import JobSummary

_COLUMNS = ("received", "delivered", "skipped", "merged", "dead", "calls", "seconds")
_GRAVEST_FIRST = (70, 130, 5, 6)


def render_job(summary: JobSummary, file: JobFile) -> str:
    """The account of the whole, and a line for each destination."""
    return "\n".join(_lines(summary, file))


def _lines(summary: JobSummary, file: JobFile) -> Iterator[str]:
    yield render(summary.whole)
    yield ""
    refused = sum(summary.refused.values())
    yield f"  {summary.read:,} events were read, {refused:,} refused before they were anybody's;"
    yield "  each of the others was received by every destination"
    yield ""
    yield _row("destination", _COLUMNS)
    for name, account in summary.destinations.items():
        calls = sum(sum(statuses.values()) for statuses in account.calls.values())
        parts = (account.skipped, account.merged, account.dead)
        sums = [account.received, account.delivered, *(sum(part.values()) for part in parts), calls]
        yield _row(name, [*(f"{number:,}" for number in sums), f"{account.seconds:,.1f}"])
    yield ""
    if refused:
        yield f"  dead letters of nobody: {file.config.dead_letters}"
    for one in file.destinations:
        if summary.destinations[one.name].dead:
            yield f"  dead letters of {one.name}: {one.config.dead_letters}"


def _row(name: str, cells: Iterable[str]) -> str:
    return f"  {name:20}" + "".join(f"{cell:>11}" for cell in cells)


def ends_of(summary: JobSummary) -> Mapping[str, PenstockError]:
    """What the destinations ended with that could not take everything, by name."""
    ends = {}
    for name, account in summary.destinations.items():
        problem = summary.failures.get(name) or problem_of(account)
        if problem is not None:
            ends[name] = problem
    return ends


def gravest(errors: Iterable[PenstockError]) -> int:
    """The exit code of the gravest; 0 where there is none."""
    codes = [getattr(error, "exit_code", 1) for error in errors]
    known = [code for code in _GRAVEST_FIRST if code in codes]
    return known[0] if known else max(codes, default=0)
