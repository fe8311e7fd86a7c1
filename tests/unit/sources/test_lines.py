"""Lines out of pieces, lines of a pipe, and how far partitions may be committed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.lines import Lines
from pipeline.sources.positions import Positions
from pipeline.sources.record import Record
from pipeline.sources.standard_input import StandardInput


@given(st.lists(st.binary(max_size=8).map(lambda piece: piece.replace(b"x", b"\n"))))
def test_however_the_bytes_come_the_lines_are_the_same(chunks):
    lines = Lines()
    found = [piece for chunk in chunks for piece in lines.feed(chunk)]
    rest = lines.take_rest()
    found += [rest] if rest else []
    whole = b"".join(chunks)
    expected = whole.split(b"\n")
    expected = expected if expected[-1] else expected[:-1]
    assert [piece.text for piece in found] == [line.removesuffix(b"\r") for line in expected]
    assert [piece.next for piece in found[:-1]] == [piece.start for piece in found[1:]]
    assert not found or found[-1].next == len(whole)


def test_a_long_line_is_cut_and_says_how_long_it_is():
    lines = Lines(longest=3)
    cut, whole = lines.feed(b"abcdef\nabc\n")
    assert (cut.text, cut.length, cut.next) == (b"abc", 6, 7)
    assert (whole.text, whole.length) == (b"abc", None)


def record(partition, position):
    return Record(b"", "", partition, position, position + 1, 0)


def begun(positions, *places):
    records = [record(*place) for place in places]
    for each in records:
        positions.begin(each)
    return records


def test_a_partition_is_committed_up_to_the_first_record_that_is_not_done():
    positions = Positions()
    a, _, c = begun(positions, ("p", 1), ("p", 2), ("p", 3))
    positions.finish([a, c])
    assert positions.committable() == {"p": 2}


def test_a_partition_of_which_all_is_done_is_committed_to_its_end_and_forgotten():
    positions = Positions()
    positions.finish(begun(positions, ("p", 1), ("p", 2), ("q", 7)))
    assert positions.committable() == {"p": 3, "q": 8}
    assert positions.committable() == {}
    assert (positions._open, positions._read, positions._told) == ({}, {}, {})


def test_nothing_is_committed_again_that_did_not_move():
    positions = Positions()
    first, *_ = begun(positions, ("p", 1), ("p", 2), ("p", 3))
    positions.finish([first])
    positions.committable()
    assert positions.committable() == {}


def test_a_partition_that_was_taken_away_is_not_committed():
    positions = Positions()
    records = begun(positions, ("p", 1))
    positions.forget("p")
    positions.finish(records)
    assert positions.committable() == {}


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def test_standard_input_is_given_line_by_line_until_it_ends(pipe):
    reading, writing = pipe
    source = StandardInput(reading, clock=lambda: 7.0)
    os.write(writing, b"one\n\ntwo\nhalf")
    assert [each.text for each in source.poll(1, 1)] == [b"one"]
    assert [(each.text, each.origin) for each in source.poll(9, 1)] == [(b"two", "<stdin>:3")]
    assert source.poll(9, 0) == []
    os.close(writing)
    assert [each.text for each in source.poll(9, 1)] == [b"half"]
    assert source.finished


def test_standard_input_is_not_finished_before_everything_was_given(pipe):
    reading, writing = pipe
    os.write(writing, b"one\ntwo\n")
    os.close(writing)
    source = StandardInput(reading)
    source.poll(1, 1)
    assert not source.finished
    source.poll(1, 1)
    source.poll(1, 1)
    assert source.finished
