"""Reading lines from slices of files."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.transforms import read
from pipeline.transforms.read import Line, Unreadable, lines_of, read_slice, slices_of

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
            for _, line in lines_of(io.BytesIO(data), start, end)
        ]
    finally:
        read.CHUNK_BYTES = old
    expected = data.split(b"\n")
    assert [line for line in found if line] == [line for line in expected if line]


def test_offsets_say_where_a_line_begins() -> None:
    assert list(lines_of(io.BytesIO(b"ab\ncd\n"))) == [(0, b"ab"), (3, b"cd")]


def test_of_an_endless_line_only_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "CHUNK_BYTES", 4)
    monkeypatch.setattr(read, "LONGEST_KEPT_LINE", 8)
    (_, kept), second = lines_of(io.BytesIO(b"x" * 100 + b"\nnext\n"))
    assert len(kept) <= 16
    assert second == (101, b"next")


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
    path.write_bytes(gzip.compress(b"one\ntwo\n" * 10_000)[:-20])
    (part,) = slices_of(str(path), 100, shown_as="e", slice_bytes=1 << 20)
    *_, last = read_slice(part)
    assert isinstance(last, Unreadable)
