"""Delivering many people's work at the same time, with bounded threads and bounded memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from pipeline.flow.work import Work

Result = TypeVar("Result")


class DeliveryPool(Generic[Result]):
    """Threads that deliver; results come in the order in which they are ready.

    An exception out of ``deliver`` is a bug: it comes out of the next ``submit``, ``ready`` or
    ``drain``, and nothing more is begun.

    Args:
        deliver: Delivers one person's work.
        concurrency: How many are delivered at the same time.
        backlog: How many more may wait for a thread before ``submit`` blocks.
    """

    def __init__(
        self,
        deliver: Callable[[Work], Result],
        *,
        concurrency: int = 16,
        backlog: int | None = None,
    ) -> None:
        if concurrency < 1:
            message = f"a concurrency of {concurrency} delivers nothing"
            raise ValueError(message)
        self._deliver = deliver
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix="deliver")
        self._room = threading.Semaphore(
            concurrency + (concurrency if backlog is None else backlog)
        )
        self._lock = threading.Lock()
        self._keys: set[str] = set()
        self._pending = 0
        self._done: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
        self._failure: BaseException | None = None

    def submit(self, work: Work) -> None:
        """Have ``work`` delivered; blocks while the pool is full.

        Raises:
            ValueError: Other work of the same key is under way: its order would be lost.
        """
        self._raise_failure()
        with self._lock:
            if work.key in self._keys:
                message = "two works of one key at the same time: their order would be lost"
                raise ValueError(message)
            self._keys.add(work.key)
        self._room.acquire()
        with self._lock:
            self._pending += 1
        self._executor.submit(self._run, work).add_done_callback(self._done.put)

    def _run(self, work: Work) -> Result:
        try:
            self._raise_failure()
            return self._deliver(work)
        except BaseException as error:
            self._failure = self._failure or error
            raise
        finally:
            with self._lock:
                self._keys.discard(work.key)
            self._room.release()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def ready(self) -> Iterator[Result]:
        """The results that are there already; never blocks."""
        self._raise_failure()
        while True:
            try:
                future = self._done.get_nowait()
            except queue.Empty:
                return
            yield self._take(future)

    def drain(self) -> Iterator[Result]:
        """Every result that has not been taken yet; blocks until all submitted work is done."""
        while self._pending:
            yield self._take(self._done.get())

    def _take(self, future: Future[Result]) -> Result:
        with self._lock:
            self._pending -= 1
        return future.result()

    def run(self, works: Iterable[Work]) -> Iterator[Result]:
        """Deliver all of ``works``, reading only as far ahead as there is room."""
        for work in works:
            self.submit(work)
            yield from self.ready()
        yield from self.drain()

    def close(self) -> None:
        """Begin nothing more, wait for what is under way, and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Inline(Generic[Result]):
    """Delivers on the thread that submits: the pool for what never waits.

    Args:
        deliver: Delivers one person's work.
    """

    def __init__(self, deliver: Callable[[Work], Result]) -> None:
        self._deliver = deliver
        self._done: list[Result] = []

    def submit(self, work: Work) -> None:
        """Deliver ``work`` now."""
        self._done.append(self._deliver(work))

    def ready(self) -> Iterator[Result]:
        """The results since the last time."""
        done, self._done = self._done, []
        return iter(done)

    def drain(self) -> Iterator[Result]:
        """As ``ready``: nothing is under way."""
        return self.ready()

    def close(self) -> None:
        """Nothing to wait for."""
