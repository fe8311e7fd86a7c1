"""Holding a shard of people back: order, timers, what is tried again, what a drain lets go of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing import test_pipeline, test_stream
from apache_beam.transforms.window import GlobalWindow

from pipeline.flow.packing import Packed
from pipeline.transforms.hold import KEYED, Held, Hold, HoldSettings, due, in_order

SECOND = 1_000_000


def task(name: str, time: float = 0, seq: int = 0) -> Packed:
    return (int(time * SECOND), seq, "track", name, b"", b"")


class Bag:
    def __init__(self) -> None:
        self.items: list[Any] = []

    def add(self, item: Any) -> None:
        self.items.append(item)

    def read(self) -> list[Any]:
        return list(self.items)

    def clear(self) -> None:
        self.items.clear()


class Value:
    def __init__(self) -> None:
        self.value: Any = None

    def read(self) -> Any:
        return self.value

    def write(self, value: Any) -> None:
        self.value = value

    def clear(self) -> None:
        self.value = None


class Timer:
    def __init__(self) -> None:
        self.at: Any = None

    def set(self, moment: Any) -> None:
        self.at = moment

    def clear(self) -> None:
        self.at = None


class Names(Hold):
    """Lets names go; keeps those that it is told to."""

    def __init__(self, hold: HoldSettings) -> None:
        super().__init__(hold)
        self.down: set[str] = set()

    def let_go(self, ready: list[Held], kept: list[Held], *, last: bool) -> Iterator[str]:
        for entry in ready:
            name = entry[2][3]
            if name in self.down and not last:
                kept.append(entry)
            else:
                yield name


class Shard:
    """A step with the state and the timers of one shard, on a clock that is set by hand."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        hold = HoldSettings(clock=lambda: self.now, sleep=self.slept.append, **settings)
        self.step = Names(hold)
        self.held, self.wake_at, self.wake, self.end = Bag(), Value(), Timer(), Timer()
        self.step.start_bundle()

    def take(self, *tasks: Packed, person: str = "u:ada") -> None:
        for each in tasks:
            self.step.process((3, (person, each)), self.held, self.wake_at, self.wake, self.end)

    def fire(self, at: float) -> list[str]:
        self.now = at
        return list(self.step.wake(3, self.held, self.wake_at, self.wake))

    def drain(self) -> list[str]:
        return list(self.step.end(self.held, self.wake_at, self.wake))

    @property
    def wakes_at(self) -> float:
        return float(self.wake.at.micros / SECOND)


def test_what_has_waited_leaves_in_the_order_in_which_it_happened() -> None:
    shard = Shard()
    shard.take(task("second", 992), task("first", 991))
    assert shard.fire(1005.0) == ["first", "second"]


def test_steady_traffic_does_not_put_off_the_timer() -> None:
    shard = Shard()
    shard.take(task("a", 1000))
    shard.now = 1004.0
    shard.step.start_bundle()
    shard.take(task("b", 1004))
    assert shard.wakes_at == 1005.0


def test_what_came_in_later_waits_for_its_own_time() -> None:
    shard = Shard()
    shard.take(task("a", 1000))
    shard.now = 1004.0
    shard.take(task("b", 1004))
    assert shard.fire(1005.0) == ["a"]
    assert [entry[2][3] for entry in shard.held.items] == ["b"]
    assert shard.wakes_at == 1009.0


def test_an_event_that_comes_late_leaves_with_those_that_it_came_with() -> None:
    shard = Shard()
    shard.take(task("a", 1000))
    assert shard.fire(1005.0) == ["a"]
    shard.take(task("late", 10))
    assert shard.fire(1010.0) == ["late"]


def test_an_empty_shard_leaves_no_state() -> None:
    shard = Shard()
    shard.take(task("a", 900))
    shard.fire(1005.0)
    assert (shard.held.items, shard.wake_at.value) == ([], None)


