"""One of several processes: what it says of work that it cannot do."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pipeline.run.child import LENGTH_BYTES

ROOT = Path(__file__).resolve().parents[3]


def answers(*messages: bytes) -> list[dict[str, object]]:
    """What a process says that is given these messages and no more."""
    sent = b"".join(len(one).to_bytes(LENGTH_BYTES, "big") + one for one in messages)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.run.child"], input=sent, cwd=ROOT, capture_output=True,
        timeout=60, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.integration
def test_a_message_that_cannot_be_read_is_a_failure_and_no_silence() -> None:
    unreadable = pickle.dumps(("work", Counter())).replace(b"collections", b"collektions")
    (said,) = answers(unreadable)
    assert said["failed"] == [
        "ProcessFailed", "a process of the run failed: No module named 'collektions'",
    ]  # fmt: skip


@pytest.mark.integration
def test_a_process_with_nothing_to_do_ends() -> None:
    assert answers() == []
