"""All benchmarks that need nothing but this machine, and one table of their targets at the end.

    python -m tests.benchmarks.suite

Each is a process of its own, one after the other, so that none warms another up; together they
take some five minutes on two quiet cores. Each writes its JSON into ``--out``. A target that is
missed is told, and is no failure; a benchmark that does not run is one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.measure import BUILD, ROOT, Verdict, kept, machine, on_this_machine

BENCHMARKS: Mapping[str, Sequence[str]] = {
    "throughput": (),
    "local": ("--events", "100000"),
    "startup": (),
    "scaling": (),
    "calls": ("--events", "20000", "--people", "2000"),
}
"""Module tests.benchmarks.bench_NAME -> its options."""
TINY: Mapping[str, Sequence[str]] = {
    "throughput": ("--events", "200", "--quick"),
    "local": ("--events", "200", "--rounds", "1"),
    "startup": ("--rounds", "1"),
    "scaling": ("--events", "100", "200", "--rules", "2", "4", "--schemas", "1", "2",
                "--lines", "50", "--rounds", "1"),
    "calls": ("--events", "200", "--people", "50"),
}  # fmt: skip
"""The same at a size that says nothing about speed, only that they run."""


def ran(name: str, arguments: Sequence[str], out: Path) -> list[Verdict] | None:
    """The verdicts of one benchmark; None where it did not come to its end."""
    file = out / f"{name}.json"
    file.unlink(missing_ok=True)
    print(f"\n== {name}", flush=True)
    began = time.perf_counter()
    module = f"tests.benchmarks.bench_{name}"
    subprocess.run(
        [sys.executable, "-m", module, *arguments, "--out", str(file)], check=False, cwd=ROOT
    )
    print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    return kept(file) if file.exists() else None


def main() -> int:
    """Run them all, then print the table; 1 if one of them did not run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, help="these alone")
    parser.add_argument("--tiny", action="store_true", help="only to see that they run")
    parser.add_argument("--out", type=Path, default=BUILD)
    options = parser.parse_args()
    before, began = machine(), time.perf_counter()
    chosen = TINY if options.tiny else BENCHMARKS
    found = {name: ran(name, chosen[name], options.out) for name in options.only or chosen}
    print(f"\n== targets, {time.perf_counter() - began:.0f} s")
    print(f"before: {on_this_machine(before)}")
    print(f"after:  {on_this_machine(machine())}")
    for name, verdicts in found.items():
        if verdicts is None:
            print(f"FAILED {name} did not run to its end")
        for verdict in verdicts or ():
            print(verdict)
    return 1 if None in found.values() else 0


if __name__ == "__main__":
    sys.exit(main())
