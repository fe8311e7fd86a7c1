"""Penstock as one step of somebody else's pipeline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows

from pipeline.errors import ConfigurationError
from pipeline.flow.hold_back import HoldBackPolicy
from pipeline.mapping.diagnostics import Diagnostic
from pipeline.mapping.plan import MappingPlan
from pipeline.model.decode import DEFAULT_MAX_BYTES
from pipeline.run import graph
from pipeline.run.cluster import refuse_unshared, stream_settings
from pipeline.run.config import RunConfig
from pipeline.run.job import check, greet, remembered_scope
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file
from pipeline.run.options import DEFAULT_TOKEN
from pipeline.run.wiring import Edges, settings
from pipeline.run.worker import IN_MEMORY
from pipeline.transforms.elements import LinesOf


class MappingRefused(ConfigurationError):
    """A mapping cannot be used; the text lists every finding with its place.

    Attributes:
        diagnostics: The findings.
    """

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class Outputs(NamedTuple):
    """What became of the events: each is in one of the three.

    Attributes:
        delivered: ``Account`` of each event that was delivered, or merged into others.
        skipped: ``Account`` of each event that nobody wants.
        dead: ``bytes``; the dead letter of each event that was refused, one line of JSON as
            schemas/dead-letter.schema.json describes it. `penstock replay` takes files of them.
    """

    delivered: beam.PCollection
    skipped: beam.PCollection
    dead: beam.PCollection


class Penstock(beam.PTransform):
    """Delivers events to Intercom: validated, mapped, in each person's order, at the API's rate.

    An element is one event, or one ``{"batch": [...]}``: JSON as ``bytes`` or ``str``, a mapping,
    or a row. Gives ``Outputs``. Counts into Beam's metrics, namespace ``penstock``, under the names
    that a run counts with. A collection without end needs an engine that keeps state and timers,
    such as Flink or Dataflow, and a ``state`` that its workers share.

    Everything that can be checked is checked where the transform is made, and where it is
    applied. A workspace that is not named is asked for then, if a state is kept: one GET /me.

    Args:
        mapping: The mapping file.
        schemas: The directory with the event schemas.
        settings: Overrides of the mapping's settings, as behind ``--set``.
        region: ``us``, ``eu`` or ``au``, where no endpoint is given.
        endpoint: Root of the API; wins over ``region``.
        insecure: Allow plain http to another machine.
        token: Names the environment variable that holds the access token, as ``env:NAME``. It is
            read here, to see that it is there, and on every worker; it is never pickled.
        state: URL of the state store, reachable from every worker.
        workspace: The workspace's id, so that nobody has to be asked for it.
        dry_run: Do everything but send, and leave the state as it is.
        concurrency: So many people are delivered at the same time, on each worker.
        rate: Own ceiling in calls a minute, or None.
        share: The part of each of the API's windows that may be used, above 0 up to 1.
        max_outage: Minutes for which a destination that is down is waited for.
        max_event_bytes: Longer events are refused.
        origin: Where the events come from, for people who read the dead letters.
        hold_back: Seconds for which events of a stream wait for others of the same person.

    Raises:
        MappingRefused: The mapping has mistakes.
        UsageError: An option, a file, the token or the state cannot be used, or a stream has no
            state that its workers share.
        CredentialsRefused: The destination refuses the token.
    """

    def __init__(
        self,
        *,
        mapping: str | Path = DEFAULT_MAPPING,
        schemas: str | Path = HOME / "schemas",
        settings: Mapping[str, str] | None = None,
        region: str = "us",
        endpoint: str | None = None,
        insecure: bool = False,
        token: str = DEFAULT_TOKEN,
        state: str = IN_MEMORY,
        workspace: str | None = None,
        dry_run: bool = False,
        concurrency: int = 24,
        rate: float | None = None,
        share: float = 1.0,
        max_outage: float = 15.0,
        max_event_bytes: int = DEFAULT_MAX_BYTES,
        origin: str = "beam",
        hold_back: float = 5.0,
    ) -> None:
        super().__init__()
        config = RunConfig(
            inputs=(),
            mapping=Path(mapping),
            schemas=Path(schemas),
            settings=dict(settings or {}),
            region=region,
            endpoint=endpoint,
            insecure=insecure,
            token=token,
            state=state,
            dry_run=dry_run,
            concurrency=concurrency,
            rate=rate,
            share=share,
            max_outage=max_outage,
            max_event_bytes=max_event_bytes,
        )
        self._job = check(config, plan_of(config))
        self._workspace = workspace
        self._origin = origin
        self._hold_back = hold_back

    def expand(self, events: beam.PCollection) -> Outputs:
        """Add the steps of a run."""
        job = self._job
        if not events.is_bounded:
            refuse_unshared(job)
        workspace = self._workspace
        if workspace is None:
            workspace = greet(job, Counter()) if job.config.state != IN_MEMORY else ""
        scope = remembered_scope(job, workspace)
        now = time.time_ns() // 1000
        stream = None
        if events.is_bounded:
            prepare, admit, deliver = settings(job, Edges(), now=now, scope=scope)
        else:
            prepare, admit, deliver, stream = stream_settings(
                job, HoldBackPolicy(seconds=self._hold_back), now=now, scope=scope
            )
        lines = (
            events
            | "OneWindow" >> beam.WindowInto(GlobalWindows())
            | "Lines" >> beam.ParDo(LinesOf(self._origin))
        )
        made = graph.steps(
            lines,
            prepare=replace(prepare, accounts=True),
            admit=admit,
            deliver=replace(deliver, accounts=True),
            stream=stream,
        )
        dead = (made.refused, made.undelivered) | "Dead" >> beam.Flatten()
        return Outputs(made.delivered, made.skipped, dead)

    def display_data(self) -> dict[str, Any]:
        """What an engine's page shows of this step; nothing of it is secret."""
        job = self._job
        return {
            "mapping": job.mapping.name,
            "fingerprint": job.mapping.fingerprint,
            "destination": job.destination.name,
            "endpoint": job.endpoint.base_url if job.endpoint else "none: dry run",
        }


def plan_of(config: RunConfig) -> MappingPlan:
    """The mapping of a run, compiled.

    Raises:
        MappingRefused: It has mistakes.
        ConfigurationError: It cannot be read.
    """
    compiled = compile_mapping_file(config.mapping, config.settings)
    if compiled.plan is None:
        found = [item for item in compiled.diagnostics if item.severity == "error"]
        message = "\n".join([f"{config.mapping} cannot be used:", *map(_told, found)])
        raise MappingRefused(message, compiled.diagnostics)
    return compiled.plan


def _told(item: Diagnostic) -> str:
    place = f"{item.span.file}:{item.span.line}:{item.span.column}"
    said = f"{place}: {item.severity}[{item.code}]: {item.message}"
    return f"{said} ({item.help})" if item.help else said
