"""A server in a process of its own, that never outlives us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

START_SECONDS = 180.0


class Unavailable(Exception):
    """This machine lacks what a service needs; the text says what, and how to get it."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def as_user(name: str | None) -> dict[str, Any]:
    """What starts a process as another user; nothing for None."""
    return {"user": name, "group": name, "extra_groups": []} if name else {}


class ServerProcess:
    """Starts, stops and kills one command; its output goes to ``log``.

    Args:
        command: What to run.
        log: Where it writes what it says; appended to.
        ready: Whether it answers; asked until it does.
        user: Whom to run it as, where we are root; None for ourselves.
        environment: In addition to our own.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        ready: Callable[[], bool],
        *,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._log = log
        self._ready = ready
        self._user = user
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: It ended, or did not answer in three minutes; with the end of its log.
        """
        assert not self.running
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                env=self._environment,
                start_new_session=True,
                **as_user(self._user),
            )
        self._guard = _guard(self._process.pid)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                said = self._log.read_text("utf-8", "replace")[-2000:]
                message = f"{self._command[0]} does not come up:\n{said}"
                raise RuntimeError(message)
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 20.0) -> None:
        """Ask it to end, and kill it if it does not."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(how)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._ended()

    def kill(self) -> None:
        """``kill -9``, as a machine that is gone would look."""
        if self._process is None:
            return
        if self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._ended()

    def _ended(self) -> None:
        assert self._process is not None
        assert self._guard is not None
        self._process.wait()
        self._guard.kill()
        self._guard.wait()
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._process = self._guard = None


def _guard(pid: int) -> subprocess.Popen[bytes]:
    """Kills the server when we are gone, however we went: its standard input ends with us."""
    command = ["sh", "-c", f"cat >/dev/null; kill -9 -{pid}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def wait_for_the_end() -> None:
    """Until somebody interrupts or terminates us; so the command of a service waits."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
