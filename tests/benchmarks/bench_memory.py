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
from pathlib import Path
from typing import Any

from tests.benchmarks.events import events

ROOT = Path(__file__).resolve().parents[2]
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
        if round_ % 10 == 0:
            disk = max(disk, spooled(folder))
        round_ += 1
        time.sleep(0.2)
    return memory, disk


def main() -> int:
    """Write the input, watch the run, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--most", type=float, default=6.0, help="GB of memory")
    parser.add_argument("--out", type=Path, default=Path("build/bench/memory.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, spool, summary = folder / "events.jsonl", folder / "spool", folder / "summary.json"
        spool.mkdir()
        write(source, options.events)
        size = source.stat().st_size
        began = time.perf_counter()
        process = subprocess.Popen(
            [
                sys.executable, "-m", "pipeline", "run", "--input", str(source), "--quiet",
                "--destination", "null", "--processes", str(options.processes),
                "--dead-letters", str(folder / "dead"), "--summary", str(summary),
            ],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(spool)},
        )  # fmt: skip
        memory, disk = watch(process, spool)
        seconds = time.perf_counter() - began
        account: dict[str, Any] = json.loads(summary.read_text())
    met = memory <= options.most * 1e9
    print(f"{account['received']:,} events, {size / 1e9:.2f} GB, {options.processes} process(es)")
    print(f"delivered {account['delivered']:,} in {seconds:,.0f} s, load {os.getloadavg()[0]:.1f}")
    print(f"memory at most {memory / 1e9:.2f} GB, spool at most {disk / 1e9:.2f} GB")
    print(f"{'met   ' if met else 'MISSED'} at most {options.most} GB")
    record = {"events": account["received"], "bytes": size, "memory": memory, "spool": disk}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({**record, "seconds": seconds}, indent=2))
    return 0 if met and account["received"] == options.events else 1


if __name__ == "__main__":
    sys.exit(main())
