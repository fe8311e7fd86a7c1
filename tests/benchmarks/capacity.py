"""How long a run takes and what it asks of the state: a formula, and a simulation that backs it.

    python -m tests.benchmarks.capacity

prints the tables of docs/capacity.md from ``FIGURES``, which is the one place where measured
figures stand. The simulation is a discrete-event one, seeded, of people whose calls go one after
the other through workers with a core and connections each, a state store and the API's windows.
It knows nothing of the formula; tests/unit/test_capacity.py holds the two together.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

WINDOW = 10.0
"""Seconds: the API counts in fixed windows."""
APP_LIMIT = 10_000
WORKSPACE_LIMIT = 25_000
"""Calls a minute, of an app and of a workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What an event and a call cost; seconds are of one core.

    Attributes:
        wanted: The part of the events that the mapping wants.
        calls: Calls for each wanted event, after merging.
        skipping: CPU seconds of an event that nobody wants.
        preparing: CPU seconds of a wanted one, until it lies ready at its person.
        calling: CPU seconds of a call, with everything around it.
        latency: Seconds in which the API answers.
        asking: Seconds in which the state answers.
        reads: Statements that read the state, for each call.
        writes: Statements that write it, for each call.
        entries: What is remembered for good, for each person.
        entry: Bytes of one of these in the store, with its index.
        mark: Bytes of what is remembered of a delivered event, for a day.
    """

    wanted: float
    calls: float
    skipping: float
    preparing: float
    calling: float
    latency: float
    asking: float
    reads: float
    writes: float
    entries: float
    entry: float
    mark: float


FIGURES = Figures(
    wanted=0.85,
    calls=0.85,
    skipping=40e-6,
    preparing=145e-6,
    calling=2.1e-3,
    latency=0.1,
    asking=0.5e-3,
    reads=0.96,
    writes=0.99,
    entries=5.5,
    entry=189.0,
    mark=97.0,
)
"""Measured, or assumed, as docs/capacity.md says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a run is given.

    Attributes:
        workers: Processes, with a core each.
        connections: People that a worker delivers at the same time.
        apps: Apps of the workspace, each with a quota of its own.
        share: The part of the API's windows that may be used.
        limit: Calls a minute of an app.
    """

    workers: int = 1
    connections: int = 24
    apps: int = 1
    share: float = 1.0
    limit: int = APP_LIMIT

    @property
    def window(self) -> int:
        """Calls in each window of the API."""
        of_app, of_workspace = (
            int(limit * WINDOW / 60 * self.share) for limit in (self.limit, WORKSPACE_LIMIT)
        )
        return min(self.apps * of_app, of_workspace)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.window / WINDOW


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run takes.

    Attributes:
        calls: Of the API.
        preparing: Seconds until everything lies ready.
        api: Seconds that the API's limit alone would take to deliver; the next ones likewise.
        cpu: Seconds of the cores.
        waiting: Seconds of the connections.
        person: Seconds of the busiest person, whose calls go one after the other.
    """

    calls: float
    preparing: float
    api: float
    cpu: float
    waiting: float
    person: float

    @property
    def delivering(self) -> float:
        """Seconds from the first call to the last: whatever takes longest."""
        return max(self.api, self.cpu, self.waiting, self.person)

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return self.preparing + self.delivering

    @property
    def bound(self) -> str:
        """What takes longest."""
        parts = ("preparing", "api", "cpu", "waiting", "person")
        return max(parts, key=lambda part: getattr(self, part))


# --- the formula ---------------------------------------------------------------------------


def estimate(
    events: float, setup: Setup = Setup(), figures: Figures = FIGURES, *, busiest: float = 0
) -> Estimate:
    """The formula of docs/capacity.md.

    Args:
        events: How many come in.
        setup: What the run is given.
        figures: What an event and a call cost.
        busiest: Calls of the person with most of them.
    """
    wanted = events * figures.wanted
    calls = wanted * figures.calls
    one = one_after_another(figures)
    return Estimate(
        calls=calls,
        preparing=((events - wanted) * figures.skipping + wanted * figures.preparing)
        / setup.workers,
        api=calls / setup.rate,
        cpu=calls * figures.calling / setup.workers,
        waiting=calls * one / (setup.workers * setup.connections),
        person=busiest * one,
    )


