"""The demo: an emulated Intercom, the example events, the pipeline, and an independent look.

Run by ``make demo``. Everything stays on this machine and is put under .demo/.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".demo"


def main() -> int:
    """Run the demo; the exit code of the pipeline, or 1 if the look finds calls out of order."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    emulator = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "emulate", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert emulator.stdout is not None
        url = emulator.stdout.readline().split()[-1]
        print(f"An emulated Intercom listens on {url}\n")
        code = run(url)
        return code or look(url)
    finally:
        emulator.terminate()
        emulator.wait(timeout=10)


def run(url: str) -> int:
    """Send the example events to the emulator."""
    command = [
        "run",
        "--input", str(HERE / "events.jsonl"),
        "--endpoint", url,
        "--state", f"sqlite:///{WORK / 'state.db'}",
        "--dead-letters", str(WORK / "dead-letters"),
        "--summary", str(WORK / "summary.json"),
    ]  # fmt: skip
    print("penstock " + " ".join(command), "\n")
    environment = {"INTERCOM_ACCESS_TOKEN": "demo", **os.environ}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *command], env=environment, check=False
    ).returncode


def look(url: str) -> int:
    """Check in the emulator's own log that every person's events came in order."""
    with urllib.request.urlopen(f"{url}/_emulator/requests") as answer:
        requests = json.load(answer)["requests"]
    times: dict[str, list[int]] = {}
    for request in requests:
        if request["path"] == "/events" and request["status"] == 202:
            times.setdefault(request["contact_id"], []).append(request["body"]["created_at"])
    wrong = [who for who, moments in times.items() if any(a > b for a, b in pairwise(moments))]
    print(f"\nThe emulator logged {len(requests):,} requests; events of {len(times):,} people,")
    print(f"{'each in order' if not wrong else f'OUT OF ORDER for {len(wrong)}: {wrong[:5]}'}.")
    print(f"Look around in {WORK}: summary.json, dead-letters/, state.db")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
