"""Real processes for chaos: an emulator, and runs of the command that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class EmulatorProcess:
    """``penstock emulate`` in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "pipeline", "emulate", "--port", "0", "--limit", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def canonical_state(self) -> Any:
        """What is there now, without ids and times of the server."""
        return self.control("GET", "/state?canonical=1")

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def emulators() -> Iterator[Any]:
    """Starts emulators; stops them all at the end."""
    started: list[EmulatorProcess] = []

    def start() -> EmulatorProcess:
        started.append(EmulatorProcess())
        return started[-1]

    yield start
    for emulator in started:
        emulator.close()


def start_run(source: Path, work: Path, url: str, *options: str) -> subprocess.Popen[bytes]:
    """``penstock run`` in a process of its own."""
    command = [
        sys.executable, "-m", "pipeline", "run", "--input", str(source), "--endpoint", url,
        "--state", f"sqlite:///{work / 'state.db'}", "--dead-letters", str(work / "dead"),
        "--summary", str(work / "summary.json"), "--quiet", *options,
    ]  # fmt: skip
    environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "chaos"}
    return subprocess.Popen(command, env=environment, cwd=ROOT)