def one_after_another(figures: Figures) -> float:
    """Seconds between a person's call and their next: CPU, the state and the API's answer."""
    state = (figures.reads + figures.writes) * figures.asking
    return figures.calling + state + figures.latency


@dataclass(frozen=True, slots=True)
class State:
    """What the state store has to carry.

    Attributes:
        entries: Kept for good, and those of a day's events.
        bytes: Of them, with their index.
        reads: Statements a second while calls are made at their full rate.
        writes: Likewise.
    """

    entries: float
    bytes: float
    reads: float
    writes: float


def state(people: float, rate: float, figures: Figures = FIGURES) -> State:
    """What the state holds and does: for people, and at ``rate`` calls a second for a whole day."""
    known, marks = people * figures.entries, rate / figures.calls * 86_400
    return State(
        known + marks,
        known * figures.entry + marks * figures.mark,
        rate * figures.reads,
        rate * figures.writes,
    )


def distinct(draws: float, weights: Sequence[float]) -> float:
    """How many different things ``draws`` draws hit: 1 - (1 - p)^n, over all things.

    So many people are written when identifies merge, and so many companies.
    """
    total = sum(weights)
    return sum(-math.expm1(draws * math.log1p(-weight / total)) for weight in weights)


def zipf(things: int, exponent: float = 1.0) -> list[float]:
    """Weights by Zipf's law; the smaller the exponent, the more alike are the things."""
    return [rank**-exponent for rank in range(1, things + 1)]


# --- the simulation ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of a simulated run.

    Attributes:
        calls: That were made.
        preparing: Seconds until everything lay ready.
        delivering: Seconds from there to the last answer.
        busiest: Calls of the person with most of them.
        statements: Of the state.
        windows: Calls in each window of the API.
    """

    calls: int
    preparing: float
    delivering: float
    busiest: int
    statements: int
    windows: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return self.preparing + self.delivering


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who sends what: people by Zipf's law; identifies merge, everything else is a call.

    Attributes:
        people: How many there are.
        identifies: The part of the wanted events that are identifies.
        exponent: Of Zipf's law. With 1 the busiest of 20,000 people does a tenth of everything.
    """

    people: int
    identifies: float = 0.25
    exponent: float = 0.5

    @property
    def weights(self) -> list[float]:
        """How often each person is the one."""
        return zipf(self.people, self.exponent)

    def calls(self, wanted: float) -> float:
        """Calls for each wanted event, by the formula."""
        identifies = wanted * self.identifies
        written = distinct(identifies, self.weights)
        return (written + wanted - identifies) / wanted


def simulate(
    events: int, crowd: Crowd, setup: Setup, figures: Figures, *, seed: int = 1
) -> Simulated:
    """A run, event by event and call by call; ``figures.calls`` is not looked at."""
    dice = random.Random(seed)
    cores = [0.0] * setup.workers
    calls_of: dict[int, int] = {}
    written = set()
    wanted = [dice.random() < figures.wanted for _ in range(events)]
    persons = dice.choices(range(crowd.people), crowd.weights, k=events)
    for place, person in enumerate(persons):
        core = place % setup.workers
        cores[core] += figures.preparing if wanted[place] else figures.skipping
        if not wanted[place]:
            continue
        if dice.random() < crowd.identifies:
            if person in written:
                continue
            written.add(person)
        calls_of[person] = calls_of.get(person, 0) + 1
    ready = max(cores)
    queues: list[list[int]] = [[] for _ in range(setup.workers)]
    order = list(calls_of)
    dice.shuffle(order)
    for person in order:
        queues[dice.randrange(setup.workers)].append(calls_of[person])
    delivery = _Delivery(setup, figures, dice)
    took = delivery.run(queues)
    made = sum(calls_of.values())
    return Simulated(
        made, ready, took, max(calls_of.values(), default=0), delivery.statements,
        tuple(delivery.windows),
    )  # fmt: skip


