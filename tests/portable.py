"""Beam's own job service and a pool of workers: an engine in other processes, without a JVM."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVICE = "apache_beam.runners.portability.local_job_service_main"
POOL = "apache_beam.runners.worker.worker_pool_main"


@contextmanager
def portable_engine(
    directory: Path,
    *,
    workers: Path = Path(sys.executable),
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[list[str]]:
    """Runs the engine; gives the options that lead a run to it.

    Args:
        directory: For its log.
        workers: The Python of the workers, which find the checkout only if it is this one.
        options: For the pool of workers.
        environment: Variables of the workers.
    """
    service_port, pool_port = _free_port(), _free_port()
    ours = {"PYTHONPATH": str(ROOT)} if workers == Path(sys.executable) else {}
    started = []
    with (directory / "engine.log").open("wb") as log:
        for python, port, arguments in (
            (Path(sys.executable), service_port, [SERVICE, "--port", str(service_port)]),
            (workers, pool_port, [POOL, "--service_port", str(pool_port), *options]),
        ):
            process = subprocess.Popen(
                [python, "-m", *arguments],
                # the pool starts a bare `python`
                env={
                    **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                    "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]]),
                    "INTERCOM_ACCESS_TOKEN": "t",
                    **ours,
                    **(environment or {}),
                },
                cwd=directory,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            started.append(process)
            _wait_for(port, process)
        try:
            yield [
                "--runner", "PortableRunner", "--job_endpoint", f"localhost:{service_port}",
                "--environment_type", "EXTERNAL", "--environment_config", f"localhost:{pool_port}",
            ]  # fmt: skip
        finally:
            for process in started:
                os.killpg(process.pid, 9)
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens there, a minute at most."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"nothing listens on {port}"
    raise AssertionError(message)
