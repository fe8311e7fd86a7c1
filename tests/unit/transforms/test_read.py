"""Reading lines from slices of files."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.decode import LONGEST_LINE, decode_line
from pipeline.model.event import Rejected
from pipeline.model.refusal import Refusal
from pipeline.transforms import read
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.letters import ReadLetters
from pipeline.transforms.read import Line, Slice, Unreadable, lines_of, read_slice, slices_of

LINES = st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")))


@given(LINES, st.lists(st.integers(0, 150)), st.booleans(), st.integers(1, 9))
def test_slices_together_give_every_line_once(
    lines: list[bytes], cuts: list[int], ends_with_break: bool, chunk: int
) -> None:
    data = b"\n".join(lines) + (b"\n" if ends_with_break else b"")
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)})]
    old, read.CHUNK_BYTES = read.CHUNK_BYTES, chunk
    try:
        found = [
            line
            for start, end in zip(bounds, [*bounds[1:], None], strict=True)
            for _, line, _ in lines_of(io.BytesIO(data), start, end)
        ]
    finally:
        read.CHUNK_BYTES = old
    expected = data.split(b"\n")
    assert [line for line in found if line] == [line for line in expected if line]


def test_offsets_say_where_a_line_begins() -> None:
    assert list(lines_of(io.BytesIO(b"ab\ncd\n"))) == [(0, b"ab", 2), (3, b"cd", 2)]


@pytest.mark.parametrize("chunk", [3, 4, 1000])
def test_of_an_endless_line_the_beginning_is_kept_and_its_length(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(read, "CHUNK_BYTES", chunk)
    stream = io.BytesIO(b"12345678" + b"x" * 92 + b"}\nnext\n" + b"y" * 9)
    assert list(lines_of(stream, longest=8)) == [
        (0, b"12345678", 101),
        (102, b"next", 4),
        (107, b"y" * 8, 9),
    ]


def test_a_line_that_was_cut_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    event = b'{"type":"track","userId":"u","event":"x"}'
    length = 40 << 20
    path = tmp_path / "events.jsonl"
    path.write_bytes(event + b" " * (length - len(event) - 1) + b"}\n" + event)
    (part,) = slices_of(str(path), path.stat().st_size, shown_as="e", slice_bytes=1 << 30)
    long, short = read_slice(part)
    assert isinstance(long, Line)
    assert isinstance(short, Line)
    assert short.length is None
    (found,) = decode_line(long.text, origin="e", now=0, max_bytes=1 << 30, length=long.length)
    assert isinstance(found, Rejected)
    assert found.refusal.reason == "too_large"
    assert f"{length} bytes" in found.refusal.details[0].message
    (again,) = decode_line(found.raw, origin="e", now=0, max_bytes=1 << 30)
    assert isinstance(again, Rejected)
    assert again.refusal.reason == "too_large"


def test_a_dead_letter_is_never_cut(tmp_path: Path) -> None:
    rejected = Rejected(
        b"x" * LONGEST_LINE, "e:1", Refusal.because("too_large", "long"), None, "m", None
    )
    letter = DeadLetterFormat("m", "f").of_event(rejected, rejected.refusal, stage="decode")
    path = tmp_path / "letters.jsonl"
    path.write_bytes(letter + b"\n")
    (line,) = ReadLetters().process(Slice(str(path), 0, None, "uncompressed", "e"))
    assert isinstance(line, Line)
    assert line.text == rejected.raw


def test_gzip_is_recognised_without_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    (part,) = slices_of(str(path), path.stat().st_size, shown_as="events", slice_bytes=4)
    assert [line.text for line in read_slice(part) if isinstance(line, Line)] == [b"one", b"two"]


def test_line_numbers_count_blank_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"one\n\r\n\nfour\r\n")
    (part,) = slices_of(str(path), 12, shown_as="e", slice_bytes=100)
    assert list(read_slice(part)) == [Line(b"one", "e:1", 0), Line(b"four", "e:4", 7)]


def test_a_damaged_archive_gives_what_can_be_read_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    lines = b"".join(b"%d %d\n" % (number, number**5) for number in range(10_000))
    path.write_bytes(gzip.compress(lines)[:-2000])
    (part,) = slices_of(str(path), 100, shown_as="e", slice_bytes=1 << 20)
    *read, last = read_slice(part)
    assert isinstance(last, Unreadable)
    assert len(read) > 5_000


@given(LINES, st.integers(1, 40), st.booleans())
def test_lines_have_the_same_numbers_in_whichever_slices_they_are(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], slice_bytes: int, last: bool
) -> None:
    path = tmp_path_factory.mktemp("slices") / "events"
    path.write_bytes(b"\n".join(lines) + (b"\n" if last else b""))
    size = path.stat().st_size

    def found(most: int) -> list[object]:
        parts = slices_of(str(path), size, shown_as="e", slice_bytes=most)
        return [line for part in parts for line in read_slice(part)]

    assert found(slice_bytes) == found(size + 1)
