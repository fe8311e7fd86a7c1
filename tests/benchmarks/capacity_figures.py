"""What the capacity page reckons with, measured: CPU an event and a call, calls an event, state.

    python -m tests.benchmarks.capacity_figures --events 50000

Everything runs in this process, with the emulator in another; CPU is ``time.process_time``, so that
what else the machine does counts as little as can be. Prints the table of docs/capacity.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.cli.main import exit_code_of
from tests.benchmarks.events import events


def ran(lines: Iterable[bytes], place: Path, *options: str) -> tuple[float, dict[str, Any]]:
    """CPU seconds of a run of ``lines``, and its account."""
    source, summary = place / "events.jsonl", place / "summary.json"
    source.write_bytes(b"\n".join(lines) + b"\n")
    began = time.process_time()
    code = exit_code_of([
        "run", "--input", str(source), "--quiet", "--summary", str(summary),
        "--dead-letters", str(place / "dead"), *options,
    ])  # fmt: skip
    seconds = time.process_time() - began
    if code:
        sys.exit(f"the run ended with {code}")
    account: dict[str, Any] = json.loads(summary.read_text())
    return seconds, account


def unwanted(line: bytes) -> bytes:
    """The event, for other destinations only."""
    event = json.loads(line)
    event["integrations"] = {"Intercom": False}
    return json.dumps(event).encode()


class Statements:
    """Counts the statements and the rows that go to the state."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        sa.event.listen(sa.engine.Engine, "before_cursor_execute", self._note)

    def _note(self, *call: Any) -> None:
        _, _, statement, parameters, _, many = call
        kind = "reads" if statement.lstrip().upper().startswith("SELECT") else "writes"
        self.seen[kind] += 1
        self.seen["rows " + kind] += len(parameters) if many else 1


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--people", type=int, default=5_000)
    given = parser.parse_args()
    os.environ["INTERCOM_ACCESS_TOKEN"] = "any"
    lines = list(events(given.events, people=given.people))
    emulator = subprocess.Popen(
        [sys.executable, "-m", "destinations.intercom.emulator", "--port", "0", "--limit", "0",
         "--token", "any"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert emulator.stdout is not None
        url = next(word for word in emulator.stdout.readline().split() if "://" in word)
        with tempfile.TemporaryDirectory() as directory:
            measure(lines, url, Path(directory))
    finally:
        emulator.terminate()
        emulator.wait()


def measure(lines: list[bytes], url: str, place: Path) -> None:
    """Run three times: for nobody, to nowhere, to the emulator."""
    null = ("--destination", "null")
    ran(lines[:500], place, *null)
    skipped, _ = ran(map(unwanted, lines), place, *null)
    prepared, _ = ran(lines, place, *null)
    state = place / "state.db"
    statements = Statements()
    sent, account = ran(lines, place, "--endpoint", url, "--state", f"sqlite:///{state}")
    calls = sum(sum(statuses.values()) for statuses in account["calls"].values())
    count = len(lines)
    wanted = count - sum(account["skipped"].values())
    with sa.create_engine(f"sqlite:///{state}").connect() as store:
        kinds = store.execute(
            sa.text(
                "SELECT kind, count(*), avg(length(key) + length(value)) FROM entries GROUP BY 1"
            )
        ).all()
    marks = next((number for kind, number, _ in kinds if kind == "delivered"), 0)
    entries, whole = sum(number for _, number, _ in kinds), state.stat().st_size
    with sqlite3.connect(state) as database:
        database.execute("DELETE FROM entries WHERE kind = 'delivered'")
    database.execute("VACUUM")
    database.close()
    rest = state.stat().st_size
    people = next(number for kind, number, _ in kinds if kind == "contact_fields")
    out = {
        "events": count,
        "bytes an event": round(sum(map(len, lines)) / count),
        "calls an event": round(calls / count, 3),
        "wanted": round(wanted / count, 3),
        "us an unwanted event": round(skipped / count * 1e6, 1),
        "us a wanted event": round((prepared - skipped * (1 - wanted / count)) / wanted * 1e6, 1),
        "us a call": round((sent - prepared) / calls * 1e6, 1),
        "entries": {kind: number for kind, number, _ in kinds},
        "bytes an entry, text": {kind: round(size) for kind, _, size in kinds},
        "entries a person": round((entries - marks) / people, 2),
        "bytes an entry": round(rest / (entries - marks)),
        "bytes a delivered event": round((whole - rest) / marks),
        **{
            f"{name} a 1000 calls": round(n * 1000 / calls, 1)
            for name, n in statements.seen.items()
        },
        "calls": account["calls"],
        "account": {key: account[key] for key in ("delivered", "skipped", "merged", "dead")},
    }
    print(json.dumps(out, indent=2))


if __name__ == "__main__":
    main()
