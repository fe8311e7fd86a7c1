"""The directory of a run: private, gone with it, and swept where a run was killed."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.run.places import hold, run_place


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_only_this_user_can_look_into_it_and_it_is_gone_afterwards(temporary: Path) -> None:
    with run_place() as place:
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        (place / "file").write_bytes(b"events")
    assert list(temporary.iterdir()) == []


def test_that_of_another_run_at_work_stays() -> None:
    with run_place() as one, run_place():
        assert one.exists()


def test_what_a_killed_run_left_is_swept(temporary: Path) -> None:
    with run_place() as one:
        left = temporary / "penstock-run-left"
        shutil.copytree(one, left)
    with run_place():
        assert not left.exists()


def test_what_another_user_put_there_is_not_touched(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = temporary / "penstock-run-left"
    left.mkdir()
    (left / ".lock").touch()
    monkeypatch.setattr(os, "getuid", lambda: temporary.stat().st_uid + 1)
    with run_place():
        assert left.exists()


def test_it_stays_while_a_process_of_the_run_works(temporary: Path) -> None:
    with run_place() as one:
        left = temporary / "penstock-run-left"
        shutil.copytree(one, left)
    lock = hold(left)
    with run_place():
        assert left.exists()
    os.close(lock)


def test_without_a_place_for_it_the_message_says_what_to_do(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "none"))
    with pytest.raises(UsageError, match="TMPDIR"), run_place():
        pass
