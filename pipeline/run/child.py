"""One of several processes of a run: is told on standard input what to do, and counts.

    python -m pipeline.run.child

Messages in: eight bytes of length and a pickled pair, from the process that started this one and
nobody else. Messages out: lines of JSON.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline import errors
from pipeline.errors import PenstockError, StateDown
from pipeline.flow.stopping import STOP
from pipeline.run.places import hold

if TYPE_CHECKING:
    from pipeline.run.phases import Phase

LENGTH_BYTES = 8
"""Of the length that stands before every message."""

LIVE_EVERY_SECONDS = 0.5
ORPHANED = "the process that started this run is gone"


class Child:
    """What this process does.

    Args:
        inbox: Where messages come from.
        outbox: Where they go to.
    """

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._lock = threading.Lock()
        self._works: queue.SimpleQueue[Phase | None] = queue.SimpleQueue()
        self._sending = False

    def run(self) -> None:
        """Work until there is no more."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupted)
        threading.Thread(target=self._listen, daemon=True).start()
        while (phase := self._works.get()) is not None:
            self._sending = phase.sends
            STOP.forget(StateDown)  # that of the work before; the next may be another route's
            try:
                with self._live():
                    counts = phase()
                self._say(done=counts)
            except PenstockError as error:
                self._say(failed=[_kind(error), str(error)])
            except Exception as error:  # noqa: BLE001 - the run says so, and ends
                self._fail(error)
            self._sending = False

    def _fail(self, error: Exception) -> None:
        """Say that this process met a bug; what bug, to whoever reads the log."""
        traceback.print_exception(error)
        told = str(error).strip().splitlines() or [type(error).__name__]
        self._say(failed=["ProcessFailed", f"a process of the run failed: {told[-1]}"])

    def _listen(self) -> None:
        while head := self._inbox.read(LENGTH_BYTES):
            message = self._inbox.read(int.from_bytes(head, "big"))
            try:
                what, content = pickle.loads(message)  # noqa: S301
            except Exception as error:  # noqa: BLE001 - else the run would wait for ever
                self._fail(error)
                continue
            if what == "stop":
                STOP.stop(content)
            elif what == "hold":
                hold(content)  # for as long as this process lives
            else:
                self._works.put(content)
        self._works.put(None)
        if self._sending:
            STOP.stop(ORPHANED)
        else:
            os._exit(0)  # nothing was sent, and nobody wants the rest

    def _interrupted(self, number: int, frame: object) -> None:
        """Stop in order; the others are told by the process that started this one."""
        del frame
        reason = f"interrupted by {signal.Signals(number).name}"
        # Not here: the interrupted code may hold the lock that stopping needs.
        threading.Thread(target=self._stop, args=(reason,), daemon=True).start()

    def _stop(self, reason: str) -> None:
        self._say(stopped=reason)  # first: what is left out because of it must not look done
        STOP.stop(reason)

    @contextmanager
    def _live(self) -> Iterator[None]:
        """Say how far it is while the body runs."""
        from pipeline.transforms.counting import LIVE

        LIVE.clear()
        said: Counter[str] = Counter()
        done = threading.Event()

        def tell() -> None:
            new = LIVE.snapshot()
            change = new - said
            if change:
                said.update(change)
                self._say(live=change)

        def keep_telling() -> None:
            while not done.wait(LIVE_EVERY_SECONDS):
                tell()

        thread = threading.Thread(target=keep_telling, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            tell()

    def _say(self, **message: Any) -> None:
        try:
            with self._lock:
                self._outbox.write(json.dumps(message).encode() + b"\n")
                self._outbox.flush()
        except OSError:
            pass  # nobody listens any more; the work still has to end in order


def _kind(error: PenstockError) -> str:
    """The nearest of the kinds that the other side knows, which decides how the run ends."""
    return next(kind.__name__ for kind in type(error).__mro__ if hasattr(errors, kind.__name__))


def main() -> None:
    """Work for the process that started this one."""
    gc.set_threshold(50_000)
    outbox = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no message
    from pipeline.cli import logs

    logs.configure()  # before the first message, which loads Beam
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    Child(sys.stdin.buffer, outbox).run()


if __name__ == "__main__":
    main()
