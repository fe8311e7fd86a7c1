"""A bounded run from files to the destination: everything was checked first, now it starts."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Sequence

import apache_beam as beam

from pipeline.run import graph, inputs, local, phases
from pipeline.run.beam_options import is_cut
from pipeline.run.job import Job, greet, remembered_scope
from pipeline.run.places import run_place
from pipeline.run.routes import route_of
from pipeline.run.summary import Summary, of_counts
from pipeline.run.wiring import Edges, settings
from pipeline.transforms.counting import LIVE
from pipeline.transforms.read import Slice


def new_run_id() -> str:
    """A name for a run; later runs sort behind earlier ones."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:6]}"


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
    most = inputs.SLICE_BYTES if is_cut(job.options) else inputs.WORKER_SLICE_BYTES
    with inputs.slices(config.inputs, slice_bytes=most, processes=config.processes) as slices:
        scope = remembered_scope(job, greet(job, before))
        carry_out = _in_halves if is_cut(job.options) else _as_one_graph
        counts = before + carry_out(job, edges, slices, run_id=run_id, now=started, scope=scope)
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


def _in_halves(
    job: Job, edges: Edges, slices: Sequence[Slice], *, run_id: str, now: int, scope: str
) -> Counter[str]:
    """On this machine, in little memory; what was counted."""
    with run_place() as place:
        route = route_of(job, edges, place=place, now=now, scope=scope)
        ends = local.run(
            [route],
            slices,
            place=place,
            options=job.options,
            run_id=run_id,
            processes=job.config.processes,
            read=edges.read,
        )
    end = ends[route.name]
    if end.failure is not None:
        raise end.failure
    return end.counts


def _as_one_graph(
    job: Job, edges: Edges, slices: Sequence[Slice], *, run_id: str, now: int, scope: str
) -> Counter[str]:
    """On any runner of Beam; what was counted."""
    p = beam.Pipeline(options=job.options)
    prepare, admit, deliver = settings(job, edges, now=now, scope=scope)
    graph.build(
        p,
        slices,
        prepare=prepare,
        admit=admit,
        deliver=deliver,
        dead_letters=job.config.dead_letters,
        run_id=run_id,
        read=edges.read,
    )
    return phases.counted(p)
