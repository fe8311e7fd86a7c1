"""The seconds that autoscalers must not take for work."""

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter

from pipeline.run.summary import of_counts
from pipeline.transforms.counting import NAMESPACE, THROTTLING, Counts, Throttling


class Waits(beam.DoFn):
    def setup(self):
        self._throttling = Throttling()

    def process(self, seconds):
        counts = Counts()
        counts.add("received")
        counts.flush()
        self._throttling.add(seconds)


def test_whole_seconds_are_counted_under_the_name_that_beam_knows_and_parts_add_up():
    p = beam.Pipeline(runner="FnApiRunner")
    _ = p | beam.Create([0.4, 0.4, 0.4, 2.0, 0.9]) | beam.ParDo(Waits())
    result = p.run()
    result.wait_until_finish()
    metrics = result.metrics()
    (counter,) = metrics.query(MetricsFilter().with_name(THROTTLING))["counters"]
    assert counter.result == 4
    ours = metrics.query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    assert {each.key.metric.name: each.result for each in ours} == {"received": 5}


def test_a_halt_by_an_outage_is_told_from_one_by_the_credentials():
    facts = {"run_id": "r", "mapping": {}, "seconds": 1.0, "started_at": 0}
    refused = of_counts({"halted": 1}, **facts)
    down = of_counts({"halted": 2, "outage": 1}, **facts)
    assert (refused.halted, refused.outage) == (True, False)
    assert (down.halted, down.outage) == (True, True)
    assert down.as_json()["outage"] is True
