"""The parts of a run on one machine, for one process each. Picklable, and without secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.errors import StateDown
from pipeline.flow import aliases
from pipeline.flow.aliases import Link
from pipeline.flow.deliver import Remembering
from pipeline.flow.packing import Packed
from pipeline.flow.spool import SpoolReader, SpoolWriter
from pipeline.flow.stopping import STOP
from pipeline.run.routes import INTAKE, Intake, Route
from pipeline.transforms.counting import NAMESPACE
from pipeline.transforms.dead_letters import WriteDeadLetters
from pipeline.transforms.failures import FAILURES
from pipeline.transforms.intake import REFUSED, IntakeSettings
from pipeline.transforms.read import ReadLines, Slice
from pipeline.transforms.settling import settle
from pipeline.transforms.spool import DeliverSpooled, Place, ReadManyLines, SpoolTasks, refused_by

RESOLVED = "r"
"""Marks the files of tasks that were found to be somebody else's, so that it can be done anew."""

_HELD = 500
"""So many aliases are looked up in the state with one question."""


class Phase(Protocol):
    """A part of the work."""

    @property
    def sends(self) -> bool:
        """Whether it makes calls, and so has to end in order when the run is stopped."""
        ...

    def __call__(self) -> Counter[str]:
        """Do it; what was counted."""
        ...


@dataclass(frozen=True, slots=True)
class Prepare:
    """Reads slices of the input, and writes every route's tasks to its spool.

    Attributes:
        slices: What to read.
        routes: Each with its place.
        run_id: Begins the names of the files that it writes.
        options: Beam's, by name.
        read: Makes lines of slices, where they are not lines of events.
        intake: Of several routes.
        to_the_end: Read on when the run is stopped.
    """

    slices: Sequence[Slice]
    routes: Sequence[tuple[Route, Place]]
    run_id: str
    options: Mapping[str, Any]
    read: beam.DoFn | None = None
    intake: Intake | None = None
    to_the_end: bool = False
    sends = False

    def __call__(self) -> Counter[str]:
        """What was counted; with an intake each name has its route's before it."""
        p = beam.Pipeline(options=PipelineOptions.from_dictionary(dict(self.options)))
        intake = self.intake
        parts = [
            (route.prepare, f"{route.name}:" if intake else "", place)
            for route, place in self.routes
        ]
        told = IntakeSettings(f"{INTAKE}:", intake.format) if intake else None
        read = ReadManyLines(self.read or ReadLines(), to_the_end=self.to_the_end)
        tags = [refused_by(number) for number in range(len(parts))]
        refused = (
            p
            | "Slices" >> beam.Create(list(self.slices), reshuffle=False)
            | "ReadLines" >> beam.ParDo(read)
            | "Prepare" >> beam.ParDo(SpoolTasks(parts, told)).with_outputs(*tags, REFUSED)
        )
        if intake is not None:
            write = WriteDeadLetters(intake.dead_letters, self.run_id)
            refused[REFUSED] | "WriteRefused" >> beam.ParDo(write)
        for (route, _), tag in zip(self.routes, tags, strict=True):
            label = f"WriteRefused {route.name}".rstrip()
            refused[tag] | label >> beam.ParDo(WriteDeadLetters(route.dead_letters, self.run_id))
        return counted(p)


@dataclass(frozen=True, slots=True)
class Resolve:
    """Copies tasks of people without userId to those whose they are.

    Attributes:
        place: The route's.
        partitions: Of the spools of tasks by alias and of links.
        open_memory: Opens what earlier runs have linked.
    """

    place: Place
    partitions: Sequence[int]
    open_memory: Callable[[ExitStack], Remembering]
    sends = False

    def __call__(self) -> Counter[str]:
        """Nothing is counted.

        Raises:
            StateDown: What earlier runs have linked cannot be read.
        """
        tasks: SpoolReader[Packed] = SpoolReader(self.place.aliases, Packed)
        links: SpoolReader[Link] = SpoolReader(self.place.links, Link)
        place = self.place
        people: SpoolWriter[Packed] = SpoolWriter(place.people, place.partitions, mark=RESOLVED)
        for partition in self.partitions:
            waiting, stated = tasks.groups(partition), links.groups(partition)
            names = list(dict.fromkeys([*waiting, *stated]))
            with ExitStack() as stack:
                memory = self.open_memory(stack)
                for start in range(0, len(names), _HELD):
                    held = [
                        (name, stated.get(name, []), waiting.get(name, []))
                        for name in names[start : start + _HELD]
                    ]
                    for key, task in aliases.resolve(memory, held):
                        people.add(key, task, len(task[4]) + len(task[5]))
                settle(memory)
            if STOP.reason is not None and STOP.error is StateDown:
                raise StateDown(STOP.reason)  # the memory went on without knowing whose is what
        people.close()
        return Counter()


@dataclass(frozen=True, slots=True)
class Deliver:
    """Delivers everybody in some partitions of a route's spool.

    Attributes:
        route: The route.
        place: Its place.
        partitions: Of the spool of tasks by person.
        run_id: Begins the names of the files that it writes.
        options: Beam's, by name.
    """

    route: Route
    place: Place
    partitions: Sequence[int]
    run_id: str
    options: Mapping[str, Any]
    sends = True

    def __call__(self) -> Counter[str]:
        """What was counted."""
        p = beam.Pipeline(options=PipelineOptions.from_dictionary(dict(self.options)))
        (
            p
            | "Partitions" >> beam.Create(list(self.partitions), reshuffle=False)
            | "Deliver" >> beam.ParDo(DeliverSpooled(self.route.deliver, self.place))
            | "WriteUndelivered"
            >> beam.ParDo(WriteDeadLetters(self.route.dead_letters, self.run_id))
        )
        return counted(p)


def counted(p: beam.Pipeline) -> Counter[str]:
    """Run a pipeline to its end; its counters.

    Raises:
        SpoolError: The spool could not be written or read.
        SinkFailed: Dead letters or receipts cannot be written.
    """
    FAILURES.clear()
    try:
        result = p.run()
        result.wait_until_finish()
    except Exception:
        if FAILURES:
            raise FAILURES[0] from None
        raise
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    return Counter({counter.key.metric.name: counter.result or 0 for counter in found["counters"]})
