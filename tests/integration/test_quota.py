"""Real processes at the emulator's real windows of ten seconds. The long form is the benchmark."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [
    sys.executable, "-m", "tests.benchmarks.bench_quota", "--json", "--limit", "100",
    "--threads", "8", "--windows", "3", "--last", "4",
]  # fmt: skip


@pytest.fixture(scope="module")
def measured():
    """Three windows of everything at the same time, because windows take their time."""
    wanted = {
        "one": ["--processes", "1"],
        "two": ["--processes", "2"],
        "half": ["--processes", "2", "--share", "0.5"],
    }
    running = {
        name: subprocess.Popen([*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for name, options in wanted.items()
    }
    return {name: json.loads(process.communicate()[0]) for name, process in running.items()}


@pytest.mark.integration
def test_one_process_uses_the_window_and_is_never_refused(measured):
    assert min(measured["one"]["used"]) >= 0.95
    assert measured["one"]["refused"] == 0


@pytest.mark.integration
def test_two_processes_that_share_a_store_use_the_window_together(measured):
    assert min(measured["two"]["used"]) >= 0.9
    assert measured["two"]["refused"] <= 0.005 * measured["two"]["calls"]


@pytest.mark.integration
def test_two_processes_keep_to_a_share_together(measured):
    assert all(0.45 <= used <= 0.5 for used in measured["half"]["used"])
    assert measured["half"]["refused"] == 0
