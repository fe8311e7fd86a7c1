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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pipeline import errors
from pipeline.errors import PenstockError, ProcessFailed, StateDown
from pipeline.flow.stopping import STOP
from pipeline.run.child import LENGTH_BYTES
from pipeline.run.mappings import HOME
from pipeline.transforms.counting import LIVE

if TYPE_CHECKING:
    from types import TracebackType

    from pipeline.run.phases import Phase

MODULE = "pipeline.run.child"


Heard: TypeAlias = "queue.SimpleQueue[tuple[_Child, dict[str, Any]]]"


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
        self._heard: Heard = queue.SimpleQueue()
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
        self._dismiss(child for child in self._children if not child.lives)
        while len(self._children) < len(given):
            child = _Child(self._heard)
            child.tell("hold", self._place)
            self._children.append(child)
        if STOP.reason is not None:
            self.halt(STOP.reason)
        doing = dict(zip(self._children, given, strict=False))
        for child, work in doing.items():
            child.tell("work", work.phase)
        return self._listen(doing)

    def _listen(self, doing: Mapping[_Child, Work]) -> list[End]:
        ends: dict[_Child, End] = {}
        while len(ends) < len(doing):
            child, said = self._heard.get()
            if "live" in said:
                LIVE.add(Counter(said["live"]))
            elif "stopped" in said:
                STOP.stop(said["stopped"])
            elif child in doing and child not in ends:
                ends[child] = end = _end(child, said)
                if end.failure is not None:
                    if not doing[child].phase.sends:
                        # What they still say must not be taken for an answer to later work.
                        self._dismiss(doing.keys() - ends.keys())
                        break
                    _stop_group(doing, child)
        return [ends.get(child, End()) for child in doing]

    def _dismiss(self, children: Iterable[_Child]) -> None:
        for child in list(children):
            self._children.remove(child)
            child.close(at_once=True)

    def halt(self, reason: str) -> None:
        """Have everybody make no more calls, and account for the rest."""
        if STOP.error is StateDown:
            return  # of one route, asked for in this process: each process asks for itself
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


def _end(child: _Child, said: dict[str, Any]) -> End:
    if "done" in said:
        return End(Counter(said["done"]))
    if "failed" in said:
        kind, message = said["failed"]
        known = getattr(errors, kind, ProcessFailed)
        return End(failure=known(message))
    return End(failure=ProcessFailed(child.how_it_ended()))


def _stop_group(doing: Mapping[_Child, Work], failed: _Child) -> None:
    for other, work in doing.items():
        if other is not failed and work.group == doing[failed].group:
            other.tell("stop", "another process of the run failed")


class _Child:
    """One process; what it says goes to ``heard``."""

    def __init__(self, heard: Heard) -> None:
        path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH")]))
        # A session of its own: Ctrl-C on a terminal reaches this process, which then tells it.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Safe: "-m" must import nothing from the directory that the run was started in.
            env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._hear, args=(heard,), daemon=True)
        self._thread.start()

    def _hear(self, heard: Heard) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                heard.put((self, json.loads(line)))
        heard.put((self, {"gone": True}))

    @property
    def lives(self) -> bool:
        """Whether it can be given work."""
        return self._process.poll() is None

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
