"""Ctrl-C and SIGTERM: the first ends a run in order, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from pipeline.flow.stopping import STOP

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping_in_order() -> Iterator[None]:
    """While the body runs, a signal stops the calls and lets the run account for the rest."""
    STOP.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = {number: signal.signal(number, _handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handle(number: int, frame: FrameType | None) -> None:
    if STOP.reason is not None:
        os._exit(128 + number)
    click.echo("penstock: stopping; what is not sent yet is kept (again to stop at once)", err=True)
    # Not here: the interrupted code may hold the lock that stopping needs.
    name = signal.Signals(number).name
    threading.Thread(target=STOP.stop, args=(f"interrupted by {name}",), daemon=True).start()
