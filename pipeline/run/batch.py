"""A bounded run from files to the destination: checks everything first, then starts."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from destinations.intercom import Intercom
from destinations.intercom.connection import endpoint
from destinations.intercom.options import IntercomOptions
from destinations.secret import Secret
from destinations.transport import Endpoint
from pipeline.flow.breaker import OutagePolicy
from pipeline.flow.deliver import DeliveryPolicy, Remembering
from pipeline.flow.event_names import EventNames, NamePolicy
from pipeline.flow.name_registry import NameRegistry
from pipeline.mapping.plan import MappingPlan
from pipeline.run import graph, inputs, workspaces
from pipeline.run.beam_options import pipeline_options
from pipeline.run.config import RunConfig
from pipeline.run.summary import Summary, of_counts
from pipeline.run.worker import (
    IN_MEMORY,
    OpenNames,
    OpenState,
    OpenWindows,
    Rehearse,
    SendTo,
)
from pipeline.state.store import StateStore
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.counting import LIVE, NAMESPACE
from pipeline.transforms.dead_letters import DeadLetterFormat, Note
from pipeline.transforms.deliver import DeliverSettings, Send
from pipeline.transforms.prepare import PrepareSettings
from pipeline.validation.registry import SchemaSet
from pipeline.validation.tracking import Policy, TrackingPlan


@dataclass(frozen=True, slots=True)
class Job:
    """A run that has been checked and can start."""

    config: RunConfig
    mapping: MappingPlan
    schemas: SchemaSet
    tracking: TrackingPlan
    destination: Intercom
    names: EventNames
    endpoint: Endpoint | None
    options: PipelineOptions


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


def new_run_id() -> str:
    """A name for a run; later runs sort behind earlier ones."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:6]}"


def check(config: RunConfig, mapping: MappingPlan) -> Job:
    """Everything that can be known to be wrong before the first event is read.

    Raises:
        UsageError: An option, a file, the token or the state cannot be used.
        CredentialsRefused: The destination refuses the token.
    """
    options = pipeline_options(config.beam_args)
    schemas = SchemaSet.load(config.schemas)
    policy = Policy.of(dict(mapping.settings))
    tracking = TrackingPlan.load(config.schemas / "tracking", policy)
    for reference in mapping.secrets:
        Secret.from_env(reference.removeprefix("env:"))
    declared = {option.name for option in fields(IntercomOptions)}
    destination = Intercom.from_settings(
        {name: value for name, value in mapping.settings if name in declared}
    )
    names = EventNames(
        {kind: spec.event_name for kind, spec in destination.operations.items() if spec.event_name},
        NamePolicy.from_settings(dict(mapping.settings)),
    )
    target = None
    if not config.dry_run:
        target = endpoint(
            config.region,
            base_url=config.endpoint,
            concurrency=config.concurrency,
            insecure=config.insecure,
        )
        with StateStore.open(config.state):
            pass
    return Job(config, mapping, schemas, tracking, destination, names, target, options)


def greet(job: Job, live: Counter[str]) -> str:
    """Ask the destination who we are, so that a wrong address or token is known at once.

    Returns:
        The workspace's id; empty where the destination does not tell, or is not asked.

    Raises:
        UsageError: Nothing answers there, or not now, and a state is kept.
        CredentialsRefused: The token is refused.
    """
    if job.endpoint is None:
        return ""
    with job.endpoint.open() as transport:
        answer = workspaces.ask_who(transport.send, job.endpoint, live)
    if job.config.state != IN_MEMORY:
        workspaces.refuse_unless_answered(job.endpoint, answer)
    return workspaces.told(answer)


def run(job: Job, edges: Edges | None = None) -> Summary:
    """Run the graph to its end and account for every event.

    Raises:
        UsageError: The input or the destination cannot be reached.
        CredentialsRefused: The token was refused before anything was sent.
    """
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    started, began = time.time_ns() // 1000, time.monotonic()
    edges = edges or Edges()
    run_id = edges.run_id or new_run_id()
    config = job.config
    before: Counter[str] = Counter()
    LIVE.clear()
    with inputs.slices(config.inputs) as slices:
        scope = _scope(job, greet(job, before))
        p = beam.Pipeline(options=job.options)
        prepare, admit, deliver = _settings(job, edges, now=started, scope=scope)
        graph.build(
            p,
            slices,
            prepare=prepare,
            admit=admit,
            deliver=deliver,
            dead_letters=config.dead_letters,
            run_id=run_id,
            read=edges.read,
        )
        result = p.run()
        result.wait_until_finish()
    counts = before + _counts(result)
    return of_counts(
        counts,
        run_id=run_id,
        mapping={
            "name": job.mapping.name,
            "file": job.mapping.file,
            "fingerprint": job.mapping.fingerprint,
        },
        seconds=time.monotonic() - began,
        started_at=started,
        dry_run=config.dry_run,
    )


def _scope(job: Job, workspace: str) -> str:
    """Where what the run learns is remembered; known before any memory is opened."""
    if job.endpoint is None or job.config.state == IN_MEMORY:
        return ""
    with StateStore.open(job.config.state) as store:
        scope = workspaces.learn(store, job.destination.name, job.endpoint.base_url, workspace)
        store.purge(scope, "delivered")
        return scope


def _settings(
    job: Job, edges: Edges, *, now: int, scope: str
) -> tuple[PrepareSettings, AdmitSettings, DeliverSettings]:
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
    admit = AdmitSettings(job.names, edges.open_names or OpenNames(state, scope))
    deliver = DeliverSettings(
        destination=job.destination,
        open_send=edges.open_send or (SendTo(job.endpoint) if job.endpoint else Rehearse()),
        open_memory=edges.open_memory or OpenState(state, scope),
        rate_headers=job.destination.rate_headers,
        policy=_policy(job.mapping, merge_by),
        names=job.names,
        dead_letters=letters,
        concurrency=config.concurrency if job.endpoint else 1,
        per_minute=config.rate,
        share=config.share,
        open_windows=OpenWindows(state, scope),
        outages=OutagePolicy(max_outage=config.max_outage * 60),
        paced=job.endpoint is not None,
        note=edges.note,
    )
    return prepare, admit, deliver


def _policy(mapping: MappingPlan, merge_by: Mapping[str, str]) -> DeliveryPolicy:
    """The settings of the mapping that are about delivery, whatever the destination."""
    declared = {option.name for option in fields(DeliveryPolicy)} - {"merge_by"}
    chosen = {name: value for name, value in mapping.settings if name in declared}
    return DeliveryPolicy(merge_by=merge_by, **chosen)


def _counts(result: Any) -> Counter[str]:
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    return Counter({counter.key.metric.name: counter.result or 0 for counter in found["counters"]})
