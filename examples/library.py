"""Penstock as a step of a Beam pipeline: lines of events in; delivered, skipped and dead out."""

from __future__ import annotations

import argparse

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io import ReadFromText, WriteToText
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline import Penstock


def main() -> None:
    """Deliver the events of a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", default="examples/events.jsonl")
    parser.add_argument("--endpoint", help="an emulator; else the API of the region us")
    parser.add_argument("--output", default="build/library")
    ours, beams = parser.parse_known_args()
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", *beams])) as p:
        events = p | ReadFromText(ours.input, coder=BytesCoder())
        made = events | Penstock(
            endpoint=ours.endpoint, settings={"nested": "flatten"}, share=0.5, origin=ours.input
        )
        made.dead | "Dead" >> WriteToText(f"{ours.output}/dead", ".jsonl", coder=BytesCoder())
        (
            (made.delivered, made.skipped)
            | beam.Flatten()
            | beam.Map(lambda account: (account.status, 1))
            | beam.CombinePerKey(sum)
            | beam.MapTuple("{}: {}".format)
            | "Account" >> WriteToText(f"{ours.output}/account", ".txt")
        )


if __name__ == "__main__":
    main()
