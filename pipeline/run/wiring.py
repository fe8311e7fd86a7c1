"""What the steps of a run are told, made from the run that has been checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields

import apache_beam as beam

from pipeline.flow.breaker import OutagePolicy
from pipeline.flow.deliver import DeliveryPolicy, Remembering
from pipeline.flow.name_registry import NameRegistry
from pipeline.mapping.plan import MappingPlan
from pipeline.run.job import Job
from pipeline.run.worker import IN_MEMORY, OpenNames, OpenState, OpenWindows, Rehearse, SendTo
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.dead_letters import DeadLetterFormat, Note
from pipeline.transforms.deliver import DeliverSettings, Send
from pipeline.transforms.prepare import PrepareSettings
from pipeline.transforms.receipts import ReceiptsTo


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Where a run is not the usual one; None for what is as usual.

    Attributes:
        read: Makes lines of the slices.
        open_send: Opens what answers the calls.
        open_memory: Opens what is remembered.
        open_names: Opens the registry of event names.
        note: Is told of every event that is done with.
        run_id: The name of the run.
    """

    read: beam.DoFn | None = None
    open_send: Callable[[ExitStack], Send] | None = None
    open_memory: Callable[[ExitStack], Remembering] | None = None
    open_names: Callable[[ExitStack], NameRegistry] | None = None
    note: Note | None = None
    run_id: str | None = None


def settings(
    job: Job, edges: Edges, *, now: int, scope: str, run_state: str = IN_MEMORY
) -> tuple[PrepareSettings, AdmitSettings, DeliverSettings]:
    """The settings of the three steps that need any.

    Args:
        job: The run.
        edges: What of it is not as usual.
        now: Its time, microseconds since 1970.
        scope: Where what it learns is remembered.
        run_state: Where it is remembered for the run alone, if the run keeps nothing.
    """
    config = job.config
    letters = DeadLetterFormat(job.mapping.name, job.mapping.fingerprint)
    merge_by = {
        kind: spec.merge_by
        for kind, spec in job.destination.operations.items()
        if spec.merge_by is not None
    }
    prepare = PrepareSettings(
        mapping=job.mapping,
        schemas=job.schemas,
        tracking=job.tracking,
        now=now,
        max_event_bytes=config.max_event_bytes,
        merge_by=merge_by,
        names=job.names,
        dead_letters=letters,
        note=edges.note,
    )
    state = config.state if job.endpoint else IN_MEMORY
    state = run_state if state == IN_MEMORY else state
    max_outage = config.max_outage * 60
    admit = AdmitSettings(job.names, edges.open_names or OpenNames(state, scope, max_outage))
    deliver = DeliverSettings(
        destination=job.destination,
        open_send=edges.open_send or (SendTo(job.endpoint) if job.endpoint else Rehearse()),
        open_memory=edges.open_memory or OpenState(state, scope, max_outage),
        rate_headers=job.destination.rate_headers,
        policy=_policy(job.mapping, merge_by),
        names=job.names,
        dead_letters=letters,
        concurrency=config.concurrency if job.endpoint else 1,
        per_minute=config.rate,
        share=config.share,
        open_windows=OpenWindows(state, scope),
        outages=OutagePolicy(max_outage=max_outage),
        paced=job.endpoint is not None,
        discards=config.discards,
        note=edges.note,
        receipts=_receipts(job),
    )
    return prepare, admit, deliver


def _receipts(job: Job) -> ReceiptsTo | None:
    """Where receipts go; a dry run delivers nothing and has none."""
    place = job.config.receipts
    if place is None or job.endpoint is None:
        return None
    return ReceiptsTo(place, job.destination.name)


def _policy(mapping: MappingPlan, merge_by: Mapping[str, str]) -> DeliveryPolicy:
    """The settings of the mapping that are about delivery, whatever the destination."""
    declared = {option.name for option in fields(DeliveryPolicy)} - {"merge_by"}
    chosen = {name: value for name, value in mapping.settings if name in declared}
    return DeliveryPolicy(merge_by=merge_by, **chosen)
