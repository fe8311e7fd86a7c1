"""One destination of a run on this machine: what the two halves of the run are told about it.

A run on one machine is the graph cut at its shuffle (``run.local``). The first half reads, decodes
and validates the input once, and then, for every route: selects, maps, and writes tasks to a spool
of the route's own. The second half delivers each route's spool, in processes of its own, so that a
destination that is down, refused or slow holds back none of the others. A run to a single
destination is one route::

    with run_place() as place:
        routes = [route_of(job, edges, name="eu", place=place, now=now, scope=scope), ...]
        ends = local.run(routes, slices, place=place, options=options, run_id=run_id, processes=2)
        for route in routes:
            summary = of_counts(ends[route.name].counts, ...)

Each route's counts balance. With an ``Intake``, an event that cannot be decoded, or that some
route wants and does not fit its schema, is a dead letter of the run and received by no route; every
other event is received by every route. An event that is for other routes only is skipped by the
route's mapping, as ``not_routed``.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import PenstockError
from pipeline.run.job import Job
from pipeline.run.wiring import Edges, settings
from pipeline.run.worker import IN_MEMORY, OpenNames, OpenState, Rehearse
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.deliver import DeliverSettings, Halted
from pipeline.transforms.prepare import PrepareSettings

INTAKE = ""
"""The name under which the counts of an intake stand among those of the routes."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What becomes of events that are refused before they are any route's.

    Attributes:
        dead_letters: Directory for them, of any Beam file system.
        format: How they are written.
    """

    dead_letters: str
    format: DeadLetterFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One destination of a run; picklable, and holds no secret.

    Attributes:
        name: Different from those of the other routes; empty where there is only one.
        prepare: For selecting and mapping. Schemas, ``max_event_bytes`` and ``now`` are those of
            the first route, for all routes.
        admit: For the event-name budget.
        deliver: For the delivery.
        dead_letters: Directory for the route's dead letters, of any Beam file system.
    """

    name: str = ""
    prepare: PrepareSettings
    admit: AdmitSettings
    deliver: DeliverSettings
    dead_letters: str

    def halted(self, halted: Halted) -> Route:
        """The route with nothing sent: every event it gets is accounted for as not tried."""
        memory = OpenState(IN_MEMORY, "")
        deliver = replace(
            self.deliver, halted=halted, open_memory=memory, open_windows=None, open_send=Rehearse()
        )
        admit = replace(self.admit, open_registry=OpenNames(IN_MEMORY, ""))
        return replace(self, deliver=deliver, admit=admit)


@dataclass(frozen=True, slots=True)
class RouteEnd:
    """How a route ended.

    Attributes:
        counts: What its steps counted, as ``run.summary.of_counts`` takes it.
        failure: The error that ended it early, or None. A destination that is down or refuses the
            token is none: that is in the counts, as ``halted`` and ``outage``.
        at: When that was, by the monotonic clock.
    """

    counts: Counter[str]
    failure: PenstockError | None = None
    at: float = field(default_factory=time.monotonic, compare=False)


def route_of(
    job: Job,
    edges: Edges,
    *,
    place: Path,
    now: int,
    scope: str,
    name: str = "",
) -> Route:
    """The route of a run that has been checked.

    Args:
        job: The run to one destination.
        edges: What of it is not as usual.
        place: A directory of the run: where several processes of a run that keeps nothing share
            what they learn.
        now: The time of the run, microseconds since 1970.
        scope: Where what it learns is remembered.
        name: Of the route.
    """
    config = job.config
    shares = config.processes > 1 and not config.discards
    run_state = f"sqlite:///{place / f'state-{name}.db'}" if shares else IN_MEMORY
    prepare, admit, deliver = settings(job, edges, now=now, scope=scope, run_state=run_state)
    return Route(
        name=name,
        prepare=prepare,
        admit=admit,
        deliver=deliver,
        dead_letters=config.dead_letters,
    )
