"""What a state store carries: lookups and writes, in an SQLite file and in PostgreSQL.

    python -m tests.benchmarks.bench_state

PostgreSQL is a server of our own on 127.0.0.1 that waits for the disk, as one in earnest does.
Ratios within one run are the result; the last column compares with the 167 calls a second that the
API of one workspace takes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.state.store import StateStore
from tests.services.postgres import postgres

OUT = Path(__file__).resolve().parents[2] / "build" / "bench" / "state.json"
CALLS_A_SECOND = 10_000 / 60
BATCH = 500


def per_second(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def key(number: int) -> str:
    return f"u:{number:012d}"


def measured(url: str, entries: int, threads: int) -> dict[str, float]:
    """Operations a second."""
    with StateStore.open(url) as store:
        rows = [("contact_fields", key(number), "digest:" * 12) for number in range(entries)]

        def write() -> None:
            for start in range(0, entries, BATCH):
                store.put_many("s", rows[start : start + BATCH])

        def look_up(part: int, parts: int, count: int) -> None:
            for number in range(part, count, parts):
                assert store.get("s", "contact_fields", key(number * 7 % entries)) is not None

        def look_up_many() -> None:
            for start in range(0, entries, 100):
                keys = [key(number) for number in range(start, start + 100)]
                assert len(store.get_many("s", "contact_fields", keys)) == 100

        def together() -> None:
            working = [
                threading.Thread(target=look_up, args=(part, threads, lookups))
                for part in range(threads)
            ]
            for thread in working:
                thread.start()
            for thread in working:
                thread.join()

        def lease() -> None:
            for _ in range(leases):
                store.update("s", ("rate_window",), lambda rows: {("rate_window", "1"): "[1]"})

        lookups, leases = entries // 5, 300
        return {
            "new entries, 500 a transaction": per_second(entries, write),
            "entries written again": per_second(entries, write),
            "lookups one by one": per_second(lookups, lambda: look_up(0, 1, lookups)),
            f"lookups one by one, {threads} threads": per_second(lookups, together),
            "lookups, 100 at once": per_second(entries, look_up_many),
            "leases of the rate (locked updates)": per_second(leases, lease),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=24)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        lite = measured(f"sqlite:///{folder}/state.db", chosen.entries, chosen.threads)
        shared = measured(server.database(), chosen.entries, chosen.threads)
    print(f"{'a second':40} {'SQLite':>10} {'PostgreSQL':>11} {'ratio':>6} {'x one API':>10}")
    for name, rate in lite.items():
        other = shared[name]
        ratio, times = other / rate, other / CALLS_A_SECOND
        print(f"{name:40} {rate:10,.0f} {other:11,.0f} {ratio:6.2f} {times:10,.0f}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"sqlite": lite, "postgresql": shared}, indent=2) + "\n")


if __name__ == "__main__":
    main()
