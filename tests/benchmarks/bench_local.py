"""What a run on this machine costs besides the API, and how much several processes help.

    python -m tests.benchmarks.bench_local --events 200000

Everything is compared with a loop of ``json.loads`` and ``json.dumps`` over the same lines. What
one process does is measured as processor time, with that of a run over a single event taken off;
the rounds of all stages alternate, and the best of each counts. What several processes save is
measured as time by the clock, so that needs a machine with as many idle cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.events import events

ROOT = Path(__file__).resolve().parents[2]
WHOLE, DRY = "whole graph, null destination", "whole graph, dry run"
WHOLE_TARGET, SPEED_UP_TARGET = 0.8, 1.6


def loop(lines: Sequence[bytes]) -> float:
    """Processor seconds of the yardstick."""
    began = time.process_time()
    for line in lines:
        json.dumps(json.loads(line))
    return time.process_time() - began


def run(source: Path, folder: Path, *options: str) -> tuple[float, float]:
    """Processor seconds and clock seconds of a run."""
    before, began = _spent(), time.perf_counter()
    subprocess.run(
        [
            sys.executable, "-m", "pipeline", "run", "--input", str(source), "--quiet",
            "--dead-letters", str(folder / "dead"), *options,
        ],
        check=True,
        cwd=ROOT,
    )  # fmt: skip
    return _spent() - before, time.perf_counter() - began


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Run everything; write JSON beside the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/bench/local.json"))
    options = parser.parse_args()
    lines = list(events(options.events))
    stages = {WHOLE: ("--destination", "null"), DRY: ("--dry-run",)}
    cpu = dict.fromkeys(["json loop", *stages], float("inf"))
    clock = {count: float("inf") for count in (1, options.processes)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, one = folder / "events.jsonl", folder / "one.jsonl"
        source.write_bytes(b"\n".join(lines))
        one.write_bytes(lines[0])
        for _ in range(options.rounds):
            cpu["json loop"] = min(cpu["json loop"], loop(lines))
            for stage, flags in stages.items():
                start = run(one, folder, *flags)[0]
                cpu[stage] = min(cpu[stage], run(source, folder, *flags)[0] - start)
            for count in clock:
                flags = ("--destination", "null", "--processes", str(count))
                clock[count] = min(clock[count], run(source, folder, *flags)[1])
    return report(cpu, clock, len(lines), options.out)


def report(cpu: dict[str, float], clock: dict[int, float], count: int, out: Path) -> int:
    """Print the table and the verdicts, and write both."""
    print(f"{count:,} events, Python {platform.python_version()}, ", end="")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for stage, spent in cpu.items():
        ratio = cpu["json loop"] / spent
        print(f"{stage:32} {spent / count * 1e6:8.2f} us/event {ratio:6.2f} of the json loop")
    one, several = min(clock), max(clock)
    verdicts: list[dict[str, Any]] = []
    for stage, found, target in (
        (WHOLE, cpu["json loop"] / cpu[WHOLE], WHOLE_TARGET),
        (f"{several} processes to {one}", clock[one] / clock[several], SPEED_UP_TARGET),
    ):
        met = found >= target
        verdicts.append({"stage": stage, "ratio": round(found, 3), "target": target, "met": met})
        print(f"{'met   ' if met else 'MISSED'} {stage}: {found:.2f}, at least {target}")
    out.parent.mkdir(parents=True, exist_ok=True)
    record = {"events": count, "cpu": cpu, "clock": clock, "verdicts": verdicts}
    out.write_text(json.dumps(record, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
