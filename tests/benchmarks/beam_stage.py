"""Source to mapped operations through Beam's FnApiRunner, with nothing behind it; on one core.

    python -m tests.benchmarks.beam_stage --events 40000

Prints one JSON object: CPU seconds of the plain loop of ``json.loads`` and ``json.dumps``, and of
the pipeline less what a pipeline of one line costs. A process of its own, so that the core can be
pinned and nothing else is imported.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.flow.event_names import EventNames, NamePolicy
from pipeline.run.beam_options import pipeline_options
from pipeline.run.graph import PACKED, PREPARED
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.prepare import PEOPLE, Prepare, PrepareSettings
from pipeline.transforms.read import ReadLines, slices_of
from pipeline.validation.registry import SchemaSet
from pipeline.validation.tracking import TrackingPlan
from tests.benchmarks.events import events

ROUNDS = 3


def prepare_settings() -> PrepareSettings:
    """As of a run with the shipped mapping."""
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    return PrepareSettings(
        mapping=plan,
        schemas=SchemaSet.load(HOME / "schemas"),
        tracking=TrackingPlan(),
        now=0,
        max_event_bytes=1 << 20,
        merge_by={"upsert_company": "company_id"},
        names=EventNames({"submit_event": "event_name"}, NamePolicy()),
        dead_letters=DeadLetterFormat("bench", "0"),
    )


def pipeline_of(path: Path) -> Callable[[], None]:
    """Reads a file and maps it, for nobody."""
    slices = slices_of(
        str(path), path.stat().st_size, shown_as=path.name, slice_bytes=64 << 20, written_at=0
    )
    settings = prepare_settings()

    def run() -> None:
        p = beam.Pipeline(options=pipeline_options([]))
        prepared = (
            p
            | "Slices" >> beam.Create(slices, reshuffle=False)
            | "ReadLines" >> beam.ParDo(ReadLines())
            | "Prepare"
            >> beam.ParDo(Prepare(settings))
            .with_output_types(beam.typehints.Tuple[str, PACKED], **PREPARED)
            .with_outputs(*PREPARED, main=PEOPLE)
        )
        prepared[PEOPLE] | "Nothing" >> beam.ParDo(_Nothing())
        p.run().wait_until_finish()

    return run


class _Nothing(beam.DoFn):
    def process(self, element: Any) -> Iterable[Any]:
        return ()


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=40_000)
    count = parser.parse_args().events
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    lines = list(events(count))

    def loop() -> None:
        for line in lines:
            json.dumps(json.loads(line))

    with tempfile.TemporaryDirectory() as folder:
        whole, one = Path(folder) / "whole.jsonl", Path(folder) / "one.jsonl"
        whole.write_bytes(b"\n".join(lines))
        one.write_bytes(lines[0])
        seconds = {
            "json loop": cpu(loop),
            "Beam: source to operations": cpu(pipeline_of(whole)) - cpu(pipeline_of(one)),
        }
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