def test_a_shard_that_was_emptied_in_a_bundle_is_woken_again() -> None:
    shard = Shard()
    shard.take(task("a", 900))
    shard.fire(1005.0)
    shard.take(task("b", 900))
    assert shard.wakes_at == 1010.0


def test_what_could_not_be_done_stays_and_is_tried_again() -> None:
    shard = Shard(retry_seconds=30)
    shard.step.down = {"a"}
    shard.take(task("a", 900), task("b", 901))
    assert shard.fire(1005.0) == ["b"]
    assert shard.wakes_at == 1035.0
    shard.step.down = set()
    assert shard.fire(1035.0) == ["a"]
    assert shard.held.items == []


def test_while_nothing_goes_out_less_is_taken_in() -> None:
    shard = Shard(retry_seconds=30)
    shard.step.down = {"a"}
    shard.take(task("a", 900))
    shard.fire(1005.0)
    shard.step.start_bundle()
    shard.take(task("b", 901), task("c", 902))
    assert shard.slept == [1.0]


def test_a_drain_lets_go_of_everything_in_order_even_of_what_could_not_be_done() -> None:
    shard = Shard()
    shard.step.down = {"b"}
    shard.take(task("c", 1003), task("b", 1002), task("a", 1001))
    assert shard.end.at == GlobalWindow().max_timestamp()
    assert shard.drain() == ["a", "b", "c"]
    assert (shard.held.items, shard.wake_at.value) == ([], None)


def test_a_drain_leaves_no_timer_that_an_engine_would_wait_for() -> None:
    shard = Shard()
    shard.take(task("a", 1001))
    assert shard.wake.at is not None
    shard.drain()
    assert shard.wake.at is None


def test_events_of_one_moment_leave_as_they_came() -> None:
    came = [("u:a", 5, task("x", 1, seq=2)), ("u:a", 5, task("y", 1, seq=1))]
    assert [entry[2][3] for entry in in_order(came)] == ["y", "x"]
    ready, waiting = due(came, now=10 * SECOND, seconds=5)
    assert [entry[2][3] for entry in ready] == ["y", "x"]
    assert waiting == []


class Write(beam.DoFn):  # type: ignore[misc]
    """Adds a line to a file; what a timer at the end of time gives reaches no assertion."""

    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, element: str) -> None:
        with Path(self._path).open("a") as file:
            file.write(element + "\n")


def on_an_engine(stream: Any, hold: HoldSettings, path: Path) -> list[str]:
    """What a step lets go of what a ``TestStream`` gives, in order."""
    options = PipelineOptions(["--runner=BundleBasedDirectRunner"])
    options.view_as(StandardOptions).streaming = True
    with test_pipeline.TestPipeline(options=options) as p:
        (
            p
            | stream.advance_watermark_to_infinity()
            | beam.Map(lambda element: element).with_output_types(KEYED)
            | beam.ParDo(Names(hold))
            | beam.ParDo(Write(str(path)))
        )
    return path.read_text().splitlines()


def at_the_beginning() -> float:
    return 0.0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_on_an_engine_a_drain_lets_go_of_what_is_held(tmp_path: Path) -> None:
    came = [(0, ("u:ada", task("b", 2))), (0, ("u:ada", task("a", 1)))]
    stream = test_stream.TestStream().add_elements(came)
    hold = HoldSettings(clock=at_the_beginning)
    assert on_an_engine(stream, hold, tmp_path / "gone") == ["a", "b"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_on_an_engine_the_clock_lets_go_before_anything_else_comes(tmp_path: Path) -> None:
    stream = (
        test_stream.TestStream()
        .add_elements([(0, ("u:ada", task("b", 2))), (0, ("u:ada", task("a", 1)))])
        .advance_processing_time(1)
        .add_elements([(0, ("u:ada", task("late", 0)))])
    )
    hold = HoldSettings(seconds=0, clock=at_the_beginning)
    assert on_an_engine(stream, hold, tmp_path / "gone") == ["a", "b", "late"]
