"""The graph of a run: the same transforms, under the same names, whatever the engine."""

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
from pipeline.transforms.prepare import Prepare, PrepareSettings
from pipeline.transforms.read import ReadLines, Slice

PACKED = Tuple[int, int, str, str, bytes, bytes]
"""``Packed`` for Beam's coders: small tuples of bytes cross a shuffle twice as fast."""

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
    lines = (
        p
        | "Slices" >> beam.Create(list(slices), reshuffle=False)
        | "SpreadSlices" >> beam.Reshuffle()
        | "ReadLines" >> beam.ParDo(keep(ReadLines() if read is None else read))
    )
    made = steps(lines, prepare=prepare, admit=admit, deliver=deliver, keep=keep)
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
) -> Outputs:
    """Everything between reading and writing: what a run and the transform of the library share.

    Args:
        lines: ``Line`` and ``Unreadable``, bounded.
        prepare: For the first step.
        admit: For the event-name budget.
        deliver: For the last step.
        keep: As for ``build``.
    """
    prepared = lines | "Prepare" >> (
        beam.ParDo(keep(Prepare(prepare)))
        .with_output_types(Tuple[str, PACKED], **PREPARED)
        .with_outputs(*PREPARED, main=prep.PEOPLE)
    )
    by_alias = {BY_ALIAS: prepared[BY_ALIAS], LINKS: prepared[LINKS]}
    resolve = ResolveAliases(deliver.open_memory)
    resolved = (
        by_alias
        | "JoinAliases" >> beam.CoGroupByKey()
        | "ResolveAliases" >> beam.ParDo(keep(resolve)).with_output_types(Tuple[str, PACKED])
    )
    merged = (
        prepared[prep.SHARED]
        | "GroupShared" >> beam.GroupByKey()
        | "MergeShared" >> beam.ParDo(keep(MergeShared()))
    )
    admission = (
        prepared[prep.NAMES]
        | "GroupNames" >> beam.GroupByKey()
        | "AdmitNames" >> beam.ParDo(keep(AdmitNames(admit)))
    )
    sides = (AsDict(merged), AsSingleton(admission, default_value=Admission()))
    done = (
        (prepared[prep.PEOPLE], resolved)
        | "AllTasks" >> beam.Flatten()
        | "GroupByPerson" >> beam.GroupByKey()
        | "Deliver"
        >> beam.ParDo(keep(Deliver(deliver)), *sides)
        .with_output_types(bytes, **{DELIVERED: Account})
        .with_outputs(DELIVERED, main=UNDELIVERED)
    )
    return Outputs(
        refused=prepared[prep.DEAD],
        undelivered=done[UNDELIVERED],
        skipped=prepared[prep.SKIPPED],
        delivered=done[DELIVERED],
    )
