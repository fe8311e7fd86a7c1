"""The loop of a stream: what is delivered when, what is committed, and how it ends."""

import json
import os
from collections import Counter
from itertools import pairwise

import pytest

from pipeline.flow.hold_back import HoldBackPolicy
from pipeline.run.micro_batches import BatchPolicy, MicroBatches
from pipeline.sources.record import Record
from pipeline.sources.standard_input import StandardInput

START = 1_700_000_000.0


class Source:
    """Gives records at their times; a script of (seconds, key, event time, position)."""

    def __init__(self, rig, *, rereads=True):
        self._rig = rig
        self.rereads = rereads
        self.finished = False
        self.ready_at = 0.0
        self.script = []
        self.committed = []
        self.polls = []
        self.taken = frozenset()
        self.closed = False

    @property
    def ready(self):
        return self._rig.now >= self.ready_at

    def add(self, key, *, at=0.0, time=None, partition="p", text=b"", position=None):
        time = at if time is None else time
        moment = int((START + time) * 1000)
        text = text or json.dumps({"userId": key, "timestamp": moment, "n": len(self.script)})
        place = len(self.script) if position is None else position
        self.script.append((START + at, partition, place, text))

    def poll(self, limit, wait):
        self.polls.append(limit)
        ready = [each for each in self.script if each[0] <= self._rig.now][:limit]
        if not ready:
            self._rig.now += max(wait, 0.01)
            return []
        self.script = [each for each in self.script if each not in ready]
        return [self._record(*each) for each in ready]

    def _record(self, at, partition, place, text):
        raw = text.encode() if isinstance(text, str) else text
        arrived = int(at * 1_000_000)
        return Record(raw, f"{partition}@{place}", partition, place, place + 1, arrived)

    def left(self):
        return []

    def revoked(self):
        taken, self.taken = self.taken, frozenset()
        return taken

    def noticed(self):
        return Counter()

    def commit(self, positions):
        self.committed.append(dict(positions))


class Rig:
    """A loop with a source, a clock, and a destination that takes everything."""

    def __init__(self):
        self.now = START
        self.batches = []
        self.draining = False
        self.fails_at = None
        self.source = Source(self)

    def sleep(self, seconds):
        self.now += max(seconds, 0.001)

    def carry(self, records):
        self.batches.append((self.now - START, [record.position for record in records]))
        return self.fails_at is None or len(self.batches) < self.fails_at

    def run(self, *, hold=None, drains=lambda rig: rig.draining, **policy):
        self.loop = MicroBatches(
            self.source,
            self.carry,
            policy=BatchPolicy(**{"until_idle": 1.0, **policy}),
            hold_back=HoldBackPolicy(**{"seconds": 5.0, **(hold or {})}),
            is_draining=lambda: drains(self),
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        return self.loop.run()

    def delivered(self):
        return [position for _, positions in self.batches for position in positions]


@pytest.fixture
def rig():
    return Rig()


def test_everything_that_comes_is_delivered_once_and_committed(rig):
    for number in range(10):
        rig.source.add(f"u{number % 3}", at=number / 2)
    assert rig.run()
    assert sorted(rig.delivered()) == list(range(10))
    assert rig.source.committed[-1] == {"p": 10}


def test_a_person_s_events_are_delivered_in_the_order_they_happened(rig):
    rig.source.add("u", at=0, time=2)
    rig.source.add("u", at=1, time=1)
    rig.run()
    assert rig.delivered() == [1, 0]


def test_only_what_lies_before_the_first_held_record_is_committed(rig):
    rig.source.add("u", at=0, time=0)
    rig.source.add("u", at=0, time=-10)
    rig.run()
    assert rig.delivered() == [1, 0]
    assert rig.source.committed == [{"p": 0}, {"p": 2}]


def test_records_of_the_same_half_second_are_delivered_together(rig):
    for _ in range(5):
        rig.source.add("u", at=0)
    rig.run()
    assert len(rig.batches) == 1


def test_two_micro_batches_begin_no_sooner_than_the_linger_after_one_another(rig):
    for number in range(8):
        rig.source.add("u", at=number / 10)
    rig.run(hold={"seconds": 0.0}, linger=0.5)
    times = [time for time, _ in rig.batches]
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(times))
    assert times[0] < 0.1


def test_what_came_during_a_long_micro_batch_does_not_linger_once_more(rig):
    for number in range(3):
        rig.source.add("u", at=number)
    carry = rig.carry

    def slow(records):
        done = carry(records)
        rig.now += 2
        return done

    rig.carry = slow
    rig.run(hold={"seconds": 0.0}, linger=0.5)
    assert [positions for _, positions in rig.batches] == [[0], [1, 2]]
    assert rig.batches[1][0] < 2.1


def test_no_batch_is_larger_than_it_may_be(rig):
    for _ in range(7):
        rig.source.add("u", at=0)
    rig.run(events=3)
    assert [len(positions) for _, positions in rig.batches] == [3, 3, 1]


def test_an_idle_source_still_flushes_within_the_hold_back_and_the_linger(rig):
    rig.source.add("u", at=0)
    rig.run(until_idle=60.0)
    assert rig.batches[0][0] <= 5.0 + 0.5 + 0.25


def test_what_nobody_can_look_into_is_not_held(rig):
    rig.source.add("u", at=0, text=b"junk")
    rig.run()
    assert rig.batches[0][0] <= 1.0


def test_with_no_hold_back_nothing_is_held(rig):
    rig.source.add("u", at=0, time=2)
    rig.source.add("u", at=0, time=1)
    rig.run(hold={"seconds": 0.0})
    assert rig.delivered() == [0, 1]


