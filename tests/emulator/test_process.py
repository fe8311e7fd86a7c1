"""The emulator as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from destinations.intercom.emulator import EmulatorSettings, serve
from destinations.intercom.emulator.__main__ import main

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-W", "error", "-m", "destinations.intercom.emulator"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_announces_itself_and_stops_cleanly_on_a_signal(number):
    options = ["--port", "0", "--limit", "5", "--token", "mine", "--search-lag", "1"]
    with subprocess.Popen(
        [*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("Intercom emulator listening on http://127.0.0.1:")
            url = line.split()[-1]
            headers = {"Authorization": "Bearer mine"}
            answer = requests.get(f"{url}/me", headers=headers, timeout=10)
            assert answer.headers["X-RateLimit-Limit"] == "5"
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "", "")


def test_serve_blocks_until_a_signal_and_restores_the_handlers():
    before = signal.getsignal(signal.SIGTERM)
    urls = []

    def ready(url):
        urls.append(url)
        threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()

    serve("127.0.0.1", 0, EmulatorSettings(), ready=ready)
    assert urls[0].startswith("http://127.0.0.1:")
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--nonsense"])
    assert "--nonsense" in capsys.readouterr().err
