"""How far a run is: a live table on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TextIO

Snapshot = Callable[[], Counter[str]]

LINE_EVERY_SECONDS = 10.0
TABLE_EVERY_SECONDS = 0.5
GROUPS = ("received", "delivered", "skipped", "merged", "dead", "calls")


def totals(counts: Counter[str]) -> dict[str, int]:
    """The counts of a run by group: ``dead/...`` together, ``calls/...`` together."""
    sums = dict.fromkeys(GROUPS, 0)
    for name, count in counts.items():
        group = name.partition("/")[0]
        if group in sums:
            sums[group] += count
    return sums


def line(counts: Counter[str], seconds: float) -> str:
    """One line for logs: ``  20 s  received 12,000  delivered 9,000 ...``."""
    shown = "  ".join(f"{name} {count:,}" for name, count in totals(counts).items())
    return f"{seconds:5.0f} s  {shown}"


@contextmanager
def progress(
    snapshot: Snapshot,
    *,
    stream: TextIO | None = None,
    quiet: bool = False,
    clock: Callable[[], float] = time.monotonic,
    line_every: float | None = None,
) -> Iterator[None]:
    """Shows the progress while the body runs.

    Args:
        snapshot: The counts so far; called from another thread.
        stream: Where to; standard error by default.
        quiet: Show nothing.
        clock: Seconds, monotonic.
        line_every: Seconds between two lines, where it is no terminal; ten by default.
    """
    target = stream if stream is not None else sys.stderr
    if quiet:
        yield
        return
    done = threading.Event()
    if target.isatty():
        show = partial(_table, snapshot, target, done, clock)
    else:
        show = partial(_lines, snapshot, target, done, clock, line_every or LINE_EVERY_SECONDS)
    thread = threading.Thread(target=show, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _lines(
    snapshot: Snapshot,
    stream: TextIO,
    done: threading.Event,
    clock: Callable[[], float],
    every: float,
) -> None:
    began = clock()
    while not done.wait(every):
        print(line(snapshot(), clock() - began), file=stream, flush=True)


def _table(
    snapshot: Snapshot, stream: TextIO, done: threading.Event, clock: Callable[[], float]
) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    began = clock()

    def table() -> Table:
        seconds = max(clock() - began, 0.001)
        shown = Table(title=f"penstock run, {seconds:.0f} s", min_width=44)
        shown.add_column("events")
        shown.add_column("number", justify="right")
        shown.add_column("a second", justify="right")
        for name, count in totals(snapshot()).items():
            shown.add_row(name, f"{count:,}", f"{count / seconds:,.0f}")
        return shown

    console = Console(file=stream)
    with Live(table(), console=console, auto_refresh=False, transient=True) as live:
        while not done.wait(TABLE_EVERY_SECONDS):
            live.update(table(), refresh=True)
