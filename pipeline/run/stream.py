"""An endless run on one machine: micro-batches, each a bounded run of the same graph."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from pipeline.flow.deliver import Remembering
from pipeline.flow.name_registry import NameRegistry
from pipeline.run.batch import new_run_id
from pipeline.run.job import Job, greet, remembered_scope
from pipeline.run.micro_batches import MicroBatches
from pipeline.run.micro_graph import MicroGraph
from pipeline.run.streaming import StreamConfig, open_source
from pipeline.run.summary import Summary, of_counts
from pipeline.run.wiring import Edges, settings
from pipeline.run.worker import IN_MEMORY, OpenNames, OpenState, patience
from pipeline.sources.record import Record
from pipeline.state.bounded import BoundedState
from pipeline.state.store import StateStore
from pipeline.transforms.counting import LIVE
from pipeline.transforms.lasting import Keeper

PURGE_EVERY = 3600.0
"""Seconds after which ids of delivered events that have expired are dropped from the store."""


def run(
    job: Job,
    config: StreamConfig,
    *,
    is_draining: Callable[[], bool],
    report: Callable[[Summary], object] = lambda summary: None,
    report_every: float = 10.0,
) -> Summary:
    """Deliver what comes until the source ends, or the stream is drained or has to stop.

    Args:
        job: The run.
        config: Of the stream.
        is_draining: Asked all the time: whether to read nothing more, and to end once
            everything that was read is delivered.
        report: Is given the account so far, now and then.
        report_every: How often, in seconds.

    Raises:
        UsageError: The input or the destination cannot be reached.
        CredentialsRefused: The token was refused before anything was sent.
        SourceFailed: The source cannot be read any more.
    """
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    LIVE.clear()
    with ExitStack() as stack:
        stream = _Stream(job, config, stack, is_draining=is_draining)
        now_and_then = _Every(report_every, lambda: report(stream.summary()))
        stream.go(now_and_then)
        return stream.summary()


class _Stream:
    """A stream with everything that outlives its micro-batches."""

    def __init__(
        self, job: Job, config: StreamConfig, stack: ExitStack, *, is_draining: Callable[[], bool]
    ) -> None:
        self._job = job
        self._started, self._began = time.time_ns() // 1000, time.monotonic()
        self._run_id = new_run_id()
        self._before: Counter[str] = Counter()
        self._scope = remembered_scope(job, greet(job, self._before))
        url = job.config.state if job.endpoint else IN_MEMORY
        store = None if job.endpoint is None else self._open_store(stack)
        self._store = store if url != IN_MEMORY else None
        self._source = open_source(job, config, store, self._scope, stack)
        self._graph = self._open_graph(stack, url)
        self._loop = MicroBatches(
            self._source,
            self._carry,
            policy=config.batches,
            hold_back=config.hold_back,
            is_draining=is_draining,
            on_turn=self._turn,
        )
        self._purge = _Every(PURGE_EVERY, self._drop_expired)
        self._also: Callable[[], object] = lambda: None

    def _open_store(self, stack: ExitStack) -> StateStore:
        config = self._job.config
        waits = patience(config.max_outage * 60)
        return stack.enter_context(StateStore.open(config.state, patience=waits))

    def _open_graph(self, stack: ExitStack, url: str) -> MicroGraph:
        job = self._job
        max_outage = job.config.max_outage * 60
        memory: Remembering = BoundedState()
        if url != IN_MEMORY:
            memory = OpenState(url, self._scope, max_outage)(stack)
        names: NameRegistry = OpenNames(url, self._scope, max_outage)(stack)
        edges = Edges(open_memory=lambda stack: memory, open_names=lambda stack: names)
        prepare, admit, deliver = settings(job, edges, now=self._started, scope=self._scope)
        return MicroGraph(
            job.options,
            stack.enter_context(Keeper()),
            prepare=prepare,
            admit=admit,
            deliver=replace(deliver, hands_back=self._source.rereads),
            dead_letters=job.config.dead_letters,
            run_id=self._run_id,
        )

    def go(self, also: Callable[[], object]) -> None:
        """Go on until it ends; ``also`` is called all the time."""
        self._also = also
        self._loop.run()

    def _carry(self, records: Sequence[Record]) -> bool:
        """Deliver a micro-batch; False where calls cannot be made any more."""
        self._graph.run(records)
        return not LIVE.snapshot()["halted"]

    def _turn(self) -> None:
        self._purge()
        self._also()

    def _drop_expired(self) -> None:
        if self._store is not None:
            self._store.purge(self._scope, "delivered")

    def summary(self) -> Summary:
        """The account so far."""
        counts = self._before + LIVE.snapshot()
        counts.update({f"warnings/{kind}": n for kind, n in self._loop.warnings.items()})
        returned = counts["returned"]
        counts["received"] -= returned
        mapping = self._job.mapping
        return of_counts(
            counts,
            run_id=self._run_id,
            mapping={
                "name": mapping.name,
                "file": mapping.file,
                "fingerprint": mapping.fingerprint,
            },
            seconds=time.monotonic() - self._began,
            started_at=self._started,
            dry_run=self._job.config.dry_run,
            batches=self._loop.batches,
            returned=returned,
            latency=self._loop.latencies.as_json(),
        )


class _Every:
    """Does something no more often than every so many seconds, and not at once."""

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action
        self._at = time.monotonic() + seconds

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._at:
            self._at = now + self._seconds
            self._action()
