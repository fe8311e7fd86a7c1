"""Dead letters are on the disk while the run that made them is still delivering."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.conftest import start_run

TRACK = {"type": "identify", "userId": "u1", "timestamp": "2024-01-01T00:00:00Z", "traits": {}}


@pytest.mark.integration
def test_a_killed_run_leaves_the_letters_of_what_it_refused(emulators: Any, tmp_path: Path) -> None:
    emulator = emulators()
    emulator.control("POST", "/faults", {"kind": "latency", "seconds": 60, "after": 1})
    source = tmp_path / "events.jsonl"
    source.write_text("\n".join([json.dumps(TRACK), "no JSON", json.dumps({"type": "other"})]))
    process = start_run(source, tmp_path, emulator.url, "--concurrency", "1")
    try:
        _wait_until_delivering(emulator, process)
        time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    letters = [
        json.loads(line)
        for file in (tmp_path / "dead").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert len(letters) == 2


def _wait_until_delivering(emulator: Any, process: Any) -> None:
    for _ in range(300):
        if len(emulator.control("GET", "/requests")["requests"]) > 1:
            return
        assert process.poll() is None
        time.sleep(0.1)
    pytest.fail("the run sent nothing")
