"""Into which files bundles write their lines."""

import errno
import fcntl
import os

import pytest

from pipeline.errors import SinkFailed
from pipeline.transforms import lines_out


@pytest.fixture
def out(tmp_path):
    return lines_out.lines_out(str(tmp_path), "run")


def bundle(out, line):
    out.write(line)
    out.end_bundle()


def files(directory):
    return sorted(path.read_bytes() for path in directory.glob("run-*.jsonl"))


def test_bundles_of_one_step_write_to_one_file(out, tmp_path):
    bundle(out, b"one")
    bundle(out, b"two")
    assert files(tmp_path) == [b"one\ntwo\n"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_bundle_whose_lines_are_not_on_disk_does_not_end(out, monkeypatch, code):
    def fsync(number):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(lines_out.os, "fsync", fsync)
    out.write(b"one")
    with pytest.raises(SinkFailed, match=os.strerror(code)):
        out.end_bundle()


def test_a_bundle_without_lines_makes_no_file(out, tmp_path):
    out.end_bundle()
    assert files(tmp_path) == []


def test_a_file_that_a_replay_is_at_is_left_alone(out, tmp_path):
    bundle(out, b"one")
    (path,) = tmp_path.glob("run-*.jsonl")
    with path.open("rb") as taken:
        fcntl.flock(taken.fileno(), fcntl.LOCK_EX)
        bundle(out, b"two")
    assert files(tmp_path) == [b"one\n", b"two\n"]


def test_a_file_that_is_gone_is_not_written_to(out, tmp_path):
    bundle(out, b"one")
    (path,) = tmp_path.glob("run-*.jsonl")
    path.unlink()
    bundle(out, b"two")
    assert files(tmp_path) == [b"two\n"]


def test_a_file_that_was_written_anew_is_gone_on_with(out, tmp_path):
    bundle(out, b"one")
    (path,) = tmp_path.glob("run-*.jsonl")
    other = tmp_path / "new"
    other.write_bytes(b"kept\n")
    other.replace(path)
    bundle(out, b"two")
    assert files(tmp_path) == [b"kept\ntwo\n"]


def test_after_an_hour_a_new_file_is_begun(out, tmp_path, monkeypatch):
    bundle(out, b"one")
    monkeypatch.setattr(lines_out, "_LONGEST_SECONDS", -1.0)
    bundle(out, b"two")
    assert files(tmp_path) == [b"one\n", b"two\n"]


def test_a_large_file_is_not_gone_on_with(out, tmp_path, monkeypatch):
    bundle(out, b"one")
    monkeypatch.setattr(lines_out, "_LARGEST_BYTES", 3)
    bundle(out, b"two")
    assert files(tmp_path) == [b"one\n", b"two\n"]


def test_while_a_bundle_writes_a_replay_is_shown_so(out, tmp_path):
    bundle(out, b"one")
    out.write(b"two")
    (path,) = tmp_path.glob("run-*.jsonl")
    with path.open("rb") as wanted, pytest.raises(BlockingIOError):
        fcntl.flock(wanted.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    out.end_bundle()
