"""The last step: one person's tasks in, their calls made, dead letters out."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from pipeline.errors import StateDown
from pipeline.flow.accounts import account_of
from pipeline.flow.breaker import Breaker, OutagePolicy
from pipeline.flow.dead_letters import Receipt
from pipeline.flow.deliver import Delivery, DeliveryPolicy, Remembering, discard
from pipeline.flow.drive import CallRecord, Driver
from pipeline.flow.event_names import Admission, Admitting, EventNames
from pipeline.flow.name_registry import NameKeeper
from pipeline.flow.once import Ledger
from pipeline.flow.pacing import Pacer
from pipeline.flow.packing import Packed, unpack
from pipeline.flow.pool import DeliveryPool, Inline
from pipeline.flow.replay import NOT_TRIED
from pipeline.flow.retrying import RetryPolicy
from pipeline.flow.shared import Cells, SharedWrites, merge
from pipeline.flow.stopping import STOP
from pipeline.flow.work import Task, Work, sequence
from pipeline.model import operation
from pipeline.model.exchange import Deliverer, RateHeaders
from pipeline.model.operation import Call, Outcome, Response
from pipeline.model.quota import Windows
from pipeline.transforms.counting import Counts, Throttling
from pipeline.transforms.dead_letters import DeadLetterFormat, Note
from pipeline.transforms.receipts import ReceiptsTo
from pipeline.transforms.settling import refresh, settle

Send = Callable[[Call], Response]
Outcomes = list[tuple[Task, Outcome]]
Pool = DeliveryPool[Outcomes] | Inline[Outcomes]

DELIVERED = "delivered"
UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Halted:
    """Why nothing can be sent from the start, and whether that is an outage."""

    reason: str
    outage: bool = False


@dataclass(frozen=True, slots=True)
class DeliverSettings:
    """Everything the step needs, picklable.

    Attributes:
        destination: The API.
        open_send: Called on the worker with the stack that closes it; makes single calls.
        open_memory: Called on the worker with the stack that closes it.
        rate_headers: Where the API says what is left of its rate.
        policy: What may be merged and left out.
        names: Where operations carry event names, and what becomes of those without a place.
        dead_letters: How refusals are written.
        concurrency: So many people are delivered at the same time.
        per_minute: Own ceiling of calls a minute, or None.
        share: The part of each of the API's windows that may be used.
        open_windows: Called on the worker with the stack that closes it; the accounts of the
            windows that processes share, or None.
        retries: When to try again.
        outages: When the API counts as down, and how long that is waited out.
        paced: False where no call leaves the machine.
        discards: Whether every event counts as delivered and nothing is done, for measuring.
        ledger: Directory in which the processes of one run note the writes that are made once;
            None where one process delivers everything.
        note: Told of every event that is done with, as soon as its person's work is.
        accounts: Whether events that are delivered or merged are handed on, as ``DELIVERED``.
        receipts: Where to write a receipt of each of them, or None.
        hands_back: Whether what a run could not try, because it was stopped, is read again from
            its source: it is counted as ``returned`` then, and is no dead letter.
        halted: Why no call is made at all, and every event is accounted for as not tried.
    """

    destination: Deliverer
    open_send: Callable[[ExitStack], Send]
    open_memory: Callable[[ExitStack], Remembering]
    rate_headers: RateHeaders
    policy: DeliveryPolicy
    names: EventNames
    dead_letters: DeadLetterFormat
    concurrency: int = 16
    per_minute: float | None = None
    share: float = 1.0
    open_windows: Callable[[ExitStack], Windows | None] | None = None
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    outages: OutagePolicy = field(default_factory=OutagePolicy)
    paced: bool = True
    discards: bool = False
    ledger: str | None = None
    note: Note | None = None
    accounts: bool = False
    receipts: ReceiptsTo | None = None
    hands_back: bool = False
    halted: Halted | None = None


class Deliver(beam.DoFn):
    """(person key, packed tasks) -> dead letters.

    Side inputs: the merged shared writes, and which event names have a place. Side output
    ``DELIVERED``: the ``Account`` of each event that was not refused, if they are asked for.
    """

    def __init__(self, settings: DeliverSettings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Open connections and the state, on the worker."""
        settings = self._settings
        self._stack = ExitStack()
        self._calls: queue.SimpleQueue[CallRecord] = queue.SimpleQueue()
        self._memory = settings.open_memory(self._stack)
        self._receipts = settings.receipts.open() if settings.receipts is not None else None
        self._throttling = Throttling()
        self._send = settings.open_send(self._stack)
        self._pace = self._pacer() if settings.paced else Unpaced()
        self._driver = self._open_driver()
        if settings.halted is not None:
            self._driver.halt(settings.halted.reason, outage=settings.halted.outage)

    def _open_driver(self) -> Driver:
        settings = self._settings
        driver = Driver(
            settings.destination,
            self._send,
            self._pace,
            policy=settings.retries,
            breaker=Breaker(settings.outages),
            on_call=self._calls.put,
        )
        STOP.watch(driver)
        return driver

    def _pacer(self) -> Pacer:
        settings = self._settings
        open_windows = settings.open_windows
        return Pacer(
            settings.rate_headers,
            per_minute=settings.per_minute,
            share=settings.share,
            windows=open_windows(self._stack) if open_windows is not None else None,
        )

    def start_bundle(self) -> None:
        """Begin with an idle pool, and with what other workers have stored meanwhile."""
        refresh(self._memory)
        self._counts = Counts()
        self._pool: Pool | None = None

    def process(
        self,
        element: tuple[str, Iterable[Packed]],
        shared: Mapping[tuple[str, str], Cells],
        admission: Admission,
    ) -> Iterator[bytes | TaggedOutput]:
        """Hand one person's work to the pool; yield what is refused of what is ready."""
        if self._pool is None:
            ledger = None
            if self._settings.ledger is not None:
                ledger = Ledger(Path(self._settings.ledger), lambda: settle(self._memory))
            self._pool = self._open_pool(SharedWrites(shared, ledger), admission)
        key, packed = element
        user_id = key[2:] if key.startswith("u:") else None
        work = sequence(key, (unpack(each, user_id=user_id) for each in packed))
        self._pool.submit(work)
        for outcomes in self._pool.ready():
            yield from self.account(outcomes)
        self._count_calls()

    @property
    def memory(self) -> Remembering:
        """What is remembered, once the step is set up."""
        return self._memory

    def carry_out(
        self, works: Iterable[Work], shared: SharedWrites, admission: Admission
    ) -> Outcomes:
        """Deliver ``works`` now; what came of every event, of which nothing is counted yet.

        For a step that tries again what could not be sent: it begins anew each time, also where
        the destination was given up before.
        """
        if self._driver.halted is not None:
            if STOP.error is StateDown:  # it is told again if the state is still away
                STOP.clear()
            self._driver = self._open_driver()
        outcomes: Outcomes = []
        with closing(self._open_pool(shared, admission)) as pool:
            for work in works:
                pool.submit(work)
                for ready in pool.ready():
                    outcomes += ready
            for ready in pool.drain():
                outcomes += ready
        self._count_calls()
        return outcomes

    def _open_pool(self, shared: SharedWrites, admission: Admission) -> Pool:
        settings = self._settings
        delivery = Delivery(
            NameKeeper(self._driver, settings.names),
            self._memory,
            policy=settings.policy,
            shared=shared,
        )
        admitting = Admitting(
            discard if settings.discards else delivery.deliver, settings.names, admission
        )
        note = settings.note
        if note is None:
            return self._pool_of(admitting.deliver)

        def deliver(work: Work) -> Outcomes:
            outcomes = admitting.deliver(work)
            for task, outcome in outcomes:
                if outcome.status != "dead":
                    said = f"/{outcome.reason}" if outcome.reason else ""
                    note(Receipt.unpack(task.receipt), outcome.status + said)
            return outcomes

        return self._pool_of(deliver)

    def _pool_of(self, deliver: Callable[[Work], Outcomes]) -> Pool:
        """Threads, unless there is nothing to wait for."""
        if not self._settings.paced:
            return Inline(deliver)
        return DeliveryPool(deliver, concurrency=self._settings.concurrency)

    def finish_bundle(self) -> Iterator[Any]:
        """Wait for everything under way, and store what was learned."""
        if self._pool is not None:
            with closing(self._pool) as pool:
                for outcomes in pool.drain():
                    for output in self.account(outcomes):
                        yield _windowed(output)
        if self._receipts is not None:
            self._receipts.end_bundle()
        settle(self._memory)
        self._count_calls()
        if self._driver.halted is not None:
            self._counts.add("halted")
            if self._driver.outage:
                self._counts.add("outage")
            if STOP.error is StateDown:
                self._counts.add("state_down")
        self._counts.flush()

    def teardown(self) -> None:
        """Close connections and the state."""
        self._stack.close()

    def account(self, outcomes: Iterable[tuple[Task, Outcome]]) -> Iterator[bytes | TaggedOutput]:
        """Count what came of events; a dead letter, or an account if asked for, of each."""
        quiet = self._receipts is None and not self._settings.accounts
        plain = 0
        for task, outcome in outcomes:
            if quiet and outcome is operation.DELIVERED:
                plain += 1
                continue
            for warning in outcome.warnings:
                self._counts.add("warnings/" + warning)
            if self._settings.hands_back and outcome.reason in NOT_TRIED:
                self._counts.add("returned")
                continue
            reason = f"/{outcome.reason}" if outcome.status != "delivered" else ""
            self._counts.add(outcome.status + reason)
            if outcome.status == "dead":
                yield self._settings.dead_letters.of_task(task, outcome)
                continue
            if quiet:
                continue
            account = account_of(Receipt.unpack(task.receipt), outcome.status, outcome.reason)
            if self._receipts is not None:
                self._receipts.write(account)
            if self._settings.accounts:
                yield TaggedOutput(DELIVERED, account)
        if plain:
            self._counts.add("delivered", plain)

    def _count_calls(self) -> None:
        while not self._calls.empty():
            call = self._calls.get()
            self._counts.add(f"calls/{call.method} {call.template}/{call.status}")
            self._throttling.add(call.waited / self._settings.concurrency)


def _windowed(output: bytes | TaggedOutput) -> Any:
    if isinstance(output, TaggedOutput):
        return TaggedOutput(output.tag, GlobalWindows.windowed_value(output.value))
    return GlobalWindows.windowed_value(output)


class Unpaced:
    """Lets every call through at once."""

    def acquire(self) -> float:
        """Never waits."""
        return 0.0

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Learns nothing."""


class MergeShared(beam.DoFn):
    """((kind, thing), cells of many bundles) -> ((kind, thing), the newest of each field)."""

    def process(
        self, element: tuple[tuple[str, str], Iterable[Cells]]
    ) -> Iterator[tuple[tuple[str, str], Cells]]:
        """Merge; of every field the newest value stays."""
        thing, all_cells = element
        merged: Cells = {}
        for cells in all_cells:
            merge(merged, cells)
        yield (thing, merged)
