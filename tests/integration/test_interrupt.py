"""Ctrl-C and SIGTERM in the middle of a run: everything accounted for, and kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_accounts_for_everything(number: int, tmp_path: Path) -> None:
    settings = EmulatorSettings(token=None, limit=None, latency_ms=60)
    summary = tmp_path / "summary.json"
    with Emulator(settings=settings) as emulator:
        command = [
            sys.executable, "-m", "pipeline", "run", "--endpoint", emulator.url, "--quiet",
            "--input", str(ROOT / "examples" / "events.jsonl"), "--summary", str(summary),
            "--dead-letters", str(tmp_path / "dead"), "--state", f"sqlite:///{tmp_path / 's.db'}",
        ]  # fmt: skip
        environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "t"}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while len(emulator.requests) < 50 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    account = json.loads(summary.read_text())
    parts = [sum(account[group].values()) for group in ("skipped", "merged", "dead")]
    letters = [
        line
        for file in (tmp_path / "dead").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert account["received"] == account["delivered"] + sum(parts)
    assert account["dead"]["undelivered"] > 0
    assert len(letters) == sum(account["dead"].values())
