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
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.events import events
from tests.benchmarks.measure import BUILD, Verdict, command, keep, machine, on_this_machine

WHOLE, DRY = "whole graph, null destination", "whole graph, dry run"


def loop(lines: Sequence[bytes]) -> float:
    """Processor seconds of the yardstick."""
    began = time.process_time()
    for line in lines:
        json.dumps(json.loads(line))
    return time.process_time() - began


def run(source: Path, folder: Path, *options: str) -> tuple[float, float]:
    """Processor seconds and clock seconds of a run."""
    return command(
        [
            sys.executable, "-m", "pipeline", "run", "--input", str(source), "--quiet",
            "--dead-letters", str(folder / "dead"), *options,
        ]
    )  # fmt: skip


def main() -> None:
    """Run everything; write JSON beside the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=BUILD / "local.json")
    options = parser.parse_args()
    print(on_this_machine(machine()))
    lines = list(events(options.events))
    null = ("--destination", "null")
    cpu = dict.fromkeys(["json loop", WHOLE, DRY], float("inf"))
    one, several = float("inf"), float("inf")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, single = folder / "events.jsonl", folder / "one.jsonl"
        source.write_bytes(b"\n".join(lines))
        single.write_bytes(lines[0])
        for _ in range(options.rounds):
            cpu["json loop"] = min(cpu["json loop"], loop(lines))
            spent, clock = run(source, folder, *null)
            cpu[WHOLE] = min(cpu[WHOLE], spent - run(single, folder, *null)[0])
            one = min(one, clock)
            start = run(single, folder, "--dry-run")[0]
            cpu[DRY] = min(cpu[DRY], run(source, folder, "--dry-run")[0] - start)
            many = (*null, "--processes", str(options.processes))
            several = min(several, run(source, folder, *many)[1])
    for stage, seconds in cpu.items():
        ratio = cpu["json loop"] / seconds
        print(f"{stage:32} {seconds / len(lines) * 1e6:8.2f} us/event {ratio:6.2f} of the loop")
    print(f"by the clock: one process {one:.1f} s, {options.processes} processes {several:.1f} s")
    record = {"events": len(lines), "cpu": cpu, "clock": {"1": one, options.processes: several}}
    verdicts = [
        Verdict(f"{WHOLE}, to the json loop", cpu["json loop"] / cpu[WHOLE], "at least", 0.8),
        Verdict(f"{options.processes} processes, to one", one / several, "at least", 1.6),
    ]
    keep(options.out, record, verdicts)


if __name__ == "__main__":
    main()
