"""The graph on Beam's portable job service with workers in other processes: the same result.

No JVM is needed: the service and the worker pool come with Beam's Python package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from tests.portable import portable_engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[list[str]]:
    with portable_engine(tmp_path) as options:
        yield options


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_portable_engine_with_other_processes_leaves_the_same_state(
    engine: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    source = tmp_path / "events.jsonl"
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)
    source.write_bytes(b"".join(lines[:600]))
    found: list[tuple[Any, Any]] = []
    for name, options in (("local", []), ("portable", engine)):
        with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
            summary = tmp_path / f"{name}.json"
            args = ["run", "--input", str(source), "--endpoint", emulator.url, "--quiet",
                    "--state", f"sqlite:///{tmp_path / name}.db", "--summary", str(summary),
                    "--dead-letters", str(tmp_path / name)]  # fmt: skip
            assert exit_code_of([*args, *options]) == 0
            account = json.loads(summary.read_text())
            parts = {key: account[key] for key in ("received", "delivered", "skipped", "dead")}
            found.append((emulator.canonical_state, parts))
    assert found[0] == found[1]


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_stream_on_it_leaves_the_state_of_a_batch(
    engine: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    source = tmp_path / "events.jsonl"
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)
    source.write_bytes(b"".join(lines[:300]))
    found: list[Any] = []
    streaming = ["--streaming", "--hold-back", "2", *engine]
    for name, options in (("batch", []), ("stream", streaming)):
        with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
            args = ["run", "--input", str(source), "--endpoint", emulator.url, "--quiet",
                    "--state", f"sqlite:///{tmp_path / name}.db",
                    "--dead-letters", str(tmp_path / name)]  # fmt: skip
            assert exit_code_of([*args, *options]) == 0
            found.append(emulator.canonical_state)
    assert found[0] == found[1]
