"""The graph of a run: the same transforms, under the same names, whatever the engine.

A batch and a stream have the same steps with the same names. What differs is inside of some: a
batch groups all that there is, and hands what it decided to the last step as side inputs; a stream
holds each shard of people for some seconds, and asks the shared state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam import coders
from apache_beam.pvalue import AsDict, AsSingleton
from apache_beam.typehints import Any, Tuple

from pipeline.flow.accounts import Account
from pipeline.flow.event_names import Admission
from pipeline.transforms import prepare as prep
from pipeline.transforms.admit import AdmitNames, AdmitSettings
from pipeline.transforms.aliases import BY_ALIAS, LINKS, ResolveAliases
from pipeline.transforms.dead_letters import WriteDeadLetters
from pipeline.transforms.deliver import (
    DELIVERED,
    UNDELIVERED,
    Deliver,
    DeliverSettings,
    MergeShared,
)
from pipeline.transforms.hold import KEYED, PACKED, ByShard
from pipeline.transforms.prepare import Prepare, PrepareSettings
from pipeline.transforms.read import ReadLines, Slice
from pipeline.transforms.stream import (
    AsLink,
    DeliverHeld,
    NoteNames,
    ResolveHeld,
    StreamSettings,
)

PREPARED = {
    BY_ALIAS: Tuple[str, PACKED],
    LINKS: Tuple[str, Tuple[int, str]],
    prep.SHARED: Tuple[Tuple[str, str], Any],
    prep.NAMES: Tuple[str, Any],
    prep.DEAD: bytes,
    prep.SKIPPED: Account,
}
"""The side outputs of ``Prepare``, typed so that the coder of the next shuffle is a fast one."""

coders.registry.register_coder(Account, coders.RowCoder)


Keep = Callable[[beam.DoFn], beam.DoFn]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What comes out of the steps of a run; together every event that went in.

    Attributes:
        refused: Dead letters (bytes) of events that were refused before delivery.
        undelivered: Dead letters (bytes) of events that could not be delivered.
        skipped: ``Account`` of events that nobody wants, if asked for.
        delivered: ``Account`` of events that are delivered or merged, if asked for.
    """

    refused: beam.PCollection
    undelivered: beam.PCollection
    skipped: beam.PCollection
    delivered: beam.PCollection


class Part(beam.PTransform):
    """Some steps under one name.

    Args:
        expand: Adds them.
    """

    def __init__(self, expand: Callable[[Any], Any]) -> None:
        super().__init__()
        self._expand = expand

    def expand(self, given: Any) -> Any:
        """Add them."""
        return self._expand(given)


def build(
    p: beam.Pipeline,
    slices: Sequence[Slice],
    *,
    prepare: PrepareSettings,
    admit: AdmitSettings,
    deliver: DeliverSettings,
    dead_letters: str,
    run_id: str,
    read: beam.DoFn | None = None,
    keep: Keep = lambda step: step,
) -> None:
    """Add a bounded run to ``p``: read, prepare, group by person, deliver, keep what is refused.

    Args:
        p: The pipeline.
        slices: What to read.
        prepare: For the first step.
        admit: For the event-name budget.
        deliver: For the last step.
        dead_letters: Directory for dead letters.
        run_id: Begins the names of files this run writes.
        read: Makes lines of slices, where they are not lines of events.
        keep: Makes of a step one that outlives the run, where it is one of many.
    """

    def of_slices(begin: beam.Pipeline) -> beam.PCollection:
        return (
            begin
            | "Slices" >> beam.Create(list(slices), reshuffle=False)
            | "SpreadSlices" >> beam.Reshuffle()
            | "ReadLines" >> beam.ParDo(keep(ReadLines() if read is None else read))
        )

    made = steps(
        p | "Read" >> Part(of_slices), prepare=prepare, admit=admit, deliver=deliver, keep=keep
    )
    _write(made, dead_letters, run_id, keep)


def build_stream(
    p: beam.Pipeline,
    read: beam.PTransform,
    *,
    prepare: PrepareSettings,
    admit: AdmitSettings,
    deliver: DeliverSettings,
    stream: StreamSettings,
    dead_letters: str,
    run_id: str,
) -> None:
    """Add a run without end to ``p``, for an engine that keeps state and timers.

    Args:
        p: The pipeline.
        read: Gives lines.
        prepare: For the first step.
        admit: For the event-name budget.
        deliver: For the last step.
        stream: How long events are held, and what workers share.
        dead_letters: Directory for dead letters.
        run_id: Begins the names of files this run writes.
    """
    lines = p | "Read" >> read
    made = steps(lines, prepare=prepare, admit=admit, deliver=deliver, stream=stream)
    _write(made, dead_letters, run_id, lambda step: step)


def _write(made: Outputs, dead_letters: str, run_id: str, keep: Keep) -> None:
    # One writer for each producer, fused with it: a Flatten of both would hold all letters back
    # until the last event is delivered.
    made.refused | "WriteRefused" >> beam.ParDo(keep(WriteDeadLetters(dead_letters, run_id)))
    made.undelivered | "WriteUndelivered" >> beam.ParDo(
        keep(WriteDeadLetters(dead_letters, run_id))
    )


