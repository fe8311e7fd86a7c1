"""A disk that takes no more lines ends a run with a sentence."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import SinkFailed
from pipeline.transforms import lines_out
from pipeline.transforms.failures import FAILURES


class Full(io.BytesIO):
    """A file on a full disk."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    FAILURES.clear()


def test_a_full_disk_is_said_with_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(*args: Any) -> Full:
        return Full()

    monkeypatch.setattr(FileSystems, "create", create)
    out = lines_out.lines_out(str(tmp_path), "run")
    with pytest.raises(SinkFailed, match=rf"cannot write to {tmp_path}: No space left on device"):
        out.write(b"one")
    assert len(FAILURES) == 1


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkFailed, match="cannot write to"):
        lines_out.lines_out(str(tmp_path / "file" / "dead"), "run").write(b"one")
