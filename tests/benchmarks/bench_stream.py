"""What a stream costs on one machine: ``python -m tests.benchmarks.bench_stream``.

The fixed cost of a micro-batch, throughput by its size, and memory over many of them. Nothing is
sent. CPU seconds of this process, because others may share the machine; all of it is one thread's
work at a time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from pipeline.flow.hold_back import HoldBack
from pipeline.flow.peeking import peek
from pipeline.run.config import RunConfig
from pipeline.run.job import check
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file
from pipeline.run.micro_graph import MicroGraph
from pipeline.run.wiring import Edges, settings
from pipeline.sources.record import Record
from pipeline.state.bounded import BoundedState
from pipeline.transforms.lasting import Keeper
from tests.benchmarks.events import events

SIZES = (0, 100, 500, 2_000, 10_000)


def rss() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def open_graph(stack: ExitStack, *, discards: bool) -> MicroGraph:
    """A graph that sends nothing."""
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    job = check(RunConfig(inputs=("-",), dry_run=True, discards=discards), plan)
    memory = BoundedState()
    edges = Edges(open_memory=lambda stack: memory)
    prepare, admit, deliver = settings(job, edges, now=0, scope="")
    return MicroGraph(
        job.options,
        stack.enter_context(Keeper()),
        prepare=prepare,
        admit=admit,
        deliver=deliver,
        dead_letters=stack.enter_context(tempfile.TemporaryDirectory()),
        run_id="bench",
    )


def batches(lines: Iterator[bytes], size: int) -> Iterator[list[Record]]:
    """Micro-batches of the lines, for ever."""
    place = itertools.count()
    while True:
        taken = list(itertools.islice(lines, size))
        yield [Record(line, "bench", "p", n := next(place), n + 1, 0) for line in taken]


def run_batches(graph: MicroGraph, lines: Iterator[bytes], size: int, runs: int) -> float:
    """Median CPU seconds of a micro-batch."""
    took = []
    for records in itertools.islice(batches(lines, size), runs):
        began = time.process_time()
        graph.run(records)
        took.append(time.process_time() - began)
    return statistics.median(took)


def hold_back(lines: list[bytes]) -> float:
    """CPU seconds an event costs to peek at, hold and release."""
    held: HoldBack[bytes] = HoldBack()
    began = time.process_time()
    for number, line in enumerate(lines):
        now = 1_700_000_000_000_000 + number * 100
        seen = peek(line)
        if seen is not None:
            held.add(line, seen, now=now, size=len(line))
        if number % 500 == 0:
            held.release(now)
    held.drain()
    return (time.process_time() - began) / len(lines)


def main() -> None:
    """Measure, print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="micro-batches of each size")
    parser.add_argument("--flat", type=int, default=300, help="micro-batches to watch memory over")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    found: dict[str, object] = {}
    lines = itertools.cycle(list(events(50_000)))
    for discards in (True, False):
        with ExitStack() as stack:
            graph = open_graph(stack, discards=discards)
            graph.run([])
            name = "null destination" if discards else "dry run"
            for size in SIZES:
                seconds = run_batches(graph, lines, size, chosen.runs)
                found[f"{name}, {size} a batch"] = round(seconds, 4)
                rate = f"{size / seconds:>10,.0f} events/s" if size else ""
                print(f"{name:18} {size:>6,} a batch {seconds * 1000:>8.0f} ms CPU {rate}")
    held = hold_back([next(lines) for _ in range(50_000)])
    found["hold-back, s/event"] = held
    print(f"hold-back          {held * 1e6:.1f} us CPU an event")
    with ExitStack() as stack:
        graph = open_graph(stack, discards=False)
        source = batches(lines, 200)
        sizes = []
        for number in range(chosen.flat):
            graph.run(next(source))
            if number % max(1, chosen.flat // 10) == 0:
                sizes.append(round(rss(), 1))
        sizes.append(round(rss(), 1))
    found["RSS over time, MB"] = sizes
    print(f"RSS over {chosen.flat} micro-batches of 200, MB: {sizes}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