def steps(
    lines: beam.PCollection,
    *,
    prepare: PrepareSettings,
    admit: AdmitSettings,
    deliver: DeliverSettings,
    keep: Keep = lambda step: step,
    stream: StreamSettings | None = None,
) -> Outputs:
    """Everything between reading and writing: what a run and the transform of the library share.

    Args:
        lines: ``Line`` and ``Unreadable``; bounded where ``stream`` is None.
        prepare: For the first step.
        admit: For the event-name budget.
        deliver: For the last step.
        keep: As for ``build``.
        stream: For a stream.
    """
    prepared = lines | "Prepare" >> (
        beam.ParDo(keep(Prepare(prepare)))
        .with_output_types(Tuple[str, PACKED], **PREPARED)
        .with_outputs(*PREPARED, main=prep.PEOPLE)
    )
    by_alias = {BY_ALIAS: prepared[BY_ALIAS], LINKS: prepared[LINKS]}
    if stream is None:
        resolved = by_alias | "ResolveAliases" >> Part(_resolving(deliver, keep))
        admission = prepared[prep.NAMES] | "AdmitNames" >> Part(_admitting(admit, keep))
        tasks = (prepared[prep.PEOPLE], resolved) | "GroupByPerson" >> Part(_grouped)
        shared = prepared[prep.SHARED]
        done = (tasks, shared, admission) | "Deliver" >> Part(_delivering(deliver, keep))
    else:
        resolved = by_alias | "ResolveAliases" >> Part(_resolving_held(deliver, stream))
        prepared[prep.NAMES] | "AdmitNames" >> beam.ParDo(NoteNames(admit))
        tasks = (prepared[prep.PEOPLE], resolved) | "GroupByPerson" >> Part(_sharded(stream))
        done = tasks | "Deliver" >> _done(beam.ParDo(DeliverHeld(deliver, admit, stream)))
    return Outputs(
        refused=prepared[prep.DEAD],
        undelivered=done[UNDELIVERED],
        skipped=prepared[prep.SKIPPED],
        delivered=done[DELIVERED],
    )


def _done(step: beam.ParDo) -> beam.PTransform:
    typed = step.with_output_types(bytes, **{DELIVERED: Account})
    return typed.with_outputs(DELIVERED, main=UNDELIVERED)


def _grouped(tasks: Any) -> beam.PCollection:
    return tasks | "AllTasks" >> beam.Flatten() | "Group" >> beam.GroupByKey()


def _resolving(deliver: DeliverSettings, keep: Keep) -> Callable[[Any], beam.PCollection]:
    resolve = keep(ResolveAliases(deliver.open_memory))
    return lambda by_alias: (
        by_alias
        | "JoinAliases" >> beam.CoGroupByKey()
        | "Resolve" >> beam.ParDo(resolve).with_output_types(Tuple[str, PACKED])
    )


def _admitting(admit: AdmitSettings, keep: Keep) -> Callable[[Any], beam.PCollection]:
    return lambda names: (
        names | "GroupNames" >> beam.GroupByKey() | "Admit" >> beam.ParDo(keep(AdmitNames(admit)))
    )


def _delivering(deliver: DeliverSettings, keep: Keep) -> Callable[[Any], Any]:
    def expand(given: Any) -> Any:
        tasks, shared, admission = given
        merged = (
            shared
            | "GroupShared" >> beam.GroupByKey()
            | "MergeShared" >> beam.ParDo(keep(MergeShared()))
        )
        sides = (AsDict(merged), AsSingleton(admission, default_value=Admission()))
        return tasks | "Send" >> _done(beam.ParDo(keep(Deliver(deliver)), *sides))

    return expand


def _resolving_held(
    deliver: DeliverSettings, stream: StreamSettings
) -> Callable[[Any], beam.PCollection]:
    def expand(by_alias: Any) -> beam.PCollection:
        links = by_alias[LINKS] | "AsLinks" >> beam.ParDo(AsLink()).with_output_types(
            Tuple[str, PACKED]
        )
        shards = ByShard(stream.hold.shards)
        return (
            (by_alias[BY_ALIAS], links)
            | "AllAliases" >> beam.Flatten()
            | "ByShard" >> beam.ParDo(shards).with_output_types(KEYED)
            | "Resolve"
            >> beam.ParDo(ResolveHeld(deliver.open_memory, stream.hold)).with_output_types(
                Tuple[str, PACKED]
            )
        )

    return expand


def _sharded(stream: StreamSettings) -> Callable[[Any], beam.PCollection]:
    shards = ByShard(stream.hold.shards)
    return lambda tasks: (
        tasks
        | "AllTasks" >> beam.Flatten()
        | "ByShard" >> beam.ParDo(shards).with_output_types(KEYED)
    )
