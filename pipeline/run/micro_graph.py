"""The graph of a run, built once and run for every micro-batch of a stream."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.run import graph
from pipeline.sources.record import Record
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.deliver import DeliverSettings
from pipeline.transforms.failures import FAILURES
from pipeline.transforms.lasting import Keeper
from pipeline.transforms.prepare import PrepareSettings
from pipeline.transforms.records import HERE, ReadRecords


class MicroGraph:
    """Runs the records of one micro-batch through the same transforms as any run.

    Args:
        options: Beam's.
        keeper: Keeps the steps, with their connections and compiled rules, until it is closed.
        prepare: For the first step.
        admit: For the event-name budget.
        deliver: For the last step.
        dead_letters: Directory for dead letters.
        run_id: Begins the names of files.
    """

    def __init__(
        self,
        options: PipelineOptions,
        keeper: Keeper,
        *,
        prepare: PrepareSettings,
        admit: AdmitSettings,
        deliver: DeliverSettings,
        dead_letters: str,
        run_id: str,
    ) -> None:
        self._options = options
        self._records = ReadRecords()
        describes = _Describes()
        p = beam.Pipeline(runner=describes, options=options)
        graph.build(
            p,
            [HERE],
            prepare=prepare,
            admit=admit,
            deliver=deliver,
            dead_letters=dead_letters,
            run_id=run_id,
            read=self._records,
            keep=keeper.keep,
        )
        # To describe the graph takes as long as to run it; it is the same every time.
        p.run()
        self._described = describes.described

    def run(self, records: Sequence[Record]) -> None:
        """Return when every record is delivered, skipped, merged or kept as a dead letter.

        Raises:
            SinkFailed: A topic takes no dead letters or receipts.
        """
        FAILURES.clear()
        self._records.records = records
        described = beam_runner_api_pb2.Pipeline()
        described.CopyFrom(self._described)
        try:
            FnApiRunner().run_via_runner_api(described, self._options).wait_until_finish()
        except Exception:
            if FAILURES:
                raise FAILURES[0] from None
            raise
        finally:
            self._records.records = ()


class _Describes(FnApiRunner):
    """Runs nothing: keeps what it was to run, in the form in which any runner is told it."""

    described: beam_runner_api_pb2.Pipeline

    def run_via_runner_api(
        self, pipeline_proto: beam_runner_api_pb2.Pipeline, options: PipelineOptions
    ) -> None:
        self.described = pipeline_proto
