"""A run on this machine: the graph cut at its shuffle, so that it takes little memory.

The first half writes tasks to a spool, apart by a hash of the person; in between, what concerns
everybody is decided over the whole input: which event names have a place, whose an alias is, and
what people's events say together of a company. The second half delivers one partition of the
spool after the other. Either half can be done by several processes at once, since nothing in it
depends on another part of the input; what a run does is the same however many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.errors import PenstockError, StateDown
from pipeline.flow.spool import SpoolReader, discard, partitions_for, spread
from pipeline.flow.stopping import STOP
from pipeline.run import inputs, phases
from pipeline.run.processes import Crew, Work
from pipeline.run.routes import INTAKE, Intake, Route, RouteEnd
from pipeline.transforms.admit import admitted
from pipeline.transforms.deliver import Halted
from pipeline.transforms.read import Slice
from pipeline.transforms.spool import Place, append, merged

PARTITION_BYTES = 48 << 20
"""Uncompressed input for one partition, which needs about three times as much memory."""

MOST_PARTITIONS = 1024

_UNPACKED = 10
"""So many times its size a compressed file is taken to hold; a partition too many harms little."""


def run(
    routes: Sequence[Route],
    slices: Sequence[Slice],
    *,
    place: Path,
    options: PipelineOptions,
    run_id: str,
    processes: int = 1,
    read: beam.DoFn | None = None,
    intake: Intake | None = None,
) -> dict[str, RouteEnd]:
    """Carry out a run; how each route ended, by its name.

    With an intake, what goes wrong between and in the second half concerns the route alone; what
    the intake counted stands under ``INTAKE``.

    Args:
        routes: The destinations.
        slices: What to read.
        place: A directory for what is half done (``run.places``).
        options: Beam's.
        run_id: Begins the names of the files that the run writes.
        processes: So many work at the same time; with several routes, so many for each.
        read: Makes lines of slices, where they are not lines of events.
        intake: For what concerns all routes; None where there is one, which is then the run.

    Raises:
        Interrupted: The run was stopped before anything was sent, and the input can be read again.
        PenstockError: The input could not be read to its end, or the spool not be written.
    """
    count = partitions_for(
        _unpacked_size(slices),
        partition_bytes=PARTITION_BYTES,
        at_least=1 if processes == 1 else 4 * processes,
        at_most=MOST_PARTITIONS,
    )
    places = [Place(place / str(number), count) for number in range(len(routes))]
    given: Mapping[str, Any] = options.get_all_options(drop_default=True)
    with Crew(place) as crew:
        counts = _read(crew, routes, places, slices, run_id, given, processes, read, intake)
        told = []
        for route, where in zip(routes, places, strict=True):
            able, more = _decide_alone(crew, route, where, processes, several=intake is not None)
            counts[route.name] += more
            told.append(able)
        ends = _deliver(crew, told, places, run_id, given, processes, counts)
    return ends if intake is None else {INTAKE: RouteEnd(counts[INTAKE]), **ends}


def _read(
    crew: Crew,
    routes: Sequence[Route],
    places: Sequence[Place],
    slices: Sequence[Slice],
    run_id: str,
    options: Mapping[str, Any],
    processes: int,
    read: beam.DoFn | None,
    intake: Intake | None,
) -> dict[str, Counter[str]]:
    """The first half; what was counted for each route."""
    pairs = list(zip(routes, places, strict=True))
    # Standard input is gone once it is read, so what is not sent of it must be kept.
    to_the_end = any(part.shown_as == inputs.STDIN for part in slices)
    ends = crew.do(
        Work(phases.Prepare(part, pairs, run_id, options, read, intake, to_the_end))
        for part in _shares(slices, processes)
    )
    total: Counter[str] = Counter()
    for end in ends:
        if end.failure is not None:
            raise end.failure
        total += end.counts
    if STOP.reason is not None and not to_the_end:
        message = f"{STOP.reason}; nothing was sent yet, so run the same command again"
        raise STOP.error(message)
    if intake is None:
        (route,) = routes
        return {route.name: total}
    names = [INTAKE, *(route.name for route in routes)]
    by_route: dict[str, Counter[str]] = {name: Counter() for name in names}
    for name, number in total.items():
        whose, _, rest = name.partition(":")
        by_route[whose][rest] += number
    return by_route


def _unpacked_size(slices: Sequence[Slice]) -> int:
    """About how many bytes there are to read."""
    return sum(part.size * (1 if part.is_plain else _UNPACKED) for part in slices)


def _shares(slices: Sequence[Slice], processes: int) -> list[list[Slice]]:
    """The slices as lists for so many processes, of about the same number of bytes."""
    shares: list[list[Slice]] = [[] for _ in range(processes)]
    sizes = [0] * processes
    for part in sorted(slices, key=lambda part: part.size, reverse=True):
        smallest = sizes.index(min(sizes))
        shares[smallest].append(part)
        sizes[smallest] += max(part.size, 1)
    return [share for share in shares if share] or [[]]


def _decide(crew: Crew, route: Route, place: Place, processes: int) -> Counter[str]:
    """What concerns everybody, between the halves."""
    place.root.mkdir(mode=0o700, exist_ok=True)
    names, shared = merged(place)
    admission, counts = admitted(route.admit, names)
    append(place.decided, (shared, admission))
    held = [SpoolReader[Any](where, Any) for where in (place.aliases, place.links)]
    waiting = {partition for reader in held for partition in reader.partitions}
    ends = crew.do(
        Work(phases.Resolve(place, share, route.deliver.open_memory))
        for share in spread(sorted(waiting), processes)
        if share
    )
    for end in ends:
        if end.failure is not None:
            raise end.failure
    for reader in held:  # only now: what failed halfway is done anew
        for partition in waiting:
            reader.drop(partition)
    return counts


def _decide_alone(
    crew: Crew, route: Route, place: Place, processes: int, *, several: bool
) -> tuple[Route, Counter[str]]:
    """As ``_decide``; a route whose state is away gets nothing sent.

    One of ``several`` that fails in another way gets nothing sent either, so that others go on.
    """
    try:
        return route, _decide(crew, route, place, processes)
    except PenstockError as error:
        if not (several or isinstance(error, StateDown)):
            raise
        STOP.forget(StateDown)  # it is no other route's
        told = route.halted(Halted(str(error)))
        place.decided.unlink(missing_ok=True)
        discard(place.people, phases.RESOLVED)
        counts = _decide(crew, told, place, processes)
        counts["state_down"] += 1
        return told, counts


def _deliver(
    crew: Crew,
    routes: Sequence[Route],
    places: Sequence[Place],
    run_id: str,
    options: Mapping[str, Any],
    processes: int,
    counts: Mapping[str, Counter[str]],
) -> dict[str, RouteEnd]:
    """The second half: every route on its own."""
    works = []
    for number, (route, place) in enumerate(zip(routes, places, strict=True)):
        shares = spread(SpoolReader[Any](place.people, Any).partitions, processes)
        told = route
        if sum(map(bool, shares)) > 1:
            ledger = place.root / "ledger"
            ledger.mkdir(mode=0o700)
            told = replace(route, deliver=replace(route.deliver, ledger=str(ledger)))
        works += [
            Work(phases.Deliver(told, place, share, run_id, options), group=number)
            for share in shares
            if share
        ]
    totals = {route.name: RouteEnd(Counter(counts[route.name])) for route in routes}
    for work, end in zip(works, crew.do(works), strict=True):
        name = routes[work.group].name
        known = totals[name]
        failure = known.failure or end.failure
        totals[name] = RouteEnd(known.counts + end.counts, failure, max(known.at, end.at))
    return totals
