"""A run that has been checked: what it is made of, and whom it is going to write to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields

from apache_beam.options.pipeline_options import PipelineOptions

from destinations.intercom import Intercom
from destinations.intercom.connection import endpoint
from destinations.intercom.options import IntercomOptions
from destinations.secret import Secret
from destinations.transport import Endpoint
from pipeline.errors import UsageError
from pipeline.flow.event_names import EventNames, NamePolicy
from pipeline.mapping.plan import MappingPlan
from pipeline.run import workspaces
from pipeline.run.beam_options import is_cut, is_local, pipeline_options
from pipeline.run.config import RunConfig
from pipeline.run.elsewhere import for_workers
from pipeline.run.worker import IN_MEMORY
from pipeline.state.store import StateStore
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


def check(config: RunConfig, mapping: MappingPlan) -> Job:
    """Everything that can be known to be wrong before the first event is read.

    Raises:
        UsageError: An option, a file, the token or the state cannot be used.
        CredentialsRefused: The destination refuses the token.
    """
    options = pipeline_options(config.beam_args)
    if config.processes > 1 and not is_cut(options):
        message = "--processes is for this machine's own runner; leave --runner or --processes away"
        raise UsageError(message)
    if not is_local(options):
        config = for_workers(config)
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
            token=Secret.from_reference(config.token),
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


def remembered_scope(job: Job, workspace: str) -> str:
    """Where what the run learns is remembered; known before any memory is opened."""
    if job.endpoint is None or job.config.state == IN_MEMORY:
        return ""
    with StateStore.open(job.config.state) as store:
        scope = workspaces.learn(store, job.destination.name, job.endpoint.base_url, workspace)
        store.purge(scope, "delivered")
        return scope
