"""The graph on Beam's portable job service with workers in other processes: the same result.

No JVM is needed: the service and the worker pool come with Beam's Python package.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of

ROOT = Path(__file__).resolve().parents[2]
SERVICE = "apache_beam.runners.portability.local_job_service_main"
POOL = "apache_beam.runners.worker.worker_pool_main"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens there, a minute at most."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"nothing listens on {port}"
    raise AssertionError(message)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[list[str]]:
    """A job service and a pool of workers; the options that lead a run to them."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(paths),
        "PYTHONPATH": str(ROOT),
        "INTERCOM_ACCESS_TOKEN": "t",
    }
    service_port, pool_port = free_port(), free_port()
    processes = []
    with (tmp_path / "engine.log").open("wb") as log:
        for module, option, port in (
            (SERVICE, "--port", service_port),
            (POOL, "--service_port", pool_port),
        ):
            command = [sys.executable, "-m", module, option, str(port)]
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            processes.append(process)
            wait_for(port, process)
        yield [
            "--runner", "PortableRunner", "--job_endpoint", f"localhost:{service_port}",
            "--environment_type", "EXTERNAL", "--environment_config", f"localhost:{pool_port}",
        ]  # fmt: skip
        for process in processes:
            os.killpg(process.pid, 9)
            process.wait()


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
