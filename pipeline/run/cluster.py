"""An endless run on an engine with workers of its own: Flink, Dataflow."""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

import apache_beam as beam
import sqlalchemy as sa
from apache_beam.options.pipeline_options import (
    CrossLanguageOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.utils.subprocess_server import JavaJarServer

from pipeline.errors import UsageError
from pipeline.flow.deliver import Remembering
from pipeline.flow.hold_back import HoldBackPolicy
from pipeline.run import graph, inputs
from pipeline.run.batch import new_run_id
from pipeline.run.cluster_sources import read
from pipeline.run.job import Job, greet, remembered_scope
from pipeline.run.streaming import StreamConfig
from pipeline.run.wiring import Edges, settings
from pipeline.run.worker import IN_MEMORY, patience
from pipeline.state.bounded import BoundedState
from pipeline.state.memory import RememberedState
from pipeline.state.store import StateStore
from pipeline.state.turns import Turns
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.deliver import DeliverSettings
from pipeline.transforms.hold import HoldSettings
from pipeline.transforms.prepare import PrepareSettings
from pipeline.transforms.stream import StreamSettings, Turn

_LOG = logging.getLogger(__name__)


def run(job: Job, config: StreamConfig) -> str:
    """Hand the stream to the engine; returns when the engine says that it has ended.

    A stream on an engine is ended there: `flink stop --drain`, a drain on Dataflow. What the
    engine counted is on its dashboard, under the names that a summary has.

    Returns:
        The state in which it ended, as Beam names it.

    Raises:
        UsageError: An input, or the state, cannot be used by workers elsewhere.
        CredentialsRefused: The token was refused before anything was sent.
    """
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    refuse_ends(config)
    refuse_unshared(job)
    now, before = time.time_ns() // 1000, Counter[str]()
    with inputs.slices(job.config.inputs) if _is_files(job) else ExitStack() as slices:
        source = read(job, config, slices if isinstance(slices, list) else [])
        scope = remembered_scope(job, greet(job, before))
        p = beam.Pipeline(options=streaming(job.options))
        services = job.options.view_as(CrossLanguageOptions).beam_services
        with JavaJarServer.beam_services(services):
            add(p, source, job, config, now=now, scope=scope)
            result = p.run()
        try:
            return str(result.wait_until_finish())
        except KeyboardInterrupt:
            _LOG.warning("the stream goes on; end it where it runs, with a drain")
            return "RUNNING"


def _is_files(job: Job) -> bool:
    from pipeline.sources.addresses import address

    return all(address(text) is None for text in job.config.inputs)


def add(
    p: beam.Pipeline,
    source: beam.PTransform,
    job: Job,
    config: StreamConfig,
    *,
    now: int,
    scope: str,
) -> None:
    """Add the stream to ``p``, as ``graph.build_stream`` does it, with what the job says."""
    prepare, admit, deliver, stream = stream_settings(job, config.hold_back, now=now, scope=scope)
    graph.build_stream(
        p,
        source,
        prepare=prepare,
        admit=admit,
        deliver=deliver,
        stream=stream,
        dead_letters=job.config.dead_letters,
        run_id=new_run_id(),
    )


def stream_settings(
    job: Job, hold_back: HoldBackPolicy, *, now: int, scope: str
) -> tuple[PrepareSettings, AdmitSettings, DeliverSettings, StreamSettings]:
    """The settings of a stream's steps.

    Args:
        job: The run.
        hold_back: What waits for what, and for how long.
        now: Its time, microseconds since 1970.
        scope: Where what it learns is remembered.
    """
    """Add the stream to ``p``, as ``graph.build_stream`` does it, with what the job says."""
    state = job.config.state if job.endpoint else IN_MEMORY
    edges = Edges(open_memory=OpenShared(state, scope, job.config.max_outage * 60))
    stream = StreamSettings(
        hold=HoldSettings(seconds=hold_back.seconds, shards=hold_back.shards),
        open_turns=OpenTurns(state, scope),
    )
    return *settings(job, edges, now=now, scope=scope), stream


def streaming(options: PipelineOptions) -> PipelineOptions:
    """The options with Beam's own switch for streams turned on."""
    options.view_as(StandardOptions).streaming = True
    return options


def refuse_ends(config: StreamConfig) -> None:
    """Raise UsageError where the stream is told when to end: the engine ends it."""
    told = {"--max-events": config.batches.max_events, "--until-idle": config.batches.until_idle}
    for option, value in told.items():
        if value is not None:
            message = f"{option} is for a stream on this machine; end this one where it runs: drain"
            raise UsageError(message)


def refuse_unshared(job: Job) -> None:
    """Raise UsageError where workers could not see one another's state; warn where they may not."""
    if job.endpoint is None:
        return
    url = job.config.state
    if url == IN_MEMORY:
        message = (
            "a stream on a cluster needs a state that its workers share: "
            "--state postgresql+psycopg://USER@HOST/DATABASE"
        )
        raise UsageError(message)
    if sa.make_url(url).get_backend_name() == "sqlite":
        _LOG.warning(
            "the state %s is a file: that is right only while every worker runs on this machine",
            url,
        )


@dataclass(frozen=True, slots=True)
class OpenShared:
    """Opens a memory that reads again, in every bundle, what other workers may have written."""

    url: str
    scope: str
    max_outage: float

    def __call__(self, stack: ExitStack) -> Remembering:
        """The memory; it is stored and closed with the stack."""
        if self.url == IN_MEMORY:
            return BoundedState()
        store = stack.enter_context(StateStore.open(self.url, patience=patience(self.max_outage)))
        return stack.enter_context(RememberedState(store, self.scope, shared=True))


@dataclass(frozen=True, slots=True)
class OpenTurns:
    """Opens what lets workers take turns at things that all of them write."""

    url: str
    scope: str

    def __call__(self, stack: ExitStack) -> Turn:
        """Keeps everybody else from a thing for a block."""
        store = stack.enter_context(StateStore.open(self.url))
        return Turns(store, self.scope).at
