"""The graph of a micro-batch: the transforms of any run, made once for all of them."""

import json
from contextlib import ExitStack

import apache_beam as beam
import pytest

from pipeline.run import graph
from pipeline.run.config import RunConfig
from pipeline.run.job import check
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file
from pipeline.run.micro_graph import MicroGraph
from pipeline.run.wiring import Edges, settings
from pipeline.sources.record import Record
from pipeline.state.bounded import BoundedState
from pipeline.transforms import prepare as prepare_step
from pipeline.transforms.counting import LIVE
from pipeline.transforms.lasting import Keeper
from pipeline.transforms.records import HERE


@pytest.fixture
def parts(tmp_path):
    job = check(
        RunConfig(inputs=("-",), dry_run=True), compile_mapping_file(DEFAULT_MAPPING, {}).plan
    )
    memory = BoundedState()
    steps = settings(job, Edges(open_memory=lambda stack: memory), now=0, scope="")
    names = dict(zip(("prepare", "admit", "deliver"), steps, strict=True))
    return job.options, {**names, "dead_letters": str(tmp_path), "run_id": "r"}


@pytest.fixture
def micro(parts):
    options, named = parts
    with ExitStack() as stack:
        yield MicroGraph(options, stack.enter_context(Keeper()), **named)


def record(number, **event):
    line = json.dumps({"type": "track", "userId": "u", "messageId": f"m{number}", **event})
    return Record(line.encode(), f"t/0@{number}", "t/0", number, number + 1, 0)


def test_a_micro_batch_has_the_same_transforms_as_a_run_that_ends(parts, micro):
    options, named = parts
    p = beam.Pipeline(options=options)
    graph.build(p, [HERE], **named)
    ends = {part.unique_name for part in p.to_runner_api().components.transforms.values()}
    streams = {part.unique_name for part in micro._described.components.transforms.values()}
    assert streams == ends


def test_what_is_in_a_micro_batch_is_accounted_for_and_only_that(micro):
    LIVE.clear()
    micro.run([record(1, event="Order Completed"), record(2, type="nothing")])
    micro.run([])
    micro.run([record(3, event="Order Completed")])
    counts = LIVE.snapshot()
    assert counts["received"] == 3
    assert counts["delivered"] == 2
    assert counts["dead/unknown_type"] == 1


@pytest.mark.parametrize("text", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_a_message_with_nothing_in_it_is_a_dead_letter(micro, text):
    LIVE.clear()
    micro.run([Record(text, "t/0@1", "t/0", 1, 2, 0)])
    counts = LIVE.snapshot()
    assert (counts["received"], counts["dead/unreadable"]) == (1, 1)


def test_what_one_micro_batch_learned_the_next_one_knows(micro):
    LIVE.clear()
    same = record(1, event="Order Completed")
    micro.run([same])
    micro.run([same])
    assert LIVE.snapshot()["merged/already_delivered"] == 1


def test_rules_and_validators_are_made_once_for_all_micro_batches(micro, monkeypatch):
    made = []
    preparer = prepare_step.Preparer
    monkeypatch.setattr(
        prepare_step,
        "Preparer",
        lambda *given, **named: made.append(1) or preparer(*given, **named),
    )
    for number in range(3):
        micro.run([record(number, event="Order Completed")])
    assert len(made) == 1
