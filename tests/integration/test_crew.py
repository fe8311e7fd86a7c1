"""The processes of a run: one that is gone or not waited for is no part of later work."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import StateDown, UsageError
from pipeline.flow.spool import SpoolError
from pipeline.run.processes import Crew, Work

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Told:
    """Work that waits until a file is there, fails, or kills its process, as it is told."""

    name: str
    until: Path | None = None
    fails: bool = False
    dies: bool = False
    sends = False

    def __call__(self) -> Counter[str]:
        while self.until is not None and not self.until.exists():
            time.sleep(0.02)
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fails:
            raise StateDown(self.name)
        return Counter({self.name: 1, "process": os.getpid()})


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    with Crew(tmp_path) as crew:
        yield crew


def done(crew: Crew, *works: Told) -> list[int]:
    return [
        end.counts[work.name] for work, end in zip(works, crew.do(map(Work, works)), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class FillsTheDisk:
    sends = False

    def __call__(self) -> Counter[str]:
        message = "no space left"
        raise SpoolError(message)


def test_a_full_disk_is_no_bug_in_any_process(crew: Crew) -> None:
    ends = crew.do([Work(FillsTheDisk()), Work(FillsTheDisk())])
    (failure,) = [end.failure for end in ends if end.failure is not None]
    assert isinstance(failure, UsageError)
    assert str(failure) == "no space left"


def test_what_is_not_waited_for_is_no_answer_to_later_work(crew: Crew, tmp_path: Path) -> None:
    go = tmp_path / "go"
    first, _ = crew.do([Work(Told("a", fails=True)), Work(Told("b", until=go))])
    assert str(first.failure) == "a"
    later = [Work(Told("c")), Work(Told("d", until=go))]
    go.touch()
    assert [end.counts["d"] for end in crew.do(later)] == [0, 1]


def test_a_process_that_was_killed_is_waited_for_by_no_later_work(crew: Crew) -> None:
    first, _ = crew.do([Work(Told("a", dies=True)), Work(Told("b"))])
    assert "SIGKILL" in str(first.failure)
    assert done(crew, Told("c"), Told("d")) == [1, 1]


def test_a_process_that_dies_with_nothing_to_do_is_replaced(crew: Crew) -> None:
    ends = crew.do([Work(Told("a")), Work(Told("b"))])
    killed = ends[1].counts["process"]
    os.kill(killed, signal.SIGKILL)
    os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)
    assert done(crew, Told("c"), Told("d")) == [1, 1]


def test_processes_import_nothing_from_the_directory_of_the_call(
    crew: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    assert done(crew, Told("a"), Told("b")) == [1, 1]
