"""How much memory and disk a large input takes: a run to the null destination, watched.

    python -m tests.benchmarks.bench_memory --events 10000000

The input is written to a temporary directory (0.65 kB an event, and the spool takes more) and
removed with it. Its people, addresses and companies grow with it: 20,000 people and 2,000 companies
for every 200,000 events. Prints the highest sum of the resident memory of all processes of the run,
the most bytes that lay in its spool, and how long it took; exits 1 above --most.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.events import events
from tests.benchmarks.measure import (
    BUILD,
    ROOT,
    Verdict,
    children,
    keep,
    machine,
    on_this_machine,
)

BLOCK = 200_000
_OWN = ((b'"user-', b'"user-%d-'), (b'"person.', b'"person.%d.'), (b'"ajs-', b'"ajs-%d-'),
        (b'"id":"c', b'"id":"c%d-'), (b'"groupId":"c', b'"groupId":"c%d-'))  # fmt: skip
"""What makes the events of every block its own."""


def write(path: Path, count: int) -> None:
    """An input of so many events."""
    block = list(events(min(count, BLOCK)))
    with path.open("wb") as file:
        for number in range(-(-count // BLOCK)):
            lines = b"\n".join(block[: count - number * BLOCK]) + b"\n"
            for name, own in _OWN:
                lines = lines.replace(name, own % number)
            file.write(lines)


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    found = [pid]
    for parent in found:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except OSError:
            continue
        found.extend(map(int, children))
    return found


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def spooled(folder: Path) -> int:
    """Bytes of the files below a directory."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(root, name).stat().st_size
            except OSError:
                continue
    return total


def watch(process: subprocess.Popen[bytes], folder: Path) -> tuple[int, int]:
    """The most memory and disk that a run takes, until it ends."""
    memory = disk = round_ = 0
    while process.poll() is None:
        memory = max(memory, sum(map(resident, tree(process.pid))))
        if round_ % 40 == 0:
            disk = max(disk, spooled(folder))
        round_ += 1
        time.sleep(0.05)
    return memory, disk


@dataclass(frozen=True, slots=True)
class Watched:
    """A run to the null destination, as it was seen from outside.

    Attributes:
        received, delivered: Events, as the run itself counted them.
        memory, spool: Bytes at most, of all its processes.
        cpu, seconds: Of the processors, and by the clock.
    """

    received: int
    delivered: int
    memory: int
    spool: int
    cpu: float
    seconds: float


def null_run(source: Path, folder: Path, processes: int = 1) -> Watched:
    """Run ``source`` to the null destination, with the spool in ``folder``, and watch it."""
    spool, summary = folder / "spool", folder / "summary.json"
    spool.mkdir(exist_ok=True)
    summary.unlink(missing_ok=True)
    before, began = children(), time.perf_counter()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "pipeline", "run", "--input", str(source), "--quiet",
            "--destination", "null", "--processes", str(processes),
            "--dead-letters", str(folder / "dead"), "--summary", str(summary),
        ],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(spool)},
    )  # fmt: skip
    memory, disk = watch(process, spool)
    seconds = time.perf_counter() - began
    if process.returncode:
        message = f"the run ended with {process.returncode}"
        raise SystemExit(message)
    account: dict[str, Any] = json.loads(summary.read_text())
    return Watched(
        account["received"], account["delivered"], memory, disk, children() - before, seconds
    )


def main() -> int:
    """Write the input, watch the run, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--most", type=float, default=6.0, help="GB of memory")
    parser.add_argument("--out", type=Path, default=BUILD / "memory.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "events.jsonl"
        write(source, options.events)
        size = source.stat().st_size
        run = null_run(source, folder, options.processes)
    print(on_this_machine(machine()))
    print(f"{run.received:,} events, {size / 1e9:.2f} GB, {options.processes} process(es)")
    print(f"delivered {run.delivered:,} in {run.seconds:,.0f} s, {run.cpu:,.0f} s of processor")
    print(f"memory at most {run.memory / 1e9:.2f} GB, spool at most {run.spool / 1e9:.2f} GB")
    verdict = Verdict("GB of memory", run.memory / 1e9, "at most", options.most)
    keep(options.out, {"events": run.received, "bytes": size, **asdict(run)}, [verdict])
    return 0 if verdict.met and run.received == options.events else 1


if __name__ == "__main__":
    sys.exit(main())
