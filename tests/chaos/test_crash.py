"""SIGKILL at random moments, then the same command again: as if nothing had happened.

``PENSTOCK_CHAOS_KILLS`` says how often (2 in ``make test``, 10 in ``make chaos``).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.conftest import ROOT, start_run

KILLS = int(os.environ.get("PENSTOCK_CHAOS_KILLS", "2"))


@pytest.mark.integration
def test_a_run_that_was_killed_and_run_again_leaves_what_an_undisturbed_run_leaves(
    emulators: Any, tmp_path: Path
) -> None:
    source = tmp_path / "events.jsonl"
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)
    source.write_bytes(b"".join(lines[: 3000 if KILLS > 2 else 1200]))
    calm, disturbed = emulators(), emulators()

    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    assert start_run(source, undisturbed, calm.url).wait() == 0
    expected = json.loads((undisturbed / "summary.json").read_text())

    dice = random.Random(20)
    work = tmp_path / "disturbed"
    work.mkdir()
    killed = 0
    while killed < KILLS:
        process = start_run(source, work, disturbed.url)
        try:
            # Importing Beam takes the first seconds; the moments lie behind that, in the run.
            process.wait(timeout=dice.uniform(1.5, 1.5 + expected["seconds"]))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        killed += 1
    assert start_run(source, work, disturbed.url).wait() == 0

    assert disturbed.canonical_state() == calm.canonical_state()
    summary = json.loads((work / "summary.json").read_text())
    accounted = summary["delivered"] + sum(
        sum(summary[group].values()) for group in ("skipped", "merged", "dead")
    )
    assert summary["received"] == accounted == expected["received"]
    assert summary["dead"] == expected["dead"]