class _Delivery:
    """Workers that take people from their queues, with one core, so many connections, one API."""

    def __init__(self, setup: Setup, figures: Figures, dice: random.Random) -> None:
        self._setup = setup
        self._figures = figures
        self._dice = dice
        self._free_core = [0.0] * setup.workers
        self.windows: list[int] = []
        self.statements = 0

    def run(self, queues: Sequence[Sequence[int]]) -> float:
        """Seconds until the last call is answered."""
        waiting = [iter(queue) for queue in queues]
        moments: list[tuple[float, int, int, int]] = []
        for worker, queue in enumerate(waiting):
            for connection in range(self._setup.connections):
                calls = next(queue, 0)
                if calls:
                    moments.append((0.0, worker, connection, calls))
        heapq.heapify(moments)
        end = 0.0
        while moments:
            now, worker, connection, left = heapq.heappop(moments)
            now = self._call(now, worker)
            end = max(end, now)
            left = left - 1 or next(waiting[worker], 0)
            if left:
                heapq.heappush(moments, (now, worker, connection, left))
        return end

    def _call(self, now: float, worker: int) -> float:
        """When a call that is wanted now is answered."""
        figures = self._figures
        for asked in (figures.reads, figures.writes):
            times = int(asked) + (self._dice.random() < asked % 1)
            self.statements += times
            now += times * figures.asking
        begin = max(now, self._free_core[worker])
        self._free_core[worker] = begin + figures.calling
        sent = self._admitted(self._free_core[worker])
        return sent + self._dice.uniform(0.5, 1.5) * figures.latency

    def _admitted(self, now: float) -> float:
        """When the call may be sent: in the first window from now on that has a place."""
        place = int(now // WINDOW)
        while True:
            self.windows.extend([0] * (place + 1 - len(self.windows)))
            if self.windows[place] < self._setup.window:
                self.windows[place] += 1
                return max(now, place * WINDOW)
            place += 1


# --- the tables ----------------------------------------------------------------------------


def spoken(seconds: float) -> str:
    """``3.4 h``."""
    for name, size in (("years", 31_557_600), ("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


def tables() -> Iterator[str]:
    """The lines of docs/capacity.md that follow from the figures."""
    yield "| events | wanted | calls | prepared by 1 core | by 8 | by 64 | one app | a workspace |"
    yield "|---|---|---|---|---|---|---|---|"
    for events, name in ((10e6, "10 M"), (1e9, "1 B"), (100e9, "100 B")):
        for wanted in (0.85, 0.1, 0.01):
            figures = replace(FIGURES, wanted=wanted)
            found = estimate(events, Setup(), figures)
            cores = [estimate(events, Setup(workers=n), figures).preparing for n in (1, 8, 64)]
            apps = [estimate(events, Setup(apps=n, workers=8), figures).api for n in (1, 3)]
            cells = [name, f"{wanted:.0%}", counted(found.calls), *map(spoken, cores + apps)]
            yield f"| {' | '.join(cells)} |"
    yield ""
    yield "| people | calls a second | entries | size | reads a second | writes a second |"
    yield "|---|---|---|---|---|---|"
    for people in (1e6, 10e6, 100e6):
        for setup in (Setup(), Setup(apps=3)):
            held = state(people, setup.rate)
            yield (
                f"| {counted(people)} | {setup.rate:,.0f} | {counted(held.entries)} "
                f"| {held.bytes / 1e9:,.1f} GB | {held.reads:,.0f} | {held.writes:,.0f} |"
            )


def counted(number: float) -> str:
    """``8.5 M``."""
    for name, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:,.3g} {name}"
    return f"{number:.0f}"


if __name__ == "__main__":
    print("\n".join(tables()))
