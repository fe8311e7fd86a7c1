"""Several processes for one run: started, given work, listened to, and stopped in order.

They are started afresh, not forked, and are told what to do through their standard input; what
they count comes back through their standard output. They stay for all phases of a run. When this
process is gone, their input ends, and they end: in order where something is being sent, so that
what is not sent is kept.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline import errors
from pipeline.errors import PenstockError, ProcessFailed
from pipeline.flow.stopping import STOP
from pipeline.run.child import LENGTH_BYTES
from pipeline.run.mappings import HOME
from pipeline.transforms.counting import LIVE

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.run.phases import Phase

MODULE = "pipeline.run.child"


@dataclass(frozen=True, slots=True)
class Work:
    """What one process is to do; where one of a group fails, the others of it stop in order."""

    phase: Phase
    group: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """What came of a piece of work, and when, by the monotonic clock."""

    counts: Counter[str] = field(default_factory=Counter)
    failure: PenstockError | None = None
    at: float = field(default_factory=time.monotonic, compare=False)


class Crew:
    """The processes of one run. A single piece of work is done here, in this process.

    Args:
        place: The directory of the run, which stays while one of them works.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._children: list[_Child] = []
        self._heard: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        STOP.watch(self)

    def do(self, works: Iterable[Work]) -> list[End]:
        """Have everything done at the same time; what came of each, in its order.

        Where something fails that sends nothing, the rest is not waited for.
        """
        given = list(works)
        if len(given) == 1:
            try:
                return [End(given[0].phase())]
            except PenstockError as error:
                return [End(failure=error)]
        while len(self._children) < len(given):
            child = _Child(len(self._children), self._heard)
            child.tell("hold", self._place)
            self._children.append(child)
        if STOP.reason is not None:
            self.halt(STOP.reason)
        for child, work in zip(self._children, given, strict=False):
            child.tell("work", work.phase)
        return self._listen(given)

    def _listen(self, works: Sequence[Work]) -> list[End]:
        ends: dict[int, End] = {}
        while len(ends) < len(works):
            number, said = self._heard.get()
            if "live" in said:
                LIVE.add(Counter(said["live"]))
            elif "stopped" in said:
                STOP.stop(said["stopped"])
            elif number < len(works) and number not in ends:
                ends[number] = self._end(number, said)
                if ends[number].failure is not None:
                    if not works[number].phase.sends:
                        break
                    self._stop_group(works, number)
        return [ends.get(number, End()) for number in range(len(works))]

    def _end(self, number: int, said: dict[str, Any]) -> End:
        if "done" in said:
            return End(Counter(said["done"]))
        if "failed" in said:
            kind, message = said["failed"]
            known = getattr(errors, kind, ProcessFailed)
            return End(failure=known(message))
        return End(failure=ProcessFailed(self._children[number].how_it_ended()))

    def _stop_group(self, works: Sequence[Work], number: int) -> None:
        for other, work in enumerate(works):
            if other != number and work.group == works[number].group:
                self._children[other].tell("stop", "another process of the run failed")

    def halt(self, reason: str) -> None:
        """Have everybody make no more calls, and account for the rest."""
        for child in list(self._children):
            child.tell("stop", reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.close(at_once=error is not None)


class _Child:
    """One process; what it says goes to ``heard``, with its number."""

    def __init__(self, number: int, heard: queue.SimpleQueue[tuple[int, dict[str, Any]]]) -> None:
        path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH")]))
        # A session of its own: Ctrl-C on a terminal reaches this process, which then tells it.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._hear, args=(number, heard), daemon=True)
        self._thread.start()

    def _hear(self, number: int, heard: queue.SimpleQueue[tuple[int, dict[str, Any]]]) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                heard.put((number, json.loads(line)))
        heard.put((number, {"gone": True}))

    def tell(self, what: str, content: object) -> None:
        """Send a message; one that is gone says so elsewhere."""
        message = pickle.dumps((what, content), pickle.HIGHEST_PROTOCOL)
        pipe = self._process.stdin
        with self._lock, suppress(OSError, ValueError):
            if pipe is not None:
                pipe.write(len(message).to_bytes(LENGTH_BYTES, "big") + message)
                pipe.flush()

    def how_it_ended(self) -> str:
        """What to tell somebody when it is gone."""
        code = self._process.wait()
        how = f"exit code {code}"
        if code < 0:
            how = f"signal {signal.Signals(-code).name}"
        return (
            f"a process of the run ended with {how}; what it had not delivered is not accounted "
            "for: run the same input again, what was delivered is recognised"
        )

    def close(self, *, at_once: bool) -> None:
        """Let it end, and wait for that."""
        if at_once:
            self._process.kill()
        with self._lock, suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
