"""Steps that outlive a run, and records as lines."""

import pickle

import apache_beam as beam
import pytest

from pipeline.sources.record import Record
from pipeline.transforms.counting import LIVE
from pipeline.transforms.lasting import Keeper
from pipeline.transforms.read import Line, Unreadable
from pipeline.transforms.records import HERE, ReadRecords


class Step(beam.DoFn):
    """Notes what happens to it."""

    def __init__(self):
        self.told = []

    def setup(self):
        self.told.append("setup")

    def process(self, element, side):
        self.told.append((element, side))
        yield element + side

    def teardown(self):
        self.told.append("teardown")


def test_a_step_that_is_kept_is_set_up_once_however_often_it_runs():
    step = Step()
    with Keeper() as keeper:
        kept = keeper.keep(step)
        for element in (1, 2):
            with beam.Pipeline(runner="FnApiRunner") as p:
                side = beam.pvalue.AsSingleton(p | "Side" >> beam.Create([10]))
                p | beam.Create([element]) | beam.ParDo(kept, side)
        assert step.told == ["setup", (1, 10), (2, 10)]
    assert step.told[-1] == "teardown"


def test_a_step_that_never_ran_is_not_torn_down():
    step = Step()
    with Keeper() as keeper:
        keeper.keep(step)
    assert step.told == []


def test_a_step_that_is_not_kept_any_more_cannot_be_found():
    with Keeper() as keeper:
        pickled = pickle.dumps(keeper.keep(Step()))
    with pytest.raises(KeyError):
        pickle.loads(pickled)


def test_records_become_lines():
    LIVE.clear()
    read = ReadRecords()
    read.records = [
        Record(b"x", "t/0@5", "t/0", 5, 6, 99, length=7),
        Record(None, "t/0@6", "t/0", 6, 7, 99),
        Record(None, "f@1", "f", 1, 1, 99, fault="EOFError: cut off"),
    ]
    assert list(read.process(HERE)) == [
        Line(b"x", "t/0@5", 5, length=7, written_at=99),
        Unreadable("f@1", "EOFError: cut off"),
    ]
    assert LIVE.snapshot() == {"received": 1, "skipped/tombstone": 1}
