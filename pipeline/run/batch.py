"""A bounded run from files to the destination: everything was checked first, now it starts."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter

from pipeline.run import graph, inputs
from pipeline.run.job import Job, greet, remembered_scope
from pipeline.run.summary import Summary, of_counts
from pipeline.run.wiring import Edges, settings
from pipeline.transforms.counting import LIVE, NAMESPACE


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
    with inputs.slices(config.inputs) as slices:
        scope = remembered_scope(job, greet(job, before))
        p = beam.Pipeline(options=job.options)
        prepare, admit, deliver = settings(job, edges, now=started, scope=scope)
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


def _counts(result: Any) -> Counter[str]:
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    return Counter({counter.key.metric.name: counter.result or 0 for counter in found["counters"]})
