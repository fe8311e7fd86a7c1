"""A batch on a real Flink against the same on this machine.

    python -m tests.benchmarks.bench_flink --events 200000

Both take everything as delivered, so that what is measured is reading, checking, mapping and
grouping. Prints events a second and the peak memory of every process of the cluster.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.benchmarks.events import events
from tests.services import flink
from tests.services.flink import ROOT, FlinkCluster

FILES = 16


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--parallelism", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as place:
        directory = Path(place)
        size = write(directory, chosen.events)
        print(f"{chosen.events:,} events in {FILES} files, {size / 1e6:,.0f} MB")
        seconds = run(directory, "local", [])
        print(
            f"this machine, one process: {seconds:.1f} s, {chosen.events / seconds:,.0f} events/s"
        )
        (directory / "flink").mkdir()
        with flink.cluster(directory / "flink", environment={"INTERCOM_ACCESS_TOKEN": "t"}) as made:
            options = [*made.options, f"--parallelism={chosen.parallelism}"]
            peaks: dict[str, int] = {}
            done = threading.Event()
            watcher = threading.Thread(target=watch, args=(peaks, done))
            watcher.start()
            took = run(directory, "flink-run", options)
            done.set()
            watcher.join()
            on_flink = spent_on_flink(made)
            rate = chosen.events / on_flink
            print(f"Flink, parallelism {chosen.parallelism}: {on_flink:.1f} s from start to end")
            print(f"  {rate:,.0f} events/s; {took:.1f} s with compiling and handing over the job")
            for name, peak in sorted(peaks.items()):
                print(f"  {name}: {peak:,} MB at its peak")


def write(directory: Path, count: int) -> int:
    """Write the input; its size in bytes."""
    lines = events(count)
    (directory / "in").mkdir()
    size = 0
    for number in range(FILES):
        share = count // FILES + (number < count % FILES)
        path = directory / "in" / f"{number:02}.jsonl"
        with path.open("wb") as file:
            file.writelines(line.rstrip(b"\n") + b"\n" for line in islice(lines, share))
        size += path.stat().st_size
    return size


def run(directory: Path, name: str, options: list[str]) -> float:
    """Seconds of a run; raises where it does not account for everything."""
    summary = directory / f"{name}.json"
    command = [
        sys.executable, "-m", "pipeline", "run", "--input", str(directory / "in" / "*.jsonl"),
        "--destination", "null", "--dead-letters", str(directory / f"{name}-dead"),
        "--summary", str(summary), "--quiet", *options,
    ]  # fmt: skip
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True)
    took = time.monotonic() - began
    account = json.loads(summary.read_text())
    parts = sum(sum(account[part].values()) for part in ("skipped", "merged", "dead"))
    assert account["received"] == account["delivered"] + parts
    return took


def spent_on_flink(cluster: FlinkCluster) -> float:
    """Seconds that Flink says the job took."""
    (job,) = cluster.ask("/jobs/overview")["jobs"]
    return float(job["duration"]) / 1000


def watch(peaks: dict[str, int], done: threading.Event) -> None:
    """Keep the peaks until it is done: workers are gone by the end of a job."""
    while not done.wait(1.0):
        peaks |= dict(memory())


def memory() -> Iterator[tuple[str, int]]:
    """What every process of the cluster held at its peak, in MB."""
    mine = os.getpid()
    for status in sorted(Path("/proc").glob("[0-9]*/status")):
        try:
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            lines = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
        except OSError:
            continue
        for part, name in (
            ("TaskManagerRunner", "task manager"),
            ("StandaloneSession", "job manager"),
            ("SdkHarness(", "Python worker"),
        ):
            if part in command and is_child(status.parent, mine):
                yield f"{name} {status.parent.name}", int(lines["VmHWM"].split()[0]) // 1024


def is_child(process: Path, of: int) -> bool:
    """Whether a process was started by another, or by one that it started."""
    while process.name not in ("0", "1"):
        if process.name == str(of):
            return True
        stat = (process / "stat").read_text()
        process = process.parent / stat.rpartition(")")[2].split()[1]
    return False


if __name__ == "__main__":
    main()