def test_nothing_is_polled_while_too_much_is_held(rig):
    for _ in range(9):
        rig.source.add("u", at=0)
    rig.run(hold={"most": 4})
    assert max(rig.source.polls) <= 4
    assert sorted(rig.delivered()) == list(range(9))
    assert rig.loop.waiting == 0


def test_what_is_held_never_exceeds_what_may_be(rig):
    for _ in range(50):
        rig.source.add("u", at=0)
    most = 0
    carry = rig.carry

    def watched(records):
        nonlocal most
        most = max(most, rig.loop.waiting)
        return carry(records)

    rig.carry = watched
    rig.run(hold={"most": 10}, events=5)
    assert most <= 10 + 5


def test_draining_delivers_what_is_held_reads_nothing_more_and_commits(rig):
    rig.source.add("u", at=0)
    rig.source.add("u", at=100)
    assert rig.run(drains=lambda rig: rig.now > START + 1, until_idle=None)
    assert rig.delivered() == [0]
    assert rig.source.committed == [{"p": 1}]
    assert rig.now < START + 2


def test_a_batch_that_could_not_be_done_is_not_committed_and_ends_the_stream(rig):
    for number in range(4):
        rig.source.add("u", at=number)
    rig.fails_at = 2
    assert not rig.run(hold={"seconds": 0.0}, linger=0.0, until_idle=5.0)
    assert rig.delivered() == [0, 1]
    assert rig.source.committed == [{"p": 1}]


def test_what_cannot_be_read_again_goes_through_before_the_stream_ends(rig):
    rig.source.rereads = False
    for number in range(4):
        rig.source.add("u", at=0, time=number)
    rig.source.add("u", at=0, text=b"junk")
    rig.fails_at = 1
    assert not rig.run()
    assert sorted(rig.delivered()) == [0, 1, 2, 3, 4]


def test_a_stream_ends_with_its_source(rig):
    rig.source.add("u", at=0)

    def ended(rig):
        rig.source.finished = not rig.source.script
        return False

    assert rig.run(drains=ended, until_idle=None)
    assert rig.delivered() == [0]


def test_a_stream_ends_after_as_many_records_as_were_asked_for(rig):
    for _ in range(9):
        rig.source.add("u", at=0)
    assert rig.run(max_events=4, until_idle=None)
    assert sorted(rig.delivered()) == [0, 1, 2, 3]


def test_a_stream_is_not_idle_while_something_is_held(rig):
    rig.source.add("u", at=0)
    assert rig.run(until_idle=0.1)
    assert rig.delivered() == [0]


def test_the_time_that_a_batch_takes_is_no_idle_time(rig):
    for _ in range(6):
        rig.source.add("u", at=0)
    carry = rig.carry

    def slow(records):
        rig.now += 10
        return carry(records)

    rig.carry = slow
    assert rig.run(hold={"seconds": 0.0}, events=2, until_idle=1.0)
    assert rig.delivered() == [0, 1, 2, 3, 4, 5]


def test_what_was_taken_away_is_neither_delivered_nor_committed(rig):
    rig.source.add("u", at=0, partition="mine", position=7)
    rig.source.add("u", at=0, partition="gone", position=1)

    def take(rig):
        if rig.now > START + 2:
            rig.source.taken = frozenset({"gone"})
        return False

    rig.run(drains=take)
    assert rig.delivered() == [7]
    assert rig.source.committed == [{"mine": 8}]


def test_what_comes_again_of_a_partition_that_came_back_is_delivered(rig):
    rig.source.add("u", at=0, partition="p", position=1)
    rig.source.add("u", at=3, partition="p", position=1)
    taken = []

    def take(rig):
        if rig.now > START + 2.5 and not taken:
            taken.append(True)
            rig.source.taken = frozenset({"p"})
        return False

    rig.run(drains=take, until_idle=4.0)
    assert rig.delivered() == [1]
    assert rig.source.committed == [{"p": 2}]


def test_the_latency_is_from_reading_to_being_done(rig):
    rig.source.add("u", at=0)
    rig.run()
    assert 5.0 <= rig.loop.latencies.percentile(0.5) <= 5.8


def test_nothing_grows_over_thousands_of_micro_batches(rig):
    for number in range(6_000):
        rig.source.add(f"u{number}", at=float(number), partition=f"file{number}")
    sizes = []
    script = sorted(rig.source.script)
    rig.source.script = []

    def feed(rig):
        while script and script[0][0] <= rig.now:
            rig.source.script.append(script.pop(0))
        if len(rig.batches) % 1000 == 0:
            loop = rig.loop
            tracked = loop._positions
            sizes.append(
                sum(map(len, (tracked._open, tracked._read, tracked._told)))
                + len(loop._held._arrivals)
                + loop._held._heaped
                + len(loop._held._people)
                + len(loop.latencies._classes)
            )
        return False

    rig.run(drains=feed, until_idle=60.0)
    assert len(rig.batches) > 5_000
    assert max(sizes) < 1_500


def test_a_source_that_is_not_ready_yet_is_not_idle(rig):
    rig.source.ready_at = START + 20
    rig.source.add("u", at=20.5)
    rig.run(until_idle=1.0)
    assert rig.delivered() == [0]


def test_what_a_source_that_cannot_read_again_has_taken_in_is_delivered_in_a_drain():
    read, write = os.pipe()
    lines = [json.dumps({"userId": "u", "n": number}).encode() + b"\n" for number in range(50)]
    os.write(write, b"".join(lines))
    given = []
    loop = MicroBatches(
        StandardInput(read),
        lambda records: given.extend(record.text for record in records) or True,
        policy=BatchPolicy(events=10),
        hold_back=HoldBackPolicy(seconds=0.0),
        is_draining=lambda: bool(given),
    )
    assert loop.run()
    assert [text + b"\n" for text in given] == lines
    os.close(write)
    os.close(read)
