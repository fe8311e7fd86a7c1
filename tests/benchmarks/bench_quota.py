"""How much of the API's rate is used, and how many calls are refused, by processes that share it.

    python -m tests.benchmarks.bench_quota --limit 1667 --latency-ms 100 --processes 1 2 4

Every process calls the emulator over HTTP from several threads, as fast as its pacer lets it,
through the same driver as a run. The first window is left out where it is not whole. Prints a line
for each number of processes; exits 1 where a line misses the target: one process uses at least
95 % and is never refused, more of them use at least 90 % and are refused at most 0.5 % of calls.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from destinations.intercom.answers import judge
from destinations.intercom.connection import TOKEN_VARIABLE, endpoint
from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.flow.drive import Driver
from pipeline.flow.pacing import Pacer
from pipeline.model.exchange import Verdict
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person, Response
from pipeline.state.store import StateStore
from pipeline.state.windows import SharedWindows

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 10
ANY = Operation("any", Person("u"), 0, {})


class OneCall:
    """A destination whose every operation is one cheap call."""

    def deliver(self, operation: Operation, memory: Any) -> Iterator[Any]:
        yield Call("GET", "/me")
        return DELIVERED

    def judge(self, response: Response) -> Verdict:
        return judge(response)

    def template(self, call: Call) -> str:
        return call.path


class Over(Exception):
    """The time is over."""


def work(url: str, state: str | None, *, threads: int, until: float, share: float) -> None:
    """Call until the time is over; this is one of the processes."""

    def sleep(seconds: float) -> None:
        left = until - time.time()
        if left <= 0:
            raise Over
        time.sleep(min(seconds, left))

    windows = SharedWindows(StateStore.open(state), "bench") if state else None
    with endpoint(base_url=url, concurrency=threads).open() as transport:
        pacer = Pacer(share=share, windows=windows, sleep=sleep)
        driver = Driver(OneCall(), transport.send, pacer, sleep=sleep)

        def call() -> None:
            try:
                while time.time() < until:
                    outcome: Outcome = driver.run(ANY, None)
                    assert outcome is DELIVERED, outcome
            except Over:
                pass

        workers = [threading.Thread(target=call) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def measure(
    processes: int,
    *,
    limit: int,
    latency_ms: float,
    windows: int,
    threads: int,
    share: float = 1.0,
    state: str | None = None,
    others: int = 0,
    last: float = WINDOW,
) -> dict[str, Any]:
    """Let so many processes call for so many windows, ``last`` seconds of the last one.

    They share the store at ``state``, by default a new SQLite file; with "" they share none.
    """
    begin = math.ceil(time.time() + 2.5)
    until = begin + (windows - 1) * WINDOW + last
    settings = EmulatorSettings(
        token=None,
        limit=limit,
        latency_ms=latency_ms,
        window_phase_s=begin % WINDOW,
        other_apps_per_window=others,
    )
    with Emulator(settings=settings) as emulator, tempfile.TemporaryDirectory() as folder:
        state = f"sqlite:///{folder}/state.db" if state is None else state
        command = [
            sys.executable, "-m", "tests.benchmarks.bench_quota", "--work", emulator.url,
            "--state", state, "--threads", str(threads), "--share", str(share),
            "--begin", str(begin), "--until", str(until),
        ]  # fmt: skip
        environment = {**os.environ, TOKEN_VARIABLE: "any"}
        running = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(processes)]
        codes = [process.wait() for process in running]
        entries = emulator.requests
    if any(codes):
        raise SystemExit(f"a process failed: {codes}")
    taken = [int((entry["time"] - begin) // WINDOW) for entry in entries if entry["status"] == 200]
    by_window = Counter(taken)
    refused = sum(entry["status"] == 429 for entry in entries)
    return {
        "processes": processes,
        "used": [round(by_window[number] / limit, 4) for number in range(windows)],
        "refused": refused,
        "calls": len(entries),
    }


def shown(result: dict[str, Any]) -> str:
    used = result["used"]
    mean, least = sum(used) / len(used), min(used)
    refused = result["refused"] / result["calls"]
    return (
        f"{result['processes']} processes: {mean:7.2%} used (least {least:.2%}), "
        f"{refused:.3%} refused ({result['refused']} of {result['calls']:,} calls)"
    )


def good(result: dict[str, Any], share: float) -> bool:
    used = sum(result["used"]) / len(result["used"]) / share
    if result["processes"] == 1:
        return used >= 0.95 and not result["refused"]
    return used >= 0.9 and result["refused"] <= 0.005 * result["calls"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=int, default=1667, help="calls in ten seconds")
    parser.add_argument("--latency-ms", type=float, default=100)
    parser.add_argument("--windows", type=int, default=6)
    parser.add_argument("--threads", type=int, default=24, help="of each process")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--others", type=int, default=0, help="calls of other apps in a window")
    parser.add_argument(
        "--state", metavar="URL", help='the store to share [a new SQLite file]; "" for none'
    )
    parser.add_argument("--last", type=float, default=WINDOW, help="seconds of the last window")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--begin", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.work:
        time.sleep(max(0.0, chosen.begin + 0.1 - time.time()))
        work(
            chosen.work,
            chosen.state or None,
            threads=chosen.threads,
            until=chosen.until,
            share=chosen.share,
        )
        return 0
    fine = True
    for processes in chosen.processes:
        result = measure(
            processes,
            limit=chosen.limit,
            latency_ms=chosen.latency_ms,
            windows=chosen.windows,
            threads=chosen.threads,
            share=chosen.share,
            state=chosen.state,
            others=chosen.others,
            last=chosen.last,
        )
        print(json.dumps(result) if chosen.json else shown(result), flush=True)
        fine = fine and good(result, chosen.share)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
