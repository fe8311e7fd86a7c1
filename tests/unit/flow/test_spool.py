"""The spool: whatever is written is read, once, and nothing of one key is in two partitions."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.packing import Packed
from pipeline.flow.spool import (
    SpoolError,
    SpoolReader,
    SpoolWriter,
    partition_of,
    partitions_for,
    spread,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TASKS = st.tuples(
    st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1), TEXTS, TEXTS,
    st.binary(), st.binary(max_size=300),
)  # fmt: skip
RECORDS = st.lists(st.tuples(TEXTS, TASKS), max_size=30)


def write(folder: Path, records: list[Any], partitions: int, **options: int) -> None:
    writer: SpoolWriter[Any] = SpoolWriter(folder, partitions, **options)
    for key, value in records:
        writer.add(key, value, len(value[4]) + len(value[5]))
    writer.close()


@given(RECORDS, RECORDS, st.integers(1, 9), st.sampled_from([0, 500, 1 << 20]))
def test_whatever_is_written_is_read_under_its_key_in_its_order(
    some: list[Any], more: list[Any], partitions: int, buffered: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "spool")
        write(place, some, partitions, buffered=buffered)
        write(place, more, partitions, buffered=buffered)
        reader: SpoolReader[Packed] = SpoolReader(place, Packed)
        found: dict[str, list[Any]] = {}
        for partition in reader.partitions:
            groups = reader.groups(partition)
            assert not found.keys() & groups.keys()
            found |= groups
        expected = defaultdict(list)
        for key, value in [*some, *more]:
            expected[key].append(value)
        assert {key: sorted(values) for key, values in found.items()} == {
            key: sorted(values) for key, values in expected.items()
        }
        one: dict[str, list[Any]] = {key: [v for k, v in some if k == key] for key, _ in some}
        if not more:
            assert found == one


@given(TEXTS, st.integers(1, 1024))
def test_a_key_has_one_partition_of_those_there_are(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
    assert partition_of(key, partitions) == partition_of(key, partitions)


def test_keys_are_spread() -> None:
    found = [partition_of(f"u:{number}", 4) for number in range(1000)]
    assert min(found.count(place) for place in range(4)) > 200


def test_only_the_user_can_read_the_files(tmp_path: Path) -> None:
    write(tmp_path / "spool", [("u:1", (1, 2, "track", "m", b"{}", b""))], 1)
    (file,) = (tmp_path / "spool").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_little_waits_in_memory(tmp_path: Path) -> None:
    writer: SpoolWriter[Packed] = SpoolWriter(tmp_path / "spool", 2, buffered=1000)
    for number in range(100):
        writer.add(f"u:{number}", (1, number, "track", "m", b"x" * 100, b""), 100)
    written = sum(file.stat().st_size for file in (tmp_path / "spool").iterdir())
    assert written > 100 * 100 - 1000


def test_what_is_dropped_takes_no_room(tmp_path: Path) -> None:
    write(tmp_path / "spool", [("u:1", (1, 2, "track", "m", b"{}", b""))], 1)
    reader: SpoolReader[Packed] = SpoolReader(tmp_path / "spool", Packed)
    reader.drop(0)
    assert list((tmp_path / "spool").iterdir()) == []
    assert reader.partitions == []


def test_a_spool_that_nobody_wrote_is_empty(tmp_path: Path) -> None:
    assert SpoolReader[Packed](tmp_path / "none", Packed).partitions == []


def test_a_full_disk_says_where_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer: SpoolWriter[Packed] = SpoolWriter(tmp_path / "spool", 1)
    writer.add("u:1", (1, 2, "track", "m", b"{}", b""), 10)
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(SpoolError, match=r"No space left on device.*TMPDIR"):
        writer.close()


def test_a_file_that_is_cut_off_is_no_empty_one(tmp_path: Path) -> None:
    write(tmp_path / "spool", [("u:1", (1, 2, "track", "m", b"{}", b""))], 1)
    (file,) = (tmp_path / "spool").iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(SpoolError, match="cannot read the spool"):
        SpoolReader[Packed](tmp_path / "spool", Packed).groups(0)


@pytest.mark.parametrize(
    ("size", "at_least", "expected"),
    [(0, 1, 1), (100, 1, 1), (101, 1, 2), (10**9, 1, 8), (0, 4, 4)],
)
def test_there_are_as_many_partitions_as_the_input_needs(
    size: int, at_least: int, expected: int
) -> None:
    found = partitions_for(size, partition_bytes=100, at_least=at_least, at_most=8)
    assert found == expected


def test_partitions_are_shared_out_evenly() -> None:
    assert spread([1, 2, 3, 4, 5], 2) == [[1, 3, 5], [2, 4]]
